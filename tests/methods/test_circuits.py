"""Circuits: the masked run against a run that builds every input by hand; areas by hand; random controls."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.engine import Intervention, Lean, Rows, Site, run
from interp.errors import InterpError
from interp.methods.circuit import Circuit, Wiring
from interp.methods.circuit_area import SHARES, areas
from interp.methods.circuits import circuits
from interp.methods.masked_run import outside_mean, outside_of_run, run_circuit
from interp.tasks.twins import Twins
from tests import families
from tests.families import FAMILIES


def pair(n=4):
    return families.random_prompts(n), families.random_prompts(n, seed=9)


def random_circuit(wiring, share, seed=0):
    return Circuit(wiring, wiring.edges & (np.random.default_rng(seed).random(wiring.edges.shape) < share))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_edge_is_the_model_and_none_is_the_other_run(name):
    model, (clean, other) = families.family(name).bridge, pair()
    lean = Lean.of(model)
    wiring, outside = Wiring.of(lean), outside_of_run(lean, other.tokens)
    whole = run_circuit(lean, Circuit(wiring, wiring.edges), clean.tokens, outside)
    none = run_circuit(lean, Circuit(wiring, wiring.edges & False), clean.tokens, outside)
    assert (whole - run(model, clean).logits).abs().max() < 1e-5
    assert (none - run(model, other).logits).abs().max() < 1e-5


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("share", [0.2, 0.6])
def test_a_masked_run_is_one_that_builds_each_input_by_hand(name, share):
    model, (clean, other) = families.family(name).bridge, pair()
    lean = Lean.of(model)
    circuit = random_circuit(Wiring.of(lean), share)
    fast = run_circuit(lean, circuit, clean.tokens, outside_of_run(lean, other.tokens))
    slow = by_hand(lean, circuit, clean.tokens, other.tokens)
    base = run(model, clean).logits
    assert (fast - slow).abs().max() < 1e-5 * float((slow - base).abs().max())


@torch.no_grad()
def by_hand(lean, circuit, tokens, other_tokens):
    """Sum, for every receiver, the values of all senders before it, one at a time."""
    wiring, other = circuit.wiring, lean.trace(other_tokens)
    theirs = {"embed": other.resid_pre[0]}
    for layer in range(lean.n_layers):
        for head, out in enumerate(lean.head_out(layer, other.z[layer]).unbind(2)):
            theirs[f"z.{layer}.{head}"] = out
        theirs[f"mlp_out.{layer}"] = other.mlp_out[layer]
    own = {"embed": lean.embed(tokens)}

    def read(receiver, depth, attended):
        column = wiring.receivers.index(receiver)
        x = sum(lean.b_O[layer] for layer in range(depth + attended))
        for row, sender in enumerate(wiring.senders):
            if wiring.edges[row, column]:
                x = x + (own if circuit.kept[row, column] else theirs)[sender]
        return x

    for layer in range(lean.n_layers):
        parts = [
            torch.stack(
                [project(layer, lean.norm1[layer](read(f"{letter}.{layer}.{h}", layer, 0)))[:, :, h] for h in range(n)],
                dim=2,
            )
            for letter, project, n in (
                ("q", lean.q, lean.n_heads),
                ("k", lean.k, lean.n_kv_heads),
                ("v", lean.v, lean.n_kv_heads),
            )
        ]
        for head, out in enumerate(lean.head_out(layer, lean.attention(*parts)[0]).unbind(2)):
            own[f"z.{layer}.{head}"] = out
        x = read(f"mlp.{layer}", layer, 0 if lean.parallel else 1)
        own[f"mlp_out.{layer}"] = lean.mlp_out(layer, lean.mlp_post(layer, lean.norm2[layer](x)))
    return lean.logits(read("logits", lean.n_layers, 0)[:, -1])


@pytest.mark.parametrize("name", FAMILIES)
def test_cutting_a_node_is_patching_its_output(name):
    model, (clean, other) = families.family(name).bridge, pair()
    lean = Lean.of(model)
    wiring = Wiring.of(lean)
    kept = [sender for sender in wiring.senders if sender != "z.1.2"]
    cut = run_circuit(lean, Circuit.of_nodes(wiring, kept), clean.tokens, outside_of_run(lean, other.tokens))
    z = run(model, other, reads=[Site("z", 1)])[Site("z", 1)][:, :, 2]
    patched = run(model, clean, [Intervention(Site("z", 1, 2), "all", Rows(z))]).logits
    assert (cut - patched).abs().max() < 1e-5


def test_dangling_edges_do_nothing():
    lean, (clean, other) = Lean.of(families.family("llama").bridge), pair()
    circuit = random_circuit(Wiring.of(lean), 0.15, seed=3)
    outside = outside_of_run(lean, other.tokens)
    assert 0 < len(circuit.pruned()) < len(circuit)
    logits = [run_circuit(lean, each, clean.tokens, outside) for each in (circuit, circuit.pruned())]
    assert (logits[0] - logits[1]).abs().max() < 1e-5


def test_a_mean_outside_is_the_mean_of_what_senders_add():
    lean, (clean, other) = Lean.of(families.family("llama").bridge), pair(6)
    mean, whole = outside_mean(lean, other.tokens, batch_size=4), outside_of_run(lean, other.tokens)
    assert torch.allclose(mean.heads[1], whole.heads[1].mean(0, keepdim=True), atol=1e-6)
    assert torch.allclose(mean.stream(lean, 3), whole.stream(lean, 3).mean(0, keepdim=True), atol=1e-5)
    wiring = Wiring.of(lean)
    none = run_circuit(lean, Circuit(wiring, wiring.edges & False), clean.tokens, mean)
    assert (none - none[:1]).abs().max() < 1e-6  # says the same whatever the prompt


def test_areas_of_the_two_cases_of_the_benchmark():
    k = np.array(SHARES)
    nothing_until_all = areas(k, np.where(k == 1, 1.0, 0.0))
    assert nothing_until_all.cmd == pytest.approx(0.749)  # .499 + .25
    assert nothing_until_all.cpr == pytest.approx(0.25)
    as_much_as_kept = areas(k, k)
    assert as_much_as_kept.cpr == pytest.approx(0.5, abs=1e-5)
    assert as_much_as_kept.cmd == pytest.approx(0.499, abs=1e-3)
    assert areas(k, np.ones_like(k)).cmd == 0
    assert areas(k, np.ones((3, len(k)))).cpr_log == pytest.approx(1)


def test_areas_of_shares_that_do_not_rise_are_refused():
    for k in ([0.5, 0.1], [0.0, 1.0], [1.0]):
        with pytest.raises(InterpError, match="shares"):
            areas(np.array(k), np.ones(len(k)))


def answered(n, seed):
    """Pairs whose answers are what this model says, so that corrupting an edge can only lower the metric on average."""
    model = families.family("llama").bridge
    sides = []
    for each in (seed, seed + 50):
        prompts = families.random_prompts(n, seed=each)
        ids = run(model, prompts).logits.argmax(-1).numpy()
        sides.append(type(prompts)(**{**prompts.__dict__, "answer_ids": ids}))
    keep = sides[0].answer_ids != sides[1].answer_ids
    return model, Twins(sides[0][keep], sides[1][keep], ("all",), ())


@pytest.fixture(scope="module")
def found():
    model, discovery = answered(40, 1)
    _, evaluation = answered(40, 7)
    return circuits(model, discovery, evaluation, n_random=3, shares=(0.02, 0.1, 0.3, 1.0))


def test_the_whole_model_is_faithful_and_a_ranking_beats_chance(found):
    assert found.faithfulness.sel(share=1.0).values == pytest.approx(1, abs=1e-5)
    assert found.faithfulness_null.sel(share=1.0).values == pytest.approx(1, abs=1e-5)
    assert found.complement.sel(share=1.0).values == pytest.approx(0, abs=1e-5)
    middle = found.sel(share=0.3)
    assert (middle.faithfulness.values > middle.faithfulness_null.values.max() + 0.1).all()
    assert float(found.cmd.sel(ranking="size")) < float(found.cmd_null.min())
    assert float(found.cpr.sel(ranking="signed")) > float(found.cpr_null.max())


def test_sizes_are_what_was_asked_for_and_pruning_only_takes_away(found):
    assert found.n_kept.values.tolist() == [round(s * found.attrs["edges"]) for s in (0.02, 0.1, 0.3, 1.0)]
    assert (found.n_edges <= found.n_kept).all()
    assert found.metric.shape == (2, 4, int(found.n))


@pytest.mark.parametrize("ablation", ["mean", "resample"])
def test_other_runs_outside(ablation):
    model, pairs = answered(80, 1)
    out = circuits(model, pairs, pairs, families.random_prompts(20, seed=3), ablation=ablation, n_random=1,
                   attribution="gradient", shares=(0.1, 1.0))  # fmt: skip
    assert out.faithfulness.sel(share=1.0).values == pytest.approx(1, abs=1e-5)


def test_what_cannot_be_asked_is_refused():
    model, pairs = answered(8, 1)
    with pytest.raises(InterpError, match="reference prompts"):
        circuits(model, pairs, pairs, ablation="mean")
    with pytest.raises(InterpError, match="unknown ablation"):
        circuits(model, pairs, pairs, ablation="erase")
    same = Twins(pairs.clean, pairs.clean, (), ())
    with pytest.raises(InterpError, match="share one"):
        circuits(model, pairs, same)
