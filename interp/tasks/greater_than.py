"""Which years can end what began in YY? A task with many right answers, and a second domain for circuits.

    "The war lasted from the year 1743 to the year 17"  ->  any two digits above 43      corrupted: 43 -> 01

Years are written as two tokens of two digits. Roles: bos, noun, century, yy and fillers; `century2` is the last token.
`answers` holds the smallest right one, YY + 1, for what needs one answer; the measures of `interp.methods.greater_than`
use them all. Of the seven centuries of each YY one is the test split, one the selection split and five are trained on:
a noun says nothing about the answer and is in every split.   Hanna, Liu & Variengien (2023), arXiv:2305.00586.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from interp.errors import InterpError, nearest
from interp.tasks.encoding import Item
from interp.tasks.placed import drawn
from interp.tasks.prompts import Prompts, encode
from interp.tasks.twins import Twins

NAMED = """
war siege truce strike trial reign feud drought famine plague fever march parade festival carnival fair voyage
cruise journey trek pilgrimage crusade campaign battle raid revolt rebellion uprising mutiny riot protest boycott
embargo blockade occupation invasion retreat exile captivity banishment regency marriage courtship engagement
friendship alliance treaty league union partnership contract lease loan debt dispute quarrel lawsuit inquiry audit
census survey study experiment project excavation restoration construction renovation repair harvest season winter
storm flood frost fire eruption outbreak epidemic quarantine illness recovery treatment apprenticeship career tenure
term session assembly congress council synod debate negotiation election interregnum dynasty empire monopoly boom
slump recession depression inflation shortage rationing migration settlement colony mission expedition exploration
patrol watch vigil exhibition tour concert tournament hunt
"""
NOUNS = tuple(NAMED.split())
CENTURIES, FIRST, LAST, CORRUPTED = range(11, 18), 2, 98, 1
"""The prompts are about YY = 02..98; 01 is what the corrupted prompts say, and 99 has nothing above it."""
WORDS = ("The", "lasted", "from", "the", "year", "to")
SPLITS = ("all", "train", "selection", "test")
HELD_OUT = {"selection": 0, "test": 1}


def year_prompts(tokenizer: Any, split: str = "test", n: int | None = None, seed: int = 0) -> Prompts:
    """Return `n` prompts of a split, drawn without replacement (all of them when None).

    Variables: noun (its number), century, yy. Raises InterpError for an unknown split or a tokenizer that does not
    write a year as two tokens.
    """
    space = year_space(split)
    rows = drawn(len(space), n, seed)
    built = written(tokenizer, space if rows is None else space[rows], split)
    return replace(built, population=len(space)) if split == "all" else built


def year_twins(tokenizer: Any, split: str = "test", n: int | None = None, seed: int = 0) -> Twins:
    """Return prompts and what they become when YY is 01; noun and century are kept. Raises as `year_prompts`."""
    clean = year_prompts(tokenizer, split, n, seed)
    rows = np.stack([clean.variables["noun"], clean.variables["century"], np.full(len(clean), CORRUPTED)], axis=1)
    return Twins(clean, written(tokenizer, rows, split), ("yy", "result"), ("noun", "century"))


def year_space(split: str = "all") -> np.ndarray:
    """Return every (noun, century, yy) of `split`, int64 [prompt, 3], in rising order."""
    if split not in SPLITS:
        raise InterpError(f"unknown split {split!r} of greater-than. {nearest(split, SPLITS)}")
    grid = np.indices((len(NOUNS), len(CENTURIES), LAST - FIRST + 1)).reshape(3, -1).T
    order = np.random.default_rng(0).permuted(np.tile(np.arange(len(CENTURIES)), (LAST - FIRST + 1, 1)), axis=1)
    turn = order[grid[:, 2], grid[:, 1]]
    wanted = {"all": turn >= 0, "train": turn >= len(HELD_OUT)} | {s: turn == i for s, i in HELD_OUT.items()}
    return (grid + np.array([0, CENTURIES.start, FIRST]))[wanted[split]]


def written(tokenizer: Any, rows: np.ndarray, split: str = "own") -> Prompts:
    """Return the prompts of (noun, century, yy) rows; yy is 0..98. Raises as `year_prompts`."""
    prompts = encode(tokenizer, [_item(*map(int, row)) for row in rows], ("century", "yy", "century2", "answer"))
    variables = {name: rows[:, i].copy() for i, name in enumerate(("noun", "century", "yy"))}
    return replace(prompts, variables=variables, task="greater-than", style="plain", split=split)


def _item(noun: int, century: int, yy: int) -> Item:
    text, spans = "The ", {}
    for role, piece, after in (
        ("noun", NOUNS[noun], " lasted from the year "),
        ("century", str(century), ""),
        ("yy", f"{yy:02d}", " to the year "),
        ("century2", str(century), ""),
    ):
        spans[role] = (len(text), len(text) + len(piece))
        text += piece + after
    return Item(text, spans, f"{yy + 1:02d}")
