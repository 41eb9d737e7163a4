"""Synthetic results of the AF1 follow-ups: the alternatives side by side, and the heads that carry the transfer."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_af1 import FALLS, NULL, PEEKS, knockout_map
from tests.apps.fixture_parts import N_LAYERS, ROLES, attributes, interval, step

WAITING = dict(zip(FALLS, (0.97, 0.11, 0.02, 0.71, 0.35, 0.955, 0.62, 0.94, 0.41), strict=True))


def alternatives(task: str) -> xr.Dataset:
    """Return every alternative at the window (3, 2), with draws of two random controls."""
    rng = np.random.default_rng(2)
    rows = [(name, "wait", value) for name, value in WAITING.items()]
    rows += [(name, "peek", top - 0.015) for name, (_, _, top) in PEEKS.items()]
    shifted = {-3: 0.1, -2: 0.3, -1: 0.6, 1: 0.5, 2: 0.2, 3: 0.1}
    rows += [(f"shift {k:+d}", "window", v) for k, v in shifted.items()]
    rows += [("complement", "window", 0.14)]
    rows += [(f"random_window {k}", "control", v) for k, v in enumerate(rng.uniform(0.03, 0.3, 5))]
    rows += [(f"random_head {k}", "control", v) for k, v in enumerate(rng.uniform(0.2, 0.5, 5))]
    names, kinds, value = zip(*rows, strict=True)
    return xr.Dataset(
        {
            **interval("faithfulness", "alternative", value, 0.02),
            **interval("difference", "alternative", np.array(value) - value[0], 0.016, -1),
            **interval("cut_elsewhere", "draw", rng.uniform(0.8, 0.97, 5), 0.02),
            "l_wait": ((), 3),
            "l_transfer": ((), 2),
            "searched": ((), 1),
            "found": ((), 1),
            "n": ((), 400),
            **NULL,
        },
        coords={"draw": np.arange(5), "alternative": list(names), "kind": ("alternative", list(kinds))},
        attrs=attributes("alternatives", task),
    )


def heads(task: str, n_survivors: int = 3) -> xr.Dataset:
    """Return the elimination of the eight transfer heads of blocks 3 and 4; -1 survivors = none is enough."""
    total, rng = 8, np.random.default_rng(4)
    removed = np.arange(total + 1)
    order = rng.permutation([(3 + k // 4, k % 4) for k in range(total)])
    left = n_survivors if n_survivors >= 0 else total
    curve = 0.975 - 0.9 * step(removed, total - left + 1.6, 0.35) - (0.2 if n_survivors < 0 else 0)
    random = np.stack([0.97 - 0.9 * step(removed, at, 0.7) for at in rng.uniform(1, 4, 5)])
    kept, roles = order[total - left :], ROLES[task]
    attention = rng.dirichlet(np.full(len(roles), 0.4), size=left)
    return xr.Dataset(
        {
            **interval("curve", "n_removed", np.clip(curve, 0, 1), 0.02),
            **interval("curve_random", ("draw", "n_removed"), random, 0.02),
            "removed_layer": ("n_removed", np.concatenate([[-1], order[:, 0]])),
            "removed_head": ("n_removed", np.concatenate([[-1], order[:, 1]])),
            "n_survivors": ((), n_survivors),
            "survivor_layer": ("survivor", kept[:, 0]),
            "survivor_head": ("survivor", kept[:, 1]),
            **interval("attention", ("survivor", "role"), attention.reshape(left, len(roles)), 0.02),
            "attention_null": ("role", np.full(len(roles), 1 / len(roles))),
            **interval("knockout", ("layer", "head"), knockout_map(), 0.02),
            "l_wait": ((), 3),
            "l_transfer": ((), 2),
            "threshold": ((), 0.95),
            "searched": ((), 1),
            "found": ((), 1),
            "n": ((), 400),
            **NULL,
        },
        coords={
            "n_removed": removed,
            "draw": np.arange(5),
            "survivor": [f"{layer}.{head}" for layer, head in kept],
            "role": list(roles),
            "layer": np.arange(N_LAYERS),
            "head": np.arange(4),
        },
        attrs=attributes("heads", task),
    )
