"""What did a training log, step by step? The log.jsonl beside a checkpoint as one labelled Dataset, without a model.

    training_log(directory) -> Dataset over `step`, one variable a measure: digit_loss [step, digit], loss [step, split]

Trainers log what they measure, each in its own words; here every measure has one name, dims, a unit, n and the value
that means nothing was learned (`null`: a uniform guess). Measures taken less often than the log's lines are NaN
between. A last line torn by a kill is left out, any other line that cannot be read is an error, and so is a log that is
not the one its SHA256SUMS vouches for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from interp.errors import InterpError
from interp.store.training_measures import MEASURES, counts_of, null_of

LOG, RECIPE, SUMS = "log.jsonl", "recipe.json", "SHA256SUMS"


def trainings(root: Path) -> list[str]:
    """Return the names of the directories under `root` that hold a training log, sorted; none for an absent root."""
    return sorted(path.parent.name for path in root.glob(f"*/{LOG}")) if root.is_dir() else []


def training_log(directory: Path) -> xr.Dataset:
    """Return the log of one training; its attributes say of what. Raises InterpError when it cannot be read."""
    recipe, lines = _recipe(directory), read_lines(directory)
    cells = [dict(_cells(line)) for line in lines]
    steps = [line["step"] for line in lines]
    found = {name: labels for name in MEASURES if (labels := _labels(cells, name))}
    counts = counts_of(recipe)
    variables, coords = {}, {"step": np.asarray(steps, dtype=np.int64)}
    for name, labels in found.items():
        about = MEASURES[name]
        values = np.array([[cell.get((name, label), np.nan) for label in labels] for cell in cells], dtype=float)
        attrs: dict[str, Any] = {"units": about.units, "description": about.text}
        if about.of in counts:
            attrs["n"] = counts[about.of]
        null = null_of(name, recipe)
        if null is not None:
            attrs |= {"null": null[0], "null_text": null[1]}
        variables[name] = (
            ("step", about.dim) if about.dim else ("step",),
            values if about.dim else values[:, 0],
            attrs,
        )
        if about.dim:
            coords[about.dim] = np.asarray(labels)
    return xr.Dataset(variables, coords, about_training(directory.name, recipe))


def about_training(name: str, recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a log: which training, of what kind, in words."""
    trainer = str(recipe.get("trainer") or ("modular" if recipe.get("task") == "modadd" else "training"))
    words = [trainer, *(f"{key} {recipe[key]}" for key in ("regime", "p", "seed") if key in recipe)]
    return {
        "method": "training_log",
        "model": name,
        "trainer": trainer,
        "title": f"Training of {name}: {', '.join(words)}",
    }


def read_lines(directory: Path) -> list[dict[str, Any]]:
    """Return the lines of a log. Raises InterpError where there is none, it is altered, or a line is no JSON."""
    path = directory / LOG
    try:
        data = path.read_bytes()
    except OSError:
        raise InterpError(f"{directory.name} has no {LOG}: train it, or restore the file from where it came.") from None
    _check(directory, data)
    texts, lines = data.decode("utf-8", "replace").splitlines(), []
    for number, text in enumerate(texts, start=1):
        try:
            line = json.loads(text)
            lines.append(line | {"step": int(line["step"])})
        except (ValueError, KeyError, TypeError):
            if number == len(texts) and lines:
                break  # torn by a kill while it was written
            raise InterpError(
                f"{directory.name}/{LOG}, line {number} is damaged (no JSON with a step); restore it."
            ) from None
    if not lines:
        raise InterpError(f"{directory.name}/{LOG} is empty: nothing was logged yet; go on training.")
    return lines


def _check(directory: Path, data: bytes) -> None:
    sums = directory / SUMS
    listed = sums.read_text("utf-8", "replace").splitlines() if sums.is_file() else []
    wanted = next((line[:64] for line in listed if line[66:] == LOG), None)
    if wanted is not None and wanted != hashlib.sha256(data).hexdigest():
        raise InterpError(f"{directory.name}/{LOG} is not the file its {SUMS} names (altered or damaged); restore it.")


def _recipe(directory: Path) -> dict[str, Any]:
    try:
        recipe = json.loads((directory / RECIPE).read_text())
        return recipe if isinstance(recipe, dict) else {}
    except (OSError, ValueError):
        return {}


def _labels(cells: list[dict], name: str) -> list[str]:
    return list(dict.fromkeys(label for cell in cells for measure, label in cell if measure == name))


def _cells(line: dict[str, Any]) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the measures of one line as (measure, label), value; what no measure names is left out."""
    for name, values in _nested(line):
        labelled: Iterable[tuple[str, Any]]
        if isinstance(values, list):
            labelled = ((f"c{k}", value) for k, value in enumerate(values))
        elif isinstance(values, dict):
            labelled = values.items()
        else:
            labelled = (("", values),)
        for label, value in labelled:
            if isinstance(value, int | float) and name in MEASURES:
                yield (name, label), float(value)


def _nested(line: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    digits, scores = line.get("digits", {}), line.get("selection", {})
    yield from ((f"digit_{name}", values) for name, values in digits.items())
    yield "subtask_loss", line.get("subtasks", {})
    yield "question_accuracy", line.get("accuracy", {}) if isinstance(line.get("accuracy"), dict) else {}
    yield "leak", line.get("leak", {})
    yield "digit_accuracy", scores.get("accuracy", [])
    yield "selection_loss", scores.get("loss")
    for name in ("exact", "prob_diff"):
        yield name, scores.get(name, line.get(name))
    splits = [name for name in ("train", "test", "unmirrored") if f"{name}_accuracy" in line]
    for name in ("loss", "accuracy"):
        yield name, {split: line[f"{split}_{name}"] for split in splits}
    if not splits:
        yield "train_loss", line.get("train_loss")
    yield from ((name, line.get(name)) for name in ("side_loss", "removed", "sum_squared_weights"))
