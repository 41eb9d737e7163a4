"""The released clock and pizza networks: published numbers where the reference folder is, refusals everywhere."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from interp.errors import InterpError
from interp.fourier.algorithm import classify, evidence
from interp.fourier.circles import FORMULAS, explained, principal_circles
from interp.fourier.circularity import circularity
from interp.fourier.distance import distance_irrelevance
from interp.fourier.released import functions, released, untrained
from interp.fourier.symmetricity import published_triples, random_triples, symmetricity
from interp.models.attention_rate import initial, read_attention_rate
from tests.fourier.hand_networks import PIZZA, needs_reference

CONFIG = {"C": 7, "d_model": 8, "n_heads": 2, "attn_coeff": 0.3, "act_fn": "ReLU", "n_layers": 1, "diff_vocab": 0}


def files(tmp_path, **changed):
    """Write a small network with its configuration and return both paths."""
    weights, config = tmp_path / "net.safetensors", tmp_path / "net.config.json"
    save_file({k: v.contiguous() for k, v in initial(CONFIG, 0).tensors.items()}, weights)
    config.write_text(json.dumps({**CONFIG, **changed}))
    return weights, config


@pytest.mark.parametrize("rate", [0, 0.3, 1])
def test_the_forward_pass_is_the_plain_sum_over_heads_and_keys(tmp_path, rate):
    net = read_attention_rate(*files(tmp_path, attn_coeff=rate))
    w, places = net.tensors, net.tensors["pos_embed.W_pos"]
    x = net.embed[3] + places[0], net.embed[5] + places[1]
    read = x[1].clone()
    for h in range(2):
        q = w["blocks.0.attn.W_Q"][h] @ x[1]
        scores = torch.stack([q @ (w["blocks.0.attn.W_K"][h] @ each) for each in x]) / math.sqrt(4)
        mixed = sum((rate * scores.softmax(0)[i] + 1 - rate) * (w["blocks.0.attn.W_V"][h] @ x[i]) for i in range(2))
        read += w["blocks.0.attn.W_O"][:, 4 * h : 4 * h + 4] @ mixed
    neurons = (w["blocks.0.mlp.W_in"] @ read + w["blocks.0.mlp.b_in"]).clamp(min=0)
    logits = (read + w["blocks.0.mlp.W_out"] @ neurons + w["blocks.0.mlp.b_out"]) @ w["unembed.W_U"]
    opened = functions(net)
    np.testing.assert_allclose(opened.grid()[3, 5], logits, atol=1e-12)
    np.testing.assert_allclose(opened.neuron_grid()[3, 5], neurons, atol=1e-12)
    assert net.patterns(net.embed, net.embed).sum(-1).allclose(torch.tensor(2.0 - rate, dtype=torch.float64))
    assert (opened.patterns is None) == (rate != 1)


def test_a_damaged_file_and_a_configuration_of_something_else_are_one_clear_error(tmp_path):
    weights, config = files(tmp_path)
    released(weights, config)
    whole = weights.read_bytes()
    cases = [
        (lambda: weights.write_bytes(whole[: len(whole) // 2]), "truncated or damaged"),
        (lambda: weights.write_bytes(b""), "truncated or damaged"),
        (weights.unlink, "is missing"),
        (lambda: (weights.write_bytes(whole), config.write_text(json.dumps({**CONFIG, "C": 11}))), "does not fit"),
        (lambda: config.write_text("{"), "cannot be read"),
        (lambda: config.write_text("[]"), "no JSON object"),
        *[
            (lambda change=change: config.write_text(json.dumps({**CONFIG, **change})), "no network of this kind")
            for change in ({"attn_coeff": 1.5}, {"n_layers": 2}, {"eqn_sign": 1}, {"act_fn": "x"}, {"n_heads": 3})
        ],
    ]
    for damage, match in cases:
        damage()
        with pytest.raises(InterpError, match=match) as told:
            released(weights, config)
        assert "\n" not in str(told.value)


@pytest.fixture(scope="module")
def nets():
    return {name: released(PIZZA / f"model_{name}.safetensors", PIZZA / f"model_{name}.config.json") for name in "ab"}


@needs_reference
@pytest.mark.parametrize(
    ("name", "hundred", "many", "tolerance", "q", "margin", "circular"),
    [
        ("a", 0.9936652, 0.9938, 0.001, 0.1717365, 0.287, 0.99782),
        ("b", 0.3336378, 0.3459, 0.01, 0.8482599, 0.784, 0.99891),
    ],
)
def test_published_scalars(nets, name, hundred, many, tolerance, q, margin, circular):
    net = nets[name]
    assert symmetricity(net, published_triples()).mean == pytest.approx(hundred, abs=1e-6)
    found = symmetricity(net, random_triples(59, 20_000))
    assert found.n == 20_000
    assert found.mean == pytest.approx(many, abs=tolerance)
    logits = net.grid()
    assert (logits.argmax(-1) == np.add.outer(np.arange(59), np.arange(59)) % 59).all()
    assert distance_irrelevance(logits).q == pytest.approx(q, abs=1e-6)
    assert distance_irrelevance(logits, "margin").q == pytest.approx(margin, abs=1e-3)
    assert circularity(net.embed_a.numpy()).mean == pytest.approx(circular, abs=1e-5)


@needs_reference
def test_published_formulas_of_the_circles_of_the_pizza(nets):
    found = principal_circles(nets["a"])
    assert [each.frequency for each in found] == [17, 3, 15, 25, 6, 29]
    scores = {
        name: [explained(each.logits, formula(59, each.frequency), "whole") for each in found]
        for name, formula in FORMULAS.items()
    }
    np.testing.assert_allclose(scores["clock"][:3], 0.754, atol=0.003)
    np.testing.assert_allclose(scores["pizza"][:3], 0.983, atol=0.002)
    np.testing.assert_allclose(scores["accompanying"][3:], [0.976, 0.972, 0.977], atol=0.001)
    assert max(scores["pizza"][3:]) < -0.99  # wrong frequency: nothing in common


@pytest.mark.slow
@needs_reference
def test_the_rule_names_both_and_neither_before_training(nets):
    assert [classify(evidence(nets[name], 2000)) for name in "ab"] == ["pizza", "clock"]
    for name in "ab":
        config = PIZZA / f"model_{name}.config.json"
        assert classify(evidence(untrained(config, 1), 500)) == "undecided"
