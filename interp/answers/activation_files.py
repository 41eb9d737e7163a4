"""How do activations leave for other tools? A safetensors file, and what its rows are in a JSON file beside it.

    from safetensors.numpy import load_file
    h = load_file("acts.safetensors")["resid_post.3"]                  # [prompt, role, d_model]

    acts.json: prompts, answers, tokens, variables, roles, axes of each tensor, model, hash of its weights, sha256

Activations are written as they are read, so memory holds one batch whatever the number of prompts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interp.engine import Site
from interp.errors import InterpError
from interp.methods.activations import dims, read_at, table
from interp.methods.result import model_name
from interp.progress import Progress, silent
from interp.store.durable import sha256
from interp.store.tensor_file import TensorFile


def export_activations(
    model: Any,
    prompts: Any,
    sites: Sequence[Site],
    roles: Sequence[str] | None,
    path: Path,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write the activations at `sites` and `roles` to `path` (*.safetensors) and what they are to *.json beside it, and
    return the latter. Raises InterpError, before anything is written, for another ending, a disk without the room, and
    as `activations`."""
    if path.suffix != ".safetensors":
        raise InterpError(f"activations are written as safetensors; give --out a name like {path.stem}.safetensors.")
    shapes: dict[str, tuple[tuple[int, ...], str]] = {}

    def measure(site: Site, values: np.ndarray, rows: np.ndarray) -> None:
        shapes[str(site)] = ((len(prompts), *values.shape[1:]), str(values.dtype))

    names = read_at(model, prompts[:1], sites, measure, roles)
    about = {"task": prompts.task, "style": prompts.style, "roles": json.dumps(names), "model": model_name(model)}
    with TensorFile(path, {str(site): shapes[str(site)] for site in sites}, about) as file:
        read_at(
            model, prompts, sites, lambda site, values, rows: file.put(str(site), rows, values), names,
            batch_size=batch_size, progress=progress,
        )  # fmt: skip
    told = _told(model, prompts, sites, names, shapes) | {"file": path.name, "sha256": sha256(path)}
    side = path.with_suffix(".json")
    partial = side.with_name(f".{side.name}.partial")
    try:
        partial.write_text(json.dumps(told))
        partial.replace(side)
    except OSError as error:
        raise InterpError(f"{side} cannot be written ({error.strerror}); choose another place.") from None
    return told


def _told(
    model: Any, prompts: Any, sites: Sequence[Site], roles: list[str], shapes: dict[str, tuple[tuple[int, ...], str]]
) -> dict[str, Any]:
    """Return what the rows and axes of the file are."""
    loaded = getattr(model, "arith", None)
    return {
        "model": model_name(model),
        "weights_sha256": None if loaded is None else loaded.weights_sha256,
        "task": prompts.task,
        "style": prompts.style,
        "split": prompts.split,
        "n": len(prompts),
        "roles": roles,
        "positions": [prompts.position(role) for role in roles],
        "all_roles": list(prompts.roles),
        "tensors": {
            str(site): {"axes": list(dims(site)), "shape": list(shapes[str(site)][0]), "dtype": shapes[str(site)][1]}
            for site in sites
        },
        **table(prompts),
    }
