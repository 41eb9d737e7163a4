"""Which products does each answer digit gather along strong attention, and would random attention gather as many?

How to read `coverage`: the share of needed products that the tree finds at one threshold, beside random trees with as
many edges (grey) and spurious products (dotted). `heads`: mean attention of every head at the token that foretells each
digit; the first panel is the first block.

Source: Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.curves import Curve, accuracy_axis, add_curve, add_null
from interp.figures.maps import Axis, Panel, panel_maps
from interp.figures.schema import Estimates

if TYPE_CHECKING:
    import xarray as xr

THRESHOLD = 0.2
MARKED = ("a0", "b0", "#")
"""Keys that are named below narrow panels: where each number and the answer begin."""


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
    """Return the mean attention of every head from each token to each, a panel a head."""
    layers, numbers = schema.labels(dataset, "layer"), schema.labels(dataset, "head")
    pattern = schema.estimates(dataset, "pattern", "layer", "head", "role", "key")
    roles, keys, n = schema.labels(dataset, "role"), schema.labels(dataset, "key"), schema.count_text(dataset)
    panels = []
    for i, layer in enumerate(layers):
        for j, head in enumerate(numbers):
            hover = [
                [f"<b>{layer}.{head}: {q} looks at {k}</b><br>{pattern[i, j, a, b].text()}, {n}"
                 for b, k in enumerate(keys)] for a, q in enumerate(roles)
            ]  # fmt: skip
            panels.append(Panel(f"{layer}.{head}", pattern.value[i, j], hover))
    return panel_maps(
        panels, Axis("query", [str(r) for r in roles]), Axis("key", [k if k in MARKED else "" for k in keys]),
        title=schema.heading(dataset, "Attention of every head", "mean weight", n, "null: 1 / number of keys"),
        unit="attention weight", bounds=(0.0, 1.0), theme=theme,
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
