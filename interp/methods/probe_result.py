"""What does a study of probes say, as a Dataset: scores with intervals, every control beside them, errors by class?

interval     percentile bootstrap over test prompts; the same draws for a score and its control, so that their
             difference (selectivity) keeps what they share
score_by     the same score among the prompts of one class, against that class's own mean or median
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.methods.gram import Linear
from interp.methods.intervals import percentile, resampled_means
from interp.methods.nulls import max_threshold
from interp.methods.probe_confusion import confusion
from interp.methods.probe_kinds import Code, label
from interp.methods.probe_study import Judged, Labels, Sets, varying_positions
from interp.methods.probe_surface import SURFACES
from interp.methods.result import mean_variables, variable

DIMS = "target layer role"


@dataclass(frozen=True)
class Found:
    """What a study computed: the labels of its sets, the judged test prompts, values [prompt, target, cell] on the
    selection split and of the untrained model, values [surface, role, prompt, target], penalties [target, cell]."""

    codes: list[Code]
    labels: list[Labels]
    test: Judged
    selection: np.ndarray
    surface: np.ndarray
    untrained: np.ndarray | None
    alpha: np.ndarray
    dims: dict[str, list[Any]]

    @property
    def truth(self) -> np.ndarray:
        """Return the test labels [prompt, target]."""
        return self.labels[2].truth[:, 0]

    def shaped(self, values: np.ndarray) -> np.ndarray:
        """Return [..., cell] as [..., layer, role]."""
        return values.reshape(*values.shape[:-1], len(self.dims["layer"]), len(self.dims["role"]))


def first_columns(codes: Sequence[Code], n_copies: int) -> np.ndarray:
    """Return the first column of the true copy of each target."""
    widths = np.array([code.width * n_copies for code in codes])
    return np.concatenate([[0], np.cumsum(widths)[:-1]])


def true_columns(codes: Sequence[Code], solved: Linear, n_copies: int) -> Linear:
    """Return the solution of the true labels alone."""
    starts = first_columns(codes, n_copies)
    kept = np.concatenate([start + np.arange(code.width) for start, code in zip(starts, codes, strict=True)])
    return replace(solved, weights=solved.weights[:, kept], intercept=solved.intercept[kept], alpha=solved.alpha[kept])


def scores(codes: Sequence[Code], values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return scores [target, ...] of values [prompt, target, ...] of rows with labels `truth` [prompt, target]."""
    return np.stack([code.score(values[:, i], truth[:, i]) for i, code in enumerate(codes)])


def drawn_scores(codes: Sequence[Code], values: np.ndarray, truth: np.ndarray, seed: int) -> np.ndarray:
    """Return bootstrap scores [resample, target, ...]; the same seed draws the same prompts."""
    found = []
    for i, code in enumerate(codes):
        drawn, constant = resampled_means(values[:, i], seed=seed), code.reference(truth[:, i])
        if constant is not None:
            base = resampled_means(constant, seed=seed)
            with np.errstate(divide="ignore", invalid="ignore"):  # rows of one label have no spread: no interval
                drawn = 1 - drawn / base.reshape(-1, *[1] * (drawn.ndim - 1))
        found.append(drawn)
    return np.stack(found, axis=1)


def dataset(found: Found, sets: Sets, unit: str, by: str | None, seed: int) -> xr.Dataset:
    """Return the Dataset of `probe_controls`; `by` names the variable whose values are the classes of errors."""
    codes, truth = found.codes, found.truth
    own = found.shaped(found.test.values[:, 0])
    score, drawn = scores(codes, own, truth), drawn_scores(codes, own, truth, seed)
    means = found.test.shuffled
    null = np.stack([code.score(means[None, :, i], truth[:, i]) for i, code in enumerate(codes)], axis=1)
    task, task_drawn = _task(found, sets, seed)
    ceiling = ceilings(null)
    controls = _controls(found, sets, score, task)
    stacked = np.stack(list(controls.values()))
    beyond = percentile(drawn - task_drawn)
    selected = scores(codes, found.shaped(found.selection), found.labels[1].truth[:, 0])
    rivals = [values for name, values in controls.items() if name != "control task"]  # its labels are others
    largest = np.maximum(np.max(rivals, axis=0), ceiling[:, None, None])
    data = {
        **mean_variables("score", DIMS, score, percentile(drawn), unit, "on the test split"),
        "score_selection": variable(DIMS, selected, unit, "on the selection split, to choose places"),
        "score_null": variable(DIMS, found.shaped(null.mean(axis=0)), unit, "mean of probes of shuffled labels"),
        "score_null_high": variable("target", ceiling, unit, "what shuffled labels reach in all maps at once, in 5 %"),
        "score_control": variable(f"control {DIMS}", stacked, unit, "of each control at the same place"),
        "margin": variable(
            DIMS, score - largest, unit, "score less the largest control of the same labels, shuffled ceiling included"
        ),
        **mean_variables("selectivity", DIMS, score - task, beyond, unit, "score less the control task's"),
        "value": variable(f"prompt {DIMS}", own.astype(np.float32), "value", "of each prompt (see probe_kinds)"),
        "penalty": variable(DIMS, found.shaped(found.alpha), "mean square", "ridge penalty, chosen on selection"),
        "n": variable("", len(sets.test), "prompts", "number of test prompts"),
        "n_train": variable("", len(sets.train), "prompts", "number of train prompts"),
        "n_selection": variable("", len(sets.validation), "prompts", "number of selection prompts"),
    }
    coords = {**found.dims, "control": list(controls), "prompt": list(sets.test.texts)}
    counted, levels = confusion(codes, found.shaped(found.test.said), truth, found.dims["target"])
    made = xr.Dataset(data | counted, coords | levels, {"by": by or "", "unit": unit})
    return made if by is None else _by(made, found, own, sets.test.variables[by], seed)


