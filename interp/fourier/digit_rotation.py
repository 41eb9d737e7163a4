"""If one digit of a number is turned in the stream, does the answer turn with it, and by as much?

    h  <-  h + U U^T (h' - h)      at the number's own role, h' from `interp.fourier.digit_planes`, U its directions

    said[steps, s]    share of prompts whose top token is a number = answer + s B^i   (mod B^(i+1)),   i = turned place
    follows[steps]  = said[steps, steps]      kept[steps] = said[steps, 0]      wrong[steps]: the other digit moves

The congruence leaves open where a turn beyond B - 1 carries to, and asks the lower digits to stay. The layer is chosen
on selection prompts (half a turn, all places), planes are fitted on train prompts, the curve is measured on others.

Nulls: the same shift in random directions (`follows_null`, several draws), and the plane of another digit (`wrong`: the
share whose *read* digit moves by as much when a different one was turned).

How to read: a code that is used gives a diagonal in `said`. A curve that only takes `kept` away breaks the number.
Source: Levy & Geva 2024, arXiv:2410.11781 (there a turn by half: +5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from interp.engine import Basis, Intervention, Rows, Site, sweep
from interp.errors import InterpError
from interp.fourier.digit_circles import digits, n_places
from interp.fourier.digit_planes import KINDS, Plane, disguised, fit
from interp.methods.grid import Stream, layer_list, read_stream, within
from interp.methods.intervals import wilson
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent
from interp.tasks.prompts import Prompts


@dataclass(frozen=True, eq=False)
class Turned:
    """What is turned: the number `variable` (digits in `base`) at `role`; `sign` -1 where the answer falls with it."""

    variable: str
    role: str
    base: int = 10
    sign: int = 1

    def places(self, prompts: Prompts) -> np.ndarray:
        """Return the digits [prompt, place] of the number. Raises InterpError for a number that is not there."""
        if self.variable not in prompts.variables or "result" not in prompts.variables:
            raise InterpError(f"These prompts have no number {self.variable!r} or no result: name an operand.")
        numbers = prompts.variables[self.variable]
        return digits(numbers, self.base, n_places(int(numbers.max()), self.base))


def digit_rotation(
    model: Any,
    train: Prompts,
    select: Prompts,
    prompts: Prompts,
    turned: Turned,
    *,
    layers: Sequence[int] | None = None,
    n_random: int = 5,
    batch_size: int = 256,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the dose curves of turning each digit of a number, for three planes, beside random directions.

    `said` [kind, rotated, steps, shift], `follows`, `kept` [kind, rotated, steps] with intervals, `follows_null` [draw,
    kind, rotated, steps], `wrong` [kind, rotated, read, steps], `follows_by_layer` [kind, rotated, layer] on the
    selection prompts, `layer_used` [kind], `answered` [kind, rotated, steps, prompt] (-1: no number). Raises
    InterpError for an unknown number or role, or digits that a plane cannot be fitted to.
    """
    layers = [layer for layer in layer_list(model, layers) if layer < model.cfg.n_layers]
    if not layers or n_random < 1:
        raise InterpError("A turn needs a layer below the last, and at least one random plane; choose them.")
    total = len(layers) + 3
    streams = [read_stream(model, p, layers, batch_size, within(progress, i, total, "reading"))
               for i, p in enumerate((train, select, prompts))]  # fmt: skip
    run = _Turns(model, turned, streams, _numbers(model, (train, select, prompts)), batch_size)
    places, half = range(turned.places(train).shape[1]), turned.base // 2
    by_layer = np.empty((len(KINDS), len(places), len(layers)))
    for i, layer in enumerate(layers):
        planes = run.planes(layer)
        inner = within(progress, 3 + i, total, f"half a turn at layer {layer}")
        said = run.moved(1, layer, [(planes[k, p], p, half) for k in KINDS for p in places], inner)
        moved = said.reshape(len(KINDS), len(places), -1, len(places))
        for p in places:
            by_layer[:, p, i] = (moved[:, p, :, p] == half).mean(-1)
    chosen = [layers[int(each.mean(0).argmax())] for each in by_layer]
    found = [run.curves(kind, layer, n_random, seed, within(progress, total, total, "dose curve"))
             for kind, layer in zip(KINDS, chosen, strict=True)]  # fmt: skip
    about = {"variable": turned.variable, "role": turned.role, "base": turned.base, "seed": seed}
    data = _variables(found, by_layer, chosen, len(train), len(select))
    steps, digit = np.arange(turned.base), np.arange(len(places))
    coords: dict[str, Any] = {"kind": list(KINDS), "rotated": digit, "read": digit, "steps": steps, "shift": steps}
    coords |= {"layer": layers, "draw": np.arange(n_random), "prompt": list(prompts.texts)}
    title = f"Does the answer turn with a digit of {turned.variable}?"
    return xr.Dataset(data, coords, attributes("digit_rotation", model, prompts, title, **about))


