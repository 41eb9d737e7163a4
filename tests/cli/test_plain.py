"""A script of nothing but transformers, over exported prompts, agrees prompt by prompt with `interp run accuracy`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from interp.engine import run
from interp.models import load
from interp.models.zoo import zoo_names
from interp.store import Store
from interp.tasks import build, get_task

from .plain_transformers import last_logits, predictions


def agree(interp, model: str, directory: Path, task: str, style: str, most: int) -> None:
    """Compare all predictions, and the logits of at most `most` prompts, on the test split."""
    assert interp("tasks", "export", "--task", task, "--style", style, "--jsonl", "all.jsonl").code == 0
    lines = Path("all.jsonl").read_text().splitlines()[:most]
    Path("some.jsonl").write_text("".join(f"{line}\n" for line in lines))
    said = predictions(str(directory), "some.jsonl")
    found = interp("run", "accuracy", "--model", model, "--task", task, "--style", style, "--json").json
    recorded = Store().open(found["run_id"]).dataset
    assert found["n"] == len(Path("all.jsonl").read_text().splitlines())
    assert [row["prompt"] for row in said] == recorded["prompt"].values[:most].tolist()
    assert [row["predicted"] for row in said] == recorded["predicted"].values[:most].tolist()
    right = [row["predicted"].strip() == row["answer"] for row in said]
    assert right == recorded["correct"].values[:most].astype(bool).tolist()
    opened = load(model)
    prompts = build(get_task(task), opened.arith.tokenizer, style, "test")[:most]
    ours, plain = run(opened, prompts).logits, last_logits(str(directory), [row["prompt"] for row in said])
    assert (ours - plain).abs().max().item() < 1e-4
    answers = torch.log_softmax(plain.double(), -1)[torch.arange(len(said)), torch.from_numpy(prompts.answer_ids)]
    assert np.allclose(recorded["answer_logprob"].values[:most], answers.numpy(), atol=1e-4)


@pytest.mark.parametrize(("task", "style"), [("a-b", "plain"), ("a+b", "word_problem")])
def test_a_checkpoint_of_ones_own(interp, checkpoint, task, style):
    agree(interp, str(checkpoint), checkpoint, task, style, most=200)


@pytest.mark.slow
@pytest.mark.skipif("mental-math" not in zoo_names(), reason="mental-math is not in the zoo")
@pytest.mark.parametrize(("task", "style"), [("a+b-c", "plain"), ("a-b", "python")])
def test_the_shipped_model(interp, task, style):
    from interp.models.zoo import resolve

    agree(interp, "mental-math", resolve("mental-math"), task, style, most=300)
