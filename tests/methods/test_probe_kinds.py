"""Labels as columns and back, scores by hand, near-k frequencies."""

import dataclasses

import numpy as np
import pytest

from interp.errors import InterpError
from interp.methods.probe_kinds import KINDS, Code, label
from tests.methods.planted import copy_prompts

Y = np.array([3, 0, 9, 5, 3, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_exact_columns_say_the_label_and_score_one(kind):
    code = Code.of(kind, Y, 10)
    out = code.columns(Y)
    assert out.shape == (6, code.width)
    values = code.value(code.said(out), Y)
    assert code.score(values[:, None], Y)[0] == pytest.approx(1)


@pytest.mark.parametrize("kind", ["regression", "ordinal"])
def test_the_best_constant_in_hindsight_scores_nought(kind):
    code = Code.of(kind, Y)
    assert code.score(code.value(code.constant(Y), Y)[:, None], Y)[0] == pytest.approx(0)


def test_scores_by_hand():
    y = np.array([0, 0, 1, 2])
    said = np.array([0, 1, 1, 1])
    ordinal, classes = Code.of("ordinal", y), Code.of("classification", y)
    assert classes.score(classes.value(said, y)[:, None], y)[0] == 0.5
    assert ordinal.score(ordinal.value(said, y)[:, None], y)[0] == pytest.approx(
        1 - 2 / 3
    )  # median .5: misses 3 in all
    assert classes.constant(y) == 0
    circle = Code.of("circular", y, 4)
    assert np.allclose(circle.value(np.array([0, np.pi]), np.array([1, 2])), [0, 1])
    assert circle.constant(np.array([1, 1, 3])) == pytest.approx(np.pi / 2)


def test_ordinal_levels_and_classes_that_training_never_had():
    code = Code.of("ordinal", np.array([2, 5, 9]))
    assert code.said(np.array([[0.9, 0.6], [0.9, 0.1], [0.2, 0.1]])).tolist() == [9, 5, 2]
    classes = Code.of("classification", np.array([2, 5]))
    assert classes.columns(np.array([7])).tolist() == [[0, 0]]
    assert classes.value(np.array([5]), np.array([7])).tolist() == [0]


@pytest.mark.parametrize(
    ("k", "majority"), [(2, 0.5), (3, 2 / 3), (4, 0.75), (5, 0.6), (6, 0.5), (8, 0.625), (10, 0.7)]
)
def test_near_k_has_the_majority_it_is_said_to_have(k, majority):
    n = np.arange(k * 100)
    prompts = dataclasses.replace(copy_prompts(n % 10, 0), variables={"a": n})
    near = label(prompts, f"a near {k}")
    assert max(near.mean(), 1 - near.mean()) == pytest.approx(majority)
    assert near[k] == 1
    assert label(prompts, f"a mod {k}").tolist() == (n % k).tolist()


def test_bad_labels_are_refused():
    prompts = copy_prompts([1], [2])
    with pytest.raises(InterpError, match="no variable 'c'"):
        label(prompts, "c near 5")
    with pytest.raises(InterpError, match="k of 2 or more"):
        label(prompts, "a mod 1")
    with pytest.raises(InterpError, match="Unknown kind"):
        Code.of("regresion", Y)
    with pytest.raises(InterpError, match="period above 1"):
        Code.of("circular", Y, 0)
