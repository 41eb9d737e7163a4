"""The parts of a one-layer model add up to it, and every edit equals the engine's write of the same thing."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from interp.engine import Basis, Intervention, Site, Zero, run
from interp.errors import InterpError
from interp.fourier import neuron_edits as edits
from interp.fourier.ideal import clock_logits, relu_neuron
from interp.fourier.one_layer import OneLayer, one_layer
from interp.fourier.progress_measures import cross_entropy
from interp.fourier.readout import attention_waves, cosine_readout, direction_table, directions, residual_share
from interp.models import load
from interp.tasks.modular import modular_prompts
from tests.fourier.modadd import final, training

KEYS = (12, 18, 20, 25)


@cache
def parts() -> OneLayer:
    return one_layer(final())


def written(*interventions: Intervention) -> np.ndarray:
    """Return the logits [a, b, c] of the engine's run of all pairs under the interventions."""
    found = run(final(), modular_prompts(59, "all"), list(interventions), batch_size=4096)
    return found.logits.double().numpy().reshape(59, 59, 59)


def test_the_parts_add_up():
    one = parts()
    np.testing.assert_allclose(one.neurons_of(one.equals + one.attention), one.neurons, atol=1e-5)
    whole = (one.equals + one.attention) @ one.W_U + one.neurons @ one.W_L
    np.testing.assert_allclose(whole, one.logits, atol=1e-4)
    np.testing.assert_allclose(one.streamed(one.equals + one.attention), one.logits, atol=1e-4)
    np.testing.assert_allclose(one.pattern.sum(-1), 1, atol=1e-5)


def test_attention_zeroed_is_the_engines_write():
    one = parts()
    slow = written(Intervention(Site("attn_out", 0), ("eq",), Zero()))
    found = dict(edits._parts(one))
    np.testing.assert_allclose(found["attention zeroed"], slow, atol=1e-4)
    slow = written(Intervention(Site("resid_mid", 0), ("eq",), Zero()))
    np.testing.assert_allclose(one.streamed(np.zeros_like(one.attention)), slow, atol=1e-4)


def test_projections_of_neurons_are_the_engines_writes():
    one = parts()
    columns = np.stack(list(directions(one, KEYS).values()), 1)
    slow = written(Intervention(Site("mlp_post", 0), ("eq",), Zero(), Basis(columns)))
    found = one.answered(one.neurons - edits.along(one.neurons, columns))
    np.testing.assert_allclose(found, slow, atol=1e-3)
    rest = np.linalg.qr(columns, mode="complete")[0][:, columns.shape[1] :]
    slow = written(Intervention(Site("mlp_post", 0), ("eq",), Zero(), Basis(rest)))
    np.testing.assert_allclose(one.answered(edits.along(one.neurons, columns)), slow, atol=1e-3)


def test_a_frequency_can_be_taken_from_neurons():
    p = 23
    n = np.arange(p)
    wave = np.cos(2 * np.pi * 3 * n / p)
    block = 2 + wave[:, None] + wave[None, :] + np.outer(wave, np.sin(2 * np.pi * 3 * n / p))
    other = np.cos(2 * np.pi * 5 * n / p)[:, None] * np.ones(p)
    neurons = np.stack([block + other, relu_neuron(p, 3, 1, 2)], -1)
    np.testing.assert_allclose(edits.without_frequency(neurons, 3)[..., 0], 2 + other, atol=1e-12)
    kept = edits.as_waves(neurons, np.array([3, 3]), np.array([True, False]))
    np.testing.assert_allclose(kept[..., 0], block, atol=1e-12)
    np.testing.assert_allclose(kept[..., 1], neurons[..., 1])  # not chosen: as it was


def test_the_table_of_the_shipped_model():
    table = edits.ablation_table(parts(), KEYS, training(), n_random=3).set_index("edit")
    loss, null = table["all"].to_dict(), table["null"].to_dict()
    assert loss["original"] == pytest.approx(float(cross_entropy(parts().logits).mean()))
    assert null["original"] == pytest.approx(np.log(59))
    for better in ("keep sum directions", "keep 3x3 blocks"):
        assert loss[better] < loss["original"] < 1e-3 < null[better]
    assert loss["120 neurons as waves"] < 1e-6 < 1 < null["120 neurons as waves"]
    assert loss["keep read directions"] < 1e-6 < 1 < null["keep read directions"]
    assert loss["keep all beside them"] > 1 > 1e-2 > null["keep all beside them"]
    for k in KEYS:
        assert loss[f"without {k}"] > 100 * loss["original"]
        assert table["null_high"].to_dict()[f"without {k}"] < 2 * loss["original"]
        assert table["n_null"].to_dict()[f"without {k}"] == 25
    assert loss["attention zeroed"] > np.log(59)
    assert table["accuracy"].to_dict()["attention zeroed"] == pytest.approx(1 / 59)  # one answer for all pairs
    assert np.isfinite(table[["train", "test", "all", "null_low", "null_high"]].to_numpy()).all()


def test_read_directions_of_a_made_model():
    # four neurons: cos and sin w_3 (a + b), and twice noise; W_L reads the first two as cos and sin w_3 c
    p, rng = 23, np.random.default_rng(0)
    n = np.arange(p)
    angle = 2 * np.pi * 3 * np.add.outer(n, n) / p
    neurons = np.concatenate([np.stack([np.cos(angle), np.sin(angle)], -1), rng.normal(size=(p, p, 2))], -1)
    reads = np.stack([np.cos(2 * np.pi * 3 * n / p), np.sin(2 * np.pi * 3 * n / p), 0 * n, 0.01 * np.cos(n)])
    pattern = np.full((p, p, 1, 3), 0.1)
    pattern[..., 0, 0] += 0.2 * (np.cos(2 * np.pi * 5 * n / p)[:, None] - np.sin(2 * np.pi * 5 * n / p)[None, :])
    one = OneLayer(
        p, np.zeros(2), np.zeros((p, p, 2)), neurons, neurons @ reads, pattern, reads, np.zeros((2, p)), np.abs
    )
    table = direction_table(one, [3, 4])
    assert table["fve"].iloc[:2].min() > 0.99
    assert table["fve"].iloc[2:].max() < 0.1
    assert table["function"].tolist() == ["cos", "sin"] * 2
    assert residual_share(one, [3]) < 1e-3 < 0.9 < residual_share(one, [4])
    head = attention_waves(one).iloc[0]
    assert (head["frequency"], head["fve"], head["to_equals"]) == (5, pytest.approx(1), pytest.approx(0.1))


def test_cosines_read_clock_logits_out_and_nothing_else():
    logits = clock_logits(11, [2, 4], [3.0, 5.0]) + np.arange(121.0).reshape(11, 11, 1)  # softmax sees no such shift
    found = cosine_readout(logits, [4, 2])
    assert found.explained == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(found.coefficients, [5, 3], atol=1e-12)
    np.testing.assert_allclose(found.loss, cross_entropy(logits), atol=1e-12)
    assert cosine_readout(logits, [4]).explained == pytest.approx(25 / 34, abs=1e-12)
    assert cosine_readout(logits, [1]).explained == pytest.approx(0, abs=1e-12)


def test_other_models_are_refused():
    with pytest.raises(InterpError, match="no modular-addition model"):
        one_layer(load("planted:wait=1,transfer=1,layers=3"))
