"""Every method counts its steps truthfully up to the total, and stops at whichever step it is told to."""

import numpy as np
import pytest

from interp.errors import Cancelled
from interp.methods.ablation import ablation
from interp.methods.accuracy import accuracy
from interp.methods.attention import attention
from interp.methods.lens import lens
from interp.methods.patching import patching
from interp.methods.probing import probing
from interp.tasks.twins import Twins
from tests.methods.planted import copy_prompts

A = np.arange(8)
PROMPTS, OTHERS = copy_prompts(A, 9), copy_prompts((A + 1) % 8, 8, "train")
CALLS = {
    "accuracy": lambda model, **how: accuracy(model, PROMPTS, **how),
    "patching": lambda model, **how: patching(model, Twins(PROMPTS, OTHERS, (), ()), roles=["a", "eq"], **how),
    "ablation": lambda model, **how: ablation(model, PROMPTS, OTHERS, roles=["a", "eq"], **how),
    "lens": lambda model, **how: lens(model, PROMPTS, roles=["a", "eq"], **how),
    "probing": lambda model, **how: probing(model, OTHERS, PROMPTS, n_folds=2, roles=["a", "eq"], **how),
    "attention": lambda model, **how: attention(model, PROMPTS, **how),
}
# reads, then one step a cell: 3 layers x 2 roles (x three kinds); patching: cells, and as many of the null, x pairs
STEPS = {"accuracy": 8, "patching": 12 * 8, "ablation": 2 + 18, "lens": 1 + 6, "probing": 2 + 6, "attention": 8}


@pytest.mark.parametrize("method", CALLS)
def test_counts_up_to_the_total(copier, method):
    seen = []
    CALLS[method](copier, progress=lambda done, total, message: seen.append((done, total)))
    done, totals = zip(*seen, strict=True)
    assert set(totals) == {STEPS[method]}
    assert list(done) == sorted(done)
    assert done[-1] == STEPS[method]
    if method not in ("accuracy", "attention", "patching"):  # counted in prompts
        assert set(done) == set(range(STEPS[method] + 1))


@pytest.mark.parametrize("method", CALLS)
def test_stops_when_told(copier, method):
    seen = []

    def stop(done, total, message):
        seen.append(done)
        if done >= total // 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        CALLS[method](copier, progress=stop)
    assert seen[-1] >= STEPS[method] // 2
    assert len([done for done in seen if done >= STEPS[method] // 2]) == 1


@pytest.mark.parametrize("method", ["patching", "ablation", "lens", "probing"])
def test_a_cancel_is_heard_between_the_batches_of_one_step(copier, method):
    seen = []
    CALLS[method](copier, progress=lambda done, total, message: seen.append(done), batch_size=2)
    assert seen.count(0) >= 4  # eight prompts in batches of two
