"""Years: the two measures by hand, their bounds, and the shipped model against its nulls."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.engine import run
from interp.errors import InterpError
from interp.methods.greater_than import cutoff_sharpness, prob_diff
from interp.models import load
from interp.models.year_tokenizer import year_tokenizer
from interp.tasks.greater_than import written, year_twins


@pytest.fixture(scope="module")
def prompts():
    return written(year_tokenizer(), np.array([[0, 17, 43], [1, 11, 2], [2, 12, 98]]))


def log_of(years: dict[int, float]) -> list[float]:
    """Logits of a vocabulary of 110 in which these tokens have these probabilities."""
    return [float(np.log(years.get(i, 1e-12))) for i in range(110)]


def test_by_hand(prompts):
    logits = torch.tensor(
        [
            log_of({44: 0.5, 43: 0.2, 42: 0.1, 105: 0.2}),  # what goes to other tokens is on neither side
            log_of({3: 0.25, 1: 0.5, 99: 0.25}),
            log_of({99: 1.0}),
        ]
    )
    assert prob_diff(logits, prompts).tolist() == pytest.approx([0.2, 0.0, 1.0], abs=1e-6)
    assert cutoff_sharpness(logits, prompts).tolist() == pytest.approx([0.4, -0.25, 1.0], abs=1e-6)


def test_a_uniform_guess_scores_what_the_docstring_says(prompts):
    logits = torch.zeros(3, 100)
    assert prob_diff(logits, prompts).tolist() == pytest.approx([(98 - 2 * yy) / 100 for yy in (43, 2, 98)])
    assert cutoff_sharpness(logits, prompts).tolist() == pytest.approx([0, 0, 0])


def test_gradients_flow(prompts):
    logits = torch.randn(3, 110, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (gradient,) = torch.autograd.grad(prob_diff(logits, prompts).sum(), logits)
    assert (gradient[0, 44:100] > 0).all()
    assert (gradient[0, :44] < 0).all()


def test_bad_input_is_one_line(prompts):
    for logits, given, said in (
        (torch.zeros(2, 110), prompts, "variable yy"),
        (torch.zeros(3, 99), prompts, "variable yy"),
        (torch.zeros(1, 110), written(year_tokenizer(), np.array([[0, 11, 0]])), "01..98"),
        (torch.full((3, 110), torch.nan), prompts, "not finite"),
    ):
        with pytest.raises(InterpError, match=said):
            prob_diff(logits, given)


def test_the_shipped_model_knows_which_years_are_greater_and_its_corrupted_run_does_not():
    model = load("greater-than")
    twins = year_twins(model.arith.tokenizer, "test", 400, seed=0)
    clean, corrupted = (run(model, side).logits for side in (twins.clean, twins.corrupted))
    assert prob_diff(clean, twins.clean).min() > 0.99
    assert cutoff_sharpness(clean, twins.clean).mean() > 0.04
    assert abs(prob_diff(corrupted, twins.clean).mean()) < 0.1
    assert prob_diff(corrupted, twins.corrupted).min() > 0.99  # 01 is nothing unheard of
