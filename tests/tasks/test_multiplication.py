"""Digits, columns, carries and written steps of products, against plain integers and published statistics."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import multiplication as task
from interp.tasks.splits import in_split


def number(digits) -> int:
    """The number of digits that are least significant first."""
    return int("".join(str(int(d)) for d in digits)[::-1])


def test_columns_by_hand():
    found = task.columns(np.array([2365]), np.array([4347]), 4)
    assert found.running.tolist() == [[35, 65, 66, 70, 48, 22, 10, 1]]
    assert found.carry.tolist() == [[3, 6, 6, 7, 4, 2, 1, 0]]
    assert found.products.tolist() == [[35, 62, 60, 64, 41, 18, 8, 0]]
    assert number(found.answer[0]) == 2365 * 4347 == 10280655


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_answers_are_products_and_columns_are_sums_of_digit_products(n):
    ab = task.pairs(n, 50, 0)
    found = task.columns(*ab.T, n)
    assert [number(row) for row in found.answer] == (ab[:, 0] * ab[:, 1]).tolist()
    a, b = task.digits(ab[:, 0], n), task.digits(ab[:, 1], n)
    for k in range(2 * n):
        slow = sum(a[:, i] * b[:, k - i] for i in range(n) if 0 <= k - i < n)
        np.testing.assert_array_equal(found.products[:, k], slow)
    np.testing.assert_array_equal(found.running[:, 1:], found.products[:, 1:] + found.carry[:, :-1])


def test_published_statistics_of_four_digits():
    """Mean, standard deviation, largest and best constant's error of the running sums (1,000 items), within 4 sigma."""
    mean = [19.95, 41.92, 64.76, 92.29, 74.71, 51.60, 30.08, 2.55]
    sd = [20.09, 28.65, 36.04, 42.07, 37.57, 30.66, 21.57, 2.18]
    error = [15.63, 23.05, 28.97, 33.43, 29.99, 24.71, 17.26, 1.71]
    running = task.columns(*task.pairs(4, 200_000, 0).T, 4).running
    standard_error = np.array(sd) / np.sqrt(1000)
    assert (np.abs(running.mean(0) - mean) < 4 * standard_error).all()
    np.testing.assert_allclose(running.std(0), sd, rtol=0.1)
    away = np.abs(running - np.median(running, 0))  # of the best constant
    assert (np.abs(away.mean(0) - error) < 4 * away.std(0) / np.sqrt(1000)).all()
    assert (running.max(0) >= [81, 150, 213, 263, 218, 165, 95, 9]).all()
    assert running.max(0)[0] == 81


def test_written_steps_of_the_published_example():
    """8331 x 5015, digits as written: a = 1338, b = 5105."""
    [found] = task.sequences(np.array([[1338, 5105]]), 4)
    assert "".join(task.SYMBOLS[t] for t in found) == (
        "8331*5015<eos>09660+000000(096600)+0083310(0940410)+00009660<eos>#09403860<eos>"
    )
    assert number(found[-9:-1]) == 1338 * 5105
    [other] = task.sequences(np.array([[1338, 5105][::-1]]), 4)
    assert "".join(task.SYMBOLS[t] for t in other[10:15]) == "04804"  # 8 x 5105


def test_published_steps_by_digit_strings():
    """The published line "8331 x 5015": p0 = 55614, p1 = 013380, S1 = 569421, p2 = 0000000, p3 = 00055614."""
    a, b = int("8331"[::-1]), int("5015"[::-1])
    assert (a, b) == (1338, 5105)
    parts = [a * int(d) * 10**j for j, d in enumerate("5015")]
    written = [str(part).zfill(5 + j)[::-1] for j, part in enumerate(parts)]
    [found] = task.steps(np.array([a]), np.array([b]), 4)
    text = "".join(task.SYMBOLS[t] for t in found)
    total = [str(sum(parts[: j + 1])).zfill(5 + j)[::-1] for j in range(4)]
    assert text == f"{written[0]}+{written[1]}({total[1]})+{written[2]}({total[2]})+{written[3]}"


def test_sizes():
    assert [task.n_steps(n) for n in (2, 3, 4)] == [8, 24, 46]
    assert task.sequences(task.pairs(3, 5, 0), 3).shape == (5, 7 + 1 + 24 + 2 + 6 + 1)
    assert len(task.roles(4)) == 4 + 1 + 4 + 3 + 7


@pytest.mark.parametrize("count", [0, 3, 24])
def test_steps_are_removed_from_the_left_and_nothing_else_is(count):
    ab = task.pairs(3, 4, 1)
    whole = task.sequences(ab, 3)
    short, lengths = task.shortened(whole, 3, np.array([count, 0, 24, count]))
    for row, kept, length, removed in zip(whole, short, lengths, (count, 0, 24, count), strict=True):
        expected = [*row[:8], *row[8 + removed :]]
        assert kept[:length].tolist() == expected
        assert length == len(expected)
        assert (kept[length:] == task.END).all()


def test_a_question_without_steps_has_its_roles():
    whole = task.sequences(np.array([[123, 456]]), 3)
    [short], _ = task.shortened(whole, 3, np.array([24]))
    named = dict(zip(task.roles(3), short, strict=False))
    assert [named[f"a{i}"] for i in range(3)] == [3, 2, 1]
    assert [named[f"b{i}"] for i in range(3)] == [6, 5, 4]
    assert named["times"] == task.TIMES
    assert named["#"] == task.ANSWER
    assert [named[f"c{k}"] for k in range(5)] == [8, 8, 0, 6, 5]  # 56088


def test_pairs_stay_in_their_split_and_have_n_digits():
    for split in ("train", "selection", "test"):
        ab = task.pairs(3, 500, 3, split)
        assert ab.shape == (500, 2)
        assert ab.min() >= 100
        assert ab.max() <= 999
        assert in_split(ab, split).all()
    assert (task.pairs(3, 20, 3) == task.pairs(3, 20, 3)).all()
    assert (task.pairs(3, 20, 3) != task.pairs(3, 20, 4)).any()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: task.columns(np.array([1000]), np.array([1]), 3), "do not fit"),
        (lambda: task.digits(np.array([-1]), 3), "do not fit"),
        (lambda: task.pairs(7, 1, 0), "1 to 6"),
        (lambda: task.pairs(3, 1, 0, "tset"), "Did you mean"),
        (lambda: task.shortened(task.sequences(task.pairs(3, 1, 0), 3), 3, np.array([25])), "expected 0 to 24"),
    ],
)
def test_what_cannot_be_is_one_clear_error(act, words):
    with pytest.raises(InterpError, match=words):
        act()
