"""What does a probe read of the result at every pair of operands, fitted on other pairs?

    value[probe, pair] = ŷ        ridge (`ridge.py`) on the stream of the last token, fitted without the pair's fold
    error[probe, pair] = ŷ - y
    R² = 1 - Σ error² / Σ (y - mean y)²        over all pairs; null: the largest of the same with labels shuffled

Pairs fall into `FOLDS` folds at random; each fold is predicted from the others, the penalty chosen among those alone.

Reading: a value map at R² near 1 is the variable itself, so its error map is the one to look at: stripes there say what
the line misses. Every number of a pair is seen in other pairs, so R² speaks of new pairs, not of new numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from interp.engine import Site, stream
from interp.methods.ridge import PENALTIES, choose_penalty, standardise
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

FOLDS = 3
READINGS = ("value", "error")
TARGETS = re.compile(r"result(\d|_carry0|_borrow0)?")
"""The result, its digits (units first), and whether its units carry or borrow."""


class Probed(NamedTuple):
    """Names ("result@3": before block 3), maps float32 [probe, reading, pair], R² and its null [probe]."""

    names: list[str]
    maps: np.ndarray
    r2: np.ndarray
    r2_null: np.ndarray


def probed(
    model: Any,
    grid: Prompts,
    *,
    n_shuffles: int = 19,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> Probed:
    """Return what probes of each layer read at every pair. What is the same at all pairs is not probed."""
    rng = np.random.default_rng((seed, 12))
    targets = [name for name in grid.variables if TARGETS.fullmatch(name) and len(np.unique(grid.variables[name])) > 1]
    truth = np.stack([grid.variables[name].astype(float) for name in targets], axis=1)
    labels = np.concatenate([truth, *(truth[rng.permutation(len(grid))] for _ in range(n_shuffles))], axis=1)
    fold = rng.permutation(np.arange(len(grid)) % FOLDS)
    names, maps, r2, null = [], [], [], []
    for layer, rows in sorted(last_token(model, grid, batch_size, progress).items()):
        read = crossed(rows, labels, fold)
        score = 1 - ((read - labels) ** 2).sum(0) / ((labels - labels.mean(0)) ** 2).sum(0)
        names += [f"{name}@{layer}" for name in targets]
        maps += [np.stack([read[:, i], read[:, i] - truth[:, i]]) for i in range(len(targets))]
        r2.append(score[: len(targets)])
        null.append(score[len(targets) :].reshape(n_shuffles, -1).max(0))
    return Probed(names, np.stack(maps).astype(np.float32), np.concatenate(r2), np.concatenate(null))


def crossed(rows: torch.Tensor, labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return the predictions [row, label] of every fold from a fit on the others."""
    y, read = torch.from_numpy(labels).to(rows.device), np.empty(labels.shape)
    for k in range(FOLDS):
        held = torch.from_numpy(fold == k).to(rows.device)
        x, z = standardise(rows[~held], rows[held])
        path, alpha = choose_penalty(x, y[~held], fold[fold != k], PENALTIES)
        read[fold == k] = path.predict(z, alpha).cpu().numpy()
    return read


def last_token(model: Any, grid: Prompts, batch_size: int, progress: Progress) -> dict[int, torch.Tensor]:
    """Return {layer: the stream of the last token before that block [pair, d_model]}; layer 0 is alike at all pairs."""
    kept: dict[int, torch.Tensor] = {}

    def keeper(layer: int) -> Any:
        def keep(values: torch.Tensor, rows: np.ndarray) -> None:
            if layer not in kept:
                kept[layer] = torch.empty(len(grid), values.shape[-1], dtype=torch.float32, device=values.device)
            kept[layer][torch.as_tensor(rows, device=values.device)] = values[:, -1].float()

        return keep

    layers = range(1, model.cfg.n_layers + 1)
    sites = {Site("resid_pre", layer): keeper(layer) for layer in layers}
    stream(model, grid, sites, batch_size=batch_size, progress=progress)
    return kept
