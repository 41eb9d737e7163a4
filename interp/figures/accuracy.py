"""How often does the model answer right, and how often would a model that knows nothing?

accuracy = mean_i 1[argmax = answer_i],  95 % interval;  nulls: the majority class, shuffled answers
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.errors import InterpError
from interp.figures import curves, maps, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

_NULLS = (("null_majority", "null: majority class"), ("null_shuffled", "null: shuffled answers"))


def estimate(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the accuracy with its interval above its nulls, on one axis from 0 to 1."""
    value, low, high = (schema.scalar(dataset, name) for name in ("accuracy", "accuracy_low", "accuracy_high"))
    if value is None:
        schema.need(dataset, "accuracy")
        raise InterpError("The accuracy is NaN: the run holds no prompts. Run it with n > 0.")
    figure = go.Figure(layout={"template": look.template(theme)})
    for name, label in _NULLS[::-1]:
        null = schema.scalar(dataset, name)
        if null is not None:
            figure.add_trace(_dot(label, null, None, None, look.NULL, ""))
    figure.add_trace(_dot("accuracy", value, low, high, look.BLUE, schema.count_text(dataset)))
    figure.update_xaxes(title_text="fraction correct", range=[-0.03, 1.03])
    figure.update_yaxes(showgrid=False)
    figure.update_layout(
        showlegend=False,
        title=schema.heading(
            dataset,
            "Top-1 accuracy and its nulls",
            "fraction correct",
            schema.count_text(dataset),
            "bar: 95 % interval",
        ),
    )
    return figure


def _dot(name: str, value: float, low: float | None, high: float | None, colour: str, note: str) -> go.Scatter:
    text = f"<b>{name}</b><br>{schema.estimate(value, low, high)}" + (f"<br>{note}" if note else "")
    return go.Scatter(
        name=name,
        x=[value],
        y=[name],
        mode="markers+text",
        text=[schema.number(value)],
        textposition="top center",
        marker={"color": colour, "size": 10, "symbol": "diamond" if colour == look.NULL else "circle"},
        error_x=curves.error_bar(value, low, high),
        hovertext=[text],
        hoverinfo="text",
        cliponaxis=False,
    )


def grid(datasets: Sequence[xr.Dataset], *, theme: str = "light") -> go.Figure:
    """Return accuracy on task x style from one dataset a cell, and the largest null of each task beside it."""
    if not datasets:
        raise InterpError("No accuracy runs to draw. Run: interp run accuracy --model MODEL --task a+b")
    tasks = _ordered(dataset.attrs.get("task") for dataset in datasets)
    styles = _ordered(dataset.attrs.get("style") for dataset in datasets)
    value, null = np.full((len(tasks), len(styles)), np.nan), np.full((len(tasks), 1), np.nan)
    hover = [["not run" for _ in styles] for _ in tasks]
    for dataset in datasets:
        i, j = tasks.index(str(dataset.attrs.get("task"))), styles.index(str(dataset.attrs.get("style")))
        value[i, j] = schema.scalar(dataset, "accuracy") or 0.0
        null[i, 0] = np.nanmax([null[i, 0], schema.scalar(dataset, "null_majority") or 0.0])
        hover[i][j] = f"<b>{tasks[i]}, {styles[j]}</b><br>{_words(dataset)}"
    columns = maps.Axis("style", styles)
    figure = maps.panel_maps(
        [
            maps.Panel("accuracy", value, hover, [[_three(v) for v in row] for row in value]),
            maps.Panel("null", null, [[f"majority class {v[0]:.3f}"] for v in null], [[_three(v[0])] for v in null]),
        ],
        maps.Axis("task", tasks),
        columns,
        column_axes=[columns, maps.Axis("", ["majority"])],
        title={
            "text": f"Accuracy by task and style · {datasets[0].attrs.get('model', '')}",
            "subtitle": {"text": "fraction correct · n and 95 % interval on hover"},
        },
        unit="accuracy",
        bounds=(0.0, 1.0),
        theme=theme,
    )
    figure.update_yaxes(autorange="reversed")
    return figure


def _three(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:.3f}"


def _ordered(names) -> list[str]:
    return list(dict.fromkeys(str(name) for name in names))


def _words(dataset: xr.Dataset) -> str:
    value, low, high = (schema.scalar(dataset, name) for name in ("accuracy", "accuracy_low", "accuracy_high"))
    null = schema.number(schema.scalar(dataset, "null_majority"))
    return f"{schema.estimate(value, low, high)}; majority class {null}; {schema.count_text(dataset)}"


def summary(dataset: xr.Dataset) -> str:
    """Return the accuracy, its interval, n and the majority null."""
    return f"Accuracy {_words(dataset)}."
