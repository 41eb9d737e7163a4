"""How good is attribution as a guess of the exact effect, and what does it miss?

    score(u, r)    first-order estimate of patching sender u at role r (attribution: a variant of `attribute`)
    effect(u, r)   m(corrupted run with the clean value of u at r) - m(corrupted run), exact, every node, by a sweep
    missed         of the k largest exact effects, those outside the k largest scores

Means over pairs; Pearson and Spearman correlation over nodes and roles. Null: the score of moving an unrelated pair's
clean prompt in, which keeps every activation realistic and takes away what this pair's answer has to do with it.
A high correlation can hide misses where a softmax is saturated, so the misses are named beside it.

Source: Nanda (2023), attribution patching; Kramar et al. (2024) arXiv 2403.00745 (its false negatives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from scipy.stats import rankdata

from interp.engine import Intervention, Lean, Rows, Site, sweep
from interp.errors import InterpError
from interp.methods.attribution import Metric, Scores, attribute
from interp.methods.grid import within
from interp.methods.intervals import t_interval
from interp.methods.nulls import derangement
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.twins import Twins


def attribution_map(
    model: Any,
    twins: Twins,
    *,
    variant: str = "gradient",
    steps: int = 5,
    k: int = 10,
    batch_size: int = 64,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return attribution and exact effects of every node at every role, denoising, in logits of the metric.

    `score`, `effect` [node, role] with intervals over pairs, `score_null` [node, role], per pair `score_pair`,
    `effect_pair` [prompt, node, role]; `edge` and `edge_error` [sender, receiver]; `pearson`, `spearman`, `n_missed` of
    the top `k`, named in the attribute `missed`. Raises InterpError for pairs that share one answer, k < 1, or a model
    that `Lean` does not know.
    """
    same = int((twins.clean.answer_ids == twins.corrupted.answer_ids).sum())
    if len(twins) < 2 or same or k < 1:
        raise InterpError(
            f"Attribution needs at least 2 pairs whose answers differ and k >= 1; got {len(twins)} pairs, {same} with "
            f"one answer, k = {k}. Choose a twin recipe that changes the answer, such as swap_operand."
        )
    ids = [torch.as_tensor(side.answer_ids) for side in (twins.clean, twins.corrupted)]

    def metric(logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        clean, corrupted = (logits.gather(-1, each[rows].to(logits.device)[:, None])[:, 0] for each in ids)
        return clean - corrupted

    how: dict[str, Any] = {"variant": variant, "steps": steps, "batch_size": batch_size}
    inner = [within(progress, i, 3, what) for i, what in enumerate(("attribution", "its null", "exact effects"))]
    found = attribute(model, twins.corrupted, twins.clean, metric, **how, progress=inner[0])
    unrelated = twins.clean[derangement(len(twins), seed)]
    null = attribute(model, twins.corrupted, unrelated, metric, **how, progress=inner[1])
    effect = exact_effects(model, twins, found, metric, batch_size, inner[2])
    progress(3, 3, "attribution")
    return _dataset(model, twins, (found, null, effect), {"variant": variant, "steps": steps, "k": k, "seed": seed})


def exact_effects(
    model: Any, twins: Twins, found: Scores, metric: Metric, batch_size: int, progress: Progress
) -> np.ndarray:
    """Return m(patched) - m(corrupted) of every sender at every role [prompt, sender, role], in order of `found`."""
    lean, roles = Lean.of(model), twins.clean.roles
    sites = {name: _site(name) for name in found.wiring.senders}
    out = np.empty((len(twins), len(sites), len(roles)))
    for start in range(0, len(twins), batch_size):
        rows = np.arange(start, min(start + batch_size, len(twins)))
        with torch.no_grad():
            trace = lean.trace(twins.clean.tokens[rows])
        values = {"resid_pre": trace.resid_pre, "z": trace.z, "mlp_out": trace.mlp_out}
        edits = []
        for site in sites.values():
            here = values[site.name][site.layer or 0]
            here = here if site.index is None else here[:, :, site.index]
            edits += [[Intervention(site, (role,), Rows(here[:, [p]]))] for p, role in enumerate(roles)]
        patched = sweep(
            model, twins.corrupted[rows], edits, lambda logits, places, rows=rows: metric(logits, rows[places])
        )
        out[rows] = patched.T.reshape(len(rows), len(sites), len(roles)).numpy()
        progress(int(rows[-1]) + 1, len(twins), "exact effects")
    return out - found.metric[:, None, None]


def _site(name: str) -> Site:
    """The site at which a sender is patched; the embedding with its position, which is the same in both prompts."""
    kind, *place = name.split(".")
    return Site("resid_pre", 0) if kind == "embed" else Site(kind, *map(int, place))


def missed(score: np.ndarray, effect: np.ndarray, k: int) -> list[int]:
    """Return which of the k largest |effect| are not among the k largest |score| (flat places)."""
    largest = [set(np.argsort(-np.abs(x).ravel(), kind="stable")[:k].tolist()) for x in (effect, score)]
    return sorted(largest[0] - largest[1])


def _dataset(model: Any, twins: Twins, results: tuple[Scores, Scores, np.ndarray], about: dict[str, Any]) -> xr.Dataset:
    found, null, effect = results
    score, dims = found.nodes, "node role"
    means = score.mean(axis=0), effect.mean(axis=0)
    out = missed(means[0], means[1], about["k"])
    names = [f"{node}@{role}" for node in found.wiring.senders for role in twins.clean.roles]
    pearson = np.corrcoef(means[0].ravel(), means[1].ravel())[0, 1]
    spearman = np.corrcoef(*(rankdata(np.abs(mean).ravel()) for mean in means))[0, 1]
    data = {
        **mean_variables("score", dims, means[0], t_interval(score), "logits", "attribution, mean over pairs"),
        **mean_variables("effect", dims, means[1], t_interval(effect), "logits", "exact effect of patching the node"),
        **mean_variables(
            "score_null", dims, null.nodes.mean(axis=0), t_interval(null.nodes), "logits",
            "attribution of an unrelated pair's clean prompt",
        ),
        "score_pair": variable("prompt node role", score, "logits", "attribution, each pair"),
        "effect_pair": variable("prompt node role", effect, "logits", "exact effect, each pair"),
        "edge": variable("sender receiver", found.edges, "logits", "attribution of an edge, positions summed"),
        "edge_error": variable("sender receiver", found.edges_error, "logits", "standard error of the mean"),
        "pearson": variable("", pearson, "1", "correlation of score and effect over nodes and roles"),
        "spearman": variable("", spearman, "1", "rank correlation of |score| and |effect|"),
        "n_missed": variable("", len(out), "nodes", f"of the top {about['k']} effects not among the top scores"),
        "metric_corrupted": variable("prompt", found.metric, "logits", "logit difference of the corrupted run"),
        "n": variable("", len(twins), "pairs", "number of clean/corrupted pairs"),
    }  # fmt: skip
    title = "What each head and MLP would add to the clean answer if it carried the clean prompt: estimated, and exact."
    return xr.Dataset(
        data,
        coords={
            "node": list(found.wiring.senders), "role": list(twins.clean.roles), "prompt": list(twins.clean.texts),
            "sender": list(found.wiring.senders), "receiver": list(found.wiring.receivers),
        },
        attrs=attributes(
            "attribution", model, twins.clean, title, **about, missed=", ".join(names[i] for i in out),
            changed=", ".join(twins.changed), kept=", ".join(twins.kept),
        ),
    )  # fmt: skip
