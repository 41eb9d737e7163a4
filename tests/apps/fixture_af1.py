"""Synthetic results of the AF1 methods: a model in which three blocks wait and two transfer, or (a+b+c) none does."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_parts import LAYERS, N_LAYERS, attributes, interval, step

# variant -> (the l_wait where it falls, how steeply)
FALLS = {
    "cama": (4.2, 0.35),
    "mean": (0.4, 0.3),
    "zero": (0.2, 0.2),
    "resample": (2.6, 0.6),
    "early": (1.4, 0.5),
    "isolated": (4.1, 0.3),
    "other_operator": (2.2, 0.8),
    "unfiltered": (3.9, 0.45),
    "noise": (1.0, 0.6),
}
# variant -> (faithfulness with 0 and with 1 block of full peek, its ceiling)
PEEKS = {
    "abp": (0.05, 0.62, 0.985),
    "no_bos": (0.03, 0.3, 0.71),
    "zero_attention": (0.02, 0.4, 0.66),
    "mean_attention": (0.04, 0.58, 0.93),
    "others_free": (0.06, 0.7, 0.99),
    "frozen": (0.05, 0.6, 0.88),
}
NULL = {"null_majority": ((), 0.018)}


def cama(task: str, variants: tuple[str, ...] = tuple(FALLS)) -> xr.Dataset:
    """Return the wait sweep of every variant."""
    value = np.stack([1 - step(LAYERS, *FALLS[name]) for name in variants])
    value[:, 0] = [{"mean": 0.07, "zero": 0.02}.get(name, 1.0) for name in variants]
    return xr.Dataset(
        {**interval("faithfulness", ("variant", "l_wait"), 0.98 * value + 0.015), "n": ((), 500), **NULL},
        coords={"variant": list(variants), "l_wait": LAYERS},
        attrs=attributes("cama", task),
    )


def abp(task: str) -> xr.Dataset:
    """Return the transfer sweep of every variant of peeking, three blocks waiting."""
    value = np.array([[none, one, top, top, top, top] for none, one, top in PEEKS.values()])
    return xr.Dataset(
        {
            **interval("faithfulness", ("variant", "l_transfer"), value, 0.02),
            "n": ((), 500),
            "l_wait": ((), 3),
            "searched": ((), 1),
            "found": ((), 1),
            **NULL,
        },
        coords={"variant": list(PEEKS), "l_transfer": np.arange(6)},
        attrs=attributes("abp", task),
    )


def peeking(task: str) -> xr.Dataset:
    """Return single-layer attention knockouts, and those of single heads."""
    blocks = np.arange(N_LAYERS)
    last = 0.99 - 0.8 * np.exp(-((blocks - 3.6) ** 2) / 0.8)
    value = np.stack([last, np.full(N_LAYERS, 0.985), np.full(N_LAYERS, 0.97), np.full(N_LAYERS, 0.94)])
    return xr.Dataset(
        {
            **interval("faithfulness", ("variant", "layer"), value, 0.02),
            **interval("head_faithfulness", ("layer", "head"), knockout_map(), 0.02),
            "n": ((), 500),
            **NULL,
        },
        coords={
            "variant": ["last", "others", "random_head", "random_edges"],
            "layer": blocks,
            "head": np.arange(4),
        },
        attrs=attributes("peeking", task),
    )


def knockout_map() -> np.ndarray:
    """Return faithfulness with one head cut, [layer, head]: two heads are missed."""
    value = np.full((N_LAYERS, 4), 0.99)
    value[3, 1], value[4, 2] = 0.31, 0.62
    return value


def grid(found: bool = True) -> np.ndarray:
    """Return faithfulness [l_wait, l_transfer]: passing where l_wait <= 3 and the window reaches block 5."""
    wait, transfer = np.meshgrid(LAYERS, LAYERS, indexing="ij")
    value = 0.98 * (1 - step(wait, 4.2, 0.25)) * (0.05 + 0.95 * step(wait + transfer, 4.3, 0.15))
    value = value / value.max() * (0.985 if found else 0.74)
    return np.where(wait + transfer <= N_LAYERS, value, np.nan)


def af1(task: str, found: bool = True) -> xr.Dataset:
    """Return an AF1 search; with `found=False`, no window passes the threshold."""
    sweep = cama(task, ("cama", "mean", "zero"))
    cells = grid(found)
    transfer = cells[3, :6]
    best = (3, 2) if found else (2, 6)
    return xr.Dataset(
        {
            "found": ((), found),
            "l_wait": ((), 3),
            "l_transfer": ((), 2 if found else -1),
            "threshold": ((), 0.95),
            **interval("faithfulness", (), 0.968 if found else 0.72, 0.011 if found else 0.03),
            **interval("faithfulness_mean", (), 0.11, 0.02),
            **interval("faithfulness_zero", (), 0.02, 0.01),
            **interval("wait_faithfulness", ("variant", "l_wait_tried"), sweep["faithfulness"].to_numpy()),
            **interval("transfer_faithfulness", "l_transfer_tried", transfer, 0.02),
            **interval("grid_faithfulness", ("l_wait_tried", "l_transfer_grid"), cells, 0.02),
            "best_l_wait": ((), best[0]),
            "best_l_transfer": ((), best[1]),
            "best_faithfulness": ((), float(cells[best])),
            "n_passing": ((), int((cells >= 0.95).sum())),
            "accuracy_full": ((), 0.994),
            "n": ((), 1000),
            "n_selection": ((), 500),
            **NULL,
        },
        coords={
            "variant": ["cama", "mean", "zero"],
            "l_wait_tried": LAYERS,
            "l_transfer_tried": np.arange(6),
            "l_transfer_grid": LAYERS,
        },
        attrs=attributes("af1", task),
    )


def window(task: str, style: str = "plain", kept: float = 0.93) -> xr.Dataset:
    """Return one given window judged on the prompts of `task` in `style`."""
    return xr.Dataset(
        {
            **interval("faithfulness", (), kept, 0.02),
            **interval("faithfulness_mean", (), 0.09, 0.02),
            **interval("faithfulness_zero", (), 0.02, 0.01),
            **interval("accuracy_full", (), 0.99, 0.005),
            "l_wait": ((), 3),
            "l_transfer": ((), 2),
            "n": ((), 480),
            **NULL,
        },
        attrs={**attributes("window", task, style), "n_layers": N_LAYERS},
    )
