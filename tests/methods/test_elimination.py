"""Greedy elimination by hand: a judge written down as a function of the heads that are left."""

from itertools import permutations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.methods.elimination import (
    SAME_MARGIN,
    Answers,
    eliminate,
    least_missed,
    mean_margin,
    nested,
    random_orders,
)


def answers(right: list[list[int]], margin: list[list[float]]) -> Answers:
    return Answers(np.array(right, dtype=bool), np.array(margin, dtype=float))


def voting(weights: np.ndarray, n: int = 8):
    """A judge: prompt i (of n) is right while the heads left weigh more than i; the margin is by how much."""

    def judge(removed: np.ndarray, progress) -> Answers:
        margin = (weights * ~removed).sum(axis=(1, 2))[:, None] - np.arange(n)[None]
        return Answers(margin > 0, margin)

    return judge


def test_the_least_needed_head_goes_first_and_the_answers_follow() -> None:
    weights = np.array([[1.0, 4.0], [2.0, 0.0]])
    found = eliminate(voting(weights), 2, 2)
    assert found.order.tolist() == [[1, 1], [0, 0], [1, 0], [0, 1]]
    assert found.answers.right.sum(axis=1).tolist() == [7, 7, 6, 4, 0]
    np.testing.assert_allclose(mean_margin(found.answers), np.array([7, 7, 6, 4, 0]) - 3.5)


def test_a_head_that_hurts_goes_before_an_idle_one() -> None:
    found = eliminate(voting(np.array([[0.0, -1.0, 3.0]])), 1, 3)
    assert found.order.tolist() == [[0, 1], [0, 0], [0, 2]]
    assert found.answers.right.sum(axis=1).tolist() == [2, 3, 3, 0], "the curve may rise"


def test_ties_go_to_the_larger_margin_then_to_the_lowest_head() -> None:
    assert least_missed(answers([[1, 0], [0, 1], [0, 0]], [[1, -3], [-1, 1], [9, 9]])) == 1
    assert least_missed(answers([[1, 0], [0, 1]], [[1, -1], [-1, 1]])) == 0
    assert least_missed(answers([[1], [1]], [[1.0], [1.0 + SAME_MARGIN / 2]])) == 0, "rounding is no reason"
    assert least_missed(answers([[1], [1]], [[1.0], [1.0 + SAME_MARGIN * 2]])) == 1
    assert least_missed(answers([[], []], [[], []])) == 0, "without prompts all tie"


def test_a_weight_too_small_to_change_an_answer_decides_by_the_margin() -> None:
    found = eliminate(voting(np.array([[0.3, 0.2, 0.1, 8.0]])), 1, 4)
    assert found.order.tolist() == [[0, 2], [0, 1], [0, 0], [0, 3]]


def test_every_head_goes_once_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    sizes: list[int] = []

    def judge(removed: np.ndarray, progress) -> Answers:
        sizes.append(len(removed))
        progress(0, 1, "inner")
        return voting(np.ones((2, 3)))(removed, progress)

    found = eliminate(judge, 2, 3, progress=lambda done, total, _: told.append((done, total)))
    assert sorted(map(tuple, found.order)) == [(j, h) for j in range(2) for h in range(3)]
    assert sizes == [1, 6, 5, 4, 3, 2, 1]
    assert set(told) == {(step, 6) for step in range(6)}


def test_a_cancel_is_heard_inside_a_round() -> None:
    def cancelled(*_: object) -> None:
        raise InterpError("cancelled")

    with pytest.raises(InterpError, match="cancelled"):
        eliminate(voting(np.ones((1, 2))), 1, 2, progress=cancelled)


def test_greedy_is_exact_where_heads_add_up() -> None:
    """With additive heads no order leaves more at any step than the greedy one."""
    weights = np.array([[0.5, 3.0], [1.5, 2.25]])
    best = eliminate(voting(weights), 2, 2).answers.margin.mean(axis=1)
    heads = [(j, h) for j in range(2) for h in range(2)]
    for order in permutations(heads):
        curve = voting(weights)(nested(np.array(order), 2, 2), None).margin.mean(axis=1)
        assert (curve <= best + 1e-12).all()


def test_nested_sets_grow_by_one_head_in_the_order_given() -> None:
    sets = nested(np.array([[1, 0], [0, 1], [0, 0], [1, 1]]), 2, 2)
    assert sets.astype(int).tolist() == [
        [[0, 0], [0, 0]],
        [[0, 0], [1, 0]],
        [[0, 1], [1, 0]],
        [[1, 1], [1, 0]],
        [[1, 1], [1, 1]],
    ]


def test_random_orders_are_seeded_permutations() -> None:
    orders = random_orders(40, 2, 3, seed=1)
    assert orders.shape == (40, 6, 2)
    assert all(sorted(map(tuple, order)) == sorted(map(tuple, orders[0])) for order in orders)
    first = {tuple(order[0]) for order in orders}
    assert len(first) == 6, "every head comes first in some of 40 orders"
    np.testing.assert_array_equal(orders, random_orders(40, 2, 3, seed=1))
    assert (orders != random_orders(40, 2, 3, seed=2)).any()
    assert random_orders(0, 2, 3).shape == (0, 6, 2)
