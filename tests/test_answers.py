"""Questions as the methods get them: prompts that run short, windows searched or given, means kept and read back."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from interp.answers import METHODS, NEED_SPLITS, NEED_SPLITS_FOR_MEANS, Question
from interp.answers.references import means_of, references_of
from interp.answers.windows import _window
from interp.engine import run
from interp.errors import InterpError
from interp.execute import answer, headline, record
from interp.methods.means import Means
from interp.methods.waiting import WAITS, wait
from interp.models import load as opened
from interp.store import PARAMETERS, Spec, Store

MODEL = "planted:wait=1,transfer=1,layers=3"
load: Any = cache(opened)  # tests leave a model as it is
FEW = {"n_selection": 40, "n_reference": 1500}


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def ask():
    """Return a function that makes a Question about the planted model."""

    def made(method: str, task: str = "a+b", **parameters: object) -> Question:
        return Question(load(MODEL), Spec(method=method, model=MODEL, task=task, parameters=parameters))

    return made


def test_methods_with_a_reference_say_that_they_need_splits():
    needing = {name for name, model in PARAMETERS.items() if {"n_reference", "n_train"} & set(model.model_fields)}
    assert {*NEED_SPLITS, *NEED_SPLITS_FOR_MEANS} == needing
    assert set(METHODS) == set(PARAMETERS) - {"study", "train"}


def test_means_of_a_recorded_run_are_the_means(ask, store):
    question = ask("cama", n_reference=1500)
    found = store.open(record(question.spec.but(parameters={"n": 20}), store))
    kept = Means.from_tensors(found.tensors())
    fresh = means_of(question, 1500)
    assert kept.n == fresh.n == 1500
    prompts = question.prompts("test", 30)
    assert (kept.covers(prompts) == fresh.covers(prompts)).all()
    prompts = prompts[fresh.covers(prompts)]
    assert len(prompts) > 10
    for layer in range(4):
        one, two = (run(question.model, prompts, wait(means, prompts, layer)).logits for means in (kept, fresh))
        assert torch.equal(one, two)
        other = run(question.model, prompts, wait(kept, prompts, layer, "zero")).logits
        assert not torch.equal(one, other)
    assert store.verify(found.run_id) == []


@pytest.mark.parametrize("method", ["af1", "cama"])
def test_exact_means_are_kept_and_say_so(store, method):
    sizes = {"n": 20} if method == "cama" else {"n_selection": 30, "n_test": 20}
    ask = Spec(method=method, model=MODEL, task="a+b@0..15", parameters={"n_reference": None, **sizes})
    found = store.open(record(ask, store))
    assert found.summary["exact"] is True
    assert Means.from_tensors(found.tensors()).exact
    assert found.summary["n_reference"] == 256


def test_a_split_that_runs_short_is_told(store):
    ask = Spec(method="lens", model=MODEL, task="a+b@0..9", parameters={"n": 400, "split": "all"})
    found = store.open(record(ask, store))
    assert found.summary["n"] == 100
    assert found.summary["shortfall"] == ("the all split has 100 prompts, 400 were asked for: all of them are used")
    assert found.dataset.attrs["shortfall"] == found.summary["shortfall"]
    enough = answer(ask.but(parameters={"n": 100}))
    assert "shortfall" not in enough.attrs
    assert "shortfall" not in headline(enough)
    assert "shortfall" not in answer(Spec(method="accuracy", model=MODEL, task="a+b@0..9")).attrs


def test_pairs_that_run_short_are_told(checkpoint, tmp_path):
    def twin(a: int, b: int) -> dict:
        return {"prompt": f"{a}+{b}=", "answer": str(a + b), "roles": {"a": [0, 2], "b": [3, 4]}}

    rows = [twin(a, 7) | {"corrupted": twin(a, 9)} for a in range(10, 14)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ask = Spec(method="patching", model=str(checkpoint), task=str(tmp_path / "own.jsonl"), parameters={"n": 9})
    found = answer(ask).attrs
    assert found["shortfall"].startswith("the own split has 4 prompts, 9 were asked for")
    assert len(found["prompts_sha256"]) == 64


def test_a_window_is_searched_or_given(ask):
    question = ask("heads", **FEW)
    means = means_of(question, 1500)
    found = _window(question, means, question.spec.settings)
    assert (found.l_wait, found.l_transfer) == (1, 1)
    assert (int(found.facts["searched"].item()), int(found.facts["found"].item())) == (1, 1)
    assert found.facts["n_selection"].item() <= 40
    given = ask("heads", l_wait=0, l_transfer=2)
    told = _window(given, means, given.spec.settings)
    assert (told.l_wait, told.l_transfer, list(told.facts)) == (0, 2, ["searched"])
    assert told.facts["searched"].item() == 0
    assert given.short == {}


def test_the_best_cell_stands_in_for_a_window_that_is_not_there(ask):
    question = Question(load("planted:mix=0,layers=3"), ask("abp", **FEW).spec.but(model="planted:mix=0,layers=3"))
    found = _window(question, means_of(question, 1500), question.spec.settings)
    assert (int(found.facts["searched"].item()), int(found.facts["found"].item())) == (1, 0)
    assert 0 <= found.l_wait + found.l_transfer <= 3


def test_a_searched_window_without_a_transfer_has_no_heads(ask, monkeypatch):
    import interp.methods.af1

    search = interp.methods.af1.search

    def flat(*arguments: object, **how: object) -> object:
        return search(*arguments, **how)._replace(found=False, best_l_wait=2, best_l_transfer=0)

    monkeypatch.setattr(interp.methods.af1, "search", flat)
    with pytest.raises(InterpError, match=r"no transfer heads to remove; give l_wait and l_transfer"):
        METHODS["heads"](ask("heads", n=5, n_search=5, **FEW))


def test_references_are_those_that_the_task_has(ask, checkpoint):
    plus = references_of(ask("cama"), 300, WAITS)
    assert plus.other is not None
    assert plus.unfiltered is None  # every sum is an answer: the filter takes nothing away
    tiny = Question(load(str(checkpoint)), Spec(method="cama", model=str(checkpoint), task="a-b"))
    minus = references_of(tiny, 300, WAITS)
    assert minus.other is not None
    assert minus.unfiltered is not None
    assert minus.unfiltered.n == 300
    below = minus.unfiltered.tokens["a"].min() < minus.means.tokens["b"].max()
    assert below
    assert references_of(tiny, 300, ("cama",)).variants == tuple(
        v for v in WAITS if v not in ("other_operator", "unfiltered")
    )
    toy = Question(load("modadd-59"), Spec(method="cama", model="modadd-59"))
    assert {"other_operator", "unfiltered"} & set(references_of(toy, 300, WAITS).variants) == set()


def test_a_toy_model_that_was_written_by_hand_has_prompts_without_a_recipe():
    planted = Question(load("planted:clock,p=31,keys=3"), Spec(method="spectra", model="planted:clock,p=31,keys=3"))
    assert len(planted.prompts("all", None)) == 31**2
    assert len(planted.prompts("train", None)) + len(planted.prompts("test", None)) == 31**2


def test_no_variants_means_every_one_that_the_task_has(checkpoint):
    ask = Spec(method="cama", model=str(checkpoint), task="a-b", parameters={"n": 5, "n_reference": 200})
    whole = answer(ask.but(parameters={"variants": None}))
    assert tuple(whole["variant"].values) == WAITS
    assert tuple(answer(ask)["variant"].values) == ("cama", "mean", "zero")


@pytest.mark.parametrize("given", ["token", "context"])
def test_what_is_given_reaches_the_means(ask, given):
    means = means_of(ask("cama", given=given), 300)
    assert (len(means.given["eq"]) == 1) == (given == "token")


def test_headline_tells_flags_and_nothing_where_minus_one_means_none():
    found = answer(Spec(method="af1", model=MODEL, task="a+b", parameters={"n_test": 20, **FEW}))
    told = headline(found)
    assert (told["found"], told["exact"], told["l_wait"], told["l_transfer"], told["paper_index"]) == (
        True,
        False,
        1,
        1,
        0,
    )
    assert told["faithfulness"] == 1.0
    lost = found.assign(found=((), np.int8(0)), l_transfer=((), -1), paper_index=((), -1), threshold=((), -1.0))
    told = headline(lost)
    assert (told["found"], told["l_transfer"], told["paper_index"], told["threshold"]) == (False, None, None, -1.0)
