"""What other ways to wait and to peek do on models whose mechanism is known, each predicted from the mechanism."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from interp.methods.abp import abp
from interp.methods.faithfulness import faithful
from interp.methods.means import reference_means
from interp.methods.waiting import References, wait
from interp.models import load
from interp.tasks import build, named_task

CHANCE = 0.4


@cache
def opened(name: str):
    model = load(name)
    everything = build(named_task("a+b+c@0..9"), model.arith.tokenizer, "plain", "all", None)
    means = reference_means(model, everything)
    return model, everything.sample(40, seed=0), References(model, everything, means, seed=0)


def passing(shares: np.ndarray) -> list[int]:
    """The places that are right; every other one must be near chance."""
    assert ((shares == 1) | (shares < CHANCE)).all(), shares
    return np.flatnonzero(shares == 1).tolist()


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("planted:wait=2,transfer=1,layers=4", 2),
        ("planted:wait=1,transfer=2,layers=4", 1),
        ("planted:mix=1,layers=4", 1),
    ],
)
def test_only_a_tokens_own_information_has_to_wait(name, last):
    """A prompt drawn anew and an isolated run know the token as CAMA does; an embedding has done none of the work."""
    model, prompts, references = opened(name)
    for variant, expected in (
        ("cama", range(last + 1)),
        ("resample", range(last + 1)),
        ("isolated", range(last + 1)),
        ("early", range(1)),
        ("mean", range(0)),
        ("zero", range(0)),
    ):
        shares = [faithful(model, prompts, wait(references, prompts, l_wait, variant)).mean() for l_wait in range(5)]
        assert passing(np.array(shares)) == list(expected), variant


@pytest.mark.parametrize(
    ("name", "l_wait", "expected", "frozen"),
    [
        ("planted:wait=2,transfer=1,layers=4", 2, [1, 2], [1, 2]),  # what is read stands there already
        ("planted:wait=2,transfer=1,layers=4", 1, [2, 3], []),
        ("planted:wait=1,transfer=2,layers=4", 1, [2, 3], []),  # the second share must still move
    ],
)
def test_what_other_tokens_see_does_not_matter_but_that_they_work_does(name, l_wait, expected, frozen):
    model, prompts, references = opened(name)
    found = abp(model, prompts, references, l_wait)["faithfulness"]
    for variant in ("abp", "no_bos", "zero_attention", "mean_attention", "others_free"):
        assert passing(found.sel(variant=variant).values) == expected, variant
    assert passing(found.sel(variant="frozen").values) == frozen


def test_free_other_tokens_tell_where_operands_mix():
    """Mixing in block 1 passes as soon as other tokens may see each other, and the last one sees block 2."""
    model, prompts, references = opened("planted:mix=1,layers=4")
    for l_wait, expected in ((0, [3, 4]), (1, [2, 3]), (2, [])):
        found = abp(model, prompts, references, l_wait, variants=("abp", "others_free"))["faithfulness"]
        assert passing(found.sel(variant="others_free").values) == expected
        assert passing(found.sel(variant="abp").values) == []
