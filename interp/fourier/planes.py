"""Does the model compute with a period, or is it only there? Take its plane out, or keep nothing else.

    loss(plane, mode)        beside  loss(controls of the same dimension)
    p_value                  share of control draws that lose as much (keep: that lose as little)
    p_corrected              the same for the largest of all subspaces: t = (loss - mean) / sd, draws and observed

Subspaces are the plane of each period and the line of a helix fit to train-split prompts, one at every operand's token
at once, before one block (`number_planes`); and, in a toy model, the neurons of each frequency (`neuron_families`).
Means are over train-split prompts, the answers are those of other prompts.

A plane is the one a number is written in; what reads it need not be orthogonal to other planes, so that taking one out
can hurt another, and a fit on few numbers tilts it towards whatever else is large. Reading: a large peak in a spectrum
need not be used, and a small one may be. Only a plane whose loss no control reaches is needed; only one that keeps the
answers when everything else is at its mean is enough.
Sources: Nanda et al. 2023, arXiv:2301.05217 (ablating frequencies); Westfall & Young 1993 (the max statistic).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Site, sweep
from interp.engine.sweep import Measure
from interp.errors import InterpError
from interp.fourier.helix import fit, helix
from interp.fourier.helix_fit import Tables
from interp.fourier.neurons import best_frequency, best_share
from interp.fourier.subspaces import CONTROLS, MODES, Part, Subspace
from interp.methods.intervals import paired_difference, t_interval, wilson
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent
from interp.tasks.prompts import Prompts

THRESHOLD = 0.85
"""The share of a neuron's variance in one frequency from which it belongs to its family."""


def number_planes(found: Mapping[str, Tables], layer: int, periods: Sequence[float]) -> list[Subspace]:
    """Return the plane of every period, of all of them, and the line, before block `layer` at the roles of `found`.

    Raises InterpError where a period adds nothing over these numbers.
    """
    fits = {}
    for role, table in found.items():
        terms = helix(table.values, periods)
        fits[role] = fit(table.means[layer], table.values, terms, table.values, components=None)
    site, place = Site("resid_pre", layer), f"layer {layer}"

    def subspace(name: str, columns: Mapping[str, np.ndarray]) -> Subspace:
        parts = (
            Part(site, role, np.linalg.qr(columns[role])[0], found[role].means[layer]) for role in found
        )  # fmt: skip
        return Subspace(name, place, tuple(parts))

    spaces = [subspace(f"T={T:.4g}", {role: fits[role].plane([T]) for role in found}) for T in periods]
    lines = {role: fits[role].C[[kind == "linear" for kind, _ in fits[role].terms]].T for role in found}
    together = (
        [subspace("all periods", {role: fits[role].plane(periods) for role in found})] if len(periods) > 1 else []
    )
    return [*spaces, *together, subspace("line", lines)]


def neuron_families(shares: np.ndarray, points: np.ndarray, keys: Sequence[int], role: str) -> list[Subspace]:
    """Return, for each of `keys`, the neurons of block 0 whose frequency it is, at the reading role.

    shares: `interp.fourier.neurons.fve` [frequency, neuron]; points [row, neuron] their activations. Families without a
    neuron are left out.
    """
    own, most = best_frequency(shares), best_share(shares)
    spaces = []
    for k in keys:
        chosen = np.flatnonzero((own == k) & (most >= THRESHOLD))
        if 0 < len(chosen) <= points.shape[1] // 2:
            part = Part(Site("mlp_post", 0), role, np.eye(points.shape[1])[:, chosen], points, chosen)
            spaces.append(Subspace(f"neurons k={k}", "mlp_post 0", (part,)))
    return spaces


