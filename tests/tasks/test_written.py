"""Written questions: by hand in both orders, their splits, and the questions that are drawn oftener."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import written
from interp.tasks.multiplication import PLUS, TIMES
from interp.tasks.splits import in_split
from interp.tasks.written import Form

BY_DIGIT = Form("*", 3, 1, "ordinal")
SQUARE = Form("*", 2, 2, "reversed")
ADD = Form("+", 3, 3, "ordinal")


def test_sequences_by_hand():
    assert written.sequences(BY_DIGIT, np.array([[76, 8]])).tolist() == [[0, 7, 6, TIMES, 8, 15, 0, 6, 0, 8]]
    assert written.sequences(SQUARE, np.array([[12, 34]])).tolist() == [[1, 2, TIMES, 3, 4, 15, 8, 0, 4, 0]]
    assert written.sequences(ADD, np.array([[999, 1]])).tolist() == [[9, 9, 9, PLUS, 0, 0, 1, 15, 1, 0, 0, 0]]
    assert written.roles(BY_DIGIT) == ("a2", "a1", "a0", "times", "b0", "#", "c3", "c2", "c1")
    assert written.roles(SQUARE) == ("a1", "a0", "times", "b1", "b0", "#", "c0", "c1", "c2")
    for form in (BY_DIGIT, SQUARE, ADD):
        ab = written.draw(form, 50, 0)
        tokens, roles = written.sequences(form, ab), written.roles(form)
        assert tokens.shape[1] == len(roles) + 1
        assert roles[form.start] == "#"
        np.testing.assert_array_equal(tokens[:, form.start + 1 :], written.answer_digits(form, ab)[:, form.columns])


@pytest.mark.parametrize("split", ["train", "selection", "test"])
def test_questions_stay_in_their_split_whatever_is_drawn_oftener(split):
    for form, more in ((BY_DIGIT, {}), (SQUARE, {"simple": 0.5}), (ADD, {"nines": 0.5})):
        ab = written.draw(form, 300, 3, split, **more)
        assert ab.shape == (300, 2)
        assert in_split(ab, split).all()
        np.testing.assert_array_equal(ab, written.draw(form, 300, 3, split, **more))


def test_simple_samples_and_nines_come_as_often_as_asked():
    n = 20_000
    every = written.draw(SQUARE, n, 0, simple=1.0)[:, 1]
    assert ((every % 10 == 0) | (every < 10)).all()
    assert (every >= 10).mean() == pytest.approx(0.45, abs=0.02)  # the upper digit is free in half, zero in a tenth
    some = written.draw(SQUARE, n, 0, simple=0.4)[:, 1]
    assert ((some % 10 == 0) | (some < 10)).mean() == pytest.approx(0.4 + 0.6 * 0.19, abs=0.02)
    a, b = written.draw(ADD, n, 0, nines=0.5).T
    assert (a % 10 + b % 10 == 9).mean() == pytest.approx(0.5 * 0.4 + (1 - 0.5 * 0.4) * 0.1, abs=0.02)
    digits = written.draw(ADD, n, 1) % 10
    assert np.bincount(digits.ravel(), minlength=10) == pytest.approx(np.full(10, 0.2 * n), rel=0.1)


def test_cells_stand_at_the_columns_of_the_answer():
    assert {mask.shape for mask in written.cells(BY_DIGIT, np.array([[76, 8]])).values()} == {(1, 4)}
    assert not any(mask[:, 3].any() for mask in written.cells(BY_DIGIT, np.array([[999, 9]])).values())
    assert set(written.cells(ADD, np.array([[999, 1]]))) == {"BA", "UC1", "US9"}
    assert written.cells(SQUARE, np.array([[12, 34]])) == {}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (Form("-", 2, 2, "ordinal"), "unknown sign"),
        (Form("*", 2, 2, "reverse"), "Did you mean reversed"),
        (Form("*", 9, 1, "ordinal"), "1 to 8"),
        (Form("+", 3, 2, "ordinal"), "equal widths"),
    ],
)
def test_a_bad_form_is_one_clear_error(form, words):
    with pytest.raises(InterpError, match=words):
        written.check(form)
