"""Where does the stream carry what distinguishes the clean prompt from its corrupted twin?

Denoising: run the corrupted prompt and write the clean residual h at one layer l and role r,

    patched(l, r) = metric of run( corrupted ; resid_l[r] <- h_clean,l[r] )
    recovered(l, r) = mean(patched - corrupted) / mean(clean - corrupted)     metric = logit_diff, over pairs

Null: the same write with the clean residual of an unrelated pair (a permutation without a fixed point).

Reading: 1 = this place alone, given to the corrupted run, restores the clean answer; 0 = it changes nothing.
The null is not 0 where the model's answer is already computed: an unrelated answer wipes out the corrupted
one, which by itself recovers about half of a symmetric logit difference. What counts is `recovered` above
`recovered_null`. Where clean and corrupted runs do not differ on average, everything is nan and `guard` in
the attributes says so. The interval is a percentile bootstrap over pairs, for each cell alone.

Source: Vig et al. (2020) arXiv 2004.12265; Meng et al. (2022) arXiv 2202.05262; Heimersheim & Nanda (2024)
arXiv 2404.15255 (denoising against noising).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.engine import Rows
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.grid import cells, layer_list, overwrite, place_list, read_stream, within
from interp.methods.nulls import derangement
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.twins import Twins


def patching(
    model: Any,
    twins: Twins,
    *,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the share of the clean logit difference that each (layer, role) restores, beside its null.

    `recovered` [layer, role] (1 = the clean run, 0 = the corrupted one), `recovered_null` [layer, role],
    `logit_diff` [prompt, layer, role] and that of the two unpatched runs, in logits. `layers` defaults to
    0..L, `roles` to every role; "all" writes every position. Raises InterpError on fewer than 2 pairs, pairs
    that share one answer, an unknown role or layer.
    """
    _check(twins)
    layers, roles = layer_list(model, layers), place_list(twins.clean, roles)
    total = 2 + 2 * len(layers) * len(roles)
    inner = within(progress, 0, total, "reading the clean runs")
    clean = read_stream(model, twins.clean, layers, batch_size, inner)
    inner = within(progress, 1, total, "reading the corrupted runs")
    corrupted = read_stream(model, twins.corrupted, layers, batch_size, inner)
    unrelated = derangement(len(twins.clean), seed)
    diffs = np.empty((2, len(twins.clean), len(layers), len(roles)))
    done = 2
    for i, j, layer, role in cells(layers, roles):
        values = clean.at(layer, role)
        sources = (Rows(values), Rows(values, order=unrelated, note=f"permute({seed})"))
        for k, source in enumerate(sources):
            inner = within(progress, done, total, f"layer {layer}, {role}")
            logits = overwrite(model, corrupted, layer, role, source, batch_size, inner)
            diffs[k, :, i, j] = metrics.logit_diff(logits, twins).cpu().numpy()
            done += 1
    progress(total, total, "patched")
    ends = [metrics.logit_diff(stream.logits, twins).cpu().numpy() for stream in (clean, corrupted)]
    return _dataset(model, twins, layers, roles, diffs, ends, seed)


def _check(twins: Twins) -> None:
    clean, corrupted = twins.clean, twins.corrupted
    if len(clean) < 2:
        raise InterpError(
            f"Patching needs at least 2 pairs, for its null is another pair; got {len(clean)}. Add pairs."
        )
    same = int((clean.answer_ids == corrupted.answer_ids).sum())
    if same:
        raise InterpError(
            f"{same} of {len(clean)} pairs have one answer for both prompts, so no logit difference. "
            "Choose a twin recipe that changes the answer, such as swap_operand."
        )


def _dataset(
    model: Any,
    twins: Twins,
    layers: list[int],
    roles: list[str],
    diffs: np.ndarray,
    ends: list[np.ndarray],
    seed: int,
) -> xr.Dataset:
    clean, corrupted = ends
    share = metrics.recovered(diffs[0], clean, corrupted, seed=seed)
    null = metrics.recovered(diffs[1], clean, corrupted, seed=seed)
    diff = "logit of the clean answer minus logit of the corrupted answer"
    title = "Share of the clean logit difference that the clean residual restores at one layer and role."
    map_null = "recovered with the clean residual of an unrelated pair"
    return xr.Dataset(
        {
            **mean_variables(
                "recovered",
                "layer role",
                share.value,
                share[1:3],
                "fraction",
                "mean(patched-corrupted)/mean(clean-corrupted)",
            ),
            **mean_variables("recovered_null", "layer role", null.value, null[1:3], "fraction", map_null),
            "logit_diff": variable("prompt layer role", diffs[0], "logits", f"patched: {diff}"),
            "logit_diff_clean": variable("prompt", clean, "logits", f"clean run: {diff}"),
            "logit_diff_corrupted": variable("prompt", corrupted, "logits", f"corrupted run: {diff}"),
            "n": variable("", len(clean), "pairs", "number of clean/corrupted pairs"),
        },
        coords={
            "layer": layers,
            "role": roles,
            "prompt": list(twins.clean.texts),
            "prompt_corrupted": ("prompt", list(twins.corrupted.texts)),
        },
        attrs=attributes(
            "patching", model, twins.clean, title, **_twin_attributes(twins), guard=share.guard, seed=seed
        ),
    )


def _twin_attributes(twins: Twins) -> dict[str, str]:
    return {"changed": ", ".join(twins.changed), "kept": ", ".join(twins.kept)}
