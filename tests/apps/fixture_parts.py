"""What every synthetic result is made of: attributes, an interval around a mean, a smooth step over layers."""

from __future__ import annotations

import numpy as np

MODEL = "mental-math"
N_LAYERS = 8
ROLES = {"a+b": ("bos", "a", "op1", "b", "eq"), "a+b+c": ("bos", "a", "op1", "b", "op2", "c", "eq")}
LAYERS = np.arange(N_LAYERS + 1)


def attributes(method: str, task: str | None = None, style: str = "plain") -> dict:
    """Return the attributes of a result."""
    attrs = {"method": method, "model": MODEL, "style": style, "title": f"{method} of {task or 'the model'}"}
    return {**attrs, "task": task} if task else attrs


def interval(name: str, dims, mean, half=0.03, low=0.0, high=1.0) -> dict:
    """Return `name`, `name_low` and `name_high`, `half` apart and inside [low, high]."""
    mean = np.asarray(mean, dtype=float)
    return {
        name: (dims, mean),
        f"{name}_low": (dims, np.clip(mean - half, low, high)),
        f"{name}_high": (dims, np.clip(mean + half, low, high)),
    }


def step(x, at: float, width: float = 0.6):
    """Return a smooth step from 0 to 1 at `at`."""
    return 1 / (1 + np.exp(-(np.asarray(x, dtype=float) - at) / width))
