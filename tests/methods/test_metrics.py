"""Metrics on 2x3 logits, worked out by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.methods.metrics import answer_logprob, answer_rank, correct, logit_diff, recovered
from interp.tasks.twins import Twins
from tests.methods.planted import copy_prompts

LOGITS = torch.tensor([[0.0, np.log(2.0), np.log(5.0)], [3.0, 1.0, 2.0]])


def prompts(*answers):
    return copy_prompts(np.array(answers), 0)


def test_correct_is_the_top_token():
    assert correct(LOGITS, prompts(2, 0)).tolist() == [True, True]
    assert correct(LOGITS, prompts(1, 2)).tolist() == [False, False]


def test_answer_logprob_by_hand():
    expected = [np.log(2 / 8), 1 - np.log(np.exp(3) + np.exp(1) + np.exp(2))]
    assert answer_logprob(LOGITS, prompts(1, 1)).tolist() == pytest.approx(expected, abs=1e-6)


def test_answer_rank_counts_from_one():
    assert answer_rank(LOGITS, prompts(0, 0)).tolist() == [3, 1]
    assert answer_rank(LOGITS, prompts(1, 2)).tolist() == [2, 2]


def test_logit_diff_is_clean_minus_corrupted():
    twins = Twins(prompts(2, 1), prompts(1, 2), ("a",), ("b",))
    assert logit_diff(LOGITS, twins).tolist() == pytest.approx([np.log(2.5), -1.0], abs=1e-6)


@pytest.mark.parametrize("metric", [correct, answer_logprob, answer_rank])
def test_metrics_refuse_what_they_cannot_score(metric):
    for value in (np.nan, np.inf, -np.inf):
        bad = LOGITS.clone()
        bad[1, 0] = value
        with pytest.raises(InterpError, match="non-finite logits on 1 of 2 prompts"):
            metric(bad, prompts(0, 0))
    with pytest.raises(InterpError, match="one row a prompt"):
        metric(LOGITS, prompts(0, 0, 0))
    with pytest.raises(InterpError, match="outside the vocabulary of 3"):
        metric(LOGITS, prompts(0, 3))
    with pytest.raises(InterpError, match="outside the vocabulary"):
        metric(LOGITS, dataclasses.replace(prompts(0, 0), answer_ids=np.array([-1, 0])))


CLEAN, CORRUPTED = np.array([4.0, 6.0, 5.0]), np.array([-4.0, -2.0, -6.0])


def test_recovered_is_a_ratio_of_means_on_hand_numbers():
    patched = np.array([[0.0, 4.0, -4.0], [2.0, 6.0, -2.0], [-3.0, 5.0, -6.0]])
    share = recovered(patched, CLEAN, CORRUPTED)
    assert share.value == pytest.approx([(4 + 4 + 3) / 27, 1.0, 0.0])
    assert share.guard == ""
    ratios = (patched[:, 0] - CORRUPTED) / (CLEAN - CORRUPTED)
    assert share.value[0] != pytest.approx(ratios.mean(), abs=1e-3)
    assert ratios.min() <= share.low[0] < share.value[0] < share.high[0] <= ratios.max()
    assert share.low[1] == share.high[1] == 1.0  # pairs are resampled whole: full recovery has no spread


def test_recovered_overshoots_and_undershoots():
    assert recovered(np.array([[12.0], [12.0], [12.0]]), CLEAN, CORRUPTED).value[0] == pytest.approx(48 / 27)
    assert recovered(CORRUPTED[:, None] - 1, CLEAN, CORRUPTED).value[0] == pytest.approx(-3 / 27)


@pytest.mark.parametrize(
    ("clean", "corrupted"),
    [([5.0, -5.0, 1.0], [0.0, 0.0, 0.0]), ([1e-5, 1.1e-5, 1e-5], [0.0, 0.0, 0.0])],
    ids=["cancels", "tiny"],
)
def test_recovered_is_nan_with_a_reason_where_there_is_nothing_to_recover(clean, corrupted):
    share = recovered(np.ones((3, 2)), np.array(clean), np.array(corrupted))
    assert np.isnan([share.value, share.low, share.high]).all()
    assert share.value.shape == (2,)
    assert share.guard.startswith("nothing to recover")


def test_recovered_of_one_pair_has_a_value_and_no_interval():
    share = recovered(np.array([[1.0]]), np.array([3.0]), np.array([-1.0]))
    assert share.value[0] == 0.5
    assert np.isnan([share.low, share.high]).all()


def test_recovered_of_two_pairs_ranges_over_both():
    share = recovered(np.array([[0.0], [4.0]]), np.array([4.0, 4.0]), np.array([-4.0, -4.0]))
    assert (share.low[0], share.value[0], share.high[0]) == (0.5, 0.75, 1.0)


def test_recovered_refuses_unequal_pairs():
    with pytest.raises(InterpError, match="one value a pair"):
        recovered(np.ones((2, 4)), CLEAN, CORRUPTED)