def ceilings(null: Float[np.ndarray, "shuffle target place"]) -> Float[np.ndarray, " target"]:
    """Return what the scores of shuffled labels pass anywhere, in any map, with probability at most 5 %.

    Labels have their own levels of chance (ten digits .1, a carry .5), so each counts from its own mean: the threshold
    is one excess for all maps, added to each label's chance.
    """
    chance = null.mean(axis=(0, 2))
    excess = null - chance[:, None]
    return chance + max_threshold(excess.reshape(len(null), -1).max(axis=1))


def _controls(found: Found, sets: Sets, score: np.ndarray, task: np.ndarray) -> dict[str, np.ndarray]:
    """The score of each control at each place [target, layer, role]."""
    codes, truth = found.codes, found.truth
    train = [label(sets.train, name) for name in found.dims["target"]]
    flat = [code.value(code.constant(y), truth[:, i]) for i, (code, y) in enumerate(zip(codes, train, strict=True))]
    controls = {
        "constant": scores(codes, np.stack(flat, axis=1), truth)[:, None, None],
        "embedding": score[:, [found.dims["layer"].index(0)]],
        "control task": task,
    }
    for surface, values in zip(SURFACES, found.surface, strict=True):  # [role, prompt, target]
        controls[surface] = scores(codes, np.moveaxis(values, 0, 2), truth)[:, None]
    if found.untrained is not None:
        controls["untrained"] = scores(codes, found.shaped(found.untrained), truth)
    return {name: np.broadcast_to(values, score.shape) for name, values in controls.items()}


def _task(found: Found, sets: Sets, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores [target, layer, role] and bootstrap scores of the control task at each role: the labels of the last token
    that varies up to it (before any: of the first, which cannot be known there)."""
    places, told = varying_positions(sets.train), found.labels[2].truth
    values = found.shaped(found.test.values)
    first = told.shape[1] - len(places)
    found_here, drawn = [], []
    for r, role in enumerate(found.dims["role"]):
        k = max(0, sum(p <= sets.train.position(role) for p in places) - 1)
        here, truth = values[:, 1 + k, :, :, r], told[:, first + k]
        found_here.append(scores(found.codes, here, truth))
        drawn.append(drawn_scores(found.codes, here, truth, seed))
    return np.stack(found_here, axis=-1), np.stack(drawn, axis=-1)


def _by(made: xr.Dataset, found: Found, own: np.ndarray, classes: np.ndarray, seed: int) -> xr.Dataset:
    """Add the scores among the prompts of each class."""
    names, unit = np.unique(classes), str(made.attrs["unit"])
    rows = [classes == each for each in names]
    with np.errstate(divide="ignore", invalid="ignore"):  # a label may be constant in a class: it has no R² there
        mean = [scores(found.codes, own[each], found.truth[each]) for each in rows]
    ends = [percentile(drawn_scores(found.codes, own[each], found.truth[each], seed)) for each in rows]
    mean = np.where(np.isfinite(np.stack(mean, axis=-1)), np.stack(mean, axis=-1), np.nan)
    spread = (np.stack([end.low for end in ends], axis=-1), np.stack([end.high for end in ends], axis=-1))
    told = mean_variables("score_by", f"{DIMS} class", mean, spread, unit, f"among prompts of one {made.attrs['by']}")
    counts = variable("class", [int(each.sum()) for each in rows], "prompts", f"of each {made.attrs['by']}")
    return made.assign(told).assign(n_by=counts).assign_coords({"class": names})
