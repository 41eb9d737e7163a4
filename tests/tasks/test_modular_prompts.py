"""Modular addition as prompts, by hand and by law."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks.modular import modular_prompts


def test_three_prompts_by_hand():
    prompts = modular_prompts(3, "all")
    assert prompts.roles == ("a", "b", "eq")
    assert prompts.texts[5:8] == ("1+2=", "2+0=", "2+1=")
    assert prompts.tokens[5:8].tolist() == [[1, 2, 3], [2, 0, 3], [2, 1, 3]]
    assert prompts.answers[5:8] == ("0", "2", "0")
    assert prompts.answer_ids[5:8].tolist() == [0, 2, 0]
    assert prompts.position("last") == prompts.position("eq") == 2


@pytest.mark.parametrize("p", [2, 7, 59])
def test_splits_are_apart_and_cover_everything(p):
    texts = {split: set(modular_prompts(p, split).texts) for split in ("all", "train", "test", "unmirrored")}
    assert len(texts["all"]) == p * p
    assert texts["train"] | texts["test"] == texts["all"]
    assert texts["train"].isdisjoint(texts["test"])
    assert texts["unmirrored"] <= texts["test"]


@pytest.mark.parametrize("p", [5, 59])
def test_variables_and_dtypes(p):
    prompts = modular_prompts(p, "test", seed=3)
    v = prompts.variables
    assert np.array_equal(v["result"], (v["a"] + v["b"]) % p)
    assert np.array_equal(prompts.answer_ids, v["result"])
    assert {prompts.tokens.dtype, prompts.answer_ids.dtype, v["a"].dtype} == {np.dtype("int64")}
    assert prompts.task == f"a+b mod {p}"


def test_bad_input():
    with pytest.raises(InterpError, match="Did you mean train"):
        modular_prompts(7, "trian")
    with pytest.raises(InterpError, match="modulus is 1"):
        modular_prompts(1)
    with pytest.raises(InterpError, match="leaves one side empty"):
        modular_prompts(7, fraction=1.0)
