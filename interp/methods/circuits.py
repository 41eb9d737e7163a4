"""How few edges do what the whole model does on this task?

    score(e)  = what edge e adds to the metric: minus the attribution of corrupting it, on the discovery pairs
    C(k)      = the k edges of largest |score| ("size"), or of largest score ("signed")
    f(C)      = (m(C) - m(0)) / (m(N) - m(0))          means over the evaluation pairs; m(0): no edge, m(N): every edge

Edges outside C carry the other run (`masked_run`); f of all but C is `complement`: 0 if nothing is left out that does
the same. Null: as many edges drawn at random, several draws. Reading: a good ranking rises far left of the random
curve; f above 1 means that edges were left out which work against the answer. CPR and CMD are areas (`circuit_area`).
Dangling edges are pruned before they are counted, which changes no output. Discovery and evaluation pairs are apart.

Source: Mueller et al. (2025), MIB, arXiv 2504.13151; Hanna et al. (2024) arXiv 2403.17806.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr

from interp.engine.lean import Lean
from interp.errors import InterpError, nearest
from interp.methods import metrics
from interp.methods.attribution import attribute
from interp.methods.circuit import Circuit, Wiring, top
from interp.methods.circuit_area import SHARES, areas
from interp.methods.masked_run import Outside, outside_mean, outside_of_run, run_circuit
from interp.methods.nulls import derangement
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins

ABLATIONS = ("counterfactual", "mean", "resample")
RANKINGS = ("size", "signed")


def circuits(
    model: Any,
    discovery: Twins,
    evaluation: Twins,
    reference: Prompts | None = None,
    *,
    attribution: str = "ig_inputs",
    steps: int = 5,
    ablation: str = "counterfactual",
    shares: Sequence[float] = SHARES,
    n_random: int = 5,
    batch_size: int = 128,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return f against the share of edges kept, for both rankings, their complements and random circuits.

    `faithfulness` and `complement` [ranking, share] with intervals (bootstrap over pairs), `faithfulness_null`
    [draw, share], `accuracy` [ranking, share] and `accuracy_null`, `metric` [prompt, ranking, share], `n_edges`
    [ranking, share] after pruning, `score` [sender, receiver], areas [ranking]. `reference` prompts are needed for the
    mean. Raises InterpError for pairs that share one answer, an unknown ablation, or a model that `Lean` does not know.
    """
    _check(discovery, evaluation, reference, ablation)
    lean = Lean.of(model)
    wiring = Wiring.of(lean)
    found = attribute(
        model, discovery.clean, discovery.corrupted, lambda logits, rows: _diff(logits, discovery, rows),
        variant=attribution, steps=steps, batch_size=batch_size, progress=progress,
    )  # fmt: skip
    score = np.where(wiring.edges, -found.edges, 0.0)
    judge = _Judge(lean, evaluation, ablation, reference, batch_size, seed)
    counts = np.maximum(1, np.round(np.asarray(shares) * len(wiring))).astype(int)
    chosen = [[top(wiring, score, k, by=ranking).pruned() for k in counts.tolist()] for ranking in RANKINGS]
    rng, there = np.random.default_rng(seed), np.argwhere(wiring.edges)
    drawn = [[_random(wiring, there, k, rng) for k in counts.tolist()] for _ in range(n_random)]
    rows = [*chosen, *[[c.complement() for c in row] for row in chosen], *drawn]
    total, measured = len(rows) * len(counts), []
    for i, row in enumerate(rows):
        for j, circuit in enumerate(row):
            progress(i * len(counts) + j, total, f"{len(circuit)} of {len(wiring)} edges")
            measured.append(judge.measure(circuit))
    progress(total, total, "circuits")
    values = np.stack([m for m, _ in measured]).reshape(len(rows), len(counts), -1)
    right = np.stack([r for _, r in measured]).reshape(len(rows), len(counts), -1)
    ends = [
        judge.measure(circuit)[0] for circuit in (Circuit(wiring, wiring.edges), Circuit(wiring, ~wiring.edges & False))
    ]
    n_edges = np.array([[len(circuit) for circuit in row] for row in chosen])
    about = {"attribution": attribution, "steps": steps, "ablation": ablation, "seed": seed, "edges": len(wiring)}
    found_all = _Found(wiring, score, np.asarray(shares), counts, n_edges, values, right, ends[0], ends[1], n_random)
    return _dataset(model, evaluation, len(discovery), found_all, about)


class _Judge:
    """The evaluation pairs, and what stands outside a circuit."""

    def __init__(
        self, lean: Lean, pairs: Twins, ablation: str, reference: Prompts | None, batch_size: int, seed: int
    ) -> None:
        self.lean, self.pairs, self.size = lean, pairs, batch_size
        self.mean = outside_mean(lean, reference.tokens) if ablation == "mean" and reference is not None else None
        order = derangement(len(pairs.clean), seed)
        self.tokens = pairs.corrupted.tokens if ablation == "counterfactual" else pairs.clean.tokens[order]

    def measure(self, circuit: Circuit) -> tuple[np.ndarray, np.ndarray]:
        """Return the logit difference [prompt] under a circuit, and whether the top token is the clean answer."""
        diffs, right = [], []
        for start in range(0, len(self.pairs.clean), self.size):
            rows = np.arange(start, min(start + self.size, len(self.pairs.clean)))
            logits = run_circuit(self.lean, circuit, self.pairs.clean.tokens[rows], self._outside(rows))
            diffs.append(_diff(logits, self.pairs, rows).cpu().numpy())
            right.append(metrics.correct(logits, self.pairs.clean[rows]).cpu().numpy())
        return np.concatenate(diffs), np.concatenate(right)

    def _outside(self, rows: np.ndarray) -> Outside:
        return self.mean if self.mean is not None else outside_of_run(self.lean, self.tokens[rows])


