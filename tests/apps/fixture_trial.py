"""One tried prompt, clean, edited and under its control, as the worker answers it."""

from __future__ import annotations

import numpy as np
import xarray as xr

ROLES = ["bos", "a", "op1", "b", "eq"]
RUNS = ["clean", "edited", "control"]


def trial(runs: int = 3, layers: int = 3, heads: int = 2) -> xr.Dataset:
    """Return a trial with the first `runs` of clean, edited and control."""
    rng, n = np.random.default_rng(0), len(ROLES)
    pattern = np.tril(rng.uniform(0.1, 1, (runs, layers, heads, n, n)))
    pattern /= pattern.sum(-1, keepdims=True)
    shares = np.array([[0.9, 0.06, 0.01], [0.7, 0.2, 0.05], [0.8, 0.1, 0.02]])[:runs]
    tokens = np.array([["42", "41", "43"], ["79", "42", "78"], ["42", "41", "12"]])[:runs]
    about = {"units": "probability", "description": "made up"}
    words = {"units": "text", "description": "made up"}
    grid = (runs, layers + 1, n)
    edited = {"edit": "resid_pre 2 at b as in '17+62='", "kind": "patch", "control": "a random change"}
    return xr.Dataset(
        {
            "token": ("role", np.array(["<bos>", "17", "+", "25", "="]), words),
            "top_token": (("run", "place"), tokens, words),
            "top_probability": (("run", "place"), shares, about),
            "answer_probability": ("run", np.array([0.9, 0.2, 0.8])[:runs], about),
            "answer_rank": ("run", np.array([1, 2, 1])[:runs], about),
            "effect": ("run", np.array([0.0, -1.5, -0.12])[:runs], about),
            "lens_token": (("run", "layer", "role"), np.full(grid, "42"), words),
            "lens_top": (("run", "layer", "role"), rng.uniform(0, 1, grid), about),
            "lens_answer": (("run", "layer", "role"), rng.uniform(0, 1, grid), about),
            "pattern": (("run", "block", "head", "role", "key"), pattern.astype("f4"), about),
            "pattern_uniform": ("role", 1 / np.arange(1, n + 1), about),
            "n": ((), 1, about),
        },
        coords={
            "run": RUNS[:runs],
            "role": ROLES,
            "key": ROLES,
            "layer": list(range(layers + 1)),
            "block": list(range(layers)),
            "head": list(range(heads)),
            "place": [1, 2, 3],
        },
        attrs={
            "method": "try", "model": "mental-math", "task": "a+b", "style": "plain", "split": "own",
            "title": "One prompt, '17+25='.", "prompt": "17+25=", "target": "42", "target_is": "the answer",
            **(edited if runs > 1 else {}),
        },
    )  # fmt: skip
