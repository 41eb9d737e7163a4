"""A recorded run is a function call: the same Spec gives the same numbers, with how they came about beside them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
import xarray as xr

from interp import execute
from interp.answers import METHODS
from interp.errors import Cancelled, InterpError
from interp.execute import answer, headline, opened, pinned, record
from interp.store import PARAMETERS, Spec, Store


@pytest.fixture
def spec(checkpoint) -> Spec:
    return Spec(method="accuracy", model=str(checkpoint), task="a+b", parameters={"n": 10})


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def test_every_method_of_the_store_can_be_asked():
    assert set(METHODS) == set(PARAMETERS) - {"study", "train"}


def test_pinned_names_the_weights_and_is_idempotent(spec):
    first = pinned(spec)
    assert len(str(first.weights_sha256)) == 64
    assert pinned(first) == first
    with pytest.raises(InterpError, match="the spec names 000000000000"):
        pinned(spec.but(weights_sha256="0" * 64))


def test_pinned_imports_no_model(spec, monkeypatch):
    import interp.models

    monkeypatch.setattr(interp.models, "load", lambda *_: pytest.fail("opened a model"))
    with pytest.raises(InterpError, match="unknown task"):
        pinned(spec.but(task="a+q"))


def test_record_keeps_the_circumstances(spec, store, monkeypatch):
    monkeypatch.setenv("ARITHMOSCOPE_THREADS", "2")
    before = torch.get_num_threads()
    manifest = store.open(record(spec, store)).manifest
    assert manifest["threads"] == 2
    assert torch.get_num_threads() == before
    assert manifest["model"]["weights_sha256"] == pinned(spec).weights_sha256
    assert manifest["seeds"] == [0]
    assert (manifest["device"], manifest["dtype"]) == ("cpu", "float32")
    assert manifest["summary"]["n"] == 10
    assert manifest["seconds"] >= 0


def test_a_run_says_which_prompts_it_is_of(spec, store):
    def hashed(**changes) -> str:
        return answer(spec.but(**changes)).attrs["prompts_sha256"]

    kept = store.open(record(spec, store)).manifest["attributes"]["prompts_sha256"]
    assert kept == hashed() == answer(spec, batch_size=3).attrs["prompts_sha256"]
    others = [hashed(seed=1), hashed(task="a-b"), hashed(parameters={"n": 9}), hashed(style="word_problem")]
    more = {"n": 10, "n_reference": 12}  # the reference prompts are data too
    assert len({kept, *others, hashed(method="ablation", parameters=more), ""}) == 7
    lens = Spec(method="lens", model=spec.model, task="a+b", parameters={"n": 10})
    assert answer(lens).attrs["prompts_sha256"] == kept  # the same prompts, asked something else
    assert "prompts_sha256" not in answer(Spec(method="spectrum", model=spec.model)).attrs


def test_an_answer_does_not_depend_on_the_batch_or_on_global_random_state(spec):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002  the global state is the point
    spec = spec.but(method="ablation", parameters={"n": 6, "n_reference": 12, "kinds": ["resample"]})
    first = answer(spec, batch_size=4)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    second = answer(spec, batch_size=64)
    xr.testing.assert_allclose(first, second)


def test_the_last_model_stays_open_and_only_that(spec, checkpoint, tmp_path):
    one = pinned(spec)
    assert opened(one) is opened(one)
    other = pinned(spec.but(model=str(shutil.copytree(checkpoint, tmp_path / "other"))))
    assert opened(other) is not opened(one)
    assert len(execute._open) == 1


def test_a_stop_records_nothing(spec, store):
    def stop(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        record(spec, store, stop)
    assert store.list() == []
    assert list((store.runs).iterdir()) == []


@pytest.mark.parametrize("said", ["CUDA out of memory. Tried", "DefaultCPUAllocator: can't allocate memory: you"])
def test_too_large_a_batch_is_one_line(spec, monkeypatch, said):
    def hungry(*_: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setitem(METHODS, "accuracy", hungry)
    with pytest.raises(InterpError, match=r"not enough memory on cpu for 512 prompts at a time; use a smaller"):
        answer(spec)


def test_another_error_of_the_library_is_not_dressed_up(spec, monkeypatch):
    def wrong(*_: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setitem(METHODS, "accuracy", wrong)
    with pytest.raises(RuntimeError, match="shapes"):
        answer(spec)


def test_headline_is_every_scalar_and_null_for_what_is_undefined():
    dataset = xr.Dataset(
        {
            "found": ((), np.int8(0)),
            "l_transfer": ((), -1),
            "n": ((), np.int64(0)),
            "faithfulness": ((), np.nan),
            "curve": ("layer", [1.0, 2.0]),
        }
    )
    numbers = headline(dataset)
    assert "answers none of these prompts" in numbers.pop("finding")
    assert numbers == {"found": False, "l_transfer": None, "n": 0, "faithfulness": None}


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_dtype_is_another_question_with_nearly_the_same_answer(spec, store, dtype):
    ask = spec.but(parameters={"n": 60})
    runs = [record(each, store) for each in (ask, ask.but(dtype=dtype))]
    assert runs[0] != runs[1]
    one, two = (store.open(run).dataset["answer_logprob"].values for run in runs)
    assert np.allclose(one, two, atol=1e-4 if dtype == "float64" else 0.15)
