"""What can be said of a label without any model, from what stands in the prompt?

    tokens        one-hot of every varying token up to a role: what any stream could know there, without mixing
    last digit    one-hot of the last digit of every operand up to a role

Ridge on these features, the penalty chosen on validation rows, as for the stream. A probe that does not beat them has
found the text, not a computation: near 10 is a function of the last digit, and one-hot operands give their sum exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from interp.methods.gram import best_penalty
from interp.methods.probe_kinds import Code
from interp.methods.probe_study import Labels, Sets, columns, groups, valued, varying_positions
from interp.methods.ridge import PENALTIES, Path
from interp.tasks.prompts import Prompts

SURFACES = ("tokens", "last digit")


def surface_values(sets: Sets, codes: Sequence[Code], labels: Sequence[Labels], roles: Sequence[str]) -> np.ndarray:
    """Return the values [surface, role, prompt, target] on the judged prompts of probes of the surface alone.

    Where nothing has varied yet (before the first operand), and where a role has no digits, the features are empty and
    the probe says the training mean.
    """
    found = np.empty((len(SURFACES), len(roles), len(sets.test), len(codes)))
    known: dict[tuple[int, ...], np.ndarray] = {}
    for s, surface in enumerate(SURFACES):
        for r, role in enumerate(roles):
            seen = [p for p in varying_positions(sets.train) if p <= sets.train.position(role)]
            key = (s, *seen)
            if key not in known:  # two roles after the same tokens see the same
                known[key] = _values(sets, codes, labels, surface, seen)
            found[s, r] = known[key]
    return found


def _values(sets: Sets, codes: Sequence[Code], labels: Sequence[Labels], surface: str, seen: list[int]) -> np.ndarray:
    parts = [_shown(prompts, surface, seen) for prompts in (sets.train, sets.validation, sets.test)]
    levels = [np.unique(column) for column in parts[0].T]
    x, held, judged = (torch.as_tensor(_one_hot(part, levels)) for part in parts)
    y, z = (torch.as_tensor(columns(codes, each.truth[:, :1])) for each in labels[:2])
    path, falling = Path.of_rows(x, y), sorted(PENALTIES, reverse=True)
    alpha = best_penalty(path.row_errors(held, z, falling), groups(codes, 1), falling)
    return valued(codes, path.predict(judged, alpha).numpy(), labels[2].truth[:, :1])[:, 0]


def _shown(prompts: Prompts, surface: str, seen: list[int]) -> np.ndarray:
    """Return what is shown, int [prompt, feature]."""
    if surface == "tokens":
        return prompts.tokens[:, seen]
    names = [f"{prompts.roles[p]}0" for p in seen]
    digits = [prompts.variables[name] for name in names if name in prompts.variables]
    return np.stack(digits, axis=1) if digits else np.empty((len(prompts), 0), dtype=np.int64)


def _one_hot(shown: np.ndarray, levels: list[np.ndarray]) -> np.ndarray:
    """Return float64 [prompt, sum of levels] (one empty column where nothing is shown); unseen values are all 0."""
    one = [(shown[:, [i]] == each).astype(float) for i, each in enumerate(levels)]
    return np.concatenate([np.zeros((len(shown), 1)), *one], axis=1)
