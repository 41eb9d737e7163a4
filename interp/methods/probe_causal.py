"""Does the answer follow when a probe's reading is set to another value, or does the model not look there?

At one role and each layer, w [d] and c are ridge's reading of a causal variable, y ≈ c + w·h (penalty chosen on the
selection split), m the mean change of h with y, t the value of the variable in another prompt:

    probe     h <- h + U Uᵀ (s - h),   U = w / ‖w‖,   s = U (t - c) / ‖w‖        the reading becomes t exactly
    means     h <- h + m (t - c - w·h) / (w·m)                                   as far along m
    decoy     the same as `probe` for v, ridge on the stream without w: it reads what else goes along with y
    random    a random direction, by the length that the probe's own move has in that prompt

    follows(way, layer)    share of prompts whose top token is the answer with that value, all else their own
    moved(way, layer)      mean change of logit(expected answer) - logit(own answer)
    decoy_r2               what the decoy still reads, held out, beside `r2` of the probe

Reading: a direction is used when answers follow it and neither random directions nor the decoy. Where the decoy works
too, the value is coded twice, or the move pulls the stream back to where it has been seen. A dose above 1 overshoots.
A reading that can be set without any answer following is a correlate: readable, not used. Where nothing is read
(R² <= 0 held out) nothing is written: the weights of such a probe are near 0, and setting it would throw the stream
hundreds of its own lengths away, so that what follows would say nothing of a variable.

Sources: Geiger et al. (2021) arXiv 2106.02997 (interchange); Elazar et al. (2021) arXiv 2006.00995 (amnesic probing);
Haufe et al., NeuroImage 87 (2014) 96 (weights read, patterns say what changes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Basis, Intervention, Rows, Site, run, sweep
from interp.errors import InterpError
from interp.methods.gram import Ladder, choose
from interp.methods.grid import layer_list
from interp.methods.intervals import t_interval, wilson
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.ridge import Moments
from interp.progress import Progress, silent
from interp.tasks.interchange import Interchange

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

WAYS = ("probe", "means", "decoy")


@dataclass(frozen=True)
class Read:
    """Prompts and the value [prompt] of the variable in each, to fit on or to choose on."""

    prompts: Prompts
    values: np.ndarray


@dataclass(frozen=True)
class Direction:
    """A reading y ≈ c + w·h, the mean change m of h with y, and its held-out R²."""

    w: Tensor
    c: float
    m: Tensor
    r2: float


def reading(x: Tensor, y: Tensor, held: Tensor, truth: Tensor) -> Direction:
    """Return ridge's reading of y [row] in x [row, d], penalty and R² from held-out rows; w = 0 where R² <= 0."""
    solved = choose(Ladder.of(Moments.of(x, y[:, None])), held, truth[:, None], np.zeros(1, dtype=int))
    centred, spread = x - x.mean(0), y - y.mean()
    m = centred.T @ spread / spread.square().sum()
    error = (solved.predict(held)[:, 0] - truth).square().mean()
    r2 = float(1 - error / truth.var(correction=0))
    return Direction(solved.weights[:, 0] * (r2 > 0), float(solved.intercept[0]), m, r2)


def reading_along(u: Tensor, x: Tensor, y: Tensor, held: Tensor, truth: Tensor) -> Direction:
    """Return the least-squares reading of y along a direction u [d] that is known, as `reading` does."""
    found = reading((x @ u)[:, None], y, (held @ u)[:, None], truth)
    return Direction(found.w * u, found.c, u * found.m, found.r2)


def without(x: Tensor, w: Tensor) -> Tensor:
    """Return x [row, d] without its component along w."""
    u = w / w.norm().clamp(min=1e-300)
    return x - (x @ u)[:, None] * u


def written(h: Tensor, direction: Direction, values: Tensor, dose: float) -> tuple[Tensor, Basis | None]:
    """Return the source [row, d] and the basis that set the reading of h [row, d] to `values` at dose 1; where nothing
    is read (w = 0), h itself and the whole stream."""
    if not float(direction.w.norm()) > 0:
        return h, None
    now = direction.c + h @ direction.w
    aim = now + dose * (values - now)
    u = direction.w / direction.w.norm()
    return ((aim - direction.c) / direction.w.norm())[:, None] * u, Basis(u)


