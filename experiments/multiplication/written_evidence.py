"""What the trained models of written arithmetic show, as plain data that can be kept: the numbers behind every figure.

curves      loss by digit and by subtask over the steps, from the log
accuracy    exact match and accuracy by digit on held-out questions, told the right digits or writing alone
staircase, heads      the Datasets of `interp.methods.staircase` and `head_subtasks`, without values by example
"""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from interp.methods.head_subtasks import head_subtasks
from interp.methods.intervals import wilson
from interp.methods.nulls import majority_accuracy
from interp.methods.staircase import staircase
from interp.models import load
from interp.models.multiplication import build_model
from interp.models.symbol_tokenizer import symbol_tokenizer
from interp.models.training_directory import read_log
from interp.models.written import answer_logits, complete, form_of
from interp.models.written_training import written_digits
from interp.models.zoo import read_recipe
from interp.tasks import written
from interp.tasks.splits import in_split

N_ALONE, N_PROMPTS, N_REFERENCE = 4_000, 2_000, 1_000
BATCH, LISTED = 2_000, 1_000_000


@functools.cache
def _opened(directory: Path) -> tuple[Any, dict[str, Any], written.Form]:
    from transformers import GPT2LMHeadModel

    recipe = complete(read_recipe(directory))
    return GPT2LMHeadModel.from_pretrained(directory).eval(), recipe, form_of(recipe)


def held_out(form: written.Form, count: int) -> np.ndarray:
    """Return `count` questions of the test split (all where there are fewer), each once."""
    sizes = 10**form.first, 10**form.second
    if sizes[0] * sizes[1] > LISTED:
        return _once(form, count)
    every = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), axis=-1).reshape(-1, 2)
    return np.random.default_rng(1).permutation(every[in_split(every, "test")])[:count]


def _once(form: written.Form, count: int) -> np.ndarray:
    """Return `count` different questions of the test split, far fewer than it has."""
    size, first = count + 16, np.empty(0, int)
    while len(first) < count:
        drawn = written.draw(form, size, 1, "test")
        first, size = np.sort(np.unique(drawn, axis=0, return_index=True)[1]), 2 * size
    return drawn[first][:count]


@torch.no_grad()
def told(directory: Path, ab: np.ndarray) -> np.ndarray:
    """Return which answer digits are right, bool [problem, column], the right ones before them told."""
    model, _, form = _opened(directory)
    ids = torch.from_numpy(written.sequences(form, ab))
    found = [answer_logits(model, form, part).argmax(-1) == part[:, form.start + 1 :] for part in ids.split(BATCH)]
    return torch.cat(found).numpy()[:, np.argsort(form.columns)]


def accuracy(directory: Path) -> dict[str, Any]:
    """Return exact match (writing alone) with its interval and null, and accuracy by digit, told and alone."""
    model, _, form = _opened(directory)
    ab = held_out(form, N_ALONE)
    ids, place = torch.from_numpy(written.sequences(form, ab)), np.argsort(form.columns)
    alone = torch.cat([written_digits(model, form, part) for part in ids.split(BATCH)])
    right = (alone == ids[:, form.start + 1 :]).numpy()[:, place]
    low, high = wilson(right.all(1).sum(), len(ab))
    answers = written.answer_digits(form, ab) @ 10 ** np.arange(form.width)
    return {
        "exact": float(right.all(1).mean()),
        "low": float(low),
        "high": float(high),
        "n": len(ab),
        "null": majority_accuracy(answers),
        "alone": right.mean(0).tolist(),
        "told": told(directory, ab).mean(0).tolist(),
        "train_loss": read_log(directory)[-1]["train_loss"],
        "cpu_seconds": read_log(directory)[-1]["cpu_seconds"],
    }


def curves(directory: Path) -> dict[str, Any]:
    """Return {step, digits: {c0: ...}, subtasks: {BM: ...}} of losses in nats, `exact`, and n, from the log."""
    lines = read_log(directory)
    digits = np.array([line["digits"]["loss"] for line in lines]).T.tolist()
    names = list(lines[-1]["subtasks"])
    return {
        "step": [line["step"] for line in lines],
        "digits": {f"c{k}": values for k, values in enumerate(digits)},
        "subtasks": {name: [line["subtasks"][name] for line in lines] for name in names},
        "exact": [line["exact"] for line in lines],
        "n": complete(read_recipe(directory))["measure_prompts"],
    }


def untrained(recipe: dict[str, Any]) -> Any:
    """Return the bridge of a recipe before its first step."""
    with tempfile.TemporaryDirectory() as directory:
        build_model(recipe).save_pretrained(directory)
        symbol_tokenizer().save_pretrained(directory)
        return load(directory)


def heads(directory: Path) -> dict[str, xr.Dataset]:
    """Return the staircase and the head ablation by subtask of one model, on test questions."""
    _, recipe, form = _opened(directory)
    model, asked = load(str(directory)), held_out(form, N_PROMPTS)
    prompts = written.prompts(form, asked, "test")
    reference = written.prompts(form, written.draw(form, N_REFERENCE, 2, "selection"), "selection")
    missed = head_subtasks(model, form, prompts, reference, written.cells(form, asked))
    return {
        "staircase": staircase(model, form, prompts, untrained(recipe)),
        "heads": missed.drop_vars("rise_by_digit"),
    }


def fallen(step: list[int], loss: list[float], level: float = float(np.log(10)) / 2, box: int = 5) -> float:
    """Return the first logged step at which the mean of the last `box` losses is below `level`; inf where never."""
    sums = np.cumsum([0.0, *loss])
    mean = (sums[box:] - sums[:-box]) / box
    below = np.flatnonzero(mean < level)
    return float(step[below[0] + box - 1]) if len(below) else float("inf")


def write(path: Path, found: dict[str, Any]) -> None:
    """Write `found`, Datasets within included, as JSON with five significant digits."""
    path.write_text(json.dumps(_plain(found), separators=(",", ":")) + "\n")


def read(path: Path) -> dict[str, Any]:
    """Return what `write` wrote; a Dataset is what has `data_vars`."""
    return json.loads(path.read_text(), object_hook=lambda o: xr.Dataset.from_dict(o) if "data_vars" in o else o)


def _plain(value: Any) -> Any:
    if isinstance(value, xr.Dataset):
        return _plain(value.to_dict())
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.5g}")
    return value.item() if isinstance(value, np.generic) else value
