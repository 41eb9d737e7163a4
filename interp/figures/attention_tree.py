"""Which products does each answer digit gather along strong attention, and would random attention gather as many?

How to read `coverage`: the share of needed products that the tree finds at one threshold, beside random trees with as
many edges (grey) and spurious products (dotted). `heads`: mean attention of every head at the token that foretells each
digit; a row of panels a block.

Source: Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.curves import Curve, accuracy_axis, add_curve, add_null, panel_titles
from interp.figures.schema import Estimates

if TYPE_CHECKING:
    import xarray as xr

THRESHOLD = 0.2
MARKED = ("a0", "b0", "#")
"""Tokens that are named beside small panels: where each number and the answer begin."""


def coverage(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return coverage and spurious share by column at the threshold nearest to .2, with random trees."""
    here, threshold = _at(dataset)
    columns, n = schema.labels(dataset, "column"), schema.count_text(dataset)
    figure = go.Figure(layout={"template": look.template(theme)})
    high = schema.values(here, "coverage_null_high", "column")
    for i, (name, dash) in enumerate((("coverage", "solid"), ("spurious", "dot"))):
        values = schema.values(here, name, "column")
        hover = [
            f"<b>{name} of {c}</b><br>{{}}, {n}<br>random trees: up to {high[k]:.2f} covered [95 %]"
            for k, c in enumerate(columns)
        ]
        colour = (look.BLUE, look.VERMILLION)[i]
        add_curve(figure, Curve(name, columns, Estimates(values, None, None), hover, colour, i, dash))
    add_null(figure, "coverage of random trees, 95 %", columns, high)
    blank = schema.values(here, "coverage_untrained_null", "column")
    if np.isfinite(blank).all():
        add_null(figure, "coverage before training", columns, blank)
    accuracy_axis(figure, "share of products")
    figure.update_xaxes(title_text="answer digit")
    what = f"edges: mean attention above {threshold:g}"
    return figure.update_layout(title=schema.heading(dataset, "Products gathered by attention", what, n))


def heads(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the mean attention of every head from each token to each, a row a block and a panel a head."""
    layers, numbers = schema.labels(dataset, "layer"), schema.labels(dataset, "head")
    pattern = schema.estimates(dataset, "pattern", "layer", "head", "role", "key")
    roles, keys, n = schema.labels(dataset, "role"), schema.labels(dataset, "key"), schema.count_text(dataset)
    names = [f"{layer}.{head}" for layer in layers for head in numbers]
    figure = make_subplots(
        len(layers), len(numbers), shared_xaxes=True, shared_yaxes=True, horizontal_spacing=0.02, vertical_spacing=0.08,
        subplot_titles=names,
    )  # fmt: skip
    for at, name in enumerate(names):
        i, j = divmod(at, len(numbers))
        hover = [
            [f"<b>{name}: {q} looks at {k}</b><br>{pattern[i, j, a, b].text()}, {n}" for b, k in enumerate(keys)]
            for a, q in enumerate(roles)
        ]
        figure.add_trace(
            go.Heatmap(name=name, z=pattern.value[i, j], hovertext=hover, hoverinfo="text", coloraxis="coloraxis"),
            row=i + 1, col=j + 1,
        )  # fmt: skip
    for axis, labels in ((figure.update_xaxes, keys), (figure.update_yaxes, roles)):
        axis(tickvals=[labels.index(k) for k in MARKED], ticktext=list(MARKED), showgrid=False)
    figure.update_xaxes(title_text="key", row=len(layers))
    figure.update_yaxes(title_text="query", col=1)
    panel_titles(figure)
    return figure.update_layout(
        template=look.template(theme), height=200 + 190 * len(layers),
        title=schema.heading(dataset, "Attention of every head", "mean weight", n, "null: 1 / number of keys"),
        coloraxis={"autocolorscale": True, "cmin": 0, "cmax": 1,
                   "colorbar": {"title": {"text": "attention weight", "side": "right"}}},
    )  # fmt: skip


def summary(dataset: xr.Dataset) -> str:
    """Return coverage and spurious share of the middle digits, beside random trees."""
    here, threshold = _at(dataset)
    columns = schema.labels(dataset, "column")
    found, high = (schema.values(here, name, "column") for name in ("coverage", "coverage_null_high"))
    extra = schema.values(here, "spurious", "column")
    words = ", ".join(f"{columns[k]} {found[k]:.2f} (random {high[k]:.2f}, spurious {extra[k]:.2f})"
                      for k in range(1, len(columns) - 1))  # fmt: skip
    return f"Needed products gathered along attention above {threshold:g}: {words}."


def _at(dataset: xr.Dataset) -> tuple[xr.Dataset, float]:
    thresholds = np.array(schema.labels(dataset, "threshold"), float)
    nearest = int(np.abs(thresholds - THRESHOLD).argmin())
    return dataset.isel(threshold=nearest), float(thresholds[nearest])
