"""Is the helix what the model computes with? Write it in place of the number, and see how far the answer comes back.

    base = corrupted a' + b,  other = clean a + b;   h <- form(a) at the token of a, before block l
    moved(form) = logit_patched(a + b) - logit_corrupted(a + b)        the published score, for each pair
    recovered(form) = mean(patched - corrupted) / mean(clean - corrupted) of the logit difference

for the true activation (`true`: the most that can come back here) and the forms of `interp.fourier.helix_forms`: the
helix, the circle, as many principal components, a polynomial of as many functions, and the nulls: helices of shuffled
numbers (several draws) and the mean activation. Only pairs whose two prompts the model answers right.

With k of the periods the best choice is the one with the largest mean `moved` on the selection pairs; it is then
measured on the test pairs (the published search keeps the last choice instead of the best). All edits are one `sweep`.

Reading: a helix that is as good as the true activation and better than as many principal components is a code; one no
better than the polynomial is a curve of the right length. A logit difference rewards every number near the right one:
beside it stands `follows`, how often the clean answer itself is said.
Source: Kantamneni & Tegmark 2025, arXiv:2502.00873.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Intervention, Rows, Site, run, sweep
from interp.errors import InterpError
from interp.fourier.helix import DECIMAL
from interp.fourier.helix_fit import Tables
from interp.fourier.helix_forms import FITTED, Code, choices
from interp.fourier.helix_result import Patched, dataset
from interp.methods import metrics
from interp.progress import Progress, silent
from interp.tasks.twins import Twins

MOST = 4
"""The largest number of periods that are combined."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where is written, and how each pair's number is found in the tables: `role`, `number`, `batch_size`."""

    model: Any
    role: str
    number: str
    batch_size: int = 512

    def rows(self, pairs: Twins, values: np.ndarray) -> np.ndarray:
        """Return each clean prompt's place in `values`. Raises InterpError for a number that is not there."""
        asked = np.asarray(pairs.clean.variables[self.number], float)
        at = np.clip(np.searchsorted(values, asked), 0, len(values) - 1)
        missing = np.unique(asked[values[at] != asked])
        if len(missing):
            raise InterpError(
                f"No reference prompt has {self.number} = {missing[0]:g} ({len(missing)} such numbers): raise n_train."
            )
        return at

    def edit(self, layer: int, written: np.ndarray) -> list[Intervention]:
        """Return the write of [pair, d] before block `layer`."""
        values = torch.as_tensor(written, dtype=torch.float32)[:, None]
        return [Intervention(Site("resid_pre", layer), (self.role,), Rows(values))]

    def measured(self, pairs: Twins, edits: list[list[Intervention]], progress: Progress) -> np.ndarray:
        """Return [edit, pair, 3]: logit of the clean answer, of the corrupted one, is the clean one on top?"""
        answers = torch.as_tensor(np.stack([pairs.clean.answer_ids, pairs.corrupted.answer_ids], axis=1))

        def measure(logits: Tensor, at: np.ndarray) -> Tensor:
            ids = answers[torch.as_tensor(at)].to(logits.device)
            picked = logits.gather(-1, ids)
            return torch.cat([picked, (logits.argmax(-1) == ids[:, 0])[:, None].float()], dim=1)

        how: dict[str, Any] = {"batch_size": self.batch_size, "progress": progress}
        return sweep(self.model, pairs.corrupted, edits, measure, **how).double().numpy()

    def right(self, pairs: Twins) -> Twins:
        """Return the pairs whose two prompts the model answers right. Raises InterpError where fewer than 2 are."""
        sides = (pairs.clean, pairs.corrupted)
        kept = np.ones(len(pairs), bool)
        for side in sides:
            kept &= metrics.correct(run(self.model, side, batch_size=self.batch_size).logits, side).cpu().numpy()
        if kept.sum() < 2:
            raise InterpError(
                f"The model answers {int(kept.sum())} of {len(pairs)} pairs right on both sides: patching needs 2; "
                "take a task it can do."
            )
        return replace(pairs, clean=pairs.clean[kept], corrupted=pairs.corrupted[kept])


