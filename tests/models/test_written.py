"""Training on written arithmetic: the loss by hand, what is logged, bytes that do not depend on interruptions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.errors import Cancelled, InterpError
from interp.models import load, written
from interp.models.multiplication import build_model
from interp.models.train import recipes, train
from interp.models.training_directory import read_log
from interp.models.written_training import measured, train_written, written_digits
from interp.tasks import written as task

from .recipes import MADE, result

TINY = {
    "trainer": "written",
    "digits": [2, 1],
    "architecture": {"n_layer": 1, "n_head": 2, "n_embd": 16, "n_positions": 16, "activation_function": "relu"},
    "steps": 8,
    "batch": 8,
    "learning_rate": [[0, 1e-2]],
    "measure_every": 4,
    "measure_prompts": 40,
    "save_every": 3,
}


def recipe(**changes):
    return written.complete({**TINY, **changes})


def test_only_answer_digits_are_learned():
    asked = recipe(precision="float32")
    model, tokens = build_model(asked), written.batch_at(asked, 3)
    form = written.form_of(asked)
    nats = []
    for row in tokens:
        logits = torch.log_softmax(model(input_ids=torch.from_numpy(row[None])).logits[0].detach(), -1)
        nats += [-logits[place - 1, row[place]] for place in range(form.start + 1, len(row))]
    assert len(nats) == 8 * 3
    assert float(written.loss_of(model, asked, tokens).detach()) == pytest.approx(
        float(torch.stack(nats).mean()), rel=1e-5
    )


@pytest.mark.parametrize("order", task.ORDERS)
def test_measures_by_hand_and_columns_count_from_the_units(order):
    asked = recipe(order=order)
    form, model = written.form_of(asked), build_model(asked)
    ab = task.draw(form, 40, 0, "selection")
    tokens = torch.from_numpy(task.sequences(form, ab))
    found = measured(model, asked)
    nats = written.answer_nats(model, form, tokens).detach().numpy()
    units = nats[:, form.columns.index(0)]
    assert found["digits"]["loss"][0] == pytest.approx(units.mean(), abs=1e-5)
    making = ab[:, 0] % 10 * ab[:, 1] >= 10  # CM of the units column; of the tens only where no carry comes in
    tens = nats[:, form.columns.index(1)]
    cm = np.concatenate([units[making], tens[~making & (ab[:, 0] // 10 * ab[:, 1] >= 10)]])
    assert found["subtasks"]["CM"] == pytest.approx(cm.mean(), abs=1e-5)
    logits = written.answer_logits(model, form, tokens).argmax(-1)
    assert found["exact"] == float((logits == tokens[:, form.start + 1 :]).all(1).double().mean())


def test_written_alone_is_right_exactly_where_every_told_digit_is(tmp_path):
    asked = recipe(steps=150, batch=64, digits=[1, 1], measure_every=150, save_every=150)
    train_written(asked, tmp_path / "m")
    from transformers import GPT2LMHeadModel

    model, form = GPT2LMHeadModel.from_pretrained(tmp_path / "m"), written.form_of(asked)
    ab = np.stack(np.meshgrid(np.arange(10), np.arange(10)), axis=-1).reshape(-1, 2)
    tokens = torch.from_numpy(task.sequences(form, ab))
    right = tokens[:, form.start + 1 :]
    told = written.answer_logits(model, form, tokens).argmax(-1) == right
    alone = written_digits(model, form, tokens) == right
    assert 0.05 < told.all(1).double().mean() < 1  # it has learned something, and not all
    assert torch.equal(told.all(1), alone.all(1))
    assert not torch.equal(told, alone)
    spoiled = tokens.clone()
    spoiled[:, form.start + 1 :] = 0
    assert torch.equal(written_digits(model, form, spoiled) == right, alone)


def test_stopped_and_continued_gives_the_same_bytes(tmp_path):
    asked = recipe(sign="+", digits=[2, 2], nines=0.4)
    train_written(asked, tmp_path / "whole")
    assert {path.name for path in (tmp_path / "whole").iterdir()} == MADE

    def stop(done: int, total: int, message: str) -> None:
        if done == 5:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        train_written(asked, tmp_path / "parts", progress=stop)
    train_written(asked, tmp_path / "parts")
    assert result(tmp_path / "parts") == result(tmp_path / "whole")
    lines = read_log(tmp_path / "whole")
    assert [line["step"] for line in lines] == [1, 4, 8]
    assert all(set(line["subtasks"]) == {"BA", "UC1", "US9"} and len(line["digits"]["loss"]) == 3 for line in lines)


def test_a_recipe_file_trains_and_opens(tmp_path):
    import json

    path = tmp_path / "own.json"
    path.write_text(json.dumps(TINY))
    scores = train(str(path), tmp_path / "m")
    assert set(scores) == {"exact", "digit_accuracy"}
    model = load(str(tmp_path / "m"))
    form = written.form_of(recipe())
    assert model.arith.tokenizer.encode("1 2 * 3 #") == task.sequences(form, np.array([[12, 3]]))[0, :5].tolist()
    named = recipes()
    assert {"multiply-by-digit", "multiply-by-digit-reversed", "add-5"} <= named.keys()
    for name in written.RECIPES:
        written.complete(named[name])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stepps": 3}, "Did you mean steps"),
        ({"digits": [2]}, "widths of two operands"),
        ({"order": "ordinall"}, "Did you mean ordinal"),
        ({"nines": 2}, "share in"),
        ({"precision": "half"}, "float32 or bf16"),
        ({"batch": 0}, "batch"),
        ({"architecture": {"n_positions": 5}}, "7 tokens"),
    ],
)
def test_a_bad_recipe_is_one_clear_error(changes, words):
    with pytest.raises(InterpError, match=words):
        recipe(**changes)
