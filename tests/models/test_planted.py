"""Planted models: their names, their files, that they add, and that every block of them works for it."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch

from interp.engine import Site
from interp.errors import InterpError
from interp.models import load, native, planted, zoo
from interp.models.number_tokenizer import number_tokenizer
from interp.models.planted import Planted
from interp.models.planted_circuit import d_model, directions
from interp.models.planted_weights import GAP, HIGHEST, N_CTX, configuration, shares, weights
from interp.tasks import STYLES, TASKS, build, named_task

ROOT = zoo.zoo_directory().parents[1]


def memory(truth: Planted):
    """The model without its directory: fast enough for every window of a depth."""
    vocabulary = tokenizer().get_vocab()
    model = native.boot(configuration(truth, len(vocabulary))["cfg"])
    tensors = {name: torch.from_numpy(array) for name, array in weights(truth, vocabulary).items()}
    model.load_state_dict(tensors, strict=True)
    return model.eval().requires_grad_(False)


@cache
def tokenizer():
    return number_tokenizer()


def prompts_of(task: str, style: str = "plain", n: int = 300):
    return build(named_task(task), tokenizer(), style, "all", n, seed=1)


def answers(model, prompts) -> torch.Tensor:
    return model(torch.as_tensor(prompts.tokens))[:, -1]


def accuracy(model, prompts) -> float:
    return float((answers(model, prompts).argmax(-1).numpy() == prompts.answer_ids).mean())


@pytest.mark.parametrize(
    ("name", "truth", "reads"),
    [
        ("planted:wait=3,transfer=2", Planted(3, 2), [3, 4]),
        ("planted:transfer=1,wait=0", Planted(0, 1), [0]),
        ("planted:wait=3,transfer=9,layers=12,seed=4", Planted(3, 9, layers=12, seed=4), list(range(3, 12))),
        ("planted:mix=0", Planted(mix=0), [1]),
        ("planted:mix=2,layers=4", Planted(mix=2, layers=4), [3]),
    ],
)
def test_a_name_says_the_truth(name, truth, reads):
    found = planted.read_name(name)
    assert (found, list(found.reads)) == (truth, reads)
    assert planted.read_name(found.name) == found
    assert planted.is_planted(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wait=7,transfer=2", "does not fit 8 blocks: need wait >= 0, transfer >= 1 and wait .* <= layers"),
        ("wait=3,transfer=0", "transfer >= 1"),
        ("wait=-1,transfer=2", "wait >= 0"),
        ("mix=7", "need mix >= 0 and mix \\+ 2 <= layers"),
        ("mix=-1", "need mix >= 0"),
        ("mix=-5", "need mix >= 0"),
        ("mix=0,layers=1", "does not fit 1 blocks"),
        ("wait=3", "give wait and transfer, or mix alone"),
        ("layers=3", "give wait and transfer, or mix alone"),
        ("wait=1,transfer=1,mix=1", "give wait and transfer, or mix alone"),
        ("wait=1,mix=1", "give wait and transfer, or mix alone"),
        ("wiat=3,transfer=1", "Did you mean wait"),
        ("", "has no field ''"),
        ("wait=x,transfer=1", "give wait once, as a whole number"),
        ("wait=1.5,transfer=1", "give wait once"),
        ("wait=1,transfer=1,wait=1", "give wait once"),
        ("wait=1,transfer=1,layers=33", "1 <= layers <= 32"),
        ("wait=0,transfer=1,layers=0", "1 <= layers <= 32"),
        ("wait=0,transfer=1,seed=-1", "0 <= seed"),
        ("wait=0,transfer=1,seed=4294967296", "0 <= seed"),
    ],
)
def test_a_bad_name_is_one_line(name, said):
    with pytest.raises(InterpError, match=said) as caught:
        zoo.resolve(f"planted:{name}")
    assert "\n" not in str(caught.value)


def test_shares_add_up_and_none_is_idle():
    for t in (1, 2, 5, 32):
        found = shares(t, np.random.default_rng(0))
        assert found.shape == (HIGHEST + 1, t)
        assert (found.sum(axis=1) == np.arange(HIGHEST + 1)).all()
        assert (found.std(axis=0) > 40).all()


def test_the_shape_depends_on_the_depth_alone():
    for layers in (1, 8, 12):
        truths = [Planted(w, t, layers=layers) for w in range(layers) for t in range(1, layers - w + 1)]
        sizes = [len(directions(truth)) for truth in truths]
        assert max(sizes) == d_model(layers)
        assert len(set(sizes)) > 1 or layers == 1
    one, two = (memory(truth).state_dict() for truth in (Planted(3, 2), Planted(mix=4)))
    assert {name: t.shape for name, t in one.items()} == {name: t.shape for name, t in two.items()}


def test_nothing_is_axis_aligned():
    for name, tensor in memory(Planted(3, 2)).state_dict().items():
        rows = tensor.T if name.endswith(("o.weight", "out.weight")) else tensor
        if tensor.ndim == 2 and tensor.any():
            rows = rows[rows.abs().amax(dim=1) > 0]
            largest = rows.square().amax(dim=1) / rows.square().sum(dim=1)
            assert largest.max() < 0.5, name
            assert largest.median() < 0.25, name


SLOW = [pytest.param(*each, marks=pytest.mark.slow) for each in ((8, 1), (12, 7))]


@pytest.mark.parametrize(("layers", "step"), [(1, 1), (3, 1), *SLOW])
def test_every_window_of_a_depth_adds(layers, step):
    prompts = [prompts_of(task, n=200) for task in ("a+b", "a+b+c")]
    truths = [Planted(w, t, layers=layers) for w in range(layers) for t in range(1, layers - w + 1)]
    for truth in truths[::step]:
        model = memory(truth)
        assert [accuracy(model, each) for each in prompts] == [1.0, 1.0], truth.name


@pytest.mark.parametrize("mix", [0, 2, 6])
def test_every_mixing_model_adds(mix):
    assert accuracy(memory(Planted(mix=mix)), prompts_of("a+b")) == 1.0
    assert accuracy(memory(Planted(mix=mix)), prompts_of("a+b+c")) == 1.0


def test_answers_stand_out_of_the_rounding():
    """Neighbouring answers differ by GAP; float32 moves that by less than a twentieth, in the deepest model too."""
    for truth in (Planted(3, 2), Planted(0, 8), Planted(16, 16, layers=32)):
        model = memory(truth)
        for task in ("a+b", "a+b+c"):
            top = answers(model, prompts_of(task)).topk(2).values
            assert ((top[:, 0] - top[:, 1] - GAP).abs() < GAP / 20).all()


def test_it_adds_in_two_wordings_and_is_wrong_at_all_else():
    model = memory(Planted(3, 2))
    assert accuracy(model, prompts_of("a+b+c", "verbal")) == 1.0
    for style in STYLES:
        assert prompts_of("a+b+c", style).tokens.shape[1] <= N_CTX
        assert style in ("plain", "verbal") or accuracy(model, prompts_of("a+b", style)) < 0.2
    for task in TASKS:
        assert task in ("a+b", "a+b+c") or accuracy(model, prompts_of(task)) < 0.2


@pytest.mark.parametrize("truth", [Planted(3, 2), Planted(6, 1), Planted(mix=3)], ids=lambda truth: truth.name)
def test_no_block_can_be_skipped(truth):
    """Block i skipped: its output is its input. The waiting blocks and those after the transfer do work too."""
    model, prompts = memory(truth), prompts_of("a+b+c", n=100)
    assert accuracy(model, prompts) == 1.0
    seen = {}

    def keep(h, hook):
        seen["h"] = h.clone()

    for i in range(truth.layers):
        hooks = [
            (Site("resid_pre", i).hook_name(model), keep),
            (Site("resid_post", i).hook_name(model), lambda h, hook: seen["h"]),
        ]
        with model.hooks(fwd_hooks=hooks):
            assert accuracy(model, prompts) < 0.1, f"block {i}"


def test_heads_are_turned_and_shuffled_and_what_is_moved_leaves_its_old_place():
    tensors, lookers = memory(Planted(3, 2)).state_dict(), set()
    for i in range(8):
        keys, values, reads = (tensors[f"blocks.{i}.{name}.weight"] for name in ("attn.k", "attn.v", "mlp.in"))
        assert min(keys.norm(dim=1).min(), values.norm(dim=1).min()) > 1e-3
        lookers.add(int(tensors[f"blocks.{i}.attn.q.weight"].reshape(4, -1).norm(dim=1).argmin()))  # the one of all
        taken = (reads * tensors[f"blocks.{i}.mlp.out.weight"].T).sum(dim=1)[reads.norm(dim=1) > 0]
        torch.testing.assert_close(taken, -torch.ones_like(taken))
    assert len(lookers) > 1


def test_attention_looks_alike_in_every_block():
    model, prompts = memory(Planted(3, 2)), prompts_of("a+b+c", n=20)
    _, read = model.run_with_cache(torch.as_tensor(prompts.tokens))
    for i in range(8):
        last = read[Site("pattern", i).hook_name(model)][:, :, -1]
        assert (last[..., [1, 3, 5]].amax(dim=1) > 0.99).all(), f"block {i}"
        assert (read[Site("attn_out", i).hook_name(model)][:, -1].norm(dim=-1) > 0.1).all(), f"block {i}"


def test_every_token_but_the_first_operand_hears_of_the_others_early():
    """The decoys: a residual is more than its own token's mean from block 1 on, long before anything is read."""
    model, prompts = memory(Planted(4, 2)), prompts_of("a+b+c@0..9", n=None)
    _, read = model.run_with_cache(torch.as_tensor(prompts.tokens))
    for i in range(5):
        h = read[Site("resid_pre", i).hook_name(model)]
        for role in prompts.roles[1:]:
            own, here = prompts.tokens[:, prompts.position(role)], h[:, prompts.position(role)]
            means = torch.stack([here[torch.as_tensor(own == token)].mean(0) for token in own])
            apart = float((here - means).norm() / here.norm())
            assert (apart < 1e-5) if i == 0 or role == "a" else (apart > 0.02), (i, role)