def _random(wiring: Wiring, there: np.ndarray, k: int, rng: np.random.Generator) -> Circuit:
    kept = np.zeros(wiring.edges.shape, dtype=bool)
    kept[tuple(there[rng.choice(len(there), size=k, replace=False)].T)] = True
    return Circuit(wiring, kept)


def _diff(logits: torch.Tensor, pairs: Twins, rows: np.ndarray) -> torch.Tensor:
    """Return logit(clean answer) - logit(corrupted answer) of the pairs `rows`, differentiable."""
    ids = [torch.as_tensor(side.answer_ids[rows], device=logits.device) for side in (pairs.clean, pairs.corrupted)]
    clean, corrupted = (logits.gather(-1, each[:, None])[:, 0] for each in ids)
    return clean - corrupted


def _check(discovery: Twins, evaluation: Twins, reference: Prompts | None, ablation: str) -> None:
    if ablation not in ABLATIONS:
        raise InterpError(f"unknown ablation {ablation!r}. {nearest(ablation, ABLATIONS)}")
    if ablation == "mean" and (reference is None or len(reference) == 0):
        raise InterpError("Mean ablation outside a circuit needs reference prompts; give some of the train split.")
    for pairs in (discovery, evaluation):
        same = int((pairs.clean.answer_ids == pairs.corrupted.answer_ids).sum())
        if len(pairs) < 2 or same:
            raise InterpError(
                f"Circuits need at least 2 pairs whose answers differ; {same} of {len(pairs)} share one. Choose a twin "
                "recipe that changes the answer, such as swap_operand."
            )


@dataclass(frozen=True)
class _Found:
    wiring: Wiring
    score: np.ndarray
    shares: np.ndarray
    counts: np.ndarray
    n_edges: np.ndarray
    values: np.ndarray  # [ranking, ranking of complements, draw; share; prompt]
    right: np.ndarray
    full: np.ndarray
    empty: np.ndarray
    n_random: int


def _dataset(model: Any, pairs: Twins, n_discovery: int, found: _Found, about: dict[str, Any]) -> xr.Dataset:
    n, seed = len(RANKINGS), about["seed"]
    shared = metrics.recovered(np.moveaxis(found.values, -1, 0), found.full, found.empty, seed=seed)
    inside, beside, random = slice(0, n), slice(n, 2 * n), slice(2 * n, None)
    area, area_random = areas(found.shares, shared.value[inside]), areas(found.shares, shared.value[random])
    what = "(m(circuit) - m(no edge)) / (m(every edge) - m(no edge)), m = logit difference"
    right = found.right.mean(axis=-1)
    data = {
        **mean_variables(
            "faithfulness", "ranking share", shared.value[inside], (shared.low[inside], shared.high[inside]),
            "fraction", what,
        ),
        **mean_variables(
            "complement", "ranking share", shared.value[beside], (shared.low[beside], shared.high[beside]), "fraction",
            "the same of every edge but the circuit's",
        ),
        "faithfulness_null": variable("draw share", shared.value[random], "fraction", "the same of random edges"),
        "accuracy": variable("ranking share", right[inside], "fraction", "top token = clean answer"),
        "accuracy_null": variable("draw share", right[random], "fraction", "the same of random edges"),
        "metric": variable("ranking share prompt", found.values[inside], "logits", "logit difference under a circuit"),
        "metric_full": variable("prompt", found.full, "logits", "logit difference with every edge"),
        "metric_empty": variable("prompt", found.empty, "logits", "logit difference with no edge"),
        "n_edges": variable("ranking share", found.n_edges, "edges", "edges on a path from embedding to logits"),
        "n_kept": variable("share", found.counts, "edges", "edges ranked into the circuit"),
        "score": variable("sender receiver", found.score, "logits", "what an edge adds to the metric, by attribution"),
        "n": variable("", len(pairs), "pairs", "evaluation pairs"),
        "n_discovery": variable("", n_discovery, "pairs", "pairs that the ranking was made on"),
    }  # fmt: skip
    for name in ("cpr", "cmd", "cpr_log", "cmd_log"):
        axis = "log" if name.endswith("log") else "linear"
        about_area = f"area under {'f' if name.startswith('cpr') else '|1 - f|'}, {axis} axis of shares"
        data[name] = variable("ranking", getattr(area, name), "fraction", about_area)
        data[f"{name}_null"] = variable("draw", getattr(area_random, name), "fraction", f"{about_area}, random edges")
    return xr.Dataset(
        data,
        coords={
            "ranking": list(RANKINGS), "share": found.shares, "draw": np.arange(found.n_random),
            "sender": list(found.wiring.senders), "receiver": list(found.wiring.receivers),
            "prompt": list(pairs.clean.texts),
        },
        attrs=attributes(
            "circuits", model, pairs.clean, "How much of the logit difference a circuit keeps, by the edges in it.",
            **about, changed=", ".join(pairs.changed), kept=", ".join(pairs.kept), guard=shared.guard,
        ),
    )  # fmt: skip
