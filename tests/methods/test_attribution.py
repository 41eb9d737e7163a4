"""Attribution against slow twins: a reader with its own input, a finite step, the whole path; five architectures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.engine import Lean
from interp.errors import InterpError
from interp.methods.attribution import VARIANTS, attribute
from interp.methods.circuit import Circuit, Wiring, top
from tests import families
from tests.families import FAMILIES

SAME = 1e-5  # of the largest score, set before the run


def metric(logits, rows):
    return logits[:, 3] - logits[:, 4]


def prompts_pair(n=4):
    return families.random_prompts(n), families.random_prompts(n, seed=9)


@pytest.mark.parametrize("name", FAMILIES)
def test_edges_are_the_gradients_of_readers_with_inputs_of_their_own(name):
    model, (base, other) = families.family(name).bridge, prompts_pair()
    lean = Lean.of(model)
    found = attribute(model, base, other, metric, positions="kept")
    slow = torch.zeros((6, *found.wiring.edges.shape))
    deltas = sender_deltas(lean, base, other)
    for name_of, gradient in own_inputs(lean, base).items():
        column = found.wiring.receivers.index(name_of)
        for row in np.flatnonzero(found.wiring.edges[:, column]):
            slow[:, row, column] = (deltas[row] * gradient).sum(-1).mean(0)
    gap = np.abs(found.edges - slow.numpy()).max()
    assert gap < SAME * np.abs(slow.numpy()).max()
    assert (found.edges[:, ~found.wiring.edges] == 0).all()
    assert (np.abs(found.edges[:, found.wiring.edges]).max(axis=0) > 0).mean() > 0.9


def sender_deltas(lean, base, other):
    """What each sender adds differently, by name order, [prompt, pos, d_model]."""
    with torch.no_grad():
        a, b = lean.trace(base.tokens), lean.trace(other.tokens)
    out = [b.resid_pre[0] - a.resid_pre[0]]
    for layer in range(lean.n_layers):
        out += list(lean.head_out(layer, b.z[layer] - a.z[layer]).unbind(2))
        out.append(b.mlp_out[layer] - a.mlp_out[layer])
    return out


def own_inputs(lean, base):
    """Gradients at copies of the stream, one for each reader: {receiver: [prompt, pos, d_model]}."""
    x = lean.embed(base.tokens).requires_grad_()
    copies = {}

    def copy(receiver, stream):
        copies[receiver] = stream.clone()
        return copies[receiver]

    for layer in range(lean.n_layers):
        parts = []
        for letter, n in (("q", lean.n_heads), ("k", lean.n_kv_heads), ("v", lean.n_kv_heads)):
            project = getattr(lean, letter)
            heads = [
                project(layer, lean.norm1[layer](copy(f"{letter}.{layer}.{h}", x)))[:, :, h] for h in range(n)
            ]  # fmt: skip
            parts.append(torch.stack(heads, dim=2))
        added = lean.attn_out(layer, lean.attention(*parts)[0])
        read = copy(f"mlp.{layer}", x if lean.parallel else x + added)
        x = x + added + lean.mlp_out(layer, lean.mlp_post(layer, lean.norm2[layer](read)))
    last = copy("logits", x)
    value = metric(lean.logits(last[:, -1]), None).sum()
    return dict(zip(copies, torch.autograd.grad(value, list(copies.values())), strict=True))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_sender_scores_what_all_its_edges_do(name):
    model, (base, other) = families.family(name).bridge, prompts_pair()
    found = attribute(model, base, other, metric, positions="kept")
    nodes = found.nodes.mean(axis=0)  # [sender, pos]
    assert np.abs(found.edges.sum(axis=2).T - nodes).max() < SAME * np.abs(nodes).max()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_node_scores_the_slope_of_patching_it(name):
    """(m(base + h delta) - m(base - h delta)) / 2h, of the MLP of block 1 at one position."""
    model, (base, other) = families.family(name).bridge, prompts_pair()
    lean, found, step = Lean.of(model), attribute(model, base, other, metric), 1e-3
    row = found.wiring.senders.index("mlp_out.1")
    delta = torch.zeros_like(sender_deltas(lean, base, other)[row])
    delta[:, 2] = sender_deltas(lean, base, other)[row][:, 2]
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            trace = lean.trace(base.tokens)
            x = trace.resid_pre[2] + sign * step * delta
            for layer in range(2, lean.n_layers):
                x = block(lean, layer, x)
            ends.append(metric(lean.logits(x[:, -1]), None))
    slope = ((ends[0] - ends[1]) / (2 * step)).numpy()
    assert np.abs(slope - found.nodes[:, row, 2]).max() < 0.02 * np.abs(slope).max() + 2e-3


def block(lean, layer, x):
    normed = lean.norm1[layer](x)
    added = lean.attn_out(layer, lean.attention(lean.q(layer, normed), lean.k(layer, normed), lean.v(layer, normed))[0])
    mid = x if lean.parallel else x + added
    return x + added + lean.mlp_out(layer, lean.mlp_post(layer, lean.norm2[layer](mid)))


@pytest.mark.parametrize("name", FAMILIES)
def test_integrated_inputs_are_complete(name):
    """All that changes comes from the embedding: its score is m(other) - m(base) as steps grow."""
    model, (base, other) = families.family(name).bridge, prompts_pair()
    found = attribute(model, base, other, metric, variant="ig_inputs", steps=200)
    lean = Lean.of(model)
    with torch.no_grad():
        change = metric(lean.trace(other.tokens).logits, None) - metric(lean.trace(base.tokens).logits, None)
    scored = found.nodes[:, 0].sum(axis=-1)
    assert np.abs(scored - change.numpy()).max() < 0.02 * float(change.abs().max())
    once = attribute(model, base, other, metric).nodes[:, 0].sum(axis=-1)
    assert np.abs(once - change.numpy()).max() > np.abs(scored - change.numpy()).max()


@pytest.mark.parametrize("name", FAMILIES)
def test_integrated_activations_give_the_exact_effect_of_the_last_mlp(name):
    """Along the whole path the last MLP's score is the effect of patching it, at the last position alone."""
    model, (base, other) = families.family(name).bridge, prompts_pair()
    lean = Lean.of(model)
    found = attribute(model, base, other, metric, variant="ig_activations", steps=50)
    with torch.no_grad():
        a, b = lean.trace(base.tokens), lean.trace(other.tokens)
        moved = a.resid_pre[-1][:, -1] + (b.mlp_out[-1] - a.mlp_out[-1])[:, -1]
        change = (metric(lean.logits(moved), None) - metric(a.logits, None)).numpy()
    row = found.wiring.senders.index(f"mlp_out.{lean.n_layers - 1}")
    assert np.abs(found.nodes[:, row, -1] - change).max() < 0.01 * np.abs(change).max()
    assert np.abs(found.nodes[:, row, :-1]).max() == 0


