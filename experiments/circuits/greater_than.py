"""Do the circuit measures say the same of a second domain? Years that follow YY, in the shipped model `greater-than`.

    python -m experiments.circuits.greater_than          writes greater_than.json beside this file, prints tables

    m        mean over prompts of p(y > YY) - p(y <= YY), `interp.methods.greater_than.prob_diff`
    f(k)     (m(C) - m(no edge)) / (m(every edge) - m(no edge)), edges outside C from the twin in which YY is 01
    ranking  |attribution of m|: gradient (EAP), ig_inputs and ig_activations (EAP-IG, 5 steps); null: random edges

Edges are ranked on prompts of the selection split (5 of each YY) and judged on the test split (5 of each YY). Nodes are
beside them: what giving each head and MLP its corrupted value takes from m, exactly, and what attribution said of it.

Published for GPT-2 small on its own version of this task, with 200 edges: .745 of .814 (EAP-IG), .656 (EAP); Hanna et
al. (2024) arXiv:2403.17806 and its code. That model is large and knows much else; this one knows nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from interp.cli.output import say, table
from interp.engine import Intervention, Rows, Site, run
from interp.engine.lean import Lean
from interp.methods.attribution import VARIANTS, attribute
from interp.methods.circuit import Circuit, Wiring, top
from interp.methods.circuit_area import SHARES, areas
from interp.methods.greater_than import prob_diff
from interp.methods.intervals import t_interval
from interp.methods.masked_run import outside_of_run, run_circuit
from interp.models import load
from interp.models.devices import threads
from interp.tasks.greater_than import FIRST, LAST, year_twins
from interp.tasks.twins import Twins

OUT = Path(__file__).with_suffix(".json")
EACH, DRAWS, STEPS = 5, 10, 5
COUNTS = (5, 10, 20, 30, 50, 100)
"""Circuit sizes in edges, beside the shares of the benchmark."""


def balanced(tokenizer: Any, split: str, seed: int) -> Twins:
    """Return EACH twins of every YY of a split, drawn by `seed`."""
    pairs = year_twins(tokenizer, split)
    order = np.random.default_rng(seed).permutation(len(pairs))
    yy = pairs.clean.variables["yy"][order]
    chosen = np.concatenate([order[yy == year][:EACH] for year in range(FIRST, LAST + 1)])
    return Twins(pairs.clean[chosen], pairs.corrupted[chosen], pairs.changed, pairs.kept)


class Judge:
    """Faithfulness of circuits on some twins."""

    def __init__(self, model: Any, pairs: Twins) -> None:
        self.lean, self.pairs = Lean.of(model), pairs
        self.wiring, self.outside = Wiring.of(self.lean), outside_of_run(self.lean, pairs.corrupted.tokens)
        every = Circuit(self.wiring, self.wiring.edges)
        self.full, self.empty = self.metric(every).mean(), self.metric(every.complement()).mean()

    def metric(self, circuit: Circuit) -> np.ndarray:
        """Return the probability difference [prompt] under a circuit."""
        logits = run_circuit(self.lean, circuit, self.pairs.clean.tokens, self.outside)
        return prob_diff(logits, self.pairs.clean).double().numpy()

    def faithfulness(self, circuit: Circuit) -> float:
        """Return f: 1 = every edge, 0 = no edge."""
        return float((self.metric(circuit).mean() - self.empty) / (self.full - self.empty))


def edge_scores(model: Any, pairs: Twins, variant: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what each edge [sender, receiver] and node [sender] adds to m: minus the attribution of corrupting it."""
    found = attribute(
        model,
        pairs.clean,
        pairs.corrupted,
        lambda x, rows: prob_diff(x, pairs.clean[rows]),
        variant=variant,
        steps=STEPS,
    )
    return np.where(found.wiring.edges, -found.edges, 0.0), -found.nodes.sum(axis=-1).mean(axis=0)


def node_effects(model: Any, pairs: Twins) -> np.ndarray:
    """Return what corrupting each sender but the embedding takes from m, by a plain run each: [sender - 1]."""
    wiring = Wiring.of(Lean.of(model))
    sites = [Site(name, *map(int, place)) for name, *place in (s.split(".") for s in wiring.senders[1:])]
    read = run(model, pairs.corrupted, reads=sites)
    base = prob_diff(run(model, pairs.clean).logits, pairs.clean).mean()
    left = [
        prob_diff(run(model, pairs.clean, (Intervention(s, ("all",), Rows(read[s])),)).logits, pairs.clean).mean()
        for s in sites
    ]
    return np.array([float(base - each) for each in left])


