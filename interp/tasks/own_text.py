"""Which roles has a question that someone types? Numbers are a, b, c ..., signs between them op1, op2 ..., = is eq.

"12+34="   ->   a = 12, op1 = +, b = 34, eq = "="          words and all other signs are filler, w1, w2, ...
"""

from __future__ import annotations

import re
from typing import Any

from interp.errors import InterpError
from interp.tasks.encoding import Item
from interp.tasks.long_prompts import LongPrompts, encode_long

NUMBERS = "abcdefgh"


def question_of(text: str, answer: str = "") -> Item:
    """Return `text` as a question with the spans of its roles; numbers after the eighth are filler."""
    spans: dict[str, tuple[int, int]] = {}
    for name, found in zip(NUMBERS, re.finditer(r"\d+", text), strict=False):
        spans[name] = found.span()
    for i, found in enumerate(re.finditer(r"(?<=\d)\s*([-+*/])\s*(?=\d)", text), start=1):
        spans[f"op{i}"] = found.span(1)
    if "=" in text:
        spans["eq"] = (text.rindex("="), text.rindex("=") + 1)
    return Item(text, spans, answer)


def typed(tokenizer: Any, text: str) -> LongPrompts:
    """Return one typed question as prompts whose answer is not known. Raises InterpError as `encode_long`."""
    if not text.strip():
        raise InterpError('the prompt is empty; write a question such as "12+34=".')
    ((_, found),) = encode_long(tokenizer, [question_of(text)])
    return found
