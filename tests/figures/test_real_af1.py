"""Every AF1 figure on what the methods really return: a planted reader, a model of one block, nothing answered."""

from __future__ import annotations

import numpy as np
import pytest

from interp.figures import FIGURES
from interp.methods.abp import abp
from interp.methods.af1 import af1
from interp.methods.alternatives import alternatives
from interp.methods.cama import cama
from interp.methods.heads import heads
from interp.methods.peeking import peeking
from interp.methods.waiting import References
from interp.methods.window import window
from tests.methods.planted import copy_prompts
from tests.methods.test_af1 import SELECTION, TEST, TRAIN, build_reader, fitted


def results(n_layers: int, reads_at: int, asked=TEST) -> dict:
    """Return every AF1 result of a model that reads in block `reads_at`."""
    model = build_reader(n_layers, reads_at)
    means = fitted(model)
    references = References(model, TRAIN, means)
    selection = asked if asked is not TEST else SELECTION
    return {
        "af1": af1(model, means, selection, asked),
        "cama": cama(model, asked, references, variants=references.variants),
        "abp": abp(model, asked, references, reads_at),
        "peeking": peeking(model, asked, heads=True),
        "window": window(model, means, asked, reads_at, 1),
        "alternatives": alternatives(model, references, asked, reads_at, 1, n_random=2),
        "heads": heads(model, means, selection, asked, reads_at, 1, n_random=2),
    }


@pytest.fixture(scope="module")
def reader():
    return results(3, 1)


@pytest.fixture(scope="module")
def nothing():
    wrong = copy_prompts(np.arange(9), 0)
    wrong.answer_ids[:] = 9
    return results(2, 0, wrong)


METHODS = ("af1", "cama", "abp", "peeking", "window", "alternatives", "heads")
CASES = [pytest.param(method, found, id=f"{method}-{found.name}") for method in METHODS for found in FIGURES[method]]


@pytest.mark.parametrize(("method", "figure"), CASES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_planted_reader_is_drawn(reader, method, figure, theme):
    drawn, said = figure(reader[method], theme=theme), figure.summary(reader[method])
    assert drawn.layout.title.text
    assert "nan" not in said + drawn.layout.title.text
    assert "n = " in said or "full-peek" in said or "transfer blocks" in said


@pytest.mark.parametrize(("method", "figure"), CASES)
def test_nothing_answered_is_said_not_drawn(nothing, method, figure):
    drawn, said = figure(nothing[method]), figure.summary(nothing[method])
    assert drawn.layout.title.text
    assert "nan" not in (said + drawn.layout.title.text).replace("n/a", "").lower().split()


@pytest.mark.parametrize("method", METHODS)
def test_one_block_is_enough_for_a_figure(method):
    result = results(1, 0)[method]
    for figure in FIGURES[method]:
        assert figure(result).layout.title.text
        assert figure.summary(result).endswith(".")


def test_titles_say_the_planted_truth(reader):
    titles = {
        f"{method} {figure.name}": figure(reader[method]).layout.title.text.split(" · ")[0]
        for method in METHODS
        for figure in FIGURES[method]
    }
    assert titles["af1 window"] == "AF1: 1 block waits, 1 transfer"
    assert titles["cama wait_curve"] == "CAMA is faithful while 1 of 3 blocks wait"
    assert titles["abp peek_curve"] == "After 1 waiting block, 1 full-peek block is enough"
    assert titles["window window"] == "AF1 as given (1 wait, 1 transfer) keeps 1.00"
    assert titles["heads elimination"].endswith("transfer heads is enough")
    assert titles["heads attention"] == "What the 1 surviving head reads"
