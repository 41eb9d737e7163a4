"""Path patching against plain runs that freeze every other component by hand; planted paths."""

from __future__ import annotations

import numpy as np
import pytest

from interp.engine import Intervention, Rows, Site, run
from interp.errors import InterpError
from interp.methods.paths import VARIANTS, path_effects, to_logits
from tests import families
from tests.families import FAMILIES, N_HEADS, N_LAYERS, PARALLEL


def measure(logits, rows):
    return logits


def pair(n=4):
    return families.random_prompts(n), families.random_prompts(n, seed=9)


def frozen(model, clean, sender, other, variant, mlps):
    """The writes that put the sender's other output in and every other head (and MLP) back to the clean run."""
    name, *place = sender.split(".")
    edits = []
    for layer in range(N_LAYERS):
        for head in range(N_HEADS):
            run_of = other if (name, [str(layer), str(head)]) == ("z", place) else clean
            edits.append(Intervention(Site("z", layer, head), "all", Rows(run_of[Site("z", layer)][:, :, head])))
        if variant == "mlps_frozen" or (name == "mlp_out" and str(layer) == place[0]):
            run_of = other if (name == "mlp_out" and str(layer) == place[0]) else clean
            edits.append(Intervention(Site("mlp_out", layer), "all", Rows(run_of[Site("mlp_out", layer)])))
    if name == "embed":
        edits.append(Intervention(Site("resid_pre", 0), "all", Rows(other[Site("resid_pre", 0)])))
    return edits


def runs(model, base, other):
    sites = [Site("resid_pre", 0)] + [Site(name, layer) for name in ("z", "mlp_out") for layer in range(N_LAYERS)]
    return [run(model, prompts, reads=sites) for prompts in (base, other)]


SENDERS = ("embed", "z.0.1", "mlp_out.0", "z.1.3", "mlp_out.1", "z.2.0", "mlp_out.2")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", FAMILIES)
def test_paths_to_the_logits(name, variant):
    model, (base, other) = families.family(name).bridge, pair()
    names, plain, found = to_logits(model, base, other, measure, variant=variant)
    clean, theirs = runs(model, base, other)
    assert np.abs(plain - clean.logits.numpy()).max() < 1e-5
    for sender in SENDERS:
        slow = run(model, base, frozen(model, clean, sender, theirs, variant, True)).logits.numpy()
        gap = np.abs(found[names.index(sender)] - slow).max()
        assert gap < 1e-5 * max(1.0, np.abs(slow - plain).max()), sender


PATHS = (("z.0.1", "q.2.3"), ("embed", "k.1.0"), ("mlp_out.0", "v.2.1"), ("z.0.2", "mlp.1"), ("embed", "mlp.2"),
         ("z.1.0", "logits"))  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", FAMILIES)
def test_paths_to_receivers(name, variant):
    """Read the receiver while all else is frozen, then write what it was into a plain run."""
    model, (base, other) = families.family(name).bridge, pair()
    plain, found = path_effects(model, base, other, PATHS, measure, variant=variant)
    clean, theirs = runs(model, base, other)
    for i, (sender, receiver) in enumerate(PATHS):
        kind, *place = receiver.split(".")
        edits = frozen(model, clean, sender, theirs, variant, True)
        if kind == "logits":
            slow = run(model, base, edits).logits.numpy()
        else:
            layer = int(place[0])
            site = Site("mlp_out" if kind == "mlp" else kind, layer)
            if kind == "mlp":  # its own output must be computed, not frozen
                edits = [edit for edit in edits if edit.site != site]
            values = run(model, base, edits, reads=[site])[site]
            values = values if kind == "mlp" else values[:, :, int(place[1])]
            at = site if kind == "mlp" else Site(kind, layer, int(place[1]))
            slow = run(model, base, [Intervention(at, "all", Rows(values))]).logits.numpy()
        gap = np.abs(found[i] - slow).max()
        assert gap < 1e-5 * max(1.0, np.abs(slow - plain).max()), (sender, receiver)


@pytest.mark.parametrize("name", PARALLEL)
def test_in_parallel_blocks_an_mlp_does_not_see_its_own_heads(name):
    model, (base, other) = families.family(name).bridge, pair()
    with pytest.raises(InterpError, match="does not come before"):
        path_effects(model, base, other, [("z.1.0", "mlp.1")], measure)


def test_what_does_not_exist_is_refused():
    model, (base, other) = families.family("llama").bridge, pair()
    with pytest.raises(InterpError, match="unknown path variant"):
        to_logits(model, base, other, measure, variant="frozen")
    with pytest.raises(InterpError, match="same length"):
        to_logits(model, base, other[[0]], measure)
    with pytest.raises(InterpError, match=r"no 'z\.9\.0'"):
        path_effects(model, base, other, [("z.9.0", "logits")], measure)


@pytest.mark.parametrize("kind", ["planted:copy", "planted:compose", "planted:compose,read=q"])
def test_planted_paths_are_found_and_others_are_not(kind):
    from interp.engine import Lean
    from interp.methods.circuit import Wiring
    from interp.models import load
    from interp.models.planted_parts import truth
    from interp.tasks import named_task, twins

    model, task = load(kind), named_task("a+b")
    pairs = twins(task, model.arith.tokenizer, split="all", n=20, recipe="swap_operand", place="a")
    known = truth(kind, "a")
    wiring = Wiring.of(Lean.of(model))

    def diff(logits, rows):
        sides = [side.answer_ids[rows] for side in (pairs.clean, pairs.corrupted)]
        return logits[np.arange(len(rows)), sides[0]] - logits[np.arange(len(rows)), sides[1]]

    every = [(wiring.senders[i], wiring.receivers[j]) for i, j in np.argwhere(wiring.edges).tolist()]
    plain, found = path_effects(model, pairs.clean, pairs.corrupted, every, diff)
    effect = np.abs((found - plain).mean(axis=1))
    planted = {(label(node), label(receiver)) for node, receiver in known.edges}
    sizes = dict(zip(every, effect.tolist(), strict=True))
    least = min(sizes[edge] for edge in planted)
    most = max(size for edge, size in sizes.items() if edge not in planted)
    assert least > 10 * most, (planted, sorted(sizes.items(), key=lambda item: -item[1])[:5])


def label(part):
    name, *rest = (piece for piece in part if piece is not None)
    if name == "resid_pre":
        return "embed"
    return ".".join(str(piece) for piece in (name, *rest))
