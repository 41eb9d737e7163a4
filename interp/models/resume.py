"""Where did an interrupted training stop? One safetensors file holds weights, optimizer moments and the step.

A training that is resumed from it continues bit for bit: nothing else of the loop has state. No pickle.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes

from interp.errors import InterpError
from interp.models import atomic


def save_state(
    path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, recipe_digest: str
) -> None:
    """Write weights and optimizer moments after `step` updates, in one rename."""
    tensors = {f"weight/{name}": value for name, value in model.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"moment/{index}/{name}": value for name, value in moments.items()}
    atomic.write_tensors(path, {k: v.clone() for k, v in tensors.items()}, {"step": str(step), "recipe": recipe_digest})


def load_state(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, recipe_digest: str) -> int:
    """Fill `model` and `optimizer` in place and return the step; 0, touching nothing, when there is no file.

    Raises InterpError when the file is damaged or belongs to another recipe.
    """
    if not path.exists():
        return 0
    data = path.read_bytes()
    try:
        tensors = tensors_from_bytes(data)
        metadata = _metadata(data)
        step, owner = int(metadata["step"]), metadata["recipe"]
        weights = {name.removeprefix("weight/"): v for name, v in tensors.items() if name.startswith("weight/")}
        if owner == recipe_digest:
            model.load_state_dict(weights, strict=True)
            _fill_moments(optimizer, tensors)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InterpError(
            f"{path} is damaged ({reason}): expected the state of an interrupted training; "
            "delete it to begin that training again from step 0."
        ) from error
    if owner != recipe_digest:
        raise InterpError(
            f"{path} belongs to another recipe: expected the one in the same directory; "
            "choose an empty directory, or delete the file to begin again from step 0."
        )
    return step


def _metadata(data: bytes) -> dict[str, str]:
    import json

    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])["__metadata__"]


def _fill_moments(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("moment/"):
            _, index, moment = name.split("/")
            state.setdefault(int(index), {})[moment] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
