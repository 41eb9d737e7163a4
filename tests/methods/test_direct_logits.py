"""Direct logit attribution: the terms are the model's own sum, worked out by hand; the copier's one head is found."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from interp.engine import Site, run
from interp.engine.lean import Lean
from interp.errors import InterpError
from interp.methods.contrasts import Contrast, against_numbers, against_twin, number_tokens
from interp.methods.direct_logits import direct_logits
from interp.methods.lens import lens
from interp.methods.nulls import derangement
from interp.tasks.twins import Twins
from tests.families import D_MLP, N_HEADS, N_LAYERS, VOCAB, random_prompts
from tests.methods.planted import copy_prompts
from tests.tokenizers import tokenizer

A, OTHER = np.array([1, 2, 3, 4, 5, 6]), np.array([7, 8, 9, 0, 1, 2])


def contrast(n: int, against: str = "twin") -> Contrast:
    drawn = np.random.default_rng(1)
    answers = drawn.integers(3, 20, n)
    others = answers + drawn.integers(1, 15, n) if against == "twin" else np.array([5, 6, 11, 30])
    return Contrast(against, answers, others)


@pytest.mark.parametrize("against", ["twin", "numbers"])
def test_terms_sum_to_the_models_own_difference(tiny, against):
    prompts, asked = random_prompts(9), contrast(9, against)
    ds = direct_logits(tiny.bridge, prompts, asked, n_neurons=D_MLP, batch_size=4)
    logits = run(tiny.bridge, prompts).logits.cpu().double().numpy()
    rows = np.arange(9)
    own = logits[rows, asked.answers]
    if against == "twin":
        expected = own - logits[rows, asked.others]
    else:
        others = [[o for o in asked.others if o != a] for a in asked.answers]
        expected = own - np.array([logits[i, o].mean() for i, o in enumerate(others)])
    tolerance = 20 * tiny.tolerance
    summed = ds.embed_terms + ds.heads_terms.sum(("layer", "head")) + ds.mlps_terms.sum("layer") + ds.bias_terms
    assert ds.logit_diff.values == pytest.approx(expected, abs=tolerance)
    assert summed.values == pytest.approx(expected, abs=tolerance)
    assert ds.accumulated_terms.sel(depth=N_LAYERS).values == pytest.approx(expected, abs=tolerance)
    assert ds.lens_terms.sel(depth=N_LAYERS).values == pytest.approx(expected, abs=tolerance)
    lean = Lean.of(tiny.bridge)
    if not any(bool(b.any()) for b in lean.b_out):
        assert ds.neurons_terms.sum("rank").values == pytest.approx(ds.mlps_terms.values, abs=tolerance)


def test_each_term_is_the_plain_arithmetic_of_one_component(tiny):
    """The slow twin: every component alone through the norm, its scale that of the whole residual, in float64."""
    prompts, asked = random_prompts(5), contrast(5)
    ds = direct_logits(tiny.bridge, prompts, asked)
    lean, sites = Lean.of(tiny.bridge), [Site("embed"), Site("resid_pre", N_LAYERS)]
    found = run(tiny.bridge, prompts, reads=[*sites, *(Site(s, 1) for s in ("z", "mlp_out", "mlp_post", "resid_pre"))])
    norm, final = lean.norm_final, found[Site("resid_pre", N_LAYERS)][:, -1].double()
    centre = (lambda x: x - x.mean(-1, keepdim=True)) if norm.kind == "layer" else (lambda x: x)
    scale = (centre(final).square().mean(-1, keepdim=True) + norm.eps).rsqrt()
    direction = (lean.W_U[:, asked.answers] - lean.W_U[:, asked.others]).double().T

    def term(x):
        weight = torch.ones(()) if norm.weight is None else norm.weight.double()
        return (centre(x.double()) * scale * weight * direction).sum(-1).cpu().numpy()

    z, post = found[Site("z", 1)][:, -1], found[Site("mlp_post", 1)][:, -1]
    tolerance = 20 * tiny.tolerance
    for head in range(N_HEADS):
        expected = term(z[:, head] @ lean.W_O[1][head])
        assert ds.heads_terms.sel(layer=1, head=head).values == pytest.approx(expected, abs=tolerance)
    assert ds.mlps_terms.sel(layer=1).values == pytest.approx(term(found[Site("mlp_out", 1)][:, -1]), abs=tolerance)
    for rank in range(3):
        i = int(ds.neuron.sel(neuron_layer=1, rank=rank))
        written = post[:, i : i + 1] * lean.W_out[1][i]
        assert ds.neurons_terms.sel(neuron_layer=1, rank=rank).values == pytest.approx(term(written), abs=tolerance)


def test_neurons_are_chosen_on_the_other_half(llama):
    asked = contrast(9)
    ds, every = (direct_logits(llama, random_prompts(9), asked, n_neurons=k) for k in (4, D_MLP))
    chosen, told = slice(0, None, 2), slice(1, None, 2)
    for layer in range(N_LAYERS):
        everywhere = every.sel(neuron_layer=layer)
        order = np.argsort(-np.abs(everywhere.neurons_terms.values[chosen]).mean(0))
        assert ds.neuron.sel(neuron_layer=layer).values.tolist() == everywhere.neuron.values[order[:4]].tolist()
    assert ds.neurons.values == pytest.approx(ds.neurons_terms.values[told].mean(axis=0), abs=1e-6)
    assert ds.neuron_sizes.values == pytest.approx(np.abs(ds.neurons_terms.values[told]).mean(axis=0), abs=1e-6)
    assert int(ds.n_neuron_prompts) == 4


def test_the_null_is_the_direction_of_the_unrelated_prompt(llama):
    prompts, asked = random_prompts(8), contrast(8)
    other = derangement(8, 5)
    ds = direct_logits(llama, prompts, asked, seed=5)
    crossed = direct_logits(llama, prompts, asked[other], seed=5)
    assert ds.heads_null.values == pytest.approx(crossed.heads.values, abs=1e-6)
    assert np.abs(ds.heads - ds.heads_null).max() > 0.01


def test_finds_the_copiers_head_and_nothing_else(copier):
    twins = Twins(copy_prompts(A, 5), copy_prompts(OTHER, 5), ("a",), ("b",))
    ds = direct_logits(copier, twins.clean, against_twin(twins), n_neurons=2, seed=3)
    assert ds.heads.values.tolist() == [[1.0], [0.0]]
    assert [float(ds[name]) for name in ("embed", "bias")] == [0.0, 0.0]
    assert not ds.mlps.any()
    assert ds.accumulated.values.tolist() == ds.lens.values.tolist() == [0.0, 1.0, 1.0]
    other = derangement(len(A), 3)
    by_hand = np.mean((A[other] == A).astype(float) - (OTHER[other] == A))
    assert float(ds.heads_null.sel(layer=0, head=0)) == pytest.approx(by_hand)
    assert (float(ds.total), int(ds.n)) == (1.0, 6)


def test_batch_size_is_irrelevant(tiny):
    one, many = (direct_logits(tiny.bridge, random_prompts(7), contrast(7), batch_size=size) for size in (2, 512))
    for name in ("heads_terms", "mlps_terms", "neurons_terms", "lens_terms"):
        assert np.allclose(one[name], many[name], atol=20 * tiny.tolerance), name


def test_the_lens_is_the_lens(llama):
    prompts, ids = random_prompts(6), np.full(6, 3)
    ds = direct_logits(llama, prompts, Contrast("twin", ids, ids + 1))
    other = lens(llama, prompts, roles=["last"]).answer_logprob[:, :, 0]
    shifted = lens(llama, random_prompts_with(prompts, 4), roles=["last"]).answer_logprob[:, :, 0]
    assert ds.lens_terms.values == pytest.approx((other - shifted).values, abs=1e-4)


def random_prompts_with(prompts, answer: int):
    from dataclasses import replace

    return replace(prompts, answer_ids=np.full(len(prompts), answer))


def test_a_contrast_by_hand():
    table = torch.tensor([[1.0, 2.0, 4.0, 8.0], [0.0, 1.0, 0.0, 3.0]])
    twin = Contrast("twin", np.array([2, 0]), np.array([0, 3]))
    assert twin.columns(table).tolist() == [[3.0, 0.0], [-7.0, -3.0]]
    assert twin.of(table).tolist() == [3.0, -3.0]
    numbers = Contrast("numbers", np.array([2, 0]), np.array([1, 2, 3]))
    assert numbers.columns(table).tolist() == [[4 - 5.0, -2.0], [1 - 14 / 3, -4 / 3]] or torch.allclose(
        numbers.columns(table), torch.tensor([[-1.0, -2.0], [1 - 14 / 3, -4 / 3]])
    )
    assert numbers.of(table).tolist() == pytest.approx([4 - 5.0, 0 - 4 / 3])


def test_number_tokens_are_those_written_as_the_answers_are():
    def ids(kind: str, text: str) -> np.ndarray:
        made = tokenizer(kind)
        answer = np.array(made([text], add_special_tokens=False)["input_ids"][0])
        return number_tokens(made, SimpleNamespace(answer_ids=answer))  # type: ignore[arg-type]

    assert len(ids("dropped", "46")) == 200
    assert len(ids("separate", "46")) == 1000
    made = tokenizer("fused")
    spaced = ids("fused", " 46")
    assert {made.decode([i])[0] for i in spaced} == {" "}
    assert not set(spaced) & set(ids("fused", "46"))


def test_without_a_tokenizer_the_answers_are_the_numbers(copier):
    asked = against_numbers(copier, copy_prompts(A, 5))
    assert asked.others.tolist() == A.tolist()
    assert direct_logits(copier, copy_prompts(A, 5), asked, n_neurons=1).heads.values.tolist() == [[1.0], [0.0]]


def test_bad_input(llama, copier):
    prompts, asked = random_prompts(6), contrast(6)
    for changes, said in (
        ({"neuron_layers": [3]}, r"use each of 0\.\.2 once"),
        ({"n_neurons": D_MLP + 1}, "48 neurons a layer"),
        ({"n_neurons": 0}, "48 neurons a layer"),
    ):
        with pytest.raises(InterpError, match=said):
            direct_logits(llama, prompts, asked, **changes)
    with pytest.raises(InterpError, match="at least 4 prompts"):
        direct_logits(llama, prompts[:3], asked[np.arange(3)])
    with pytest.raises(InterpError, match="one answer for both"):
        against_twin(Twins(copy_prompts(A, 5), copy_prompts(A, 6), (), ()))
    with pytest.raises(InterpError, match="contrast needs two"):
        against_numbers(copier, copy_prompts([3, 3], 5))


def test_a_cap_after_the_unembedding_is_refused(llama, monkeypatch):
    from interp.engine import lean

    kept = lean.Lean.trace

    def capped(self, *args, **how):
        trace = kept(self, *args, **how)
        trace.logits = torch.tanh(trace.logits)
        return trace

    monkeypatch.setattr(lean.Lean, "trace", capped)
    with pytest.raises(InterpError, match="do not sum"):
        direct_logits(llama, random_prompts(6), contrast(6))


def test_vocabulary_is_large_enough_for_these_tests():
    assert contrast(50).others.max() < VOCAB
