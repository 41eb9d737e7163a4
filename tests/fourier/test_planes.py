"""Planes: writes are projections by hand, controls are as large as they say, a planted plane is found and no line."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.engine import Basis, Constant, Intervention, Site, run
from interp.errors import InterpError
from interp.fourier.helix import design, helix
from interp.fourier.helix_fit import Tables, tables
from interp.fourier.planes import neuron_families, number_planes, p_values, planes
from interp.fourier.subspaces import CONTROLS, MODES, Part, Subspace
from interp.models import load
from interp.tasks import build, named_task
from tests.families import D_MODEL, FAMILIES, family, random_prompts
from tests.fourier.test_helix_patch import Asked

RNG = np.random.default_rng(0)


def part(rank=3, d=D_MODEL, rows=200, role="a", layer=1):
    points = RNG.standard_normal((rows, d)) * np.linspace(3, 0.1, d) + 2
    return Part(Site("resid_pre", layer), role, np.linalg.qr(RNG.standard_normal((d, rank)))[0], points)


def test_writes_by_hand():
    one = part()
    h = torch.randn(5, 1, D_MODEL, generator=torch.Generator().manual_seed(0))
    project, mean = torch.tensor(one.U @ one.U.T).float(), torch.tensor(one.mean).float()
    expected = {
        "mean": h + (mean - h) @ project,
        "zero": h - h @ project,
        "keep": mean + (h - mean) @ project,
    }
    for mode in MODES:
        write = one.write(mode)
        change = write.source.at(np.arange(5), ("a",), h, write.site) - h
        found = h + (write.basis or pytest.fail("no basis")).project(change)
        torch.testing.assert_close(found, expected[mode], atol=1e-5, rtol=1e-4)


def test_controls_are_as_large_and_matched_ones_carry_as_much():
    rng, one = np.random.default_rng(1), part()
    for kind in CONTROLS:
        drawn = [one.control(kind, rng) for _ in range(200)]
        for each in drawn[:5]:
            np.testing.assert_allclose(each.U.T @ each.U, np.eye(3), atol=1e-9)
        assert np.linalg.matrix_rank(np.hstack([each.U for each in drawn])) > 3
        if kind == "matched":
            assert np.mean([each.share for each in drawn]) == pytest.approx(one.share, rel=0.25)
    strongest = np.linalg.svd(one.centred, full_matrices=False)[2][:3].T
    top = Part(one.site, one.role, strongest, one.points)
    many = np.mean([top.control("matched", rng).share for _ in range(50)])
    assert many > 3 * np.mean([top.control("random", rng).share for _ in range(50)]) / 2


def test_control_neurons_are_others_of_the_same_number():
    chosen = np.array([1, 5, 9])
    points = RNG.standard_normal((50, 20)) * np.linspace(1, 5, 20)
    one = Part(Site("mlp_post", 0), "eq", np.eye(20)[:, chosen], points, chosen)
    rng = np.random.default_rng(2)
    for kind in CONTROLS:
        for _ in range(20):
            other = one.control(kind, rng)
            names = set(np.flatnonzero(other.U.sum(1)).tolist())
            assert not names & {1, 5, 9}
            assert len(names) == 3
            assert np.abs(other.U).sum() == 3
    near = [one.control("matched", rng).points.var(0)[one.control("matched", rng).neurons] for _ in range(30)]
    assert np.mean(near) == pytest.approx(points.var(0)[chosen].mean(), rel=0.5)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_swept_answers_are_those_of_plain_runs(name):
    model, prompts = family(name).bridge, random_prompts()
    found = planes(model, prompts, [Subspace("x", "here", (part(), part(role="b")))], n_random=19, batch_size=3)
    again = Subspace("x", "here", (part(), part(role="b")))
    one = planes(model, prompts, [again], n_random=19)
    edits = [
        Intervention(each.site, (each.role,), Constant(torch.tensor(each.mean).float()), Basis(each.U))
        for each in again.parts
    ]
    logits = run(model, prompts, edits).logits.double()
    loss = -logits.log_softmax(-1)[:, 3]
    np.testing.assert_allclose(one.loss_each.sel(mode="mean")[:, 0], loss, atol=1e-4)
    assert found.loss_null.shape == (1, 3, 2, 19)


def test_p_values_by_hand():
    null = np.arange(19.0).reshape(1, 1, 1, 19) * np.ones((2, 2, 1, 1))
    p, corrected = p_values(np.array([[30.0, -5.0], [9.0, 9.0]]), null, ("mean", "keep"))
    assert p[:, :, 0].tolist() == [[0.05, 0.05], [0.55, 0.55]]
    assert (corrected >= p).all()
    assert corrected[0, 0, 0] == 0.05


def test_a_subspace_without_anything_in_it_is_called_needed_in_few_trials():
    rng, calls = np.random.default_rng(3), 0
    for _ in range(1000):
        drawn = rng.standard_normal((4, 1, 1, 40))
        calls += bool((p_values(drawn[..., 0, 0], drawn[..., 1:], ("mean",))[1] <= 0.05).any())
    assert calls <= 67


@pytest.fixture(scope="module")
def planted():
    return asked("planted:helix", "a+b", n=80, n_random=19, periods=(2, 5, 10, 200))


def asked(model, task=None, **parameters):
    from interp.answers import Question, number_codes
    from interp.store.helix_parameters import Planes

    spec = Asked(model, task)
    spec.settings = Planes.model_validate(parameters)  # type: ignore[assignment]
    return number_codes.planes(Question(load(model), spec))  # type: ignore[arg-type]


def test_the_planted_long_wave_is_needed_and_the_line_is_not(planted):
    long, line = (planted.sel(subspace=f"{name}, layer 0", mode="mean") for name in ("T=200", "line"))
    assert float(long.accuracy) < 0.3
    assert (long.p_corrected <= 0.05).all()
    assert float(line.accuracy) == 1
    assert (line.p_value > 0.05).all()
    assert float(planted.accuracy_base) == 1
    assert planted["rank"].values.tolist() == [1, 2, 2, 2, 7, 1]


def test_the_planted_periods_together_are_enough():
    """With the planes that were planted, which least squares finds exactly from the numbers' side (100 > d = 44)."""
    model, task = load("planted:helix"), named_task("a+b")
    reference, prompts = (build(task, model.arith.tokenizer, "plain", split, 1000) for split in ("train", "test"))
    parts = []
    for role in ("a", "b"):
        table = tables(model, reference, role, role, [0])
        waves = design(helix(table.values, (2, 5, 10, 200))[2:], table.values, table.values)
        points = table.means[0]
        columns = np.linalg.pinv(points - points.mean(0), rcond=1e-5) @ (waves - waves.mean(0))
        parts.append(Part(Site("resid_pre", 0), role, np.linalg.qr(columns)[0], points))
    found = planes(model, prompts[:80], [Subspace("all", "layer 0", tuple(parts))], n_random=19)
    kept = found.sel(subspace="all, layer 0", mode="keep")
    assert float(kept.accuracy) > 0.95
    assert float(kept.p_corrected.max()) == 0.05
    assert float(kept.accuracy_null.max()) < 0.5
    assert float(found.sel(mode="mean").accuracy[0]) < 0.05


