"""The shipped positive control does what its card says: it waits two blocks in its plain forward pass, then reads."""

from __future__ import annotations

import pytest
import torch

from interp.models import load, zoo
from interp.models.window_penalty import leak

NAME = "waits-2-2"
WINDOW = {"l_wait": 2, "l_transfer": 2}
TASKS = ("a+b", "a-b", "a+b+c", "a+b-c", "a-b+c", "a-b-c")

pytestmark = pytest.mark.skipif(NAME not in zoo.zoo_names(), reason=f"{NAME} is not in the zoo")


@pytest.fixture(scope="module")
def model():
    return load(NAME)


def prompts_of(model, task: str, split: str = "test", n: int | None = 300):
    from interp.tasks import build, get_task

    return build(get_task(task), model.arith.tokenizer, "plain", split, n)


def test_its_recipe_is_the_known_one():
    from interp.models.language_recipe import WAITS_2_2, complete

    assert complete(zoo.read_recipe(zoo.resolve(NAME))) == complete(WAITS_2_2)
    assert zoo.check_sums(zoo.resolve(NAME)) == 7


@pytest.mark.parametrize("task", TASKS)
def test_it_is_right(model, task):
    """The card says at least .98 on the whole test split; 300 prompts may be a little lower."""
    from interp.methods.faithfulness import answered

    prompts = prompts_of(model, task)
    assert len(answered(model, prompts)) >= 0.97 * len(prompts)


def test_it_hardly_looks_outside_its_window():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from interp.tasks import build, get_task

    plain = AutoModelForCausalLM.from_pretrained(zoo.resolve(NAME), attn_implementation="eager")
    tokenizer = AutoTokenizer.from_pretrained(zoo.resolve(NAME))
    prompts = [build(get_task(task), tokenizer, "plain", "test", 300) for task in TASKS]
    found = leak(plain, [torch.from_numpy(p.tokens) for p in prompts], WINDOW)
    assert found["mean"] < 1e-7
    assert found["max"] < 1e-4


@pytest.mark.parametrize("task", ["a+b", "a-b+c"])
def test_it_needs_nothing_outside_its_window(model, task):
    """Cut every forbidden edge, of one block too many, and of one block too few."""
    from interp.methods.faithfulness import answered, faithful
    from interp.methods.masks import peek

    kept = answered(model, prompts_of(model, task))

    def left(first: int, end: int) -> float:
        edits = peek(kept, range(first, end), "full")
        edits += peek(kept, [layer for layer in range(6) if not first <= layer < end], "self")
        return faithful(model, kept, edits).mean()

    assert left(2, 4) >= 0.99
    assert max(left(2, 3), left(3, 4)) < 0.7


@pytest.mark.parametrize("task", ["a+b", "a+b+c"])
def test_it_waits(model, task):
    from interp.methods.cama import wait_sweep
    from interp.methods.faithfulness import answered
    from interp.methods.means import reference_means

    means = reference_means(model, prompts_of(model, task, "train", 4096))
    prompts = prompts_of(model, task)
    kept = answered(model, prompts[means.covers(prompts)])
    cama, mean = wait_sweep(model, means, kept, ("cama", "mean")).mean(axis=-1)
    assert min(cama[:3]) >= 0.99
    assert max(cama[3], mean[1], mean[2]) < 0.5
