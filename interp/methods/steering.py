"""How much of a direction must be added before the answer follows, and what does any direction of that length do?

    h  <-  h + dose * d        at one layer and role        dose 0: the model; dose 1: as far as d goes

d is the difference of two means at that place: prompts on which a causal variable is high less those on which it is
low (`contrast`), or any vector of the stream. The prompts steered are others than those d was taken from.

    moved(dose)    mean change of the logit difference (answer with the variable flipped, less the model's own)
    follows(dose)  share of prompts whose top token is that answer

Null: random directions of the same length, several draws. An answer changes when enough of anything is added; what
counts is that it changes to the expected one, and earlier than along a random direction.

Source: Turner et al. (2023), activation addition, arXiv 2308.10248; Marks & Tegmark (2023) arXiv 2310.06824
(differences of means).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from interp.engine import Constant, Intervention, Site, run, sweep
from interp.engine.sources import Source
from interp.errors import InterpError
from interp.methods.intervals import t_interval, wilson
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent
from interp.tasks.interchange import Interchange
from interp.tasks.prompts import Prompts

DOSES = (-4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 4.0)


def contrast(model: Any, low: Prompts, high: Prompts, layer: int, role: str, batch_size: int = 256) -> torch.Tensor:
    """Return mean(high) - mean(low) of the residual before block `layer` at `role`, [d_model].

    Raises InterpError where one side has no prompt, or the two means are the same.
    """
    if not len(low) or not len(high):
        raise InterpError(f"A direction needs prompts on both sides; got {len(low)} low and {len(high)} high.")
    site = Site("resid_pre", layer)
    means = [
        run(model, side, reads=[site], batch_size=batch_size)[site][:, side.position(role)].double().mean(0)
        for side in (low, high)
    ]
    direction = (means[1] - means[0]).float()
    if not float(direction.norm()) > 0:
        raise InterpError(f"The two sides are the same at layer {layer}, {role}; choose another place.")
    return direction


def steering(
    model: Any,
    pairs: Interchange,
    direction: torch.Tensor,
    layer: int,
    role: str,
    *,
    doses: Sequence[float] = DOSES,
    n_random: int = 10,
    batch_size: int = 256,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the dose curve of a direction [d_model] on base prompts of informative pairs, beside random directions.

    The direction points from low to high: a base prompt whose variable is to fall is steered the other way (`pairs`
    says which answer is expected). `moved` and `follows` [dose] with intervals, `kept` [dose] (the own answer), and
    `moved_null`, `follows_null` [draw, dose]; `logit_diff` [prompt, dose]. Raises InterpError for a direction that does
    not fit, doses without 0, or no informative pair.
    """
    told = pairs[pairs.informative]
    doses = tuple(float(dose) for dose in doses)
    width = int(model.cfg.d_model)
    if direction.shape != (width,) or not torch.isfinite(direction).all() or 0.0 not in doses or not len(told):
        raise InterpError(
            f"Steering needs a finite direction of {width} numbers, doses with 0 and informative pairs; got "
            f"{tuple(direction.shape)}, doses {doses}, {len(told)} pairs."
        )
    signs = torch.as_tensor(np.where(told.expected > told.base.variables["result"], 1.0, -1.0), dtype=torch.float32)
    drawn = torch.randn(n_random, width, generator=torch.Generator().manual_seed(seed))
    length = float(direction.norm())
    ways = [direction, *(length * each / each.norm() for each in drawn)]
    edits = [[_added(told.base, layer, role, dose * signs[:, None] * way)] for way in ways for dose in doses]
    answers = torch.as_tensor(np.stack([told.base.answer_ids, told.expected_ids], axis=1))

    def measure(logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        own, expected = answers[rows].to(logits.device).unbind(1)
        picked = [logits.gather(-1, ids[:, None])[:, 0] for ids in (expected, own)]
        top = logits.argmax(-1)
        return torch.stack([picked[0] - picked[1], (top == expected).float(), (top == own).float()], dim=-1)

    swept = sweep(model, told.base, edits, measure, batch_size=batch_size, progress=progress)
    found = swept.numpy().reshape(len(ways), len(doses), len(told), 3).astype(float)
    return _dataset(model, told, found, doses, {"layer": layer, "role": role, "variable": told.variable, "seed": seed})


class _Shift(Constant):
    """s = h + a shift of each prompt's own: rows [prompt, d_model] of the run."""

    def at(self, rows: np.ndarray, where: tuple[str, ...], like: torch.Tensor, site: Site) -> torch.Tensor:
        """Return the stream with the prompt's shift added."""
        return like + self.value[torch.as_tensor(rows)].to(like.device)[:, None]


def _added(prompts: Prompts, layer: int, role: str, shift: torch.Tensor) -> Intervention:
    source: Source = _Shift(shift)
    return Intervention(Site("resid_pre", layer), (role,), source)


def _dataset(
    model: Any, told: Interchange, found: np.ndarray, doses: tuple[float, ...], about: dict[str, Any]
) -> xr.Dataset:
    n, zero = len(told), doses.index(0.0)
    moved = found[..., 0] - found[:, zero : zero + 1, :, 0]
    right = found[..., 1:].sum(axis=2)
    data = {
        **mean_variables(
            "moved", "dose", moved[0].mean(axis=-1), t_interval(moved[0].T), "logits",
            "change of logit(expected) - logit(own answer)",
        ),
        **mean_variables(
            "follows", "dose", right[0, :, 0] / n, wilson(right[0, :, 0], n), "fraction", "top token = expected answer"
        ),
        **mean_variables(
            "kept", "dose", right[0, :, 1] / n, wilson(right[0, :, 1], n), "fraction", "top token = own answer"
        ),
        "moved_null": variable("draw dose", moved[1:].mean(axis=-1), "logits", "the same of random directions"),
        "follows_null": variable("draw dose", right[1:, :, 0] / n, "fraction", "the same of random directions"),
        "logit_diff": variable("prompt dose", found[0, ..., 0].T, "logits", "logit(expected) - logit(own answer)"),
        "n": variable("", n, "prompts", "informative base prompts"),
    }  # fmt: skip
    title = f"What adding a direction of {about['variable']} does to the answer, by dose."
    coords = {"dose": list(doses), "draw": np.arange(len(found) - 1), "prompt": list(told.base.texts)}
    return xr.Dataset(data, coords, attributes("steering", model, told.base, title, **about))
