"""The runs behind the figures and verdicts on number codes, recorded in the present store: helices, filters, planes.

MAIN       the adder that the published claims are judged on: mental-math
PLANTED    the positive control: a model that adds on circles of 2, 5, 10 and 200
MODULAR    numbers modulo 59, whose circles are those of its own frequencies
"""

from __future__ import annotations

import functools
from typing import Any

import xarray as xr

from interp.execute import record
from interp.store import Spec, Store

MAIN, PLANTED, MODULAR = "mental-math", "planted:helix", "modadd-59"
TASKS = {MAIN: "a+b", PLANTED: "a+b", MODULAR: None}
NARROW = "a+b@0..49"
"""Numbers 0..99 are the most whose waves fit into the 128 dimensions of MAIN; their sums need operands up to 49."""
PERIODS = {PLANTED: (2, 5, 10, 200)}


@functools.lru_cache(maxsize=16)
def run(method: str, model: str, task: str | None = None) -> xr.Dataset:
    """Return the recorded result of `method` on `model` with default parameters (and the planted model's periods)."""
    parameters: dict[str, Any] = {"periods": PERIODS[model]} if model in PERIODS and method != "filters" else {}
    asked = {"method": method, "model": model, "task": task or TASKS[model], "parameters": parameters}
    store = Store()
    return store.open(record(Spec.model_validate(asked), store)).load()


def scale(model: str) -> str:
    """Return what a caption says of a model's size."""
    return {
        MAIN: "6 layers, 128 dimensions, trained on arithmetic",
        PLANTED: "hand-built, one layer",
        MODULAR: "one layer, 64 dimensions",
    }[model]