def test_one_step_at_the_base_is_the_plain_gradient_when_nothing_differs():
    model, (base, _) = families.family("llama").bridge, prompts_pair()
    for variant in VARIANTS:
        found = attribute(model, base, base, metric, variant=variant, steps=2)
        assert np.abs(found.edges).max() == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_batches_change_nothing_and_positions_add_up(variant):
    model, (base, other) = families.family("llama").bridge, prompts_pair(5)
    whole = attribute(model, base, other, metric, variant=variant, steps=2)
    parts = attribute(model, base, other, metric, variant=variant, steps=2, positions="kept", batch_size=2)
    assert np.allclose(parts.edges.sum(axis=0), whole.edges, atol=1e-6)
    assert np.allclose(parts.nodes, whole.nodes, atol=1e-6)
    assert np.isfinite(whole.edges_error).all()


def test_the_standard_error_is_that_of_the_mean():
    model, (base, other) = families.family("llama").bridge, prompts_pair(6)
    whole = attribute(model, base, other, metric)
    alone = [attribute(model, base[[i]], other[[i]], metric) for i in range(6)]
    each = np.stack([one.edges for one in alone])
    assert np.allclose(whole.edges, each.mean(axis=0), atol=1e-6)
    assert np.allclose(whole.edges_error, each.std(axis=0, ddof=1) / 6**0.5, atol=1e-6)
    assert np.isnan(alone[0].edges_error).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gpt2"])
