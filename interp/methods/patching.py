"""Where does the model carry what distinguishes the clean prompt from its corrupted twin?

Run the base prompt and write, at one component, layer l and role r, what the other run has there:

    denoising   base = corrupted, other = clean        does this place alone bring the clean answer back?
    noising     base = clean, other = corrupted        is this place needed for it?
    recovered(l, r) = mean(patched - base) / mean(other - base)        of a metric of each pair: logit_diff

What is written is the twin's activation; or none of it: the mean over reference prompts, another prompt's (resample),
zero. Components are those of `COMPONENTS` (`patching_question`); heads are patched one by one.

Null: the same write with the other run of an unrelated pair (a permutation without a fixed point). It is not 0 where
the model's answer is already computed: an unrelated answer wipes out the base run's, which by itself is about half of a
symmetric logit difference. What counts is `recovered` above `recovered_null`. Where the two runs do not differ on
average everything is nan and `guard` in the attributes says so. The interval is a percentile bootstrap over pairs, for
each cell alone. All cells are one `sweep`.

Source: Vig et al. (2020) arXiv 2004.12265; Meng et al. (2022) arXiv 2202.05262; Heimersheim & Nanda (2024) arXiv
2404.15255 (denoising against noising).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Intervention, Rows, Run, Site, Zero, run, sweep
from interp.methods import metrics
from interp.methods.grid import place_list, positions
from interp.methods.nulls import derangement
from interp.methods.patching_question import HEADS, Asked, check, layers_of, sites_of
from interp.methods.patching_result import MEASURED, Patched, dataset
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins


def patching(
    model: Any,
    twins: Twins,
    asked: Asked | None = None,
    *,
    reference: Prompts | None = None,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the share of the way from the base to the other run that each cell brings, beside its null.

    `recovered` and `recovered_null` [layer, role], by head [layer, head, role] for a component of heads (of `pattern`,
    role is the query); `logit_diff` and what else was measured [prompt, layer, role], each pair; those of the unpatched
    runs. `layers` defaults to all (resid_pre: 0..L), `roles` to every role; "all" writes every position. `reference` is
    needed for the mean. Raises InterpError on fewer than 2 pairs, pairs that share one answer, an unknown role or
    layer, a component that the model does not have.
    """
    asked = Asked() if asked is None else asked
    check(twins, asked, reference)
    roles, layers = place_list(twins.clean, roles), layers_of(model, asked.component, layers)
    sites = {layer: sites_of(model, asked.component, layer) for layer in layers}
    shape = (len(layers), *([len(sites[layers[0]])] if asked.component in HEADS else []), len(roles))
    base, other = (twins.corrupted, twins.clean) if asked.direction == "denoising" else (twins.clean, twins.corrupted)
    unrelated = derangement(len(base), seed)
    mean = _mean(model, reference, sites, batch_size) if asked.source == "mean" and reference is not None else {}
    written = [(site, role) for group in sites.values() for site in group for role in roles]
    found = np.empty((2, len(base), len(written), len(MEASURED)))
    ends = np.empty((2, len(base), len(MEASURED)))
    work = _Work(model, asked, written, mean, batch_size)
    total = 2 * len(written) * len(base)
    for start in range(0, len(base), batch_size):
        rows = np.arange(start, min(start + batch_size, len(base)))
        pair = replace(twins, clean=twins.clean[rows], corrupted=twins.corrupted[rows])
        inner = _scaled(progress, 2 * len(written) * start, 2 * len(written) * len(rows), total)
        found[:, rows], ends[:, rows] = work.batch(
            pair, (base[rows], other[rows]), unrelated[rows], (base, other), inner
        )
    progress(total, total, "patched")
    return dataset(model, twins, asked, Patched(layers, roles, found.reshape(2, len(base), *shape, -1), ends, seed))