def helix_patch(
    place: Place,
    found: Tables,
    selection: Twins,
    test: Twins,
    *,
    periods: Sequence[float] = DECIMAL,
    n_random: int = 5,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return `moved` and `recovered` [layer, k, form] with intervals, of the true activation and of the nulls.

    `found` are the activations by number that fits see; `selection` pairs choose periods, `test` pairs are reported.
    Per pair: `moved_pair` [prompt, layer, k, form]. Raises InterpError for pairs that change something else than the
    number, for numbers without reference prompts, or where the model is right on fewer than 2 pairs.
    """
    if (test.clean.answer_ids == test.corrupted.answer_ids).any():
        raise InterpError("Some pairs have one answer for both prompts: swap the operand so that the answer changes.")
    asked, both = len(test), (place.right(selection), place.right(test))
    rng = np.random.default_rng(seed)
    parts = []
    for i, (layer, points) in enumerate(found.means.items()):
        code = Code.of(found.values, points, periods)
        parts.append(_layer(place, code, layer, both, (periods, n_random, rng)))
        progress(i + 1, len(found.means), "helix patches")
    told = {"role": place.role, "number_of": place.number, "seed": seed}
    told |= {"n_selection": len(both[0]), "asked": asked, "periods": [float(t) for t in periods]}
    return dataset(place.model, both[1], list(found.means), parts, told)


def _layer(
    place: Place, code: Code, layer: int, both: tuple[Twins, Twins], how: tuple[Sequence[float], int, Any]
) -> Patched:
    """Return what was measured before one block."""
    periods, n_random, rng = how
    selection, test = both
    sizes = range(1, min(MOST, len(periods)) + 1)
    best = _chosen(place, code, layer, selection, [c for k in sizes for c in choices(periods, k)])
    at = place.rows(test, code.values)
    orders = [rng.permutation(len(code.values)) for _ in range(n_random)]
    written: list[np.ndarray] = []
    for k in sizes:
        terms = {form: code.terms(form, best[form, k]) for form in FITTED}
        rank = len(terms["helix"]) - 1
        written += [code.fitted(terms[form]) for form in FITTED] + list(code.rivals(rank).values())
        written += [code.fitted(terms["helix"], order) for order in orders]
    site = Site("resid_pre", layer)
    true = run(place.model, test.clean, reads=[site], batch_size=place.batch_size)[site]
    own = true[:, test.clean.position(place.role)].float().cpu().numpy()
    edits = [[], place.edit(layer, own), place.edit(layer, code.mean()[at])]
    edits += [place.edit(layer, each[at]) for each in written]
    found = place.measured(test, edits, silent)
    ranks = [len(code.terms("helix", best["helix", k])) - 1 for k in sizes]
    whole = run(place.model, test.clean, batch_size=place.batch_size).logits
    clean = metrics.logit_diff(whole, test).double().cpu().numpy()
    chosen = [[best[form, k] for form in FITTED] for k in sizes]
    return Patched(found[:3], found[3:].reshape(len(sizes), -1, *found.shape[1:]), clean, chosen, ranks)


def _chosen(
    place: Place, code: Code, layer: int, pairs: Twins, options: list[tuple[float, ...]]
) -> dict[tuple[str, int], tuple[float, ...]]:
    """Return, of every form and number of periods, the choice with the largest mean `moved` on `pairs`."""
    at = place.rows(pairs, code.values)
    cells = [(form, option) for form in FITTED for option in options]
    edits = [place.edit(layer, code.fitted(code.terms(form, option))[at]) for form, option in cells]
    moved = place.measured(pairs, edits, silent)[:, :, 0].mean(1)  # the corrupted run is the same for all of them
    best: dict[tuple[str, int], tuple[float, tuple[float, ...]]] = {}
    for (form, option), value in zip(cells, moved, strict=True):
        key = form, len(option)
        if key not in best or value > best[key][0]:
            best[key] = float(value), option
    return {key: option for key, (_, option) in best.items()}