def planes(
    model: Any,
    prompts: Prompts,
    subspaces: Sequence[Subspace],
    *,
    n_random: int = 20,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return accuracy, drop and loss [subspace, mode] with intervals beside controls [subspace, mode, control, draw].

    `drop` is the share of prompts that are right without the write, less that with it. `correct`, `loss_each`
    [prompt, subspace, mode] are each prompt. Raises InterpError without subspaces, or with fewer than 19 draws.
    """
    if not subspaces or n_random < 19:
        raise InterpError(f"{len(subspaces)} subspaces, {n_random} draws: expected at least 1, and 19 for a 5 % test.")
    rng = np.random.default_rng(seed)
    drawn = [
        [each, *(each.control(kind, rng) for kind in CONTROLS for _ in range(n_random))] for each in subspaces
    ]  # fmt: skip
    edits = [[], *(one.edit(mode) for group in drawn for mode in MODES for one in group)]
    found = sweep(model, prompts, edits, _answered(prompts), batch_size=batch_size, progress=progress).numpy()
    grid = found[1:].reshape(len(subspaces), len(MODES), 1 + len(CONTROLS) * n_random, len(prompts), 2)
    controls = grid[:, :, 1:].reshape(*grid.shape[:2], len(CONTROLS), n_random, len(prompts), 2)
    shares = [np.mean([one.share for one in group[1 + n_random :]]) for group in drawn]
    data = _measures(found[0], grid[:, :, 0], controls) | {
        "rank": variable("subspace", [each.rank for each in subspaces], "dimensions", "of each plane, at one role"),
        "share": variable("subspace", [each.share for each in subspaces], "fraction", "variance inside"),
        "share_matched": variable("subspace", shares, "fraction", "variance inside the matched controls, their mean"),
        "n": variable("", len(prompts), "prompts", "answered under each write"),
    }
    coords = {
        "subspace": [f"{each.name}, {each.place}" for each in subspaces], "mode": list(MODES),
        "control": list(CONTROLS), "draw": np.arange(n_random), "prompt": list(prompts.texts),
    }  # fmt: skip
    title = "What the answers lose with the plane of one period"
    return xr.Dataset(data, coords, attributes("planes", model, prompts, title, seed=seed, n_random=n_random))


def _answered(prompts: Prompts) -> Measure:
    """What is kept of each row: whether the top token is the answer, and - log P(answer)."""
    right = torch.as_tensor(prompts.answer_ids)

    def measure(logits: Tensor, at: np.ndarray) -> Tensor:
        wanted = right[torch.as_tensor(at)].to(logits.device)
        loss = -logits.double().log_softmax(-1).gather(-1, wanted[:, None])[:, 0]
        return torch.stack([(logits.argmax(-1) == wanted).double(), loss], dim=1)

    return measure


def _measures(base: np.ndarray, own: np.ndarray, controls: np.ndarray) -> dict[str, xr.Variable]:
    """Accuracy, drop and loss of [subspace, mode, prompt, 2], and where they stand among the controls."""
    n, dims = own.shape[2], "subspace mode"
    right, loss = own[..., 0], np.moveaxis(own[..., 1], -1, 0)
    drop, interval = paired_difference(np.broadcast_to(base[:, 0], right.shape) > 0, right > 0)
    null = f"{dims} control draw"
    p, corrected = p_values(loss.mean(0), controls[..., 1].mean(-1))
    return {
        **mean_variables("accuracy", dims, right.mean(-1), wilson(right.sum(-1), n), "fraction", "top token = answer"),
        **mean_variables("drop", dims, drop, interval, "fraction", "right without the write, less right with it"),
        **mean_variables("loss", dims, loss.mean(0), t_interval(loss), "nats", "- log P(answer)"),
        "accuracy_base": variable("", base[:, 0].mean(), "fraction", "right without a write"),
        "loss_base": variable("", base[:, 1].mean(), "nats", "loss without a write"),
        "accuracy_null": variable(null, controls[..., 0].mean(-1), "fraction", "of controls of the same dimension"),
        "loss_null": variable(null, controls[..., 1].mean(-1), "nats", "of controls of the same dimension"),
        "p_value": variable(
            f"{dims} control", p, "probability", "share of control draws that lose as much (keep: as little)"
        ),
        "p_corrected": variable(f"{dims} control", corrected, "probability", "the same for the largest subspace"),
        "correct": variable(f"prompt {dims}", np.moveaxis(right, -1, 0), "0 or 1", "each prompt"),
        "loss_each": variable(f"prompt {dims}", loss, "nats", "- log P(answer) of each prompt"),
    }


def p_values(
    loss: np.ndarray, null: np.ndarray, modes: Sequence[str] = MODES
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return p, and p corrected over subspaces, [subspace, mode, control] of loss [subspace, mode] in null [..., draw].

    For `keep` a small loss is the extreme one. Losses are standardised among the draws and the observed one together,
    so that under the null every one of them is as likely to be the largest.
    """
    sign = np.array([-1.0 if mode == "keep" else 1.0 for mode in modes])[:, None, None]
    pool = sign * np.concatenate([np.broadcast_to(loss[..., None, None], (*null.shape[:-1], 1)), null], axis=-1)
    p = (pool >= pool[..., :1]).mean(-1)
    standing = (pool - pool.mean(-1, keepdims=True)) / (pool.std(-1, keepdims=True) + 1e-12)
    largest = standing.max(0, keepdims=True)
    return p, (largest >= standing[..., :1] - 1e-12).mean(-1)
