"""One question, recorded: what a notebook asks of a model, and how it draws the answer.

found = ask(store, "patching", "mental-math", "a+b", n=100)     computed once, then read from the store
draw(found)                                                     the first figure of its method
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.execute import record
from interp.figures import drawing
from interp.store import Spec, Store

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import xarray as xr


def ask(store: Store, method: str, model: str, task: str | None = None, **parameters: Any) -> xr.Dataset:
    """Return the recorded answer to one question, in plain style. A directory or a task file is named by its path."""
    asked = {
        "method": method,
        "model": str(Path(model).resolve()) if Path(model).is_dir() else model,
        "task": str(Path(task).resolve()) if task and task.endswith((".json", ".jsonl")) else task,
        "parameters": parameters,
    }
    return store.open(record(Spec.model_validate(asked), store)).load()


def draw(found: xr.Dataset, name: str | None = None) -> go.Figure:
    """Return one figure of a result (default: the first of its method)."""
    return drawing(str(found.attrs["method"]), name)(found)


def said(found: xr.Dataset, name: str | None = None) -> str:
    """Return the same in a sentence, with n, interval and null."""
    return drawing(str(found.attrs["method"]), name).summary(found)
