"""What is no real number, and moduli too small for a null: one clear error, or nan where there is nothing to say."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier import bases, characters, circularity, gini, groups, helix, minkowski, prism, separation
from interp.fourier.clock_pizza import clock_pizza
from interp.fourier.convergence import convergence
from interp.fourier.distance import distance_irrelevance
from interp.fourier.filters import space
from interp.fourier.neuron_edits import ablation_table
from interp.fourier.neuron_forms import abs_cosine, neuron_forms
from interp.fourier.one_layer import one_layer
from interp.fourier.progress_measures import cross_entropy
from interp.fourier.two_operand import two_operand
from interp.models.bridge import load
from tests.fourier import hand_networks as hand

COMPLEX = np.random.default_rng(0).standard_normal((5, 5, 5)) * 1j
SMALL = "planted:clock,p=7,keys=3"


@pytest.mark.parametrize(
    "act",
    [
        lambda: bases.real_periods(COMPLEX[0, 0], (2,)),
        lambda: bases.spanning("columns", COMPLEX[0], range(5)),
        lambda: characters.side_by_side(COMPLEX[0]),
        lambda: circularity.circularity(COMPLEX[0]),
        lambda: convergence({"points": np.tile(COMPLEX[0], (4, 1))}, {}, periods=[2]),
        lambda: distance_irrelevance(COMPLEX),
        lambda: space(COMPLEX[0], np.array([1])),
        lambda: gini.gini(COMPLEX[0, 0]),
        lambda: gini.fourier_gini(COMPLEX[0]),
        lambda: groups.similarity(groups.cyclic_group(5), COMPLEX),
        lambda: helix.helix(COMPLEX[0, 0]),
        lambda: minkowski.two_way(COMPLEX[0], np.arange(5) % 2, np.arange(5) % 3),
        lambda: abs_cosine(COMPLEX, np.ones(5, int)),
        lambda: prism.score(np.tile(COMPLEX[0], 2)),
        lambda: cross_entropy(COMPLEX),
        lambda: separation.phi(COMPLEX[0], 5),
        lambda: separation.scatter(COMPLEX[0], np.arange(5) % 2),
    ],
)
def test_complex_numbers_do_not_lose_their_imaginary_part_in_silence(act):
    with pytest.raises(InterpError, match="real and imaginary parts"):
        act()


def test_a_modulus_without_an_unrelated_frequency_has_no_such_null():
    net = two_operand(load(SMALL), SMALL)
    found = clock_pizza(net, [hand.noise(7)], n_triples=100)
    assert found["explained_null"].isnull().all()
    assert found["explained"].notnull().all()
    assert neuron_forms(net)["abs_cosine_null"].isnull().all()
    assert neuron_forms(hand.noise(11))["abs_cosine_null"].notnull().all()


def test_ablations_of_every_frequency_there_is_have_no_other_to_compare_with():
    train = np.random.default_rng(0).random((7, 7)) < 0.5
    table = ablation_table(one_layer(load(SMALL)), [1, 2, 3], train, n_random=2).set_index("edit")
    assert table.loc[["without 1", "without 2", "without 3"], "null"].isna().all()
    assert table.loc[["original", "keep sum directions"], "null"].notna().all()


def test_rounding_of_constant_weights_is_not_sparse():
    for variant in gini.VARIANTS:
        found = gini.fourier_gini(np.full((7, 2), 0.1), variant)
        assert np.isnan(found) == variant.endswith("without_constant")
