"""One given window on other prompts: a planted reader, by hand."""

import numpy as np
import pytest

from interp.errors import InterpError
from interp.methods.af1 import af1, search
from interp.methods.faithfulness import answered
from interp.methods.means import reference_means
from interp.methods.window import window
from tests.families import family
from tests.methods.planted import copy_prompts, make_prompts
from tests.methods.test_af1 import SELECTION, TEST, TRAIN, build_reader, fitted


@pytest.mark.parametrize(
    ("l_wait", "l_transfer", "answers"), [(1, 1, True), (0, 2, True), (1, 2, True), (0, 1, False), (2, 1, False)]
)
def test_a_window_answers_where_it_holds_the_read(l_wait, l_transfer, answers) -> None:
    """The reader reads in block 1 of three."""
    model = build_reader(3, 1)
    result = window(model, fitted(model), TEST, l_wait, l_transfer)
    assert (float(result["faithfulness"]) == 1.0) == answers
    assert answers or float(result["faithfulness"]) < 0.3
    assert (int(result["l_wait"]), int(result["l_transfer"])) == (l_wait, l_transfer)
    assert int(result["paper_index"]) == l_wait - 1
    assert float(result["faithfulness_low"]) <= float(result["faithfulness"]) <= float(result["faithfulness_high"])
    assert result["correct"].dims == ("variant", "prompt")
    for variant, name in (("cama", "faithfulness"), ("mean", "faithfulness_mean"), ("zero", "faithfulness_zero")):
        assert float(result["correct"].sel(variant=variant).mean()) == float(result[name])


def test_the_controls_know_nothing() -> None:
    model = build_reader(3, 1)
    result = window(model, fitted(model), TEST, 1, 1)
    assert float(result["faithfulness_zero"]) < 0.3
    assert float(result["faithfulness_mean"]) < 0.3
    assert float(result["null_majority"]) == pytest.approx(np.bincount(TEST.answer_ids).max() / len(TEST))


def test_only_answered_and_covered_prompts_count() -> None:
    """Three of the answers are wrong, and b = 7 has no mean."""
    model, known = build_reader(3, 1), TRAIN[TRAIN.variables["b"] != 7]
    asked = copy_prompts(np.arange(10), np.arange(10))
    asked.answer_ids[:3] = (asked.answer_ids[:3] + 1) % 10
    result = window(model, fitted(model, known), asked, 1, 1)
    assert (int(result["n"]), int(result["n_uncovered"]), int(result["n_reference"])) == (6, 1, len(known))
    assert float(result["accuracy_full"]) == pytest.approx(6 / 9)
    assert list(result["prompt"].values) == [t for i, t in enumerate(asked.texts) if i not in (0, 1, 2, 7)]


def test_nothing_answered_is_nan() -> None:
    model = build_reader(2, 0)
    wrong = copy_prompts(np.arange(9), 0)
    wrong.answer_ids[:] = 9
    result = window(model, fitted(model), wrong, 0, 1)
    assert (int(result["n"]), float(result["accuracy_full"])) == (0, 0.0)
    assert np.isnan([float(result[name]) for name in ("faithfulness", "faithfulness_low", "null_majority")]).all()


def test_a_window_found_on_one_task_is_judged_on_another() -> None:
    """The window of the search, on prompts whose operand b is never the same as in the search."""
    model = build_reader(3, 1)
    found = search(model, fitted(model), answered(model, SELECTION)).window
    other = copy_prompts(np.repeat(np.arange(10), 3), np.tile([0, 4, 9], 10))
    assert float(window(model, fitted(model, other), other, *found)["faithfulness"]) == 1.0


def test_what_a_search_judges_is_a_window() -> None:
    model = build_reader(3, 1)
    judged, given = af1(model, fitted(model), SELECTION, TEST), window(model, fitted(model), TEST, 1, 1)
    for name in given.data_vars:
        np.testing.assert_array_equal(judged[name], given[name])
    assert (judged.attrs["method"], given.attrs["method"]) == ("af1", "window")
    assert given.attrs["n_layers"] == judged.attrs["n_layers"] == 3


def test_prompts_in_which_nothing_varies_have_nothing_to_wait_for() -> None:
    bridge = family("llama").bridge
    same = make_prompts(
        {name: np.full(30, t) for name, t in {"bos": 1, "w1": 4, "w2": 5, "eq": 6}.items()}, np.full(30, 3)
    )
    means = reference_means(bridge, same, fewest=1)
    for look in (lambda: window(bridge, means, same, 0, 1), lambda: af1(bridge, means, same, same)):
        with pytest.raises(InterpError, match="same token in all 30 reference prompts"):
            look()
    with pytest.raises(InterpError, match="same token in all 30 reference prompts"):
        search(bridge, means, same)
