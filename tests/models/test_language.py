"""What the language trainer learns from: prompts of the train split, their answers, the schedule; its recipes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.models.descent import scheduled
from interp.models.language import answer_loss, build_model, selection_accuracy
from interp.models.language_batches import buckets, token_table
from interp.models.language_recipe import MENTAL_MATH, complete, state_digest
from interp.models.number_tokenizer import number_tokenizer
from interp.models.train import recipes, train
from interp.tasks import STYLES, build, get_task
from interp.tasks.splits import in_split

from .recipes import TINY


@pytest.fixture(scope="module")
def tokenizer():
    return number_tokenizer()


@pytest.fixture(scope="module")
def tables(tokenizer):
    return {
        (task, style): token_table(task, style, tokenizer) for task in TINY["tasks"] for style in ("plain", "verbal")
    }


@pytest.mark.parametrize("style", STYLES)
def test_a_table_holds_the_train_split_and_nothing_else(tokenizer, style):
    table, task = token_table("a-b", style, tokenizer), get_task("a-b")
    whole = build(task, tokenizer, style, "train")
    assert np.array_equal(table.tokens.numpy(), whole.tokens)
    assert np.array_equal(table.answers.numpy(), whole.answer_ids)
    assert in_split(task.space("train"), "train").all()


def test_a_table_of_another_range_and_of_a_task_file(tokenizer, tmp_path):
    few = token_table("a+b@0..9", "plain", tokenizer)
    assert len(few.answers) == in_split(get_task("a+b").within(0, 9).space(), "train").sum()
    assert int(few.answers.max()) <= 18
    path = tmp_path / "shots.json"
    task = {"name": "shots", "expression": "a+b", "ranges": {"a": [0, 9], "b": [0, 9]}}
    path.write_text(json.dumps({**task, "templates": {"shots": "7+5=12, {a}[op1:+]{b}[eq:=]"}}))
    shots = token_table(str(path), "shots", tokenizer)
    assert shots.tokens.shape[1] == few.tokens.shape[1] + 6
    assert torch.equal(shots.answers, few.answers)
    with pytest.raises(InterpError, match="needs integers up to 297 as single tokens"):
        token_table("a+b+c@0..99", "plain", tokenizer)


def test_a_batch_is_rectangular_full_and_a_function_of_the_step(tables):
    recipe = complete(TINY)
    parts = list(buckets(recipe, tables, 7))
    again, other = list(buckets(recipe, tables, 7)), list(buckets(recipe, tables, 8))
    assert sum(len(part.answers) for part in parts) == recipe["batch"]
    assert all(torch.equal(x.tokens, y.tokens) for x, y in zip(parts, again, strict=True))
    assert not torch.equal(parts[0].tokens, other[0].tokens)
    seen = {tuple(row) for table in tables.values() for row in table.tokens.tolist()}
    assert {tuple(row) for part in parts for row in part.tokens.tolist()} <= seen


def test_a_phase_decides_the_styles(tables):
    recipe = complete(TINY)
    ends = {int(tables["a+b", style].tokens[0, -1]): style for style in ("plain", "verbal")}
    drawn = [{ends[int(part.tokens[0, -1])] for part in buckets(recipe, tables, step)} for step in (0, 5, 6, 11, 99)]
    assert drawn == [{"plain"}, {"plain"}, {"plain", "verbal"}, {"plain", "verbal"}, {"plain", "verbal"}]


def test_loss_is_the_surprise_at_the_answer(tables, tokenizer):
    model, batch = build_model(complete(TINY), tokenizer), next(iter(buckets(complete(TINY), tables, 0)))
    with torch.no_grad():
        logits = model(batch.tokens).logits[:, -1]
        expected = -torch.log_softmax(logits, -1)[torch.arange(len(batch.answers)), batch.answers].sum()
        assert torch.allclose(answer_loss(model, batch, "cpu", "fp32"), expected, rtol=1e-6)
        assert torch.allclose(answer_loss(model, batch, "cpu", "bf16"), expected, rtol=2e-2)


def test_schedule_by_hand():
    knots = [[0, 0], [10, 1.0], [20, 0.5]]
    assert [scheduled(knots, step) for step in (0, 5, 10, 15, 20, 99)] == [0, 0.5, 1.0, 0.75, 0.5, 0.5]


def test_selection_accuracy_is_one_for_a_model_that_knows(tokenizer):
    class Knowing(torch.nn.Module):
        """A model that reads the operands off their tokens: integer n is token n."""

        def forward(self, input_ids, use_cache):
            a, b = input_ids[:, 1], input_ids[:, 3]
            sign = torch.where(input_ids[:, 2] == tokenizer.convert_tokens_to_ids("+"), 1, -1)
            answers = torch.nn.functional.one_hot(a + sign * b, len(tokenizer)).float()
            return type("Output", (), {"logits": answers[:, None]})

    recipe = complete({**TINY, "phases": [{"until": 1, "styles": {"plain": 1}}]})
    assert selection_accuracy(Knowing(), tokenizer, recipe, "cpu") == {"a+b plain": 1.0, "a-b plain": 1.0}


def test_tokenizer_knows_every_wording_and_no_other_number(tokenizer):
    for task in ("a+b", "a-b+c"):
        for style in STYLES:
            assert len(build(get_task(task), tokenizer, style, "test", 3)) == 3
    assert tokenizer.convert_tokens_to_ids("199") == 199
    assert tokenizer.convert_tokens_to_ids("200") == tokenizer.unk_token_id
    assert tokenizer("1+2=")["input_ids"][0] == tokenizer.bos_token_id


def test_the_shipped_recipe_is_complete_and_its_states_stay_usable():
    assert complete({}) == MENTAL_MATH
    assert complete({"architecture": {"hidden_size": 64}})["architecture"]["intermediate_size"] == 384
    longer = complete({"phases": [{"until": 9, "styles": {"plain": 1}}], "save_every": 9, "threads": 2})
    assert state_digest(longer) == state_digest(MENTAL_MATH)
    assert state_digest(complete({"seed": 1})) != state_digest(MENTAL_MATH)
    assert state_digest(MENTAL_MATH).startswith("a410734604c9dffb")  # else no saved training could go on
    multiply = {"multiply-plain", "multiply-icot", "multiply-aux"}
    written = {"multiply-by-digit", "multiply-by-digit-reversed", "add-5"}
    assert set(recipes()) == {"mental-math", "waits-2-2", "modadd-59", "greater-than", *multiply, *written}


PRICED = {"l_wait": 1, "l_transfer": 1, "weight": [[0, 1]], "tolerance": [[0, 1]], "bias": [[0, 0]]}
BAD = [
    ({"learing_rate": [[0, 1]]}, "unknown field 'learing_rate' in the recipe. Did you mean learning_rate"),
    ({"precision": "fp16"}, "precision = 'fp16': expected 'bf16' or 'fp32'"),
    ({"tasks": ["a+bb"]}, "unknown task 'a+bb'. Did you mean"),
    ({"tasks": []}, "expected a list of task names"),
    ({"phases": [{"until": 5, "styles": {"plane": 1}}]}, "no style 'plane'. Did you mean plain"),
    ({"phases": [{"until": 5, "styles": {"plain": 0}}]}, "weight > 0"),
    ({"phases": []}, "a list of"),
    ({"phases": [{"until": 5, "styles": {"plain": 1}}, {"until": 5, "styles": {"plain": 1}}]}, "rising step"),
    ({"learning_rate": 1e-3}, "rising steps"),
    ({"learning_rate": [[0, 1], [0, 2]]}, "rising steps"),
    ({"batch": 1}, "an integer with room"),
    ({"batch": 16.5}, "an integer with room"),
    ({"save_every": 0}, "an integer >= 1"),
    ({"seed": -1}, "an integer >= 0"),
    ({"clip": 0}, "a number > 0"),
    ({"architecture": 3}, "fields of a LlamaConfig"),
    ({"window": {**PRICED, "l_transfer": 2}}, "a window inside the model"),
    ({"window": {**PRICED, "l_transfer": 0.5}}, "a window inside the model"),
    ({"window": {"l_wait": 1, "l_transfer": 1}}, "null or {l_wait, l_transfer, weight, tolerance, bias}"),
    ({"window": {**PRICED, "heads": 2}}, "null or {l_wait, l_transfer, weight, tolerance, bias}"),
    ({"window": {**PRICED, "weight": [[0, -1]]}}, "the last three [step, value] pairs"),
    ({"window": {**PRICED, "tolerance": 1}}, "the last three [step, value] pairs"),
    ({"architecture": {"num_attention_heads": 5}}, "cannot be built"),
    ({"architecture": {"num_attention_heads": "four"}}, "cannot be built"),
    ({"architecture": {"vocab_size": 9}}, "cannot be built"),
]


@pytest.mark.parametrize(("changes", "said"), BAD, ids=[f"{next(iter(c))}-{i}" for i, (c, _) in enumerate(BAD)])
def test_a_recipe_that_cannot_be_is_one_line(tokenizer, changes, said):
    with pytest.raises(InterpError) as caught:
        build_model(complete({**TINY, **changes}), tokenizer)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mental-maths", None, "unknown recipe 'mental-maths'. Did you mean mental-math?"),
        ("absent.json", None, "cannot be read (FileNotFoundError)"),
        ("broken.json", "{", "cannot be read (JSONDecodeError)"),
        ("list.json", "[]", "needs 'trainer'"),
        ("other.json", '{"trainer": "alchemy"}', "needs 'trainer'"),
        ("mod.json", '{"trainer": "modular", "pp": 3}', "Unknown field 'pp'"),
    ],
)
def test_a_recipe_that_is_none_is_one_line_and_leaves_no_directory(tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InterpError) as caught:
        train(str(tmp_path / name) if name.endswith(".json") else name, tmp_path / "out")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
