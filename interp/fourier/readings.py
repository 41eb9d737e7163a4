"""What stands for each number inside a model? The mean activation over the prompts in which a variable has that value.

    points[n] = mean of activation(prompt) at a site and role over { prompts : variable = n },     n = low .. high

Averaging takes away what the rest of the prompt adds, so that what is left is a function of n alone: the thing that
has a spectrum. One streamed pass serves all sites and readings; nothing is kept but sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.engine import Moments, Site
from interp.engine.run import stream
from interp.errors import InterpError, nearest
from interp.progress import Progress, silent
from interp.tasks import Prompts

PLACES = ("resid", "attn_out", "mlp_out", "mlp_post", "z", "pattern", "logits")
"""What can be read: the residual stream (layer 0 is the embeddings), what a block adds, neurons, heads, the output."""
FEWEST = 2
"""A number needs this many prompts: one prompt is no mean."""


class Reading(NamedTuple):
    """A variable and the role at which it is looked for, e.g. the second operand at the last token."""

    variable: str
    role: str

    @property
    def name(self) -> str:
        """The reading in words, as on an axis: "b at eq"."""
        return f"{self.variable} at {self.role}"


class Counted(NamedTuple):
    """The numbers of a reading: the first, the index of each prompt's number (-1 outside), prompts of the rarest."""

    first: int
    index: np.ndarray
    fewest: int


def usual_readings(prompts: Prompts) -> list[Reading]:
    """Return each operand at its own token, then every operand and the result at the last one."""
    last = prompts.roles[-1]
    operands = [role for role in prompts.roles if role in prompts.variables]
    found = [Reading(role, role) for role in operands] + [Reading(role, last) for role in operands]
    return [*found, Reading("result", last)] if "result" in prompts.variables else found


def layers_of(model: Any, place: str) -> list[int]:
    """Return the layers of a place: 0..L for the residual stream, L for the logits, else 0..L-1.

    Raises InterpError for a place that is not known.
    """
    if place not in PLACES:
        raise InterpError(f"Nothing is read at {place!r}. {nearest(place, PLACES)}")
    n_layers = model.cfg.n_layers
    return {"resid": list(range(n_layers + 1)), "logits": [n_layers]}.get(place, list(range(n_layers)))


def number_means(
    model: Any,
    prompts: Prompts,
    place: str,
    readings: Sequence[Reading],
    n_numbers: int,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> tuple[dict[tuple[int, Reading], np.ndarray], dict[Reading, Counted]]:
    """Return {(layer, reading): float64 points [number, d]} and the numbers of each reading.

    A reading's numbers are the `n_numbers` consecutive ones whose rarest has most prompts: 0..99 for operands, the
    middle for sums, of which the smallest and largest have one prompt each. A head's pattern is flattened to one entry
    a head and key, `z` to one a head and dimension. Raises InterpError for an unknown role or variable, and where there
    is no such range with FEWEST prompts a number.
    """
    layers = layers_of(model, place)
    counted = {reading: count(prompts, reading, n_numbers) for reading in readings}
    rows = {reading: np.flatnonzero(found.index >= 0) for reading, found in counted.items()}
    sums: dict[tuple[int, Reading], Moments] = {}

    def consumer(layer: int) -> Callable[[Tensor, np.ndarray], None]:
        def consume(activation: Tensor, batch: np.ndarray) -> None:
            for reading in readings:
                here = np.isin(batch, rows[reading])
                values = _at_role(activation, place, prompts, reading)[torch.from_numpy(here).to(activation.device)]
                values = values.flatten(1)
                moments = sums.setdefault((layer, reading), Moments(n_numbers, values.shape[1:], values.device))
                if here.any():
                    moments.update(values, counted[reading].index[batch[here]])

        return consume

    if place == "logits":
        stream(model, prompts, {}, logits=consumer(layers[0]), batch_size=batch_size, progress=progress)
    else:
        sites = {_site(place, layer, model.cfg.n_layers): consumer(layer) for layer in layers}
        stream(model, prompts, sites, batch_size=batch_size, progress=progress)
    return {cell: moments.mean.cpu().numpy() for cell, moments in sums.items()}, counted


def count(prompts: Prompts, reading: Reading, n_numbers: int) -> Counted:
    """Return the run of `n_numbers` consecutive values whose rarest has most prompts. Raises as `number_means`."""
    if reading.variable not in prompts.variables:
        raise InterpError(f"There is no variable {reading.variable!r}. {nearest(reading.variable, prompts.variables)}")
    prompts.position(reading.role)
    values = np.asarray(prompts.variables[reading.variable]).astype(np.int64)
    lowest = int(values.min())
    every = np.bincount(values - lowest, minlength=n_numbers)
    fewest = np.lib.stride_tricks.sliding_window_view(every, n_numbers).min(1)
    start = int(fewest.argmax())
    if fewest[start] < FEWEST:
        raise InterpError(
            f"{n_numbers} consecutive values of {reading.variable} with at least {FEWEST} prompts each are not among "
            f"these {len(prompts)} prompts; ask for more prompts, or for fewer numbers."
        )
    index = values - lowest - start
    return Counted(lowest + start, np.where((index >= 0) & (index < n_numbers), index, -1), int(fewest[start]))


def _at_role(activation: Tensor, place: str, prompts: Prompts, reading: Reading) -> Tensor:
    if place == "logits":
        if reading.role != prompts.roles[-1]:
            raise InterpError(f"Logits are read at the last token {prompts.roles[-1]!r}, not at {reading.role!r}.")
        return activation
    where = prompts.position(reading.role)
    return activation[:, :, where] if place == "pattern" else activation[:, where]


def _site(place: str, layer: int, n_layers: int) -> Site:
    if place == "resid":
        return Site("resid_pre", layer) if layer < n_layers else Site("resid_post", n_layers - 1)
    return Site(place, layer)
