"""Which numbers can a tokenizer say in one token? A profile decides which tasks a model can take.

    bare:   "46"  after nothing            spaced: " 46"  after a space
    space = fused    " 46" is one token of its own (GPT-2, Pythia)
            separate " 46" is a space token, then "46" (Llama 3, Qwen)
            dropped  " 46" is the same token as "46" (the shipped word-level models)

`bare_below` = the largest n for which all of 0..n-1 are one token; vocabularies made by merging have more of them
above such a gap, so `single_tokens` and `check_task` look at each integer. Equal token *counts* are not enough to
align two prompts: `segmentation` gives the digits of each piece. Coverage facts for real vocabularies: specs,
tasks section 16.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from interp.errors import InterpError
from interp.tasks.encoding import apart
from interp.tasks.task import TASKS, Task


class TokenizerProfile(NamedTuple):
    """What a tokenizer does to integers 0..`checked` - 1."""

    bare_below: int
    spaced_below: int
    space: str
    bos: bool
    checked: int


def profile(tokenizer: Any, limit: int = 1000) -> TokenizerProfile:
    """Return the profile of a fast Hugging Face tokenizer over integers 0..limit-1 (limit >= 1)."""
    bare, spaced = (single_tokens(tokenizer, range(limit), spaced) for spaced in (False, True))
    return TokenizerProfile(
        _first_gap(bare), _first_gap(spaced), space_of(tokenizer), tokenizer.bos_token_id is not None, limit
    )


def space_of(tokenizer: Any) -> str:
    """Return what becomes of the space before a number: fused, separate or dropped. Offsets may hide it: ids tell."""
    bare, spaced = tokenizer(["7", " 7"], add_special_tokens=False)["input_ids"]
    if spaced == bare:
        return "dropped"
    return "fused" if len(spaced) == 1 else "separate"


def single_tokens(tokenizer: Any, numbers: Iterable[int], spaced: bool = False) -> np.ndarray:
    """Return which of `numbers` are one token, alone or (spaced) together with a space before: bool [number]."""
    written = [str(n) for n in numbers]
    pieces = _pieces(tokenizer, [" " + n if spaced else n for n in written])
    return np.array([[p.strip() for p in found] == [n] for found, n in zip(pieces, written, strict=True)], dtype=bool)


def segmentation(tokenizer: Any, number: int, spaced: bool = False) -> tuple[str, ...]:
    """Return the digits of each token of `number`: ("333", "3") for 3333 in Llama 3. A bare space is left out."""
    pieces = _pieces(tokenizer, [f" {number}" if spaced else str(number)])[0]
    return tuple(piece.strip() for piece in pieces if piece.strip())


def check_task(task: Task, tokenizer: Any) -> None:
    """Raise InterpError unless every operand and every answer of `task` is one token.

    Where the tokenizer fuses spaces, also with a space before: the styles with words need that.
    """
    space = task.space()
    if not len(space):
        raise InterpError(f"task {task.name!r} has no operands for which every step is >= 0; widen its ranges.")
    needed = np.unique(np.concatenate([space.reshape(-1), task.steps(space)["result"]])).tolist()
    for spaced in (False, True)[: 1 + (space_of(tokenizer) == "fused")]:
        whole = single_tokens(tokenizer, needed, spaced)
        if not whole.all():
            number = needed[_first_gap(whole)]
            cut = segmentation(tokenizer, number, spaced)
            seen = "unknown" if "?" in cut else f"{len(cut)} tokens ({'|'.join(cut)})"
            raise InterpError(
                f"task {task.name!r} needs integers up to {needed[-1]} as single tokens, but to this tokenizer {number}"
                f"{' after a space' * spaced} is {seen}; {_advice(task, tokenizer, spaced)}"
            )


def _advice(task: Task, tokenizer: Any, spaced: bool) -> str:
    """The widest range from 0 that this tokenizer can take, where there is one worth asking for."""
    safe = _first_gap(single_tokens(tokenizer, range(1000), spaced))
    base = task.name.partition("@")[0]
    fitting = [high for high in range(1, safe) if max(top for _, top in task.within(0, high).bounds.values()) < safe]
    if base not in TASKS or not fitting:
        return (
            f"it has 0..{safe - 1}: narrow the operands or choose another model." if safe else "choose another model."
        )
    return f"narrow the operands, e.g. {base}@0..{fitting[-1]}, or choose another model."


def _pieces(tokenizer: Any, texts: list[str]) -> list[list[str]]:
    """Each text cut at its token boundaries; unknown tokens give "?" so that they never look whole.

    A space that the tokenizer puts in front of every text (Llama 2) is no piece of it.
    """
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    pieces = []
    for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        known = [i != tokenizer.unk_token_id or i == tokenizer.bos_token_id for i in ids]
        found = [text[s:e] if ok else "?" for (s, e), ok in zip(apart(offsets), known, strict=True)]
        pieces.append([piece for piece in found if piece])
    return pieces


def _first_gap(whole: np.ndarray) -> int:
    return len(whole) if whole.all() else int(whole.argmin())