def probe_causal(
    model: Any,
    train: Read,
    selection: Read,
    pairs: Interchange,
    values: np.ndarray,
    role: str,
    *,
    layers: Sequence[int] | None = None,
    doses: Sequence[float] = (1.0, 2.0, 4.0),
    n_random: int = 5,
    batch_size: int = 256,
    progress: Progress = silent,
    direction: Tensor | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Return whether answers follow a probe of a variable, set on the base prompts of informative pairs to `values`
    [pair] (those of the source prompts), beside random directions and a decoy. `direction` [d_model]: one that is
    known, read by least squares in the probe's place.

    `follows`, `moved` [way, dose, layer] with intervals; `follows_null`, `moved_null` [draw, dose, layer]; `r2`,
    `decoy_r2`, `length` [layer]; `logit_diff` [prompt, way, dose, layer]. Raises InterpError without an informative
    pair or a variable that varies, for a role or layer that is none, or doses that are not above 0.
    """
    layers, told, doses = layer_list(model, layers), pairs[pairs.informative], tuple(float(d) for d in doses)
    aims = torch.as_tensor(np.asarray(values, dtype=float)[pairs.informative])
    if not len(told) or np.ptp(train.values) == 0 or np.ptp(selection.values) == 0 or not doses or min(doses) <= 0:
        raise InterpError(
            f"A causal check needs informative pairs, a variable that varies and doses above 0; got {len(told)} pairs "
            f"of {pairs.variable} and doses {doses}."
        )
    place, sites = told.base.position(role), [Site("resid_pre", layer) for layer in layers]
    streams = [
        run(model, prompts, reads=sites, batch_size=batch_size)
        for prompts in (train.prompts, selection.prompts, told.base)
    ]
    y, truth = (torch.as_tensor(each.values, dtype=torch.float64) for each in (train, selection))
    drawn = np.random.default_rng(seed)
    edits, facts = [], []
    for site in sites:
        x, held, h = (each[site][:, place].double().cpu() for each in streams)
        sides = (x, y, held, truth)
        found = reading(*sides) if direction is None else reading_along(_unit(direction), *sides)
        decoy = reading(without(x, found.w), y, without(held, found.w), truth)
        moves, length = _moves(h, found, decoy, aims, doses, n_random, drawn)
        edits += [[Intervention(site, (role,), Rows(s[:, None].float()), basis)] for s, basis in moves]
        facts.append((found.r2, decoy.r2, length, float(h.norm(dim=1).mean())))
    swept = sweep(model, told.base, edits, _measure(told), batch_size=batch_size, progress=progress)
    plain = _measure(told)(streams[2].logits, np.arange(len(told))).double().cpu().numpy()
    shape = (len(layers), len(WAYS) + n_random, len(doses), len(told), 3)
    dims = {"layer": layers, "dose": list(doses)}
    settings = {"role": role, "variable": pairs.variable, "seed": seed, "n_train": len(train.prompts)}
    return _dataset(model, told, swept.double().cpu().numpy().reshape(shape), plain, np.array(facts), dims, settings)


def _unit(direction: Tensor) -> Tensor:
    return direction.double() / direction.double().norm()


def _moves(
    h: Tensor, found: Direction, decoy: Direction, aims: Tensor, doses: Sequence[float], n_random: int, drawn: Any
) -> tuple[list[tuple[Tensor, Basis | None]], float]:
    """The source and basis of every way and dose, way by way, and the mean length of the probe's move at dose 1."""
    now = found.c + h @ found.w
    reads = float(found.w.norm()) > 0
    lengths = ((aims - now) / found.w.norm())[:, None] if reads else torch.zeros_like(h[:, :1])  # signed, along w
    moves = [written(h, found, aims, dose) for dose in doses]
    steps = (aims - now)[:, None] * found.m / (found.w @ found.m) if reads else torch.zeros_like(h)
    moves += [(h + dose * steps, None) for dose in doses]
    moves += [written(h, decoy, aims, dose) for dose in doses]
    for _ in range(n_random):
        u = torch.as_tensor(drawn.normal(size=h.shape[1]))
        moves += [(h + dose * lengths * u / u.norm(), None) for dose in doses]
    return moves, float(lengths.abs().mean())


def _measure(told: Interchange) -> Any:
    answers = torch.as_tensor(np.stack([told.base.answer_ids, told.expected_ids], axis=1))

    def measure(logits: Tensor, rows: np.ndarray) -> Tensor:
        own, expected = answers[rows].to(logits.device).unbind(1)
        picked = [logits.gather(-1, ids[:, None])[:, 0] for ids in (expected, own)]
        top = logits.argmax(-1)
        return torch.stack([picked[0] - picked[1], (top == expected).float(), (top == own).float()], dim=-1)

    return measure


def _dataset(
    model: Any, told: Interchange, found: np.ndarray, plain: np.ndarray, facts: np.ndarray,
    dims: dict[str, Any], settings: dict[str, Any],
) -> xr.Dataset:  # fmt: skip
    """`found` is [layer, way and draw, dose, prompt, measure]; `plain` [prompt, measure] without any edit."""
    found = np.moveaxis(found, 0, 2)  # [way, dose, layer, prompt, measure]
    n, ways = len(told), len(WAYS)
    moved, said = found[..., 0] - plain[:, 0], found[..., 1:].sum(axis=3)
    shift = t_interval(np.moveaxis(moved[:ways], -1, 0))
    cell, draw = "way dose layer", "draw dose layer"
    data = {
        **mean_variables("follows", cell, said[:ways, ..., 0] / n, wilson(said[:ways, ..., 0], n), "fraction",
                         "top token = expected answer"),
        **mean_variables("kept", cell, said[:ways, ..., 1] / n, wilson(said[:ways, ..., 1], n), "fraction",
                         "top token = own answer"),
        **mean_variables("moved", cell, moved[:ways].mean(axis=-1), shift, "logits",
                         "change of logit(expected) - logit(own answer)"),
        "follows_null": variable(draw, said[ways:, ..., 0] / n, "fraction", "the same of random directions"),
        "moved_null": variable(draw, moved[ways:].mean(axis=-1), "logits", "the same of random directions"),
        "logit_diff": variable(f"prompt {cell}", np.moveaxis(found[:ways, ..., 0], -1, 0), "logits",
                               "logit(expected) - logit(own answer)"),
        "r2": variable("layer", facts[:, 0], "R²", "of the probe on the selection split"),
        "decoy_r2": variable("layer", facts[:, 1], "R²", "of the decoy on the selection split"),
        "length": variable("layer", facts[:, 2], "norm", "mean length of the probe's move at dose 1"),
        "stream_length": variable("layer", facts[:, 3], "norm", "mean length of the stream there"),
        "n": variable("", n, "prompts", "informative base prompts"),
    }  # fmt: skip
    title = f"Whether the answer follows a probe of {settings['variable']} that is set to another value."
    coords = {**dims, "way": list(WAYS), "draw": np.arange(found.shape[0] - ways), "prompt": list(told.base.texts)}
    return xr.Dataset(data, coords, attributes("probe_causal", model, told.base, title, **settings))