def test_transformer_lens_finds_the_same(name):
    from transformer_lens.tools.analysis import EdgeAttributionConfig, attribution_patch

    model, _ = families.fresh(name)
    model.requires_grad_(True)  # its own way needs the weights' gradients
    base, other = prompts_pair(3)
    tokens = [torch.tensor(p.tokens) for p in (other, base)]
    theirs = attribution_patch(
        model, *tokens, lambda logits: (logits[:, -1, 3] - logits[:, -1, 4]).sum(), EdgeAttributionConfig("edge")
    )
    ours = attribute(model, base, other, metric, positions="kept")
    found = 0  # its scores are means over pairs, as ours
    largest = max(abs(score) for score in theirs.edge_scores.values())
    for (sender, reader), score in theirs.edge_scores.items():
        row = ours.wiring.senders.index(sender_name(sender))
        column = ours.wiring.receivers.index(reader_name(reader))
        if sender.kind == "embed":
            continue  # theirs leaves the position embedding out; it is the same in both runs
        assert abs(ours.edges[reader.position, row, column] - score) < SAME * largest, (sender, reader)
        found += 1
    assert found > 100


def sender_name(node):
    return {"embed": "embed", "mlp_out": f"mlp_out.{node.layer}"}.get(node.kind, f"z.{node.layer}.{node.head}")


def reader_name(node):
    if node.kind == "logits":
        return "logits"
    return f"mlp.{node.layer}" if node.kind == "mlp_in" else f"{node.kind[0]}.{node.layer}.{node.head}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"variant": "magic"}, "magic"), ({"steps": 0}, "steps"), ({"positions": "some"}, "positions")],
)
def test_what_is_not_known_is_refused(changes, message):
    base, other = prompts_pair(2)
    with pytest.raises(InterpError, match=message):
        attribute(families.family("llama").bridge, base, other, metric, **changes)


def test_prompts_of_another_length_are_refused():
    base, other = prompts_pair(3)
    with pytest.raises(InterpError, match="same length"):
        attribute(families.family("llama").bridge, base, other[[0, 1]], metric)


def test_wiring_by_hand():
    class Two:
        n_layers, n_heads, n_kv_heads, parallel = 2, 2, 1, False

    wiring = Wiring.of(Two)
    assert wiring.senders == ("embed", "z.0.0", "z.0.1", "mlp_out.0", "z.1.0", "z.1.1", "mlp_out.1")
    assert wiring.receivers == (
        "q.0.0", "q.0.1", "k.0.0", "v.0.0", "mlp.0", "q.1.0", "q.1.1", "k.1.0", "v.1.0", "mlp.1", "logits",
    )  # fmt: skip
    assert len(wiring) == 4 * 1 + 3 + 4 * 4 + 6 + 7
    with pytest.raises(InterpError, match="does not come before"):
        wiring.index("z.1.0", "q.1.0")
    with pytest.raises(InterpError, match=r"no 'z\.9\.9'"):
        wiring.index("z.9.9", "logits")
    Two.parallel = True
    assert len(Wiring.of(Two)) == 4 + 1 + 16 + 4 + 7


def test_circuits_by_hand():
    class Two:
        n_layers, n_heads, n_kv_heads, parallel = 2, 2, 1, False

    wiring = Wiring.of(Two)
    chain = Circuit.of(wiring, ["embed->v.0.0", "z.0.1->q.1.0", "z.1.0->logits", "z.0.0->mlp.1"])
    assert len(chain) == 4
    assert chain.pruned().names() == ["embed->v.0.0", "z.0.1->q.1.0", "z.1.0->logits"]
    assert len(chain | chain.complement()) == len(wiring)
    assert Circuit.from_json(wiring, chain.to_json()).digest == chain.digest
    scores = np.zeros(wiring.edges.shape)
    scores[wiring.index("embed", "logits")] = -3
    scores[wiring.index("z.1.0", "logits")] = 2
    assert top(wiring, scores, 1).names() == ["embed->logits"]
    assert top(wiring, scores, 1, by="signed").names() == ["z.1.0->logits"]
    assert len(Circuit.of_nodes(wiring, ["mlp_out.1"])) == 1
    with pytest.raises(InterpError, match="edge is named"):
        Circuit.of(wiring, ["nonsense"])
    with pytest.raises(InterpError, match="finite"):
        top(wiring, np.full(wiring.edges.shape, np.nan), 1)
