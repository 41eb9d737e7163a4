"""What breaks when one place of the stream is made uninformative?

    accuracy(kind, l, r) = accuracy of run( prompts ; resid_l[r] <- s_kind )

    s_zero     = 0
    s_mean     = mean over reference prompts of resid_l[r]
    s_resample = resid_l[r] of a random reference prompt, one draw for each prompt (uninformative.py)

Reading: the drop below `accuracy_clean` says how much the answer needs what this place tells about this
prompt. Mean and resample keep the task and the template and lose the operands; zero also leaves the
distribution the model was trained on, so its drop is an upper bound on importance. Mean may do so too, where
averages of residuals are no residuals; resample never does in a single place. `null_majority` is the floor of
knowing nothing but the task. Reference prompts are apart from the evaluated ones unless `shared="allow"` (the
exact mean over a whole task); the attribute `reference` says which.

Source: Wang et al. (2023) arXiv 2211.00593 (mean); Chan et al., Causal scrubbing (2022) (resample); Li &
Janson (2024) arXiv 2409.09951 (what each kind measures).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from interp.errors import InterpError, nearest
from interp.methods import metrics
from interp.methods.grid import (
    Stream,
    cells,
    layer_list,
    overwrite,
    place_list,
    read_stream,
    require_prompts,
    within,
)
from interp.methods.intervals import wilson
from interp.methods.nulls import majority_accuracy
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.uninformative import KINDS, Uninformative, read_uninformative
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def ablation(
    model: Any,
    prompts: Prompts,
    reference: Prompts,
    *,
    kinds: Sequence[str] = KINDS,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    shared: Literal["forbid", "allow"] = "forbid",
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the accuracy on `prompts` with the residual at each (layer, role) made uninformative.

    `accuracy` [kind, layer, role] in [0, 1] with Wilson's interval, `correct` [prompt, kind, layer, role]
    int8. `reference` gives means and resampled rows. `layers` defaults to 0..L, `roles` to every role; "all"
    overwrites every position. Raises InterpError on an unknown kind, role or layer, no prompts, a reference
    of another template, or one that holds an evaluated prompt (unless `shared` is "allow").
    """
    layers, roles = layer_list(model, layers), place_list(prompts, roles)
    n_shared = _check(prompts, reference, kinds, shared)
    total = 2 + len(kinds) * len(layers) * len(roles)
    now = read_stream(model, prompts, layers, batch_size, within(progress, 0, total, "reading the prompts"))
    inner = within(progress, 1, total, "reading the reference")
    blank = read_uninformative(model, reference, len(prompts), layers, batch_size=batch_size, progress=inner, seed=seed)
    correct = np.empty((len(prompts), len(kinds), len(layers), len(roles)), dtype=np.int8)
    done = 2
    for k, kind in enumerate(kinds):
        for i, j, layer, role in cells(layers, roles):
            inner = within(progress, done, total, f"{kind}, layer {layer}, {role}")
            logits = overwrite(model, now, layer, role, blank.source(kind, layer, role), batch_size, inner)
            correct[:, k, i, j] = metrics.correct(logits, prompts).cpu().numpy()
            done += 1
    progress(total, total, "ablated")
    note = f"{len(reference)} prompts of split {reference.split}, {n_shared} of them evaluated"
    return _dataset(model, now, blank, kinds, layers, roles, correct).assign_attrs(reference=note, seed=seed)


def _check(prompts: Prompts, reference: Prompts, kinds: Sequence[str], shared: str) -> int:
    """Return how many reference prompts are also evaluated, after checking that ablation makes sense."""
    require_prompts(reference)
    if not kinds:
        raise InterpError(f"Name at least one kind of ablation: {', '.join(KINDS)}.")
    for kind in kinds:
        if kind not in KINDS:
            raise InterpError(f"There is no ablation {kind!r}. {nearest(kind, KINDS)}")
    if reference.roles != prompts.roles:
        raise InterpError(
            f"The reference has roles {reference.roles}, the prompts {prompts.roles}; an ablation needs the "
            "same. Take the reference from the same task and style."
        )
    evaluated = {row.tobytes() for row in np.ascontiguousarray(prompts.tokens)}
    n_shared = sum(row.tobytes() in evaluated for row in np.ascontiguousarray(reference.tokens))
    if n_shared and shared != "allow":
        raise InterpError(
            f"{n_shared} of {len(reference)} reference prompts are also evaluated; they should be apart. "
            'Take the reference from another split, or say shared="allow" for a mean over the whole task.'
        )
    return n_shared


def _dataset(
    model: Any,
    now: Stream,
    blank: Uninformative,
    kinds: Sequence[str],
    layers: list[int],
    roles: list[str],
    correct: np.ndarray,
) -> xr.Dataset:
    n, dims, share = len(correct), "kind layer role", "share of right answers"
    clean = metrics.correct(now.logits, now.prompts).cpu().numpy()
    intervals = wilson(correct.sum(axis=0, dtype=int), n), wilson(clean.sum(), n)
    majority = majority_accuracy(now.prompts.answer_ids)
    error = [[blank.standard_error(layer, role) for role in roles] for layer in layers]
    title = "Accuracy after the residual at one layer and role is made uninformative (zero, mean, resample)."
    return xr.Dataset(
        {
            **mean_variables("accuracy", dims, correct.mean(axis=0), intervals[0], "fraction", f"{share}, ablated"),
            "correct": variable(f"prompt {dims}", correct, "0 or 1", "the top token is the answer, ablated"),
            **mean_variables("accuracy_clean", "", clean.mean(), intervals[1], "fraction", f"{share}, without edit"),
            "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
            "n": variable("", n, "prompts", "number of evaluated prompts"),
            "n_reference": variable("", len(blank.reference), "prompts", "prompts behind mean and resampling"),
            "reference_standard_error": variable(
                "layer role", error, "fraction of |mean|", "sampling error of the mean"
            ),
        },
        coords={"kind": list(kinds), "layer": layers, "role": roles, "prompt": list(now.prompts.texts)},
        attrs=attributes("ablation", model, now.prompts, title),
    )
