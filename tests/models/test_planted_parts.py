"""Planted parts: their names, that they do the task and no other, that nothing shows from outside."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.models import load, native, planted, zoo
from interp.models.number_tokenizer import number_tokenizer
from interp.models.planted_parts import PATHS, PlantedParts, is_parts, layout, read_parts, truth
from interp.models.planted_parts_design import directions
from interp.models.planted_parts_weights import configuration, direction, weights
from interp.tasks import build, named_task

NAMES = ("copy", "compose", "compose,read=q", "compose,read=k", "adder")


def memory(parts: PlantedParts):
    vocabulary = number_tokenizer().get_vocab()
    model = native.boot(configuration(parts, len(vocabulary))["cfg"])
    model.load_state_dict({name: torch.from_numpy(w) for name, w in weights(parts, vocabulary).items()}, strict=True)
    return model.eval().requires_grad_(False)


def accuracy(model, task: str, style: str = "plain") -> float:
    prompts = build(named_task(task), number_tokenizer(), style, "all", 300, seed=1)
    return float((model(torch.as_tensor(prompts.tokens))[:, -1].argmax(-1).numpy() == prompts.answer_ids).mean())


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_the_truth_and_the_model_adds(name):
    parts = read_parts(f"planted:{name}")
    assert is_parts(parts.name)
    assert read_parts(parts.name) == parts
    for seed, layers in ((0, 4), (5, 2), (6, 7)):
        model = memory(PlantedParts(parts.kind, parts.read, layers, seed))
        assert accuracy(model, "a+b") == accuracy(model, "a+b", "verbal") == 1.0
        assert accuracy(model, "a-b") == 1.0 if parts.read in "qk" else accuracy(model, "a-b") < 0.1
        assert accuracy(model, "a+b", "python") < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_logits_are_moderate_and_neighbouring_answers_apart(name):
    model = memory(read_parts(f"planted:{name}"))
    prompts = build(named_task("a+b"), number_tokenizer(), "plain", "all", 200)
    logits = model(torch.as_tensor(prompts.tokens))[:, -1]
    assert logits.abs().max() < 3000
    top = logits.topk(2).values
    assert (top[:, 0] - top[:, 1]).min() > 0.02


def test_a_checkpoint_is_built_by_name_and_opens_with_its_tokenizer(tmp_path, monkeypatch):
    monkeypatch.setenv("ARITHMOSCOPE_CACHE", str(tmp_path))
    place = zoo.resolve("planted:compose,read=q,seed=3")
    assert place.name.startswith("compose-readq-layers4-seed3-")
    assert place == zoo.resolve("planted:compose,seed=3,layers=4,read=q")
    assert zoo.check_sums(place) == 4
    model = load("planted:copy")
    assert accuracy(model, "a+b") == 1.0
    assert model.arith.tokenizer.get_vocab() == number_tokenizer().get_vocab()
    assert [name for name in planted.EXAMPLES if is_parts(name)] == ["planted:copy", "planted:compose", "planted:adder"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("copy,read=q", "belongs to planted:compose alone"),
        ("compose,read=x", "read is v, q or k"),
        ("adder,layers=1", "2 <= layers <= 16"),
        ("adder,layers=17", "2 <= layers <= 16"),
        ("copy,seed=4294967296", "0 <= seed"),
        ("copy,sed=1", "has no field 'sed'"),
        ("copy,seed=x", "give seed once"),
        ("copy,seed=1,seed=1", "give seed once"),
    ],
)
def test_a_bad_name_is_one_line(name, said):
    with pytest.raises(InterpError, match=said) as caught:
        zoo.resolve(f"planted:{name}")
    assert "\n" not in str(caught.value)


def test_parts_stand_before_what_reads_them_and_the_seed_moves_them():
    for family in PATHS:
        kind, _, read = family.partition("-")
        seen = set()
        for seed in range(60):
            places = layout(PlantedParts(kind, read or "v", 3, seed)).places
            seen.add(tuple(places.values()))
            for path in (path for paths in PATHS[family].values() for path in paths):
                steps = [places[step.split(".")[0]] for step in path]
                for (before, one), (after, other) in pairwise(steps):
                    assert before < after or (before == after and one is not None and other is None), (family, seed)
            assert len(set(places.values())) == len(places)
        assert len(seen) > 10


def test_truth_lists_edges_and_paths_by_hand():
    places = layout(read_parts("planted:adder,seed=1")).places
    told = truth("planted:adder,seed=1", "b")
    column, units, carry = (places[part] for part in ("column", "units", "carry"))
    assert (("mlp_out", column[0], None), ("v", *carry)) in told.edges
    assert (("embed", None, None), ("mlp", column[0])) in told.edges
    assert (("z", *units), ("logits",)) in told.edges
    assert len(told.edges) == 7
    assert (("mlp", column[0]), ("v", *carry), ("logits",)) in told.paths
    assert told.roles["mlp_out", column[0], None] == "b"
    assert truth("planted:copy", "a").carry is None
    with pytest.raises(InterpError, match="says nothing about a change of 'op1'"):
        truth("planted:copy", "op1")


def test_nothing_is_axis_aligned_and_the_shape_tells_no_place():
    one, two = (memory(PlantedParts("adder", seed=seed)).state_dict() for seed in (0, 1))
    assert {name: t.shape for name, t in one.items()} == {name: t.shape for name, t in two.items()}
    for name, tensor in one.items():
        rows = tensor.T if name.endswith(("o.weight", "out.weight")) else tensor
        if tensor.ndim == 2 and tensor.any():
            rows = rows[rows.abs().amax(dim=1) > 0]
            assert (rows.square().amax(dim=1) / rows.square().sum(dim=1)).median() < 0.4, name


def test_the_direction_of_the_carry_holds_the_carry():
    parts = read_parts("planted:adder,seed=1")
    model, prompts = memory(parts), build(named_task("a+b"), number_tokenizer(), "plain", "all", 100)
    vector, role, layers = truth(parts.name, "a").carry
    assert np.allclose(vector, direction(parts, "carry"))
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert len(vector) == len(directions(parts)) == model.cfg.d_model
    _, read = model.run_with_cache(torch.as_tensor(prompts.tokens))
    a, b = (prompts.variables[name] % 10 for name in "ab")
    for layer in layers:
        held = read[f"blocks.{layer}.hook_resid_pre"][:, prompts.position(role)].double().numpy() @ vector
        assert np.allclose(held, a + b >= 10, atol=1e-4)
