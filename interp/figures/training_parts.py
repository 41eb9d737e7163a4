"""What is there to draw of a training's log? The parts of a measure, the step nearest to one asked for, words.

A measure has one part (`exact`), a few (the digits), or many (36 kinds of question): of many the mean, the worst and
the best at the end are drawn, and the table has all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from interp.figures import schema

if TYPE_CHECKING:
    import xarray as xr

LAST = 10**9
"""A step after every logged one: the nearest to it is the last."""

MOST_PARTS = 9
"""Parts that one figure shows; of more (36 kinds of question) the mean, the worst and the best at the end."""

SUBTASKS = {
    "BM": "no carry comes in, none is made", "CM": "no carry comes in, one is made", "CA": "the digit is the carry",
    "UC": "a carry is used", "UCFC": "a carry is used and makes another", "BA": "no carry comes in",
    "UC1": "a carry made next door", "US9": "a carry through a nine",
}  # fmt: skip
"""What each subtask of written arithmetic is, in words (`interp.tasks.subtasks`)."""

TITLES = {
    "digit_loss": "Loss of every answer digit",
    "digit_accuracy": "Accuracy of every answer digit",
    "digit_gradient_norm": "Gradient norm of every digit's loss",
    "digit_cosine": "Gradient of every digit beside the mean one",
    "subtask_loss": "Loss of every subtask",
    "exact": "Answers right in every digit",
    "loss": "Loss of every split",
    "accuracy": "Accuracy of every split",
    "question_accuracy": "Accuracy of every kind of question",
    "train_loss": "Loss of the batch",
    "side_loss": "Loss of the auxiliary heads",
    "removed": "Steps no longer written out",
    "selection_loss": "Loss on the selection split",
    "prob_diff": "Probability difference",
    "leak": "Attention that the window forbids",
    "sum_squared_weights": "Sum of squared weights",
}


def nearest(log: xr.Dataset, measure: str, step: int) -> int:
    """Return the position of the logged step nearest to `step` at which `measure` was taken."""
    table = np.stack(list(values_of(log, measure).values()))
    taken = np.flatnonzero(np.isfinite(table).any(0))
    steps = np.asarray(schema.labels(log, "step"))
    return int(taken[np.argmin(np.abs(steps[taken] - step))])


def values_of(log: xr.Dataset, measure: str) -> dict[str, np.ndarray]:
    """Return the values [step] of each part of a measure; of many parts their mean, worst and best at the end."""
    schema.need(log, measure)
    array = log[measure]
    if array.ndim == 1:
        return {"": array.to_numpy().astype(float)}
    dim = next(str(name) for name in array.dims if name != "step")
    labels, table = [str(label) for label in schema.labels(log, dim)], schema.values(log, measure, dim, "step")
    kept = [i for i in range(len(labels)) if np.isfinite(table[i]).any()]
    if len(kept) <= MOST_PARTS:
        return {labels[i]: table[i] for i in kept}
    last = table[:, nearest_end(table)]
    worst, best = int(np.nanargmin(last)), int(np.nanargmax(last))
    return {
        f"mean of {len(kept)}": table.mean(0),
        f"worst: {labels[worst]}": table[worst],
        f"best: {labels[best]}": table[best],
    }


def nearest_end(table: np.ndarray) -> int:
    """Return the last position at which anything was measured."""
    return int(np.flatnonzero(np.isfinite(table).any(0))[-1])


def title_of(measure: str) -> str:
    """Return what a measure is called in titles."""
    return TITLES.get(measure, measure.replace("_", " ").capitalize())


def summary(logs: Mapping[str, xr.Dataset], measure: str, steps: Sequence[int] = (LAST,)) -> str:
    """Return the values of every training at its steps nearest to `steps` (default: the last), best and worst part."""
    said = []
    for name, log in logs.items():
        if measure not in log:
            continue
        named = values_of(log, measure)
        for at in dict.fromkeys(nearest(log, measure, step) for step in steps):
            said.append(f"{name} {_ends(named, at)} at step {schema.labels(log, 'step')[at]}")
    return f"{title_of(measure)}: {'; '.join(said) or 'not logged'}."


def _ends(named: Mapping[str, np.ndarray], at: int) -> str:
    """Return the lowest and the highest part at position `at`."""
    here = {label: float(value[at]) for label, value in named.items() if np.isfinite(value[at])}
    low, high = min(here, key=lambda label: here[label]), max(here, key=lambda label: here[label])
    return f"{here[low]:.3g}" if low == high else f"{here[low]:.3g} ({low}) to {here[high]:.3g} ({high})"
