"""Which period adds to a number line, and at which layer?

    partial[layer, T]   what the circle of one period explains of the rest a number line leaves, on numbers held out

How to read: a line above the grey one of its own panel is a period that is written in the stream there. Each period is
tested alone, so the panels need not add up. Grey is the highest 95 % of three nulls (white noise, shuffled numbers, a
smooth line).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.helix import numbers, where
from interp.figures.helix_places import targets

if TYPE_CHECKING:
    import xarray as xr

SCHEMES = {"interleaved": look.BLUE, "block": look.ORANGE}


def by_period(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the variance that each target period explains on numbers held out, by layer, one panel a period."""
    layers, periods = [int(layer) for layer in schema.labels(dataset, "layer")], targets(dataset)
    titles = [f"T = {period:.4g}" for period in periods]
    figure = make_subplots(cols=len(periods), shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=titles)
    for i, period in enumerate(periods):
        place = {"row": 1, "col": i + 1}
        for j, scheme in enumerate(str(name) for name in schema.labels(dataset, "scheme")):
            here = dataset.sel(model=f"T={period:.4g}", scheme=scheme)
            value, null = (schema.values(here, name, "layer") for name in ("partial", "partial_null_high"))
            p = schema.values(here, "p_corrected", "layer")
            hover = [
                f"<b>T = {period:.4g}, layer {layer}, {scheme} hold-out</b><br>{{}} of what a number line leaves<br>"
                f"null [{null[k]:.3f}], p = {p[k]:.3f} corrected<br>{numbers(dataset)}"
                for k, layer in enumerate(layers)
            ]
            line = schema.Estimates(value, None, None)
            name, colour = f"{scheme} hold-out", SCHEMES.get(scheme, look.GREEN)
            curve = curves.Curve(name, layers, line, hover, colour, j)
            curves.add_curve(figure, curve, place, legend=i == 0)
            figure.update_traces(customdata=[period] * len(layers), row=1, col=i + 1)
            curves.add_null(figure, f"{scheme}, 95 % of the widest", layers, null, place, legend=i == 0)
        curves.layer_axis(figure, "layer", layers, col=i + 1)
    figure.update_yaxes(title_text="share of the rest explained", col=1)
    curves.panel_titles(figure)
    return figure.update_layout(
        template=look.template(theme),
        title=schema.heading(dataset, "Variance explained by each period", where(dataset), numbers(dataset)),
    )


def summary(dataset: xr.Dataset) -> str:
    """Return for each period in how many layers it beats its null in both hold-outs, and the most it explains."""
    parts = []
    for period in targets(dataset):
        here = dataset.sel(model=f"T={period:.4g}")
        value, null = (schema.values(here, name, "layer", "scheme") for name in ("partial", "partial_null_high"))
        above = int((value > null).all(1).sum())
        parts.append(f"T = {period:.4g} in {above} of {len(value)} layers (at most {value.max():.3f})")
    return f"Above the null in both hold-outs: {'; '.join(parts)}; {numbers(dataset)}."