@dataclass(frozen=True)
class _Work:
    """What is done to every batch of pairs."""

    model: Any
    asked: Asked
    written: list[tuple[Site, str]]
    mean: dict[Site, Tensor]
    batch_size: int

    def batch(
        self, pair: Twins, sides: tuple[Prompts, Prompts], unrelated: np.ndarray, whole: tuple[Prompts, Prompts],
        progress: Progress,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Return what was measured [twin or null, prompt, cell, MEASURED]; and of base and other, [2, prompt, .]."""
        base, other = sides
        reads = list(dict.fromkeys(_whole(site) for site, _ in self.written))
        own = self._run(base, (), progress)
        theirs, null = (self._run(prompts, reads, progress) for prompts in (other, whole[1][unrelated]))
        source = self._run(whole[0][unrelated], reads, progress) if self.asked.source == "resample" else theirs
        zero, mean = self.asked.source == "zero", self.mean
        edits = [[], *[[_edit(base, source, mean, site, role, zero)] for site, role in self.written]]
        edits += [[_edit(base, null, {}, site, role, False)] for site, role in self.written]
        swept = sweep(
            self.model, base, edits, lambda logits, at: measure(logits, pair, own.logits, at),
            batch_size=self.batch_size, progress=progress,
        )  # fmt: skip
        end = measure(theirs.logits, pair, own.logits, np.arange(len(base))).cpu()
        return swept[1:].unflatten(0, (2, -1)).transpose(1, 2).numpy(), torch.stack([swept[0], end]).numpy()

    def _run(self, prompts: Prompts, reads: Sequence[Site], progress: Progress) -> Run:
        def heard(_done: int, total: int, message: str) -> None:
            progress(0, total, message)  # reading is no step of its own, but a cancel must be heard

        return run(self.model, prompts, reads=reads, batch_size=self.batch_size, progress=heard)


def _scaled(progress: Progress, before: int, share: int, whole: int) -> Progress:
    """Return a progress for one batch: its steps become `share` of `whole`, after `before`."""

    def report(done: int, total: int, message: str) -> None:
        progress(before + done * share // max(1, total), whole, message)

    return report


def measure(logits: Tensor, pairs: Twins, own: Tensor, at: np.ndarray) -> Tensor:
    """Return what is kept of each row [row, MEASURED]; `at`: the places of their pairs, `own`: base logits of all."""
    sides = replace(pairs, clean=pairs.clean[at], corrupted=pairs.corrupted[at])
    answer = torch.as_tensor(sides.clean.answer_ids, device=logits.device)
    values = {
        "logit_diff": metrics.logit_diff(logits, sides),
        "prob_diff": metrics.prob_diff(logits, sides),
        "answer_logit": logits.gather(-1, answer[:, None])[:, 0],
        "answer_logprob": metrics.answer_logprob(logits, sides.clean),
        "other_logprob": metrics.answer_logprob(logits, sides.corrupted),
        "kl": metrics.kl(logits, own[torch.as_tensor(at, device=own.device)]),
        "correct": metrics.correct(logits, sides.clean).float(),
    }
    return torch.stack([values[name].float() for name in MEASURED], dim=-1)


def _edit(prompts: Prompts, read: Run, mean: dict[Site, Tensor], site: Site, role: str, zero: bool) -> Intervention:
    """Return the write of one site at one role: rows of a run of as many prompts, a mean, or zero."""
    at, whole = positions(prompts, role), _whole(site)
    where = tuple(prompts.roles[p] for p in at)
    if zero:
        return Intervention(site, where, Zero())
    values = mean[whole].expand(len(prompts), *mean[whole].shape[1:]) if mean else read[whole]
    if site.index is not None:
        values = values.select(1 if site.name == "pattern" else 2, site.index)
    return Intervention(site, where, Rows(values[:, at]))


def _whole(site: Site) -> Site:
    """The site of all heads: read once, written one by one."""
    return Site(site.name, site.layer)


def _mean(model: Any, reference: Prompts, sites: dict[int, list[Site]], batch_size: int) -> dict[Site, Tensor]:
    """The mean over reference prompts of each site [1, pos, ...]."""
    wholes = list(dict.fromkeys(_whole(site) for group in sites.values() for site in group))
    total: dict[Site, Tensor] = {}
    for start in range(0, len(reference), batch_size):
        read = run(model, reference[slice(start, start + batch_size)], reads=wholes, batch_size=batch_size)
        for site in wholes:
            total[site] = total.get(site, 0) + read[site].double().sum(0, keepdim=True)
    return {site: (value / len(reference)).float() for site, value in total.items()}
