"""A language training of seconds: two layers, two tasks, two styles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TINY: dict[str, Any] = {
    "trainer": "language",
    "tasks": ["a+b", "a-b"],
    "architecture": {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2},
    "phases": [{"until": 6, "styles": {"plain": 1}}, {"until": 12, "styles": {"plain": 2, "verbal": 1}}],
    "learning_rate": [[0, 0], [3, 3e-3], [12, 1e-3]],
    "batch": 16,
    "evaluate_every": 4,
    "evaluate_prompts": 20,
    "save_every": 5,
}


def written(directory: Path, **changes: Any) -> Path:
    """Write TINY with `changes` as a recipe file and return its path."""
    path = directory / "tiny.json"
    path.write_text(json.dumps({**TINY, **changes}))
    return path


def result(directory: Path) -> dict[str, Any]:
    """Return what a training left that must not depend on how often it was interrupted."""
    from interp.models.training_directory import read_log

    log = [{name: value for name, value in line.items() if name != "cpu_seconds"} for line in read_log(directory)]
    return {"weights": (directory / "model.safetensors").read_bytes(), "log": log}


MADE = {"config.json", "generation_config.json", "log.jsonl", "model.safetensors", "recipe.json"}
MADE |= {"tokenizer.json", "tokenizer_config.json", "SHA256SUMS", "training-state.safetensors"}
"""Every file that a finished training leaves."""
