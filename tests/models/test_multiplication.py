"""Three ways to teach multiplication: the loss by hand, the schedule, bytes that do not depend on interruptions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from interp.errors import Cancelled, InterpError
from interp.models import load, multiplication
from interp.models.multiplication_training import (
    digit_gradients,
    digit_logits,
    questions,
    selection_scores,
    train_multiplication,
)
from interp.models.symbol_tokenizer import symbol_tokenizer
from interp.tasks import multiplication as task

from .recipes import MADE, result

TINY = {
    "trainer": "multiplication",
    "n_digits": 2,
    "architecture": {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 32},
    "steps": 8,
    "batch": 8,
    "learning_rate": [[0, 1e-3]],
    "removed": [[0, 0], [2, 0], [6, 8]],
    "evaluate_every": 4,
    "evaluate_prompts": 20,
    "measure_every": 4,
    "save_every": 3,
    "precision": "float32",
    "aux_weight": 0.3,
}


def recipe(**changes):
    return multiplication.complete({**TINY, **changes})


@pytest.mark.parametrize("regime", multiplication.REGIMES)
def test_the_loss_is_the_mean_over_told_tokens(regime):
    asked = recipe(regime=regime)
    model, side = multiplication.build_model(asked), multiplication.side_weights(asked)
    tokens, lengths, ab = multiplication.batch_at(asked, 4)
    found = multiplication.loss_of(model, side, asked, (tokens, lengths, ab))
    nats = []
    for row, length in zip(tokens, lengths, strict=True):
        logits = model(input_ids=torch.from_numpy(row[None, :length])).logits[0].detach()
        for place in range(6, length):  # the token after the first <eos> is the sixth, and is the first that counts
            nats.append(-torch.log_softmax(logits[place - 1].float(), -1)[row[place]])
    expected = float(torch.stack(nats).mean())
    assert float(found.total.detach()) == pytest.approx(expected + 0.3 * float(found.side.detach()), rel=1e-5)
    assert (float(found.side.detach()) > 0) == (regime == "aux")


def test_the_side_task_reads_its_heads_where_the_digit_is_foretold():
    asked = recipe(regime="aux", aux_heads=[1])
    model, side = multiplication.build_model(asked), multiplication.side_weights(asked)
    tokens, lengths, ab = multiplication.batch_at(asked, 0)
    seen = []
    handle = model.transformer.h[1].attn.c_proj.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model(input_ids=torch.from_numpy(tokens[:, :-1]))
    handle.remove()
    hash_at = tokens[0].tolist().index(task.ANSWER)
    running = task.columns(*ab.T, 2).running
    spread = task.columns(*task.pairs(2, 100_000, 0).T, 2).running
    target = (running - spread.mean(0)) / spread.std(0)
    read = seen[0][:, hash_at : hash_at + 4, 8:] @ side.weight[0]
    expected = float((read - torch.from_numpy(target).float()).square().mean().detach())
    assert float(multiplication.loss_of(model, side, asked, (tokens, lengths, ab)).side.detach()) == pytest.approx(
        expected, rel=1e-4
    )


def test_steps_go_as_the_schedule_says_and_never_in_other_regimes():
    asked = recipe(regime="icot")
    assert [multiplication.removed_tokens(asked, t) for t in (0, 2, 4, 6, 99)] == [0, 0, 4, 8, 8]
    assert multiplication.removed_tokens(recipe(), 0) == 8
    _, lengths, _ = multiplication.batch_at(recipe(regime="icot", batch=4000), 0)
    removed = lengths.max() - lengths
    assert (removed == 0).mean() == pytest.approx(1 - np.exp(-4), abs=0.01)
    assert removed.max() >= 1


@pytest.mark.parametrize("regime", multiplication.REGIMES)
def test_stopped_and_continued_gives_the_same_bytes(tmp_path, regime):
    asked = recipe(regime=regime)
    train_multiplication(asked, tmp_path / "whole")
    assert {path.name for path in (tmp_path / "whole").iterdir()} == MADE

    def stop(done: int, total: int, message: str) -> None:
        if done == 5:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        train_multiplication(asked, tmp_path / "parts", progress=stop)
    train_multiplication(asked, tmp_path / "parts")
    assert result(tmp_path / "parts") == result(tmp_path / "whole")


def test_a_finished_training_can_be_made_longer(tmp_path):
    """The schedule moves the end, not the meaning of what is saved: 4 steps and then 4 more are 8."""
    train_multiplication(recipe(steps=4), tmp_path / "parts")
    train_multiplication(recipe(), tmp_path / "parts")
    train_multiplication(recipe(), tmp_path / "whole")
    assert result(tmp_path / "parts")["weights"] == result(tmp_path / "whole")["weights"]


def test_the_log_follows_every_digit_and_the_model_opens(tmp_path):
    scores = train_multiplication(recipe(), tmp_path / "m")
    lines = [json.loads(line) for line in (tmp_path / "m" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 4, 8]
    assert all(len(line["digits"][name]) == 4 for line in lines for name in ("loss", "gradient_norm", "cosine"))
    assert [("selection" in line) for line in lines] == [False, True, True]
    assert set(scores) == {"exact", "token_accuracy"}
    model = load(str(tmp_path / "m"))
    tokens, _ = questions(recipe(), 5)
    logits = model(torch.from_numpy(tokens[:, :-1]))[:, 7:11].float()
    from transformers import GPT2LMHeadModel

    plain = GPT2LMHeadModel.from_pretrained(tmp_path / "m")
    torch.testing.assert_close(logits, digit_logits(plain, torch.from_numpy(tokens), 2), atol=1e-4, rtol=1e-4)
    assert model.arith.tokenizer.encode("1 2 * 3 4 <eos> <eos> #") == [1, 2, 10, 3, 4, 14, 14, 15]


def test_scores_by_hand_and_gradients_of_the_mean():
    asked = recipe()
    model = multiplication.build_model(asked)
    tokens, ab = questions(asked, 20)
    right = task.columns(*ab.T, 2).answer
    scores = selection_scores(model, asked)
    said = digit_logits(model, torch.from_numpy(tokens), 2).argmax(-1).numpy() == right
    assert scores["exact"] == said.all(1).mean()
    np.testing.assert_allclose(scores["accuracy"], said.mean(0))
    found = digit_gradients(model, asked)
    tokens, ab = questions(asked, 256)
    logits = digit_logits(model, torch.from_numpy(tokens), 2)
    loss = torch.nn.functional.cross_entropy(logits[:, 2], torch.from_numpy(task.columns(*ab.T, 2).answer[:, 2]))
    model.zero_grad()
    loss.backward()
    norm = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm()
    assert found["loss"][2] == pytest.approx(float(loss.detach()), abs=1e-5)
    assert found["gradient_norm"][2] == pytest.approx(float(norm), rel=1e-4)
    assert all(-1 <= c <= 1 for c in found["cosine"])


def test_the_tokenizer_has_the_ids_of_the_task():
    tokenizer = symbol_tokenizer()
    assert tokenizer.encode(" ".join(task.SYMBOLS)) == list(range(16))
    assert len(tokenizer) == 16


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"regime": "cot"}, "Did you mean icot"),
        ({"n_digits": 9}, "n_digits"),
        ({"stepps": 3}, "Did you mean steps"),
        ({"aux_heads": [2]}, "heads 0 to 1"),
        ({"precision": "half"}, "float32 or bf16"),
        ({"batch": 0}, "batch"),
    ],
)
def test_a_bad_recipe_is_one_clear_error(changes, words):
    with pytest.raises(InterpError, match=words):
        recipe(**changes)