def test_a_loaded_model_has_its_tokenizer_and_takes_any_task():
    model = load("planted:wait=3,transfer=2")
    assert (model.arith.task, model.arith.name) == (None, "planted:wait=3,transfer=2")
    assert model.tokenizer is model.arith.tokenizer
    own, same = model.arith.tokenizer, number_tokenizer()
    assert own.get_vocab() == same.get_vocab()
    assert (own.bos_token_id, own.eos_token_id, own.unk_token_id) == (200, 201, 202)
    for style in STYLES:
        for task in TASKS.values():
            ours, theirs = (build(task, each, style, "test", 5, seed=0) for each in (own, same))
            np.testing.assert_array_equal(ours.tokens, theirs.tokens)
    prompts = build(TASKS["a+b+c"], own, "plain", "test", 200, seed=0)
    assert accuracy(model, prompts) == 1.0
    assert torch.equal(answers(model, prompts), answers(memory(Planted(3, 2)), prompts))


def test_a_directory_is_built_once_and_again_when_it_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setenv("ARITHMOSCOPE_CACHE", str(tmp_path / "one"))
    place = zoo.resolve("planted:wait=1,transfer=2,layers=3")
    assert place.parent == tmp_path / "one" / "planted"
    assert zoo.resolve("planted:transfer=2,layers=3,wait=1,seed=0") == place
    assert zoo.check_sums(place) == 4
    whole = {path.name: path.read_bytes() for path in place.iterdir()}
    before = (place / "model.safetensors").stat().st_mtime_ns
    assert zoo.resolve("planted:wait=1,transfer=2,layers=3") == place
    assert (place / "model.safetensors").stat().st_mtime_ns == before
    for damage in (
        lambda: (place / "model.safetensors").write_bytes(whole["model.safetensors"][:-4]),
        lambda: (place / "tokenizer.json").unlink(),
        lambda: (place / "SHA256SUMS").unlink(),
        lambda: (place / "SHA256SUMS").write_text("nonsense"),
        lambda: (place / "SHA256SUMS").write_text(""),
        lambda: [path.unlink() for path in place.iterdir()],
    ):
        damage()
        zoo.resolve("planted:wait=1,transfer=2,layers=3")
        assert {path.name: path.read_bytes() for path in place.iterdir()} == whole
        assert list(place.parent.iterdir()) == [place]
    monkeypatch.setenv("ARITHMOSCOPE_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two"))
    other = zoo.resolve("planted:wait=1,transfer=2,layers=3")
    assert other.parent == tmp_path / "two" / "arithmoscope" / "planted"
    assert {path.name: path.read_bytes() for path in other.iterdir()} == whole
    assert zoo.resolve("planted:wait=1,transfer=2,layers=3,seed=1") != other
    assert zoo.weights_sha256(other) == zoo.weights_sha256(place)


def test_whoever_is_faster_builds_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("ARITHMOSCOPE_CACHE", str(tmp_path))
    absent = iter([False])
    truly = planted._whole
    place = zoo.resolve("planted:wait=0,transfer=1,layers=1")
    monkeypatch.setattr(planted, "_whole", lambda path, asked: next(absent, None) is not False and truly(path, asked))
    assert zoo.resolve("planted:wait=0,transfer=1,layers=1") == place
    assert list(place.parent.iterdir()) == [place]


def test_a_cache_that_cannot_be_written_is_one_line(monkeypatch):
    monkeypatch.setenv("ARITHMOSCOPE_CACHE", "/proc/no")
    with pytest.raises(InterpError, match="set ARITHMOSCOPE_CACHE to a directory"):
        zoo.resolve("planted:wait=0,transfer=1")


def test_a_name_resolves_without_torch(tmp_path):
    code = "from interp.models import resolve; import sys; print(resolve('planted:mix=0').name, 'torch' in sys.modules)"
    env = {"ARITHMOSCOPE_CACHE": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert out.startswith("mix0-layers8-seed0-")
    assert out.endswith("False\n")
