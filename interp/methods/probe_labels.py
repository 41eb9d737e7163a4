"""Which labels may a probe learn, and on which prompts may it be judged?

    targets   variables that vary in both splits; a constant has no R²
    group     the multiset of a prompt's tokens, so 3+4 and 4+3 are one group; train prompts whose group also
              holds a test prompt are left out and counted
    fold      whole groups dealt out evenly in random order: choosing the penalty cannot recite a twin either
    labels    the true ones, then n shuffled copies; whole rows move, so targets keep their correlations

Source: Hewitt & Liang (2019) arXiv 1909.03368 (control labels).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from interp.errors import InterpError, nearest
from interp.methods.grid import require_prompts

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


class Plan(NamedTuple):
    """What all cells of a map share: the rows and labels that probes learn from and are judged on."""

    train: Prompts
    test: Prompts
    names: list[str]
    constant: list[str]
    fold: np.ndarray  # [train prompt]
    labels: np.ndarray  # [train prompt, (1 + n_shuffles) * target]
    truth: np.ndarray  # [test prompt, target]


def plan(
    train: Prompts, test: Prompts, targets: Sequence[str] | None, n_folds: int, n_shuffles: int, seed: int
) -> Plan:
    """Return the plan of a map of probes. Raises InterpError as the parts below."""
    check_splits(train, test)
    train, groups = apart(train, test)
    names, constant = varying_targets(train, test, targets)
    fold = grouped_folds(groups, n_folds, seed)
    truth = np.stack([test.variables[name] for name in names], axis=1).astype(float)
    return Plan(train, test, names, constant, fold, shuffled_labels(train, names, n_shuffles, seed), truth)


def check_splits(train: Prompts, test: Prompts) -> None:
    """Raise InterpError unless there are test prompts of the train prompts' template."""
    require_prompts(test)
    if test.roles != train.roles:
        raise InterpError(
            f"Train has roles {train.roles}, test has {test.roles}; probes need the same template in both."
        )


def varying_targets(train: Prompts, test: Prompts, targets: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the targets that vary in both splits, and those that do not (default: all variables).

    Raises InterpError on an unknown target, or when nothing varies.
    """
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


def apart(train: Prompts, test: Prompts) -> tuple[Prompts, np.ndarray]:
    """Return the train prompts whose group holds no test prompt, and their groups [prompt].

    Raises InterpError when none is left.
    """
    both = np.sort(np.concatenate([train.tokens, test.tokens]), axis=1)
    group = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1)
    keep = ~np.isin(group[: len(train)], group[len(train) :])
    if not keep.any():
        raise InterpError(
            f"All {len(train)} train prompts have the tokens of a test prompt: a probe could recite. "
            "Take train and test from different splits."
        )
    return train[keep], group[: len(train)][keep]


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
