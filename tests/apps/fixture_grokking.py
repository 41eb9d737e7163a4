"""A synthetic course of a training: it memorises at once, its circuit forms, it groks by step 1,000."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_parts import interval, step

P, KEYS = 11, [2, 5]
STEPS = np.array([0, 100, 400, 700, 1000, 2000])


def falling(at: float) -> np.ndarray:
    """Return a loss that goes from ln p to 1e-7 at a step."""
    return np.log(P) * 10 ** (-7 * step(STEPS / 200, at / 200))


def places() -> np.ndarray:
    """Return embeddings that come to stand on the circles of the keys."""
    turn = 2 * np.pi * np.array(KEYS)[:, None] * np.arange(P) / P
    ring = np.stack([np.cos(turn), np.sin(turn)], 1)
    noise = np.random.default_rng(3).normal(0, 0.3, ring.shape)
    share = step(STEPS / 300, 3)[:, None, None, None]
    return share * ring + (1 - share) * noise


def grokking() -> xr.Dataset:
    """Return the result of `grokking` on a model that does what the paper says."""
    rng, n = np.random.default_rng(6), len(STEPS)
    component, draws = np.arange(1, P // 2 + 1), 5
    loss = np.stack([falling(80), falling(900), falling(900)], -1)
    norms = np.full((n, 2, len(component)), 0.3)
    norms[:, :, [k - 1 for k in KEYS]] += step(STEPS / 200, 3)[:, None, None]
    gini = np.broadcast_to((0.05 + 0.5 * step(STEPS / 300, 3))[:, None, None], (n, 2, 4))
    events = ["memorised", "circuit formed", "grokked", "restricted loss halved", "test loss halved"]
    structures = ["gini W_E", "gini W_L", "median fve", "single-frequency neurons"]
    accuracy = np.stack([step(STEPS / 20, 2), step(STEPS / 100, 8), step(STEPS / 100, 8)], -1)
    return xr.Dataset(
        {
            **interval("loss", ("step", "split"), loss, 0.01, 0, 20),
            **interval("accuracy", ("step", "split"), accuracy, 0.01),
            "restricted": (("step", "variant", "split"), np.repeat(falling(300)[:, None, None], 4, 1).repeat(3, 2)),
            "excluded": (("step", "split"), np.stack([2.4 + 6 * step(STEPS / 200, 2)] * 3, -1)),
            "excluded_largest": (("step",), 2.4 + 2 * step(STEPS / 200, 2)),
            "restricted_null": (("step", "draw"), rng.uniform(2, 3, (n, draws))),
            "excluded_null": (("step", "draw"), loss[:, :1] * rng.uniform(1, 2, (n, draws))),
            "cosine": (("step", "component"), norms[:, 0] - 0.3),
            "norms": (("step", "weight", "component"), norms),
            "gini": (("step", "weight", "norms_of"), gini),
            "gini_null": (("untrained", "weight", "norms_of"), np.full((2, 2, 4), 0.05)),
            **interval("single", ("step",), step(STEPS / 300, 3)),
            "fve_median": (("step",), 0.1 + 0.85 * step(STEPS / 300, 3)),
            "fve_null": (("untrained", "neuron"), rng.uniform(0.08, 0.15, (2, 8))),
            "fve": (("step", "neuron"), 0.1 + 0.85 * step(STEPS / 300, 3)[:, None] * np.linspace(0.9, 1, 8)),
            "place": (("step", "circle", "axis", "residue"), places()),
            "ring_null": (("untrained", "circle"), [[0.1, 0.2]] * 2),
            "ring": (("step", "circle"), np.repeat(step(STEPS / 300, 3)[:, None], 2, 1)),
            "frequency": (("step", "neuron"), np.tile([2, 5, 2, 5, 2, 2, 5, 1], (n, 1))),
            "event_at": (("event",), np.array([100, 700, 1000, 400, 1000.0])),
            "at_grok": (("structure",), np.array([0.4, 0.5, 0.8, 0.7])),
            "at_end": (("structure",), np.array([0.55, 0.6, 0.95, 0.9])),
            "grokked_at": ((), 1000.0), "restricted_halved_at": ((), 400.0), "halved_at": ((), np.nan),
            "n_pairs": (("split",), np.array([60, 61, 121])), "n": ((), 61), "n_keys": ((), 2),
        },
        coords={
            "step": STEPS, "split": ["train", "test", "all"], "component": component, "weight": ["W_E", "W_L"],
            "variant": ["sum_directions", "2x2_block", "3x3_block", "outer_mask"],
            "norms_of": [f"{what}_{how}_constant" for what in ("rows", "frequencies") for how in ("with", "without")],
            "event": events, "structure": structures, "circle": KEYS, "axis": ["cos", "sin"], "residue": np.arange(P),
        },
        attrs={
            "method": "grokking", "model": "modadd-11", "style": "plain", "task": "a+b mod 11", "p": P, "keys": KEYS,
            "rule": "W_L", "title": "grokking of modadd-11",
        },
    )  # fmt: skip