def curve(judge: Judge, score: np.ndarray, counts: list[int]) -> dict[str, list[float]]:
    """Return f of the top edges by |score| and of all others, at each count."""
    chosen = [top(judge.wiring, score, k).pruned() for k in counts]
    return {
        "faithfulness": [judge.faithfulness(c) for c in chosen],
        "complement": [judge.faithfulness(c.complement()) for c in chosen],
    }


def main() -> None:
    """Measure, print and write."""
    model = load("greater-than")
    discovery, judged = (balanced(model.arith.tokenizer, split, seed=0) for split in ("selection", "test"))
    judge = Judge(model, judged)
    wiring, rng = judge.wiring, np.random.default_rng(0)
    counts = sorted({*COUNTS, *(max(1, round(share * len(wiring))) for share in SHARES)})
    shares, nominal = np.array(SHARES), [max(1, round(share * len(wiring))) for share in SHARES]
    found: dict[str, Any] = {"edges": len(wiring), "n": len(judged), "n_discovery": len(discovery), "counts": counts}
    whole = judge.metric(Circuit(wiring, wiring.edges))
    found |= {"m_full": judge.full, "m_full_interval": list(map(float, t_interval(whole))), "m_empty": judge.empty}
    exact, rankings, nodes = node_effects(model, judged), {}, {}
    for variant in VARIANTS:
        rankings[variant], nodes[variant] = edge_scores(model, discovery, variant)
        found[variant] = curve(judge, rankings[variant], counts)
        area = areas(shares, np.array([found[variant]["faithfulness"][counts.index(k)] for k in nominal]))
        agree = np.corrcoef(nodes[variant][1:], exact)[0, 1]
        found[variant] |= {name: float(value) for name, value in area._asdict().items()} | {"r_nodes": float(agree)}
    draws = [
        curve(judge, rng.permuted(np.arange(wiring.edges.size)).reshape(wiring.edges.shape) + 1.0, counts)
        for _ in range(DRAWS)
    ]
    found["random"] = [draw["faithfulness"] for draw in draws]
    for name in ("cpr", "cmd"):
        of = [getattr(areas(shares, np.array([f[counts.index(k)] for k in nominal])), name) for f in found["random"]]
        found[f"random_{name}"] = [float(each) for each in of]
    found["nodes"] = {
        s: {"exact": float(exact[i]), **{v: float(nodes[v][i + 1]) for v in VARIANTS}}
        for i, s in enumerate(wiring.senders[1:])
    }
    found["top_edges"] = top(wiring, rankings["ig_inputs"], 20).names()
    OUT.write_text(json.dumps(found, indent=1) + "\n")
    tell(found)


def tell(found: dict[str, Any]) -> None:
    """Print f at each size, the areas and the nodes."""
    say(
        f"m = {found['m_full']:.4f} with all {found['edges']} edges, {found['m_empty']:.4f} with none, n = {found['n']}"
    )
    middle = np.median(found["random"], axis=0)
    rows = [
        (
            k,
            *(f"{found[v]['faithfulness'][i]:.3f}" for v in VARIANTS),
            f"{found['ig_inputs']['complement'][i]:.3f}",
            f"{middle[i]:.3f}",
        )
        for i, k in enumerate(found["counts"])
    ]
    table("faithfulness", ("edges", *VARIANTS, "all but (ig_inputs)", "random, median"), rows)
    about = [
        (name, *(f"{found[v][name]:.3f}" for v in VARIANTS)) for name in ("cpr", "cmd", "cpr_log", "cmd_log", "r_nodes")
    ]
    table("areas, and correlation of node scores with exact effects", ("", *VARIANTS), about)
    ranked = sorted(found["nodes"].items(), key=lambda item: -abs(item[1]["exact"]))
    table(
        "nodes",
        ("node", "exact", *VARIANTS),
        [(s, *(f"{x[c]:.3f}" for c in ("exact", *VARIANTS))) for s, x in ranked[:10]],
    )


if __name__ == "__main__":
    with threads(1), torch.random.fork_rng(devices=[]):
        main()
