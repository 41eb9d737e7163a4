"""The helix patch: a planted helix is found and used, its rivals are not; a random model's writes are plain runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.answers import number_codes
from interp.answers.question import Question
from interp.engine import Intervention, Rows, Site, run
from interp.errors import InterpError
from interp.fourier.helix import helix
from interp.fourier.helix_fit import tables
from interp.fourier.helix_forms import Code, choices
from interp.fourier.helix_patch import Place, _chosen, helix_patch
from interp.models import load
from interp.store.helix_parameters import Helix
from interp.tasks.twins import Twins
from tests.families import FAMILIES, family, random_prompts

PERIODS = (2.0, 5.0, 10.0, 200.0)


class Asked:
    """A Spec's part that an answer reads."""

    def __init__(self, model: str, task: str | None, **parameters: object) -> None:
        self.model, self.task, self.style, self.seed, self.method = model, task, "plain", 0, "helix"
        self.settings = Helix.model_validate(parameters)


def asked(model: str, task: str | None = None, **parameters: object):
    return number_codes.helix(Question(load(model), Asked(model, task, **parameters)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def planted():
    return asked("planted:helix", "a+b", n=60, n_selection=40, periods=PERIODS, targets=PERIODS[:3])


def test_a_planted_helix_is_found_above_every_null(planted):
    assert planted.significant.sel(layer=0).all()
    assert (planted.p_value.sel(layer=0, model="all") <= 0.05).all()


def test_the_planted_periods_bring_the_answer_back_and_rivals_do_not(planted):
    whole = planted.sel(layer=0, k=4)
    assert float(planted.recovered_true.sel(layer=0)) == pytest.approx(1, abs=1e-4)
    assert float(whole.recovered.sel(form="helix")) > 0.9
    assert float(whole.recovered.sel(form="circle")) > 0.9  # the line in n is read by nothing
    assert float(whole.recovered.sel(form="pca")) < 0.7  # decoys are larger than the circles
    assert float(whole.recovered_null.max()) < 0.7
    # half a turn of the period 200 is a curve: a polynomial brings the logit difference back, and not the answer
    assert float(whole.recovered.sel(form="polynomial")) > 0.8
    for form, low, high in (("helix", 0.9, 1), ("circle", 0.9, 1), ("polynomial", 0, 0.3), ("pca", 0, 0.3)):
        assert low <= float(whole.follows.sel(form=form)) <= high
    assert float(whole.follows_null.max()) < 0.3
    assert int(whole["rank"]) == 8
    assert planted.moved_pair.dims == ("prompt", "layer", "k", "form")


def test_more_periods_bring_more_back(planted):
    found = planted.recovered.sel(layer=0, form="circle").values
    assert (np.diff(found) > 0).all()


def test_numbers_mod_p_are_circles_without_an_axis():
    found = asked("modadd-59", n=60, n_selection=40)
    here = found.sel(layer=0, k=4)
    assert found.significant.sel(layer=0).all()
    assert float(here.recovered.sel(form="circle")) > 0.95
    assert float(here.recovered.sel(form="polynomial")) < 0.7
    assert float(found.recovered_true.sel(layer=1)) == 0  # nothing reads the operand after the block
    assert abs(np.array(found.attrs["periods"]) - 59 / np.array([12, 25, 18, 20])).max() < 1e-9


def pairs_of(n=7):
    """Twins of random prompts: the token of `a` differs."""
    clean, corrupted = random_prompts(n), random_prompts(n, seed=0)
    tokens = clean.tokens.copy()
    tokens[:, 1] = (tokens[:, 1] - 2 + np.arange(5, 5 + n)) % 38 + 2
    other = type(corrupted)(**{**corrupted.__dict__, "tokens": tokens, "answer_ids": np.full(n, 4)})
    return Twins(clean, other, ("a",), ())


@pytest.mark.parametrize("name", FAMILIES)
def test_tables_are_means_and_writes_are_those_of_plain_runs(name):
    model, twins = family(name).bridge, pairs_of()
    found = tables(model, twins.clean, "a", "a", [0, 2, 3], batch_size=3)
    for layer in (0, 2, 3):
        site = Site("resid_pre", layer)
        own = run(model, twins.clean, reads=[site])[site][:, 1].double().numpy()
        for i, value in enumerate(found.values):
            np.testing.assert_allclose(
                found.means[layer][i], own[twins.clean.variables["a"] == value].mean(0), atol=1e-5
            )
    place = Place(model, "a", "a", 3)
    written = np.random.default_rng(0).standard_normal((7, 32)).astype(np.float32)
    measured = place.measured(twins, [[], place.edit(2, written)], lambda *_: None)
    edit = Intervention(Site("resid_pre", 2), ("a",), Rows(torch.tensor(written)[:, None]))
    for i, edits in enumerate(([], [edit])):
        logits = run(model, twins.corrupted, edits).logits.double().numpy()
        np.testing.assert_allclose(measured[i, :, 0], logits[:, 3], atol=1e-4)
        np.testing.assert_allclose(measured[i, :, 1], logits[:, 4], atol=1e-4)


def test_no_number_is_written_by_a_fit_that_has_seen_it():
    rng, values = np.random.default_rng(0), np.arange(100)
    code = Code.of(values, rng.standard_normal((100, 20)), (2, 5, 10))
    changed = code.points.copy()
    changed[35] += 100
    for make in (
        lambda c: c.fitted(helix(values)),
        lambda c: c.fitted(helix(values), rng.permutation(100)) * 0,
        lambda c: c.mean(),
        lambda c: c.rivals(8)["polynomial"],
    ):
        one, two = make(code), make(Code(code.values, changed, code.fold))
        np.testing.assert_allclose(one[35], two[35], atol=1e-9)
        assert len(choices((2, 5, 10, 100), 2)) == 6
    seen = Code(code.values, changed, code.fold).reconstructed(3) - code.reconstructed(3)
    assert np.abs(seen[code.fold == code.fold[35]][:5]).max() < 1e-9  # neighbours in the fold: axes unchanged


def test_the_true_activation_and_principal_components_of_full_rank_are_the_same():
    rng = np.random.default_rng(1)
    points = rng.standard_normal((100, 3)) @ rng.standard_normal((3, 20))
    code = Code.of(np.arange(100), points, (2,))
    np.testing.assert_allclose(code.reconstructed(3), points, atol=1e-9)


def test_the_best_choice_is_the_best_and_not_the_last_or_the_first(monkeypatch):
    code, options = Code.of(np.arange(50), np.ones((50, 3)), (2, 5, 10)), choices((2, 5, 10), 1)
    moved = np.array([1.0, 5.0, 2.0, 7.0, 1.0, 3.0])  # helix with T = 2, 5, 10; circle with T = 2, 5, 10
    place = Place(None, "a", "a")
    monkeypatch.setattr(Place, "rows", lambda *_: np.arange(4))
    monkeypatch.setattr(Place, "measured", lambda *_: np.tile(moved[:, None, None], (1, 4, 3)))
    best = _chosen(place, code, 0, pairs_of(4), options)
    assert best == {("helix", 1): (5.0,), ("circle", 1): (2.0,)}


def test_what_cannot_be_patched_is_refused():
    model, twins = family("llama").bridge, pairs_of()
    found = tables(model, twins.clean, "a", "a", [0])
    with pytest.raises(InterpError, match="right on both sides"):
        helix_patch(Place(model, "a", "a"), found, twins, twins)
    with pytest.raises(InterpError, match="raise n_train"):
        Place(model, "a", "a").rows(twins, np.array([1000.0]))
    with pytest.raises(InterpError, match="No variable"):
        tables(model, twins.clean, "a", "zz", [0])
    same = Twins(twins.clean, twins.clean, (), ())
    with pytest.raises(InterpError, match="one answer"):
        helix_patch(Place(model, "a", "a"), found, same, same)
