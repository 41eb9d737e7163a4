"""What is a + b mod p, as prompts for a model that has no tokenizer?

    tokens (a, b, p) with roles (a, b, eq);   the residues are their own ids, and id p means '='

Worked example, p = 59: the tokens [50, 20, 59] stand for "50+20=", the answer is 11 (id 11). The text
is for the reader only: nothing encodes it. The split is over ordered pairs, as in the paper;
`unmirrored` keeps the test pairs (a, b) whose mirror (b, a) was not trained on either.
Nanda et al. 2023, arXiv:2301.05217.
"""

from __future__ import annotations

import math

import numpy as np

from interp.errors import InterpError, nearest
from interp.tasks.prompts import Prompts

ROLES = ("a", "b", "eq")
SPLITS = ("all", "train", "test", "unmirrored")


def pairs(p: int) -> np.ndarray:
    """Return every (a, b), int64 [p * p, 2]: row a * p + b."""
    if p < 2:
        raise InterpError(f"The modulus is {p}: expected an integer >= 2; choose a larger one.")
    return np.stack(np.divmod(np.arange(p * p), p), axis=1)


def training_pairs(p: int, fraction: float, seed: int) -> np.ndarray:
    """Return bool [p * p], True at the floor(fraction * p * p) rows of `pairs` drawn by `seed`."""
    count = int(fraction * p * p)
    if not 0 < count < p * p:
        raise InterpError(f"A training fraction of {fraction} leaves one side empty: expected one between 0 and 1.")
    train = np.zeros(p * p, bool)
    train[np.random.default_rng(seed).permutation(p * p)[:count]] = True
    return train


def unmirrored(train: np.ndarray) -> np.ndarray:
    """Return bool [p * p]: True for test pairs (a, b) whose mirror (b, a) is a test pair too."""
    p = math.isqrt(len(train))
    return ~train & ~train.reshape(p, p).T.flatten()


def modular_prompts(p: int = 59, split: str = "test", fraction: float = 0.5, seed: int = 0) -> Prompts:
    """Return the prompts of one split of a + b mod p; the default split is that of modadd-59.

    `split` is all, train, test (every pair that is not train) or unmirrored (see the module).
    Raises InterpError for an unknown split, a modulus below 2 or an empty side.
    """
    if split not in SPLITS:
        raise InterpError(f"Unknown split {split!r} of modular addition. {nearest(split, SPLITS)}")
    every, train = pairs(p), training_pairs(p, fraction, seed)
    keep = {"all": np.ones_like(train), "train": train, "test": ~train, "unmirrored": unmirrored(train)}[split]
    a, b = every[keep].T
    result = (a + b) % p
    return Prompts(
        tokens=np.stack([a, b, np.full_like(a, p)], axis=1),
        roles=ROLES,
        texts=tuple(f"{left}+{right}=" for left, right in zip(a, b, strict=True)),
        answers=tuple(map(str, result)),
        answer_ids=result,
        variables={"a": a, "b": b, "result": result},
        task=f"a+b mod {p}",
        style="plain",
        split=split,
        population=p * p if split == "all" else 0,
    )
