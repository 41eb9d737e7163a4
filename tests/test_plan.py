"""A plan by hand: what is counted, in which unit, and that it follows what it depends on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from interp.errors import InterpError
from interp.models.shapes import Shape
from interp.plan import check_window, plan, positions
from interp.store import Spec, forwards
from interp.tasks import STYLES, build, get_task
from tests import tokenizers

TINY = Shape(n_layers=4, d_model=8, n_heads=2, n_kv_heads=1, d_mlp=16, d_vocab=50, parameters=1000)


def spec(method: str, task: str = "a+b", **parameters: object) -> Spec:
    return Spec(method=method, model="m/m", task=task, parameters=parameters)


def test_an_accuracy_by_hand():
    found = plan(spec("accuracy", n=20), TINY, batch_size=8)
    assert (found.prompts, found.forwards, found.batches, found.through) == ({"evaluated": 20}, {"evaluated": 1}, 3, 20)
    assert found.positions == 5
    stream, block, logits = 4 * 5 * 8 * 4, 3 * 5 * 16 * 4, 5 * 50 * 4 + 50 * 4
    assert found.bytes == {"weights": 4000, "activations": 8 * (stream + max(block, logits)), "means": 0}
    assert found.memory == sum(found.bytes.values())


def test_the_subgraph_by_hand():
    found = plan(spec("af1", n_reference=1000, n_selection=30, n_test=20), TINY, batch_size=10)
    grid = 5 / 2 + 15 / (6 * 5) + 1  # trunks, tails, the clean stream
    assert found.prompts == {"reference": 1000, "selection": 30, "test": 20}
    assert found.forwards == {"reference": 1, "selection": 1 + 3 * 5 + grid, "test": 4}
    assert found.through == pytest.approx(1000 + 30 * (16 + grid) + 80)
    assert found.batches == 100 + 3 * 20 + 2 * 4
    keys = 100 + 1 + 100 + 1  # the values of a and b, the operator, the equals sign
    assert found.bytes["means"] == 2 * 8 * keys * 5 * 8  # mean and M2 in float64, blocks 0..4, d_model 8
    assert found.kept == found.bytes["means"] // 2


def test_means_are_as_large_as_those_that_a_run_keeps(checkpoint):
    from interp.execute import answer_with_tensors
    from interp.models.shapes import shape_of

    ask = Spec(method="cama", model=str(checkpoint), task="a+b", parameters={"n": 5, "n_reference": None})
    kept = answer_with_tensors(ask)[1]
    numbers = sum(array.nbytes for name, array in kept.items() if name.startswith(("mean", "M2")))
    assert numbers == plan(ask, shape_of(str(checkpoint))).kept


def test_a_plan_agrees_with_the_estimate_of_the_store():
    for method in ("patching", "ablation", "cama", "abp", "peeking", "alternatives", "heads", "lens", "probing"):
        asked = spec(method, task="a+b+c")
        assert plan(asked, TINY).through == forwards(asked, 4, 7, 2), method


def test_memory_follows_dtype_batch_and_length():
    small = plan(spec("lens"), TINY, batch_size=8).bytes
    half = plan(spec("lens").but(dtype="bfloat16"), TINY, batch_size=8).bytes
    assert half["weights"] == small["weights"] / 2
    assert half["activations"] < small["activations"]
    assert plan(spec("lens"), TINY, batch_size=16).bytes["activations"] == 2 * small["activations"]
    assert plan(spec("lens", task="a+b+c"), TINY, batch_size=8).bytes["activations"] > small["activations"]
    assert plan(spec("lens", n=4), TINY, batch_size=8).bytes["activations"] == small["activations"] / 2


def test_a_split_gives_no_more_than_it_has(tmp_path):
    found = plan(spec("lens", task="a+b@0..4", split="all", n=400), TINY)
    assert (found.prompts["evaluated"], found.asked["evaluated"], found.through) == (25, 400, 25)
    whole = plan(spec("accuracy", task="a+b@0..4", split="all"), TINY)
    assert (whole.prompts["evaluated"], whole.asked["evaluated"]) == (25, None)
    (tmp_path / "own.jsonl").write_text(3 * (json.dumps({"prompt": "1+1=", "answer": "2"}) + "\n"))
    assert plan(spec("lens", task=str(tmp_path / "own.jsonl")), TINY).prompts == {"evaluated": 3}


@pytest.mark.parametrize("kind", tokenizers.MULTI_DIGIT)
def test_positions_are_those_of_real_tokenizers(kind):
    task, tokenizer = get_task("a+b-c"), tokenizers.tokenizer(kind)
    for style in STYLES:
        tokens = build(task, tokenizer, style, "all", n=3).tokens.shape[1]
        counted = positions(task, style) - (tokenizer.bos_token_id is None)
        if style == "plain":
            assert counted == tokens
        assert 0 <= counted - tokens <= (1 if kind in ("separate", "bare") else 8), (style, counted, tokens)


def test_the_window_must_lie_inside():
    for method, where in (("window", (3, 1)), ("window", (4, 0)), ("heads", (0, 4))):
        check_window(spec(method, l_wait=where[0], l_transfer=where[1]), 4)
    for method, where in (("window", (4, 1)), ("alternatives", (5, 0)), ("heads", (0, 5))):
        with pytest.raises(InterpError, match=r"outside m/m, which has 4 blocks; need l_wait \+ l_transfer <= 4"):
            check_window(spec(method, l_wait=where[0], l_transfer=where[1]), 4)
    with pytest.raises(InterpError, match="l_wait 5 is outside"):
        check_window(spec("abp", l_wait=5), 4)
    check_window(spec("af1"), 4)


def test_numbers_beyond_the_tokenizer_are_told():
    assert plan(spec("af1"), replace(TINY, whole_numbers=199)).through > 0  # the largest sum is 198
    with pytest.raises(InterpError, match=r"needs integers up to 198 as single tokens, but m/m has 0\.\.197"):
        plan(spec("af1"), replace(TINY, whole_numbers=198))
    with pytest.raises(InterpError, match="needs integers up to 99"):
        plan(spec("af1", task="a-b"), replace(TINY, whole_numbers=99))