def test_keys_of_modadd_are_needed_and_other_frequencies_are_not():
    found = asked("modadd-59", n=100, n_random=19, periods=(59 / 12, 59 / 25, 59 / 7))
    out = found.sel(mode="mean")
    key, other = (out.sel(subspace=f"T={59 / k:.4g}, layer 0") for k in (12, 7))
    assert float(key.accuracy) < 0.6
    assert float(key.p_corrected.sel(control="random")) <= 0.05
    assert float(other.accuracy) == 1
    families = [str(name) for name in found.subspace.values if "neurons" in str(name)]
    assert families == ["neurons k=12, mlp_post 0", "neurons k=25, mlp_post 0"]


def test_what_makes_no_sense_is_refused():
    model, prompts = family("llama").bridge, random_prompts()
    with pytest.raises(InterpError, match="19 for a 5 % test"):
        planes(model, prompts, [Subspace("x", "here", (part(),))], n_random=5)
    with pytest.raises(InterpError, match="0 subspaces"):
        planes(model, prompts, [])
    with pytest.raises(InterpError, match="Unknown mode"):
        part().write("none")
    with pytest.raises(InterpError, match="Unknown control"):
        part().control("none", RNG)
    with pytest.raises(InterpError, match="everything"):
        part(rank=D_MODEL).write("keep")
    assert neuron_families(np.zeros((3, 4)), np.ones((5, 4)), [1, 2], "eq") == []
    with pytest.raises(InterpError, match="above 0"):
        number_planes({"a": Tables(np.arange(20.0), {0: np.ones((20, 3))}, np.ones(20))}, 0, [-1])
