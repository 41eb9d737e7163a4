"""Planted parts: attribution names exactly the planted heads and edges, is exact where the model is linear and says by
how much it is not; the planted edges alone are the circuit, and random ones are none."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from interp.engine.lean import Lean
from interp.methods.attribution import attribute
from interp.methods.circuit import Circuit, Wiring, top
from interp.methods.masked_run import outside_of_run, run_circuit
from tests.methods.planted_truths import CASES, case, is_exactly, patched_effects

cases = pytest.mark.parametrize(("name", "changed"), CASES)
variants = pytest.mark.parametrize("variant", ["gradient", "ig_inputs", "ig_activations"])


def difference(pairs, logits, rows=slice(None)):
    """Logit of the clean answer less that of the corrupted one."""
    clean, corrupted = (torch.as_tensor(side.answer_ids[rows])[:, None] for side in (pairs.clean, pairs.corrupted))
    return (logits.gather(-1, clean) - logits.gather(-1, corrupted))[:, 0]


@cache
def scores(name: str, changed: str, variant: str, steps: int = 5) -> tuple[dict, dict]:
    """{node: score} without the embedding, and {(sender, receiver): score}, as shares of the logit difference."""
    model, pairs, _ = case(name, changed)
    found = attribute(
        model, pairs.corrupted, pairs.clean, lambda x, rows: difference(pairs, x, rows), variant=variant, steps=steps
    )
    low, high = (
        difference(pairs, Lean.of(model).trace(side.tokens).logits).mean() for side in (pairs.corrupted, pairs.clean)
    )
    total, wiring = float(high - low), found.wiring
    nodes = dict(zip(wiring.senders, found.nodes.sum(-1).mean(0) / total, strict=True))
    nodes.pop("embed")
    there = np.argwhere(wiring.edges).tolist()
    return nodes, {(wiring.senders[i], wiring.receivers[j]): found.edges[i, j] / total for i, j in there}


def named(part) -> str:
    return ".".join(str(each) for each in part if each is not None)


def planted_edges(found) -> set[tuple[str, str]]:
    return {(named(sender), named(receiver)) for sender, receiver in found.truth.edges}


@cases
@variants
def test_attribution_finds_the_planted_nodes_and_edges_and_nothing_else(name, changed, variant):
    found = case(name, changed)
    nodes, edges = scores(name, changed, variant)
    assert is_exactly(nodes, map(named, found.truth.nodes))
    assert is_exactly(edges, planted_edges(found))


@pytest.mark.parametrize(
    ("name", "changed"), [case for case in CASES if "read" not in case[0] and "adder" not in case[0]]
)
def test_it_is_exact_where_the_model_is_linear_in_what_is_moved(name, changed):
    effects = {named(node): effect for node, effect in patched_effects(case(name, changed)).items()}
    nodes, edges = scores(name, changed, "gradient")
    for node, effect in effects.items():
        assert nodes[node] == pytest.approx(effect, abs=1e-4)
    assert [edges[edge] for edge in planted_edges(case(name, changed))] == pytest.approx(
        [1.0] * len(case(name, changed).truth.edges), abs=1e-4
    )


@pytest.mark.parametrize("read", "qk")
def test_a_saturated_softmax_hides_a_head_from_the_gradient_but_not_from_its_integral(read):
    """The first head acts through the second one's query or key: its effect is 1, the gradient sees .005 of it."""
    name = f"planted:compose,read={read}"
    found = case(name, "op1")
    first, second = map(named, found.truth.nodes)
    assert patched_effects(found)[found.truth.nodes[0]] == pytest.approx(1, abs=1e-3)
    assert scores(name, "op1", "gradient")[0][first] < 0.02
    assert scores(name, "op1", "ig_inputs")[0][first] == pytest.approx(1, abs=0.1)
    for variant in ("gradient", "ig_inputs"):
        assert scores(name, "op1", variant)[0][second] == pytest.approx(1, abs=0.02)


def test_the_gradient_has_the_wrong_sign_before_the_carry_and_the_integral_the_right_one():
    """More units make a carry, and the units of the answer fall: the slope at either end says they rise."""
    name = "planted:adder,seed=1"
    found = case(name, "a")
    node = next(node for node in found.truth.nodes if node[0] == "z" and found.truth.roles[node] == "b")
    effect = patched_effects(found)[node]
    assert effect > 0.3
    assert scores(name, "a", "gradient")[0][named(node)] < -0.3
    assert scores(name, "a", "ig_inputs", 40)[0][named(node)] == pytest.approx(effect, abs=0.2)


@cases
def test_the_planted_edges_alone_are_the_circuit_and_random_ones_are_none(name, changed):
    found = case(name, changed)
    lean = Lean.of(found.model)
    wiring, edges = Wiring.of(lean), [f"{u}->{v}" for u, v in planted_edges(found)]
    circuit = Circuit.of(wiring, edges)
    ranking = np.zeros(wiring.edges.shape)
    for (sender, receiver), score in scores(name, changed, "ig_inputs")[1].items():
        ranking[wiring.index(sender, receiver)] = score
    assert top(wiring, ranking, len(edges)).names() == circuit.names() == circuit.pruned().names()
    rng, others = np.random.default_rng(0), circuit.complement().names()
    drawn = Circuit.of(wiring, rng.choice(others, len(edges), replace=False).tolist())
    outside = outside_of_run(lean, found.twins.corrupted.tokens)
    low, high = (
        difference(found.twins, lean.trace(side.tokens).logits).mean()
        for side in (found.twins.corrupted, found.twins.clean)
    )

    def faithfulness(each: Circuit) -> float:
        logits = run_circuit(lean, each, found.twins.clean.tokens, outside)
        return float((difference(found.twins, logits).mean() - low) / (high - low))

    assert faithfulness(circuit) == pytest.approx(1, abs=1e-3)
    assert faithfulness(circuit.complement()) == pytest.approx(0, abs=1e-3)
    assert faithfulness(drawn) == pytest.approx(0, abs=1e-3)
    for edge in edges:  # none can be spared: without it the rest does less, or (compose, q, b) twice as much
        assert abs(faithfulness(Circuit.of(wiring, [other for other in edges if other != edge])) - 1) > 5e-3
