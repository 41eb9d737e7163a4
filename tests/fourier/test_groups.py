"""Groups by their laws: tables, representations, Schur orthogonality, and the fast cosine against the cube."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier.bases import cyclic, discrete_logarithms
from interp.fourier.characters import product_logits, side_by_side
from interp.fourier.groups import (
    Group,
    cyclic_group,
    dihedral_group,
    key_characters,
    multiplicative_group,
    profile,
    similarity,
    similarity_null,
    slow_similarity,
)
from interp.fourier.ideal import clock_logits

GROUPS = [
    cyclic_group(1),
    cyclic_group(7),
    cyclic_group(8),
    multiplicative_group(11),
    dihedral_group(5),
    dihedral_group(6),
]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_group_is_associative_with_inverses_and_orthogonal_representations(group):
    table, n = group.table, len(group.elements)
    a, b, c = np.ogrid[:n, :n, :n]
    np.testing.assert_array_equal(table[table[a, b], c], table[a, table[b, c]])
    np.testing.assert_array_equal(table[np.arange(n), group.inverse], group.identity)
    for matrices in group.irreps.values():
        np.testing.assert_allclose(matrices[group.identity], np.eye(matrices.shape[1]), atol=1e-12)
        np.testing.assert_allclose(matrices[group.inverse], matrices.transpose(0, 2, 1), atol=1e-12)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_schur_orthogonality_and_that_no_representation_is_missing(group):
    n = len(group.elements)
    characters = np.stack([group.character(name) for name in group.irreps])
    products = characters @ characters.T / n
    types = np.diag(products)
    np.testing.assert_allclose(products, np.diag(types), atol=1e-12)
    assert set(np.round(types, 9)) <= {1.0, 2.0}
    spans = [group.span(name) for name in group.irreps]
    whole = np.concatenate(spans)
    np.testing.assert_allclose(whole @ whole.T, np.eye(n), atol=1e-10)  # n functions, orthonormal: all of them


def test_spans_of_a_cyclic_group_are_the_components_of_its_basis():
    for n in (7, 8):
        for k in cyclic_group(n).irreps:
            ours, theirs = cyclic_group(n).span(k), cyclic(n).matrix_of([k])
            np.testing.assert_allclose(ours.T @ ours, theirs.T @ theirs, atol=1e-12)


def test_dihedral_products_are_those_of_symmetries_of_the_polygon():
    group = dihedral_group(5)
    r, s = 1, 5
    assert group.elements[group.table[s, r]] == "r4s"  # s r = r^-1 s
    assert group.table[r, s] != group.table[s, r]
    with pytest.raises(InterpError, match="no representation 9"):
        group.character(9)


@pytest.mark.parametrize("group", GROUPS[1:], ids=lambda group: group.name)
def test_fast_similarity_is_the_cosine_with_the_cube(group):
    n = len(group.elements)
    logits = np.random.default_rng(0).normal(size=(n, n, n))
    fast = similarity(group, logits)
    for name, value in fast.items():
        assert value == pytest.approx(slow_similarity(group, logits, name), abs=1e-12)
    assert set(group.irreps) - set(fast) == {next(iter(group.irreps))}  # the constant one


@pytest.mark.parametrize("group", GROUPS[1:], ids=lambda group: group.name)
def test_logits_of_characters_are_found_and_noise_is_as_its_null(group):
    n, inverse, rng = len(group.elements), group.inverse, np.random.default_rng(1)
    names = [name for name in group.irreps if np.ptp(group.character(name)) > 0][-2:]
    amounts = dict(zip(names, (3.0, 1.0), strict=True))
    means = np.sum([size * group.character(name) for name, size in amounts.items()], axis=0)
    logits = means[group.table[group.table[:, :, None], inverse]]
    found = similarity(group, logits)
    assert math.fsum(value**2 for value in found.values()) == pytest.approx(1)
    assert set(sorted(found, key=lambda name: -found[name])[: len(names)]) == set(names)
    np.testing.assert_allclose(profile(group, logits), means - means.mean(), atol=1e-12)
    null = similarity_null(group, logits, draws=20)
    noise = max(map(abs, similarity(group, rng.normal(size=(n, n, n))).values()))
    assert max(found.values()) > null.max()
    assert noise < 6 * n**-1.5


@pytest.mark.parametrize("group", GROUPS[1:], ids=lambda group: group.name)
def test_the_profile_is_the_mean_over_all_triples_of_one_product(group):
    n, inverse = len(group.elements), group.inverse
    logits = np.random.default_rng(2).normal(size=(n, n, n))
    centred, slow = logits - logits.mean(-1, keepdims=True), np.zeros(n)
    for a in range(n):
        for b in range(n):
            for c in range(n):
                slow[group.table[group.table[a, b], inverse[c]]] += centred[a, b, c] / n**2
    np.testing.assert_allclose(profile(group, logits), slow, atol=1e-12)


def test_cyclic_similarity_is_the_correlation_with_the_clock():
    p, rng = 11, np.random.default_rng(0)
    logits = clock_logits(p, [2, 3], [2.0, 1.0]) + rng.normal(size=(p, p, p))
    found = similarity(cyclic_group(p), logits)
    centred = logits - logits.mean(-1, keepdims=True)
    for k in range(1, 6):
        wave = clock_logits(p, [k])
        assert found[k] == pytest.approx(np.vdot(centred, wave) / np.linalg.norm(centred) / np.linalg.norm(wave))


def test_doubles_are_merged_in_the_key_set_of_the_published_example():
    p, clusters = 113, (7, 22, 24, 25, 30, 36)
    sizes = {k: 0.4 for k in clusters} | {14: 0.05, 44: 0.06, 48: 0.04, 50: 0.03, 41: 0.02, 53: 0.001}
    found = key_characters({k: sizes.get(k, 0.0) for k in range(1, 57)}, p)
    assert len(found.chosen) == 11  # the published rule
    assert found.fundamental == clusters
    assert found.doubles == {14: 7, 44: 22, 48: 24, 50: 25, 41: 36}
    with pytest.raises(InterpError, match="frequencies 1 to 56"):
        key_characters({"sign": 0.4}, p)


def test_tables_and_matrices_that_are_no_group_are_refused():
    table = np.add.outer(np.arange(4), np.arange(4)) % 4
    with pytest.raises(InterpError, match="no group"):
        Group("broken", (0, 1, 2, 3), np.maximum(table, 1), {})
    with pytest.raises(InterpError, match="no representation"):
        Group("Z_4", (0, 1, 2, 3), table, {1: np.cos(np.pi * np.arange(4) / 2)[:, None, None] + 1})
    for wrong in (0, 1000):
        with pytest.raises(InterpError, match="expected 1 to"):
            cyclic_group(wrong)
    for logits, match in ((np.zeros((4, 4, 4)), "no similarity"), (np.zeros((4, 4)), "shape")):
        with pytest.raises(InterpError, match=match):
            similarity(cyclic_group(4), logits)


P, KEYS = 23, (2, 7)


def test_ideal_products_are_right_everywhere_and_sparse_in_multiplicative_waves_only():
    logits = product_logits(P, KEYS)
    n = np.arange(P)
    assert (logits.argmax(-1) == np.multiply.outer(n, n) % P).all()
    found = side_by_side(logits, n_null=50)
    gini, null = (found[name].sel(group="multiplicative") for name in ("gini", "gini_null"))
    assert float(gini) > 0.8
    assert float(gini) > float(null.max())
    assert float(found["gini"].sel(group="additive")) < 0.5
    power = found["power"].sel(group="multiplicative")
    assert set(power.component.values[np.argsort(-power.values)[:2]]) == set(KEYS)
    assert float(found["largest"].sel(group="multiplicative")) + float(found["zero"]) == pytest.approx(1)
    inner = similarity(multiplicative_group(P), logits[1:, 1:, 1:])
    assert inner[2] == pytest.approx(1 / math.sqrt(2)) == pytest.approx(inner[7])
    assert max(similarity(cyclic_group(P), logits).values()) < 0.3


def test_a_multiplicative_wave_is_flat_in_additive_ones():
    turn = 2 * np.pi * 3 * np.append(0, discrete_logarithms(P)) / (P - 1)
    wave = np.stack([np.cos(turn), np.sin(turn)], 1)
    wave[0] = 0
    found = side_by_side(wave, n_null=20)
    np.testing.assert_allclose(found["power"].sel(group="additive"), 2 / (P - 1), atol=1e-12)  # |Gauss sum|^2 = p
    assert float(found["gini"].sel(group="additive")) < float(found["gini_null"].sel(group="additive").min())
    assert float(found["power"].sel(group="multiplicative", component=3)) == pytest.approx(1)


def test_ideal_sums_are_sparse_in_additive_waves_only():
    found = side_by_side(clock_logits(P, KEYS), n_null=20)
    gini, null = found["gini"], found["gini_null"]
    assert float(gini.sel(group="additive")) > 0.8 > 0.5 > float(gini.sel(group="multiplicative"))
    assert float(gini.sel(group="additive")) > float(null.sel(group="additive").max())


def test_both_bases_are_whole_and_columns_do_not_matter():
    x = np.random.default_rng(0).normal(size=(P, 40))
    found = side_by_side(x, n_null=1)
    assert float(found["power"].sel(group="additive").sum()) == pytest.approx(1)
    assert float(found["power"].sel(group="multiplicative").sum() + found["zero"]) == pytest.approx(1)
    turned = side_by_side(x @ np.linalg.qr(np.random.default_rng(1).normal(size=(40, 40)))[0], n_null=1)
    np.testing.assert_allclose(turned["power"], found["power"], atol=1e-12)
    power, shift = np.empty((P - 1) // 2), discrete_logarithms(P)
    for k in range(1, (P + 1) // 2):  # by hand, from the definition
        turn = 2 * np.pi * k * shift / (P - 1)
        waves = [np.cos(turn), np.sin(turn)] if 2 * k < P - 1 else [np.cos(turn)]
        power[k - 1] = sum(np.square(wave @ x[1:]).sum() / (wave @ wave) for wave in waves)
    np.testing.assert_allclose(found["power"].sel(group="multiplicative"), power / np.square(x - x.mean(0)).sum())


def test_what_has_no_spectrum_is_refused():
    for wrong, match in ((np.ones(7), "same for every"), (np.arange(9.0), "no prime"), (np.full(7, np.nan), "finite")):
        with pytest.raises(InterpError, match=match):
            side_by_side(wrong)
    with pytest.raises(InterpError, match="Keys"):
        product_logits(7, (9,))
