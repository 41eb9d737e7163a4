"""Is what a head writes a sum of two digits' parts? The fits of all heads, and the most balanced head as a picture.

How to read `fits`: a point a head and answer digit; on the diagonal the two-way fit holds all that the pair of digits
holds. Grey: the same head fitted on the two digits it looks at least. `clusters`: the head that looks most evenly at
two digits, coloured by one digit and by the other: nested copies of one shape are a Minkowski sum.

Source: Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.curves import panel_titles

if TYPE_CHECKING:
    import xarray as xr

CELL = ("layer", "head", "column")


def fits(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the two-way against the cell fit of every head and answer digit, with the null pair of digits."""
    names = ("additive", "cell", "additive_other_null", "alpha", "alpha_attention", "digit_a", "digit_b")
    value = {name: schema.values(dataset, name, *CELL) for name in names}
    layers, n = schema.labels(dataset, "layer"), schema.count_text(dataset)
    figure = go.Figure(layout={"template": look.template(theme)})
    for i, layer in enumerate(layers):
        hover = [
            f"<b>head {layer}.{j}, c{k}: a{value['digit_a'][i, j, k]:.0f} and b{value['digit_b'][i, j, k]:.0f}</b>"
            f"<br>additive {value['additive'][i, j, k]:.3f} of {value['cell'][i, j, k]:.3f}, {n}"
            f"<br>other digits {value['additive_other_null'][i, j, k]:.3f}"
            f"<br>alpha {value['alpha'][i, j, k]:.2f}, attention {value['alpha_attention'][i, j, k]:.2f}"
            for j, k in np.ndindex(value["cell"][i].shape)
        ]
        marker = {"symbol": look.symbol(i), "color": look.OKABE_ITO[i % 6], "size": 8}
        figure.add_trace(
            go.Scatter(name=f"block {layer}", x=value["cell"][i].ravel(), y=value["additive"][i].ravel(),
                       mode="markers", marker=marker, hovertext=hover, hoverinfo="text")
        )  # fmt: skip
    other = value["additive_other_null"].ravel()
    grey = {"color": look.NULL, "size": 5, "symbol": "x"}
    figure.add_trace(
        go.Scatter(name="null: digits it looks at least", x=value["cell"].ravel(), y=other, mode="markers",
                   marker=grey, hoverinfo="skip")
    )  # fmt: skip
    line = {"color": look.NULL, "dash": "dot", "width": 1}
    figure.add_trace(go.Scatter(name="additive = cell", x=[0, 1], y=[0, 1], mode="lines", line=line, hoverinfo="skip"))
    figure.update_xaxes(title_text="R² of a mean for every pair", range=[0, 1.02])
    figure.update_yaxes(title_text="R² of the two-way fit", range=[-0.02, 1.02])
    return figure.update_layout(title=schema.heading(dataset, "Heads as sums of two digits", "R²", n))


def clusters(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the first two components of the most balanced head, coloured by either digit."""
    place, held = (
        schema.values(dataset, "component", "problem", "axis"),
        schema.values(dataset, "component_held", "axis"),
    )
    drawn, n = str(dataset.attrs["drawn"]), schema.count_text(dataset)
    digits = [schema.values(dataset, f"component_{side}", "problem") for side in "ab"]
    names = drawn.split(", ")[1].split(" and ")
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04,
                           subplot_titles=[f"coloured by {name}" for name in names])  # fmt: skip
    hover = [f"{names[0]} = {a:.0f}, {names[1]} = {b:.0f}, n = {len(place)} [one problem]"
             for a, b in zip(*digits, strict=True)]  # fmt: skip
    for column, values in enumerate(digits, start=1):
        marker = {"color": values, "coloraxis": "coloraxis", "size": 4}
        figure.add_trace(
            go.Scatter(x=place[:, 0], y=place[:, 1], mode="markers", marker=marker, hovertext=hover,
                       hoverinfo="text", showlegend=False),
            row=1, col=column,
        )  # fmt: skip
    figure.update_xaxes(title_text=f"component 1 ({held[0]:.0%})")
    figure.update_yaxes(title_text=f"component 2 ({held[1]:.0%})", col=1)
    panel_titles(figure)
    figure.update_layout(
        template=look.template(theme),
        coloraxis={"autocolorscale": True, "cmin": 0, "cmax": 9, "colorbar": {"title": {"text": "digit"}}},
        title=schema.heading(dataset, f"What one head writes: {drawn}", n, "null: see the fit on other digits"),
    )
    return figure


def summary(dataset: xr.Dataset) -> str:
    """Return the fit of the most balanced head beside that of other digits and of the untrained network."""
    a, b = (schema.values(dataset, f"attention_{side}", *CELL) for side in "ab")
    at = np.unravel_index(int(np.minimum(a, b).argmax()), a.shape)
    names = ("additive", "cell", "additive_other_null", "parallel", "alpha", "alpha_attention")
    value = {name: float(schema.values(dataset, name, *CELL)[at]) for name in names}
    return (
        f"The most balanced head ({dataset.attrs['drawn']}) is additive to {value['additive']:.3f} of "
        f"{value['cell']:.3f} (other digits {value['additive_other_null']:.3f}), clusters parallel "
        f"{value['parallel']:.2f}, alpha {value['alpha']:.2f} beside attention {value['alpha_attention']:.2f}."
    )
