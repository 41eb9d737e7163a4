"""Filters: the nearest vector without the named waves of the number logits, by hand and against the printed basis."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier import basis as fourier
from interp.fourier.filters import (
    all_but,
    default_cut,
    filtered,
    frequency,
    random_space,
    rows,
    shuffled_space,
    space,
)

RNG = np.random.default_rng(0)
W, H = RNG.standard_normal((30, 40)), RNG.standard_normal((5, 40))


@pytest.mark.parametrize("side", ["low", "high"])
@pytest.mark.parametrize("by", ["component", "row"])
def test_the_chosen_waves_vanish_and_the_others_stay(side, by):
    chosen = rows(30, side, 5, by)
    U = space(W, chosen)
    before, after = (fourier.transform((h @ W.T).T) for h in (H, filtered(H, U)))
    assert np.abs(after[chosen]).max() < 1e-9 < np.abs(before[chosen]).max()
    assert U.shape == (40, len(chosen))
    other = np.setdiff1d(np.arange(30), chosen)
    assert np.abs(after[other]).max() > 0.1


def test_it_is_the_nearest_such_vector():
    U = space(W, rows(30, "low", 5))
    out = filtered(H, U)
    null = np.linalg.svd((fourier.basis(30) @ W)[rows(30, "low", 5)])[2][8:]  # all vectors without the waves
    np.testing.assert_allclose(out, H @ null.T @ null, atol=1e-9)
    np.testing.assert_allclose(filtered(out, U), out, atol=1e-9)
    with_other = out + RNG.standard_normal((5, len(null))) @ null
    assert (np.linalg.norm(H - out, axis=1) < np.linalg.norm(H - with_other, axis=1)).all()


def test_where_waves_do_not_share_directions_the_constant_is_kept():
    F = fourier.basis(30)
    orthogonal = F.T @ np.diag(np.linspace(1, 2, 30)) @ np.eye(30, 40)  # every wave has a direction of its own
    after = fourier.transform(orthogonal @ filtered(H, space(orthogonal, rows(30, "high", 5))).T)
    before = fourier.transform(orthogonal @ H.T)
    np.testing.assert_allclose(after[:9], before[:9], atol=1e-9)
    assert np.abs(after[9:]).max() < 1e-9


def test_sides_by_hand():
    assert rows(8, "low", 2).tolist() == [1, 2]
    assert rows(8, "high", 2).tolist() == [3, 4, 5, 6, 7]
    assert rows(8, "low", 2, "row").tolist() == [1]
    assert rows(8, "high", 6, "row").tolist() == [6, 7]
    assert all_but(8, [2]).tolist() == [1, 2, 3, 4, 5, 6]
    assert all_but(8, [4, 8]).tolist() == [5, 6, 7]
    assert (default_cut(520), default_cut(100), default_cut(200)) == (50, 10, 20)
    assert (frequency(520, 10.4), frequency(100, 2.5)) == (50, 40)


def test_the_two_countings_of_the_published_cut_are_different_filters():
    by_component, by_row = (rows(520, "high", 50, by) for by in ("component", "row"))
    assert 520 / fourier.row_frequencies(520)[by_component].min() == pytest.approx(10.4)
    assert fourier.row_frequencies(520)[by_row].min() == 25
    assert (len(by_component), len(by_row)) == (421, 470)


def test_the_printed_basis_on_521_numbers_is_none_and_ours_is():
    angle = 2 * np.pi * np.arange(261)[:, None] * np.arange(521) / 520
    printed = np.concatenate([np.full((1, 521), 1 / np.sqrt(521)), np.empty((520, 521))])
    printed[1::2], printed[2::2] = np.cos(angle[1:]) * np.sqrt(2 / 521), np.sin(angle[1:]) * np.sqrt(2 / 521)
    assert np.abs(printed[520]).max() < 1e-12  # the sine of the last frequency
    assert np.linalg.norm(printed[519]) == pytest.approx(np.sqrt(2))
    assert np.linalg.matrix_rank(printed) == 520
    error = np.linalg.norm(printed.T @ printed - np.eye(521)) / np.sqrt(521)
    assert error == pytest.approx(0.076, abs=1e-3)  # root mean square share of a random vector that is lost
    for size in (520, 521):
        F = fourier.basis(size)
        assert np.abs(F.T @ F - np.eye(size)).max() < 1e-12


def test_rank_is_told_where_there_are_more_waves_than_dimensions():
    narrow = RNG.standard_normal((30, 6))
    assert space(narrow, rows(30, "high", 5)).shape == (6, 6)
    low_rank = np.outer(np.cos(2 * np.pi * 3 * np.arange(30) / 30), np.ones(40)) + 1
    assert space(low_rank, rows(30, "low", 5)).shape == (40, 1)


def test_controls_have_the_same_dimension_and_other_directions():
    chosen, rng = rows(30, "low", 5), np.random.default_rng(1)
    U, shuffled, drawn = space(W, chosen), shuffled_space(W, chosen, rng), random_space(40, 8, rng)
    for control in (shuffled, drawn):
        assert control.shape == U.shape
        np.testing.assert_allclose(control.T @ control, np.eye(8), atol=1e-9)
        assert np.linalg.svd(U.T @ control)[1].min() < 0.9
    centred = W - W.mean(0)
    span = np.linalg.qr(centred.T)[0]
    assert np.linalg.norm(shuffled - span @ span.T @ shuffled) < 1e-9  # about numbers all the same


def test_what_makes_no_sense_is_refused():
    for bad in (("mid", 5, "component"), ("low", 5, "period")):
        with pytest.raises(InterpError, match="expected"):
            rows(30, *bad)
    for side, cut in (("low", 1), ("high", 1), ("low", 99)):
        with pytest.raises(InterpError, match="empty"):
            rows(30, side, cut)
    with pytest.raises(InterpError, match="no frequency"):
        frequency(30, 4)
    with pytest.raises(InterpError, match="zero"):
        space(np.ones((30, 4)), rows(30, "low", 5))
    with pytest.raises(InterpError, match="finite"):
        space(np.full((30, 4), np.nan), rows(30, "low", 5))
