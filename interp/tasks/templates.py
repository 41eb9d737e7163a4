"""How a question is worded: six styles, as text with named places.

A template is text with two kinds of place: `{a}` is an operand, `[op1:plus]` is literal text that plays a role.
Everything else is filler; its tokens become w1, w2, ... in order. `answer_prefix` is the space that belongs
between prompt and answer: it is part of the wording, not of the answer, and the tokenizer decides on which side
of the last token it lands (`interp.tasks.prompts`).

    parse("{a}[op1:+]{b}[eq:=]")  ->  a, op1 "+", b, eq "="
"""

from __future__ import annotations

import re
from typing import NamedTuple

from interp.errors import InterpError, nearest

STYLES = ("plain", "verbal", "question", "instruction", "word_problem", "python")
PLACE = re.compile(r"\{([a-z])\}|\[([a-z][a-z0-9_]*):([^\]]+)\]")
RESERVED = re.compile(r"bos|last|all|answer|result|w\d+")
"""Roles and names with a meaning of their own: the first token, the final position, every position, what is asked,
and filler."""


class Segment(NamedTuple):
    """A stretch of a template: literal `text`, or an operand when `text` is None; `role` is None for filler."""

    role: str | None
    text: str | None


class Template(NamedTuple):
    """The segments of a wording and the text that stands between the prompt and its answer ("" or " ")."""

    segments: tuple[Segment, ...]
    answer_prefix: str

    @property
    def operands(self) -> tuple[str, ...]:
        return tuple(s.role for s in self.segments if s.text is None and s.role)

    def fill(self, values: dict[str, int]) -> tuple[str, dict[str, tuple[int, int]]]:
        """Return the prompt and {role: (start, end)} character spans."""
        text, spans = "", {}
        for segment in self.segments:
            piece = str(values[segment.role]) if segment.text is None and segment.role else segment.text or ""
            if segment.role:
                spans[segment.role] = (len(text), len(text) + len(piece))
            text += piece
        return text, spans


def check_role(role: str) -> None:
    """Raise InterpError for a role that no place of a prompt can have."""
    if not role or RESERVED.fullmatch(role):
        raise InterpError(
            f"role {role!r} cannot be given to a place: bos, last, all, answer, result, w1, ... are taken."
        )


def parse(text: str, answer_prefix: str) -> Template:
    """Return the Template of `text`.

    Raises InterpError for a role that is reserved or used twice, no operand, a stray bracket, or a prefix that is
    neither "" nor " ".
    """
    segments, end = [], 0
    for match in PLACE.finditer(text):
        segments.append(Segment(None, text[end : match.start()]))
        operand, role, literal = match.groups()
        segments.append(Segment(operand, None) if operand else Segment(role, literal))
        end = match.end()
    segments.append(Segment(None, text[end:]))
    segments = [s for s in segments if s.text != ""]
    roles = [s.role for s in segments if s.role]
    stray = [s.text for s in segments if s.text and not s.role and re.search(r"[][{}]", s.text)]
    if stray:
        raise InterpError(f"template {text!r}: {stray[0]!r} holds a stray bracket; places are {{a}} and [role:text].")
    for role in roles:
        check_role(role)
    if not any(s.text is None for s in segments):
        raise InterpError(f"template {text!r} has no operand; write operands as {{a}}, {{b}}.")
    if len(set(roles)) != len(roles):
        raise InterpError(f"template {text!r} uses a role twice ({', '.join(roles)}); give each place its own role.")
    if answer_prefix not in ("", " "):
        raise InterpError(f"answer_prefix must be '' or ' ', not {answer_prefix!r}.")
    return Template(tuple(segments), answer_prefix)


WORDS = {"+": ("plus", "add", "finds"), "-": ("minus", "subtract", "loses")}


def arithmetic_template(style: str, operators: tuple[str, ...]) -> Template:
    """Return the wording of `style` for a chain a op1 b [op2 c] of + and -. Raises InterpError for a new style."""
    if style not in STYLES:
        raise InterpError(f"unknown style {style!r}. {nearest(style, STYLES)}")
    rest = [(name, f"op{i + 1}", op) for i, (name, op) in enumerate(zip("bcdefgh", operators, strict=False))]

    def join(pattern: str, column: int | None = None) -> str:
        return "".join(
            pattern.format(x=f"{{{name}}}", op=f"[{role}:{op if column is None else WORDS[op][column]}]")
            for name, role, op in rest
        )

    names = "xyzuvwst"
    lines = "".join(f"{names[i + 1]} = {{{name}}}\n" for i, (name, _, _) in enumerate(rest))
    total = "x" + "".join(f" [{role}:{op}] {names[i + 1]}" for i, (_, role, op) in enumerate(rest))
    wordings = {
        "plain": "{a}" + join("{op}{x}") + "[eq:=]",
        "verbal": "{a}" + join(" {op} {x}", 0) + " equals",
        "question": "How much is {a}" + join(" {op} {x}", 0) + "? Answer:",
        "instruction": "Start from {a}" + join(", then {op} {x}", 1) + ", and you reach",
        "word_problem": "Mia has {a} shells." + join(" She {op} {x}.", 2) + " Now she has",
        "python": "x = {a}\n" + lines + f"print({total}) #",
    }
    return parse(wordings[style], answer_prefix="" if style == "plain" else " ")
