"""Which numbers can a tokenizer say in one token? A profile decides which tasks a model can take.

    bare:   "46"  after nothing            spaced: " 46"  after a space
    space = fused    " 46" is one token of its own (GPT-2, Pythia)
            separate " 46" is a space token, then "46" (Llama 3, Qwen)
            dropped  " 46" is the same token as "46" (the shipped word-level models)

`bare_below` = the smallest n for which not every integer in 0..n-1 is one token, so tasks with operands and
answers in 0..n-1 are safe. Equal token *counts* are not enough to align two prompts: `segmentation` gives the
digits of each piece. Coverage facts for real vocabularies: specs, tasks section 16.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from interp.errors import InterpError
from interp.tasks.task import Task


class TokenizerProfile(NamedTuple):
    """What a tokenizer does to integers 0..`checked` - 1."""

    bare_below: int
    spaced_below: int
    space: str
    bos: bool
    checked: int


def profile(tokenizer: Any, limit: int = 1000) -> TokenizerProfile:
    """Return the profile of a fast Hugging Face tokenizer over integers 0..limit-1."""
    bare = _pieces(tokenizer, [str(n) for n in range(limit)])
    spaced = _pieces(tokenizer, [f" {n}" for n in range(limit)])
    kind = "fused" if spaced[7] == [" 7"] else "dropped" if spaced[7] == ["7"] else "separate"
    whole = [pieces == [str(n)] for n, pieces in enumerate(bare)]
    whole_spaced = [[p.strip() for p in pieces] == [str(n)] for n, pieces in enumerate(spaced)]
    return TokenizerProfile(
        _first_gap(whole), _first_gap(whole_spaced), kind, tokenizer.bos_token_id is not None, limit
    )


def segmentation(tokenizer: Any, number: int, spaced: bool = False) -> tuple[str, ...]:
    """Return the digits of each token of `number`: ("333", "3") for 3333 in Llama 3. A bare space is left out."""
    pieces = _pieces(tokenizer, [f" {number}" if spaced else str(number)])[0]
    return tuple(piece.strip() for piece in pieces if piece.strip())


def check_task(task: Task, tokenizer: Any) -> None:
    """Raise InterpError unless every operand and every answer of `task` can be one token."""
    seen = profile(tokenizer)
    safe = seen.bare_below if seen.space != "fused" else min(seen.bare_below, seen.spaced_below)
    top = max(int(task.steps(task.space())["result"].max()), *(high for _, _, high in task.ranges))
    if top >= safe:
        raise InterpError(
            f"task {task.name!r} needs integers up to {top} as single tokens, this tokenizer has 0..{safe - 1}; "
            f"narrow the operands, e.g. {task.name}@0..{max(safe // 4, 1)}, or choose another model."
        )


def _pieces(tokenizer: Any, texts: list[str]) -> list[list[str]]:
    """Each text cut at its token boundaries; unknown tokens give "?" so that they never look whole."""
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    pieces = []
    for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        known = [i != tokenizer.unk_token_id or i == tokenizer.bos_token_id for i in ids]
        pieces.append([text[s:e] if ok else "?" for (s, e), ok in zip(offsets, known, strict=True)])
    return pieces


def _first_gap(whole: list[bool]) -> int:
    return whole.index(False) if False in whole else len(whole)
