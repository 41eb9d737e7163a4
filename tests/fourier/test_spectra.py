"""Spectra at every place: means by number are exact, a planted circle is found, a model without one is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from interp.engine import Site, run
from interp.errors import InterpError
from interp.fourier.readings import PLACES, Reading, count, layers_of, number_means, usual_readings
from interp.fourier.spectra import spectra
from interp.models.bridge import load
from interp.tasks import build, named_task
from tests import families

NUMBERS = 4


def numbered(n: int = 64):
    """Random prompts of the tiny models with a variable that is no token: 0..4, every one more than twice."""
    prompts = families.random_prompts(n)
    values = np.random.default_rng(1).integers(0, NUMBERS + 1, len(prompts))
    return replace(prompts, variables={"a": values, "result": values})


@pytest.mark.parametrize("name", families.FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_means_are_those_of_a_plain_run(name, place):
    model, prompts = families.family(name).bridge, numbered()
    reading = Reading("a", prompts.roles[-1])
    means, counted = number_means(model, prompts, place, [reading], NUMBERS, batch_size=10)
    assert {layer for layer, _ in means} == set(layers_of(model, place))
    first, where = counted[reading].first, prompts.position(reading.role)
    for (layer, _), points in means.items():
        if place == "logits":
            values = run(model, prompts).logits
        else:
            named = {"resid": "resid_post" if layer == families.N_LAYERS else "resid_pre"}.get(place, place)
            site = Site(named, layer - 1 if named == "resid_post" else layer)
            read = run(model, prompts, reads=[site])[site]
            values = read[:, :, where] if place == "pattern" else read[:, where]
        values = values.flatten(1).double()
        slow = np.stack([values[prompts.variables["a"] == first + i].mean(0).numpy() for i in range(NUMBERS)])
        np.testing.assert_allclose(points, slow, atol=1e-5)


def test_the_range_with_most_prompts_is_taken_by_hand():
    prompts = numbered(6)
    prompts = replace(prompts, variables={"a": np.array([5, 7, 6, 6, 7, 9])})
    found = count(prompts, Reading("a", "eq"), 2)
    assert (found.first, found.fewest) == (6, 2)
    assert found.index.tolist() == [-1, 1, 0, 0, 1, -1]


def test_usual_readings_of_a_sum():
    model = load("planted:helix")
    prompts = build(named_task("a+b"), model.arith.tokenizer, "plain", "all", 50)
    names = [reading.name for reading in usual_readings(prompts)]
    assert names == ["a at a", "b at b", "a at eq", "b at eq", "result at eq"]


@pytest.fixture(scope="module")
def helix():
    model = load("planted:helix")
    prompts = build(named_task("a+b"), model.arith.tokenizer, "plain", "all", 2000)
    return spectra(model, prompts, readings=[Reading("a", "a"), Reading("result", "eq")], n_null=39)


def test_planted_circles_are_found_where_they_are(helix):
    """Embeddings hold circles of 2, 5, 10 and 200; at "=" the sum appears in the block, not before."""
    found = helix["periodic"].sel(variant="detrended")
    assert found.sel(reading="a at a").all()
    assert found.sel(reading="result at eq").values.tolist() == [0, 1]
    over = helix["power"] > helix["null_level"]
    above = over.sel(layer=0, reading="a at a", variant="detrended")
    assert {2, 5, 10} <= set(helix["period_of"].values[above.values].tolist())
    assert helix["power"].sel(layer=0, reading="result at eq").isnull().all()


def test_an_untrained_model_has_no_periods():
    plain = load("mental-math")
    prompts = build(named_task("a+b"), plain.arith.tokenizer, "plain", "all", 2000)
    generator = torch.Generator().manual_seed(0)
    for parameter in plain.parameters():
        if parameter.ndim > 1:
            parameter.data = torch.randn(parameter.shape, generator=generator) * float(parameter.std())
    found = spectra(plain, prompts, n_numbers=40, n_null=39)
    assert int(found["periodic"].sum()) == 0


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ({"place": "resid_post"}, "Did you mean"),
        ({"readings": [Reading("carry", "eq")]}, "no variable 'carry'"),
        ({"readings": [Reading("a", "zz")]}, "zz"),
        ({"place": "logits", "readings": [Reading("a", "a")]}, "last token"),
        ({"n_numbers": 3}, "at least 4"),
        ({"n_numbers": 30}, "more prompts"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(ask, words):
    with pytest.raises(InterpError, match=words):
        spectra(families.family("native").bridge, numbered(), **{"n_numbers": NUMBERS, **ask})