@dataclass(frozen=True, eq=False)
class _Turns:
    """The runs: streams of train, selection and evaluated prompts, and the number each token says (-1: none)."""

    model: Any
    turned: Turned
    streams: Sequence[Stream]
    numbers: torch.Tensor
    batch_size: int

    def planes(self, layer: int) -> dict[tuple[str, int], Plane]:
        """Return the planes of every kind and place, fitted on the train prompts."""
        h, places = self._at(0, layer), self.turned.places(self.streams[0].prompts)
        return {
            (kind, p): fit(kind, h, places[:, p], self.turned.base) for kind in KINDS for p in range(places.shape[1])
        }

    def moved(self, which: int, layer: int, turns: list[tuple[Plane, int, float]], progress: Progress) -> np.ndarray:
        """Return by how many steps each digit of the answer moved, [turn, prompt, place]; -1 where it did not do so."""
        prompts, h = self.streams[which].prompts, self._at(which, layer)
        places = self.turned.places(prompts)
        edits = []
        for plane, place, steps in turns:
            written = torch.as_tensor(h + plane.shift(h, places[:, place], steps), dtype=torch.float32)
            write = Rows(written[:, None])
            edits.append([Intervention(Site("resid_pre", layer), (self.turned.role,), write, Basis(plane.frame))])
        said = sweep(self.model, prompts, edits, self._said, batch_size=self.batch_size, progress=progress).numpy()
        return steps_moved(said, prompts.variables["result"], places.shape[1], self.turned)

    def curves(self, kind: str, layer: int, n_random: int, seed: int, progress: Progress) -> np.ndarray:
        """Return `moved` [way, rotated, steps, prompt, place] of the plane and of its disguises, at every dose."""
        planes, base = self.planes(layer), self.turned.base
        places = sorted(p for k, p in planes if k == kind)
        ways = {p: [planes[kind, p], *(disguised(planes[kind, p], np.random.default_rng([seed, p, draw]))
                                       for draw in range(n_random))] for p in places}  # fmt: skip
        turns = [(ways[p][w], p, float(s)) for w in range(n_random + 1) for p in places for s in range(base)]
        return self.moved(2, layer, turns, progress).reshape(n_random + 1, len(places), base, -1, len(places))

    def _said(self, logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        return self.numbers.to(logits.device)[logits.argmax(-1)]

    def _at(self, which: int, layer: int) -> np.ndarray:
        return self.streams[which].at(layer, self.turned.role)[:, 0].double().cpu().numpy()


def steps_moved(said: np.ndarray, answer: np.ndarray, n_places: int, turned: Turned) -> np.ndarray:
    """Return by how many steps the digit at each place of the answer moved, [..., prompt, place], 0 .. B - 1.

    -1 where no number was said (`said` < 0) or a lower digit moved too.
    """
    change = turned.sign * (said - answer)[..., None]
    size = turned.base ** np.arange(n_places)
    rest = change % (size * turned.base)
    return np.where((said[..., None] >= 0) & (rest % size == 0), rest // size, -1)


def _numbers(model: Any, sets: Sequence[Prompts]) -> torch.Tensor:
    """Return the number that every token says, int [vocab]; -1 for tokens that no prompt uses for a number."""
    found = torch.full((int(model.cfg.d_vocab),), -1, dtype=torch.long)
    for prompts in sets:
        named = [(prompts.tokens[:, i], role) for i, role in enumerate(prompts.roles) if role in prompts.variables]
        for ids, name in [*named, (prompts.answer_ids, "result")]:
            found[torch.as_tensor(ids)] = torch.as_tensor(prompts.variables[name])
    return found


def _variables(
    found: Sequence[np.ndarray], by_layer: np.ndarray, chosen: list[int], n_train: int, n_select: int
) -> dict[str, xr.Variable]:
    """Return the variables from moved digits of each kind [way, rotated, steps, prompt, place]."""
    moved = np.stack([np.moveaxis(np.diagonal(each, axis1=1, axis2=4), -1, 1) for each in found])
    base, n = moved.shape[3], moved.shape[4]  # [kind, way, rotated, steps, prompt]
    steps = np.arange(base)
    said = (moved[:, 0, ..., None] == steps).mean(-2)
    right = (moved == steps[:, None]).sum(-1)
    wrong = np.stack([(each[0] == steps[:, None, None]).mean(2) for each in found]).transpose(0, 1, 3, 2)
    wrong[:, np.arange(wrong.shape[1]), np.arange(wrong.shape[1])] = np.nan
    kept = (moved[:, 0] == 0).sum(-1)
    dims, part = "kind rotated steps", "fraction"
    return {
        "said": variable(f"{dims} shift", said, part, "answers whose digit moved by `shift` when turned by `steps`"),
        **mean_variables("follows", dims, right[:, 0] / n, wilson(right[:, 0], n), part, "moved as far as turned"),
        **mean_variables("kept", dims, kept / n, wilson(kept, n), part, "digit as without the turn"),
        "follows_null": variable(f"draw {dims}", right[:, 1:].swapaxes(0, 1) / n, part, "follows in random directions"),
        "wrong": variable("kind rotated read steps", wrong, part, "another digit moved as far as this one was turned"),
        "follows_by_layer": variable("kind rotated layer", by_layer, part, "follows half a turn, selection prompts"),
        "layer_used": variable("kind", chosen, "layer", "chosen on the selection prompts"),
        "answered": variable(f"{dims} prompt", moved[:, 0].astype(np.int16), "steps", "digit moved by; -1: none"),
        "n": variable("", n, "prompts", "evaluated prompts"),
        "n_train": variable("", n_train, "prompts", "prompts behind the planes"),
        "n_select": variable("", n_select, "prompts", "prompts behind the choice of layer"),
    }
