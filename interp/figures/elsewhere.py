"""Does the window hold elsewhere? One window, judged on other tasks, styles and models than it was found on.

    faithfulness[cell] = accuracy of AF1(l_wait, l_transfer) on the prompts of the cell which its full model answers

A row is a `window` run. Read it beside its controls, the unconditional mean and zeros in the place of CAMA: where
they reach as far, the window keeps the answer without needing what the tokens know.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from interp.errors import InterpError
from interp.figures import schema
from interp.figures import theme as look
from interp.figures.af1 import window_text

if TYPE_CHECKING:
    import xarray as xr

POINTS = (
    ("AF1 (CAMA)", "faithfulness", look.BLUE, "circle"),
    ("control: mean", "faithfulness_mean", look.ORANGE, "square-open"),
    ("control: zeros", "faithfulness_zero", look.VERMILLION, "diamond-open"),
    ("null: best constant answer", "null_majority", look.NULL, "line-ns-open"),
    ("full model's accuracy", "accuracy_full", look.NULL, "triangle-down-open"),
)


def elsewhere(datasets: Sequence[xr.Dataset], *, theme: str = "light") -> go.Figure:
    """Return a dot plot of `window` datasets: a row a cell, its controls, null and full accuracy beside it."""
    if not datasets:
        raise InterpError("No window runs to draw. Run: interp run window --set l_wait=L --set l_transfer=T")
    rows = [schema.cell(dataset) for dataset in datasets]
    figure = go.Figure(layout={"template": look.template(theme)})
    for name, variable, colour, symbol in POINTS:
        places = [i for i, dataset in enumerate(datasets) if schema.scalar(dataset, variable) is not None]
        if places:
            figure.add_trace(_points([datasets[i] for i in places], places, name, variable, colour, symbol))
    figure.update_xaxes(title_text="faithfulness", range=[-0.03, 1.03])
    ticks = {"tickvals": list(range(len(rows))), "ticktext": rows}
    figure.update_yaxes(**ticks, range=[len(rows) - 0.4, -0.6], showgrid=False)
    windows = dict.fromkeys(window_text(dataset) for dataset in datasets)
    title = f"{' and '.join(windows)} on {len(rows)} {'cell' if len(rows) == 1 else 'cells'}"
    under = "fraction of correct answers kept · n on hover · bars: 95 % interval"
    figure.update_layout(title={"text": title, "subtitle": {"text": under}}, height=200 + 22 * len(rows))
    return figure


def _points(
    datasets: list[xr.Dataset], places: list[int], name: str, variable: str, colour: str, symbol: str
) -> go.Scatter:
    value, ends = [schema.scalar(dataset, variable) or 0.0 for dataset in datasets], {"array": [], "arrayminus": []}
    hover = []
    for mean, dataset in zip(value, datasets, strict=True):
        low, high = (schema.scalar(dataset, f"{variable}_{end}") for end in ("low", "high"))
        ends["array"].append(0.0 if high is None else high - mean)
        ends["arrayminus"].append(0.0 if low is None else mean - low)
        said = schema.estimate(mean, low, high)
        hover.append(f"<b>{schema.cell(dataset)}</b><br>{name} {said}<br>{schema.count_text(dataset)}")
    bars = {"type": "data", "symmetric": False, "thickness": 1.5, "width": 3, **ends}
    return go.Scatter(
        name=name,
        x=value,
        y=places,
        mode="markers",
        marker={"symbol": symbol, "color": colour, "size": 9, "line": {"width": 1.5, "color": colour}},
        error_x=bars if variable != "null_majority" else None,
        hovertext=hover,
        hoverinfo="text",
        cliponaxis=False,
    )


def row(dataset: xr.Dataset) -> tuple[str, ...]:
    """Return the cell, its faithfulness, both controls and n of one `window` dataset, as text."""
    names = ("faithfulness", "faithfulness_mean", "faithfulness_zero")
    return (
        schema.cell(dataset),
        *(_estimate(dataset, name) for name in names),
        schema.count_text(dataset).removeprefix("n = "),
    )


def summary(datasets: Sequence[xr.Dataset]) -> str:
    """Return the best and the worst cell with interval and n, and how many cells have an answered prompt."""
    known = [dataset for dataset in datasets if schema.scalar(dataset, "faithfulness") is not None]
    if not known:
        return f"None of {len(datasets)} cells has an answered prompt, so the window cannot be judged there."
    ranked = sorted(known, key=lambda dataset: schema.scalar(dataset, "faithfulness") or 0.0)
    said = [f"{schema.cell(dataset)} {_kept(dataset)}" for dataset in (ranked[0], ranked[-1])]
    if len(ranked) == 1:
        return f"{window_text(ranked[0])} keeps {said[0]}."
    return f"{len(known)} cells, from {said[0]} to {said[1]}."


def _estimate(dataset: xr.Dataset, name: str) -> str:
    value, low, high = (schema.scalar(dataset, f"{name}{end}") for end in ("", "_low", "_high"))
    return schema.estimate(value, low, high, 2)


def _kept(dataset: xr.Dataset) -> str:
    control = schema.number(schema.scalar(dataset, "faithfulness_mean"), 2)
    return f"{_estimate(dataset, 'faithfulness')} ({schema.count_text(dataset)}; mean control {control})"
