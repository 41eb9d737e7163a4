"""How is a modular-addition model trained so that it can be interrupted anywhere and studied at every stage?

    DIRECTORY/recipe.json   every number the result depends on
    DIRECTORY/log.jsonl     losses (float64 nats), accuracies, sum of squared weights by step
    DIRECTORY/checkpoints/  weights at the steps the recipe lists
    DIRECTORY/training-state.safetensors   only while unfinished: where to resume, see `interp.models.resume`
    DIRECTORY/model.safetensors, config.json   the result; see `interp.models.native`

Killed at any step and started again, the same recipe on the same machine gives the same bytes.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import torch
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from interp.errors import InterpError
from interp.models import atomic, modular, native
from interp.models.devices import check_device, threads
from interp.models.resume import load_state, save_state
from interp.progress import Progress, silent


def train_modular(
    recipe: dict, directory: str | Path, device: str = "cpu", resume: bool = True, progress: Progress = silent
) -> xr.Dataset:
    """Train the model of `recipe` (fields of `modular.RECIPE`) in `directory`; return its `history`.

    An interrupted training goes on from its last saved step; a finished one is returned as it is.
    Raises InterpError when the directory holds another recipe, when `resume` is False and it holds
    any training, and when it cannot be written; what `progress` raises goes through, between steps.
    """
    recipe, directory = modular.complete(recipe), Path(directory)
    check_device(device)
    if _claim(directory, recipe, resume):
        with threads(recipe["threads"]):
            log = _run(recipe, directory, device, progress)
        _finish(recipe, directory, device, log)
    return history(directory)


def history(directory: str | Path) -> xr.Dataset:
    """Return the log of a training over `step`; attrs hold the recipe and the sha256 of the weights."""
    lines = _read_log(Path(directory))
    if not lines:
        raise InterpError(f"{directory} has no log.jsonl: expected a training directory; train there first.")
    pairs = {"train": "the training pairs", "test": "all other pairs", "unmirrored": "test pairs without twin"}
    texts = {f"{name}_loss": f"mean cross-entropy on {text}, float64" for name, text in pairs.items()}
    texts |= {f"{name}_accuracy": f"share answered a + b mod p among {text}" for name, text in pairs.items()}
    texts["sum_squared_weights"] = "sum of the squares of all weights"
    units = {"loss": "nats", "accuracy": "fraction", "weights": "sum of squares"}
    variables = {
        name: ("step", [line[name] for line in lines], {"units": units[name.split("_")[-1]], "description": text})
        for name, text in texts.items()
    }
    config, recipe = native.read_config(directory), json.loads((Path(directory) / "recipe.json").read_text())
    attrs = {
        "recipe": json.dumps(recipe),
        "weights_sha256": config.get("sha256", {}).get("model.safetensors", ""),
    }
    return xr.Dataset(variables, {"step": [line["step"] for line in lines]}, attrs)


def _claim(directory: Path, recipe: dict, resume: bool) -> bool:
    """Return whether there is work to do, after checking that the directory may be used for this recipe."""
    path = directory / "recipe.json"
    if not path.exists():
        atomic.write_json(path, recipe)
    elif not resume:
        raise InterpError(f"{directory} holds a training already: resume it, or choose an empty directory.")
    else:
        found = json.loads(path.read_text())
        differing = sorted(name for name in recipe.keys() | found.keys() if recipe.get(name) != found.get(name))
        if differing:
            raise InterpError(
                f"{directory} holds a training with another recipe (differs in {', '.join(differing)}): "
                "expected the same one; choose an empty directory."
            )
    return not ((directory / "config.json").exists() and native.read_config(directory).get("sha256"))


def _run(recipe: dict, directory: Path, device: str, progress: Progress) -> list[dict]:
    """Take every step that is left; return the whole log."""
    atomic.write_json(directory / "config.json", _config(recipe, device))
    model = modular.build_model(recipe, device)
    optimizer = _optimizer(model, recipe)
    batch, train = modular.full_batch(recipe["p"], device), _train_rows(recipe)
    chosen = torch.from_numpy(train).to(device)
    tokens, answers = batch.tokens[chosen], batch.answers[chosen]
    state, owner = (
        directory / "training-state.safetensors",
        atomic.digest(json.dumps(recipe, sort_keys=True).encode()),
    )
    first = load_state(state, model, optimizer, owner)
    log = [line for line in _read_log(directory) if line["step"] < first]
    for step in range(first, recipe["steps"] + 1):
        if step % recipe["log_every"] == 0 or step == recipe["steps"]:
            log.append(modular.measure(model, batch, train, step))
        if step in recipe["checkpoints"]:
            atomic.write_tensors(directory / native.checkpoint_name(step), native.weights(model), {})
        if step and (step % recipe["save_every"] == 0 or step == recipe["steps"]):
            _write_log(directory, log)
            save_state(state, model, optimizer, step, owner)
        progress(step, recipe["steps"], f"test accuracy {log[-1]['test_accuracy']:.3f}")
        if step < recipe["steps"]:
            _update(model, optimizer, recipe, step, tokens, answers)
    atomic.write_tensors(directory / "model.safetensors", native.weights(model), {})
    return log


def _update(
    model: TransformerBridge, optimizer: torch.optim.Optimizer, recipe: dict, step: int, tokens, answers
) -> None:
    """Take one full-batch step of AdamW after a linear warm-up of the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = recipe["learning_rate"] * min(1.0, (step + 1) / recipe["warmup_steps"])
    optimizer.zero_grad()
    modular.cross_entropy(model(tokens)[:, -1], answers).backward()
    optimizer.step()


def _optimizer(model: TransformerBridge, recipe: dict) -> torch.optim.AdamW:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(
        trained, lr=recipe["learning_rate"], betas=tuple(recipe["betas"]), weight_decay=recipe["weight_decay"]
    )


def _train_rows(recipe: dict):
    return modular.split(recipe["p"], recipe["train_fraction"], recipe["seed"])


def _config(recipe: dict, device: str) -> dict:
    return {
        "architecture": native.ARCHITECTURE,
        "cfg": modular.model_config(recipe),
        "task": recipe["task"],
        "p": recipe["p"],
        "trained_with": {"device": device, **{name: version(name) for name in ("torch", "transformer-lens")}},
    }


def _finish(recipe: dict, directory: Path, device: str, log: list[dict]) -> None:
    """Seal the directory: config.json gets the sha256 of every file, and the resume state goes."""
    names = [
        "recipe.json",
        "log.jsonl",
        "model.safetensors",
        *map(native.checkpoint_name, recipe["checkpoints"]),
    ]
    _write_log(directory, log)
    sums = {name: atomic.digest((directory / name).read_bytes()) for name in names}
    atomic.write_json(directory / "config.json", {**_config(recipe, device), "sha256": sums})
    (directory / "training-state.safetensors").unlink(missing_ok=True)


def _write_log(directory: Path, log: list[dict]) -> None:
    atomic.write_bytes(directory / "log.jsonl", "".join(json.dumps(line) + "\n" for line in log).encode())


def _read_log(directory: Path) -> list[dict]:
    path = directory / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
