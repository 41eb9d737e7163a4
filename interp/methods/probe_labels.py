"""Which labels may a probe learn, and on which prompts may it be judged?

    targets   variables that vary in both splits; a constant has no R²
    group     the multiset of a prompt's tokens, so 3+4 and 4+3 are one group; no group is in both splits
    fold      whole groups dealt out evenly in random order: choosing the penalty cannot recite a twin either
    labels    the true ones, then n shuffled copies; whole rows move, so targets keep their correlations

Source: Hewitt & Liang (2019) arXiv 1909.03368 (control labels).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from interp.errors import InterpError, nearest
from interp.methods.grid import require_prompts

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def varying_targets(train: Prompts, test: Prompts, targets: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the targets that vary in both splits, and those that do not (default: all variables).

    Raises InterpError on no prompts, different templates, an unknown target, or nothing that varies.
    """
    require_prompts(test)
    if test.roles != train.roles:
        raise InterpError(
            f"Train has roles {train.roles}, test has {test.roles}; probes need the same template in both."
        )
    asked = list(train.variables if targets is None else targets)
    for name in asked:
        for prompts in (train, test):
            if name not in prompts.variables:
                raise InterpError(f"There is no variable {name!r} to probe. {nearest(name, prompts.variables)}")
    constant = [name for name in asked if min(np.ptp(p.variables[name]) for p in (train, test)) == 0]
    varying = [name for name in asked if name not in constant]
    if not varying:
        raise InterpError(
            f"Nothing to probe: no variable varies in both splits ({', '.join(asked) or 'there are none'}). "
            "Use more prompts, or prompts with variables."
        )
    return varying, constant


def token_groups(train: Prompts, test: Prompts) -> np.ndarray:
    """Return the group [prompt] of each train prompt. Raises InterpError when a test prompt shares one."""
    both = np.sort(np.concatenate([train.tokens, test.tokens]), axis=1)
    group = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1)
    leaked = int(np.isin(group[len(train) :], group[: len(train)]).sum())
    if leaked:
        raise InterpError(
            f"{leaked} of {len(test)} test prompts have the tokens of a train prompt: a probe could recite. "
            "Take train and test from different splits."
        )
    return group[: len(train)]


def grouped_folds(groups: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Return the fold, 0..n_folds-1, of each prompt. Raises InterpError with fewer groups than folds."""
    names, members = np.unique(groups, return_inverse=True)
    if not 2 <= n_folds <= len(names):
        raise InterpError(
            f"{n_folds}-fold cross-validation does not fit {len(names)} distinct train prompts; it needs "
            "2 folds or more and a prompt in each. Use more prompts or fewer folds."
        )
    return (np.random.default_rng(seed).permutation(len(names)) % n_folds)[members]


def shuffled_labels(train: Prompts, names: Sequence[str], n_shuffles: int, seed: int) -> np.ndarray:
    """Return labels float64 [prompt, (1 + n_shuffles) * target]: the true ones, then the shuffled copies."""
    y = np.stack([train.variables[name] for name in names], axis=1).astype(float)
    rng = np.random.default_rng([seed, 1])  # not the folds' stream, which starts from `seed` alone
    return np.concatenate([y, *(y[rng.permutation(len(y))] for _ in range(n_shuffles))], axis=1)
