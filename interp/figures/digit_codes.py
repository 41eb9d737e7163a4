"""Do the ten digits lie on the waves of a pentagonal prism, more than relabelings of them do?

    r2[site, subset]   median over rows of the variance in these waves      prism[site]   variance in the best prism

How to read: a point above its grey bar (95 % of relabelings) is an order of the digits. A subset marked "a line passes"
gives a plain number line more than white noise: it says nothing on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


def scores(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return one panel a subset of waves, and one for the prism, a point a site beside its relabelings."""
    subsets = [str(name) for name in schema.labels(dataset, "subset")]
    flags = schema.values(dataset, "line_is_rewarded", "subset")
    titles = [f"waves {name}" + (" (a line passes)" if flag else "") for name, flag in zip(subsets, flags, strict=True)]
    figure = make_subplots(rows=1, cols=len(subsets) + 1, shared_yaxes=True, horizontal_spacing=0.03,
                           subplot_titles=[*titles, "prism"])  # fmt: skip
    for i, subset in enumerate(subsets):
        here = dataset.sel(subset=subset)
        _points(figure, here, "r2", i + 1)
        for name in schema.labels(dataset, "line"):
            _level(figure, f"null: {name}", float(here["line_score"].sel(line=name)), i + 1, len(here["site"]))
        _level(figure, "null: white noise", float(here["white_null"]), i + 1, len(here["site"]))
    _points(figure, dataset, "prism", len(subsets) + 1)
    sites = [str(site) for site in schema.labels(dataset, "site")]
    figure.update_yaxes(tickvals=list(range(len(sites))), ticktext=sites, range=[len(sites) - 0.5, -0.5])
    figure.update_xaxes(range=[-0.03, 1.03], title_text="share of variance")
    curves.panel_titles(figure)
    told = ("median over rows", schema.count_text(dataset), "bars: 95 % interval", "grey: relabelings, up to 95 %")
    title = schema.heading(dataset, "Waves of the ten digits", *told)
    figure.update_layout(template=look.template(theme), title=title)
    return figure


def _points(figure: go.Figure, here: xr.Dataset, name: str, column: int) -> None:
    """Add the points of one panel with their intervals, and the grey range of relabelings."""
    sites, found = [str(site) for site in schema.labels(here, "site")], schema.estimates(here, name, "site")
    null, high, p = (schema.values(here, f"{name}_{end}", "site") for end in ("null", "null_high", "p"))
    rows = schema.values(here, "n_rows", "site")
    for y in range(len(sites)):
        figure.add_trace(
            go.Scatter(
                name="null: relabelings, median to 95 %", legendgroup="null", showlegend=column == 1 and y == 0,
                x=[null[y], high[y]], y=[y, y], mode="lines", line={"color": look.NULL, "width": 7}, opacity=0.45,
                hoverinfo="skip",
            ),
            row=1, col=column,
        )  # fmt: skip
    hover = [f"<b>{site}</b><br>{found[y].text()}<br>relabelings [{null[y]:.3f}, {high[y]:.3f}], p = {p[y]:.4f}<br>"
             f"n = {rows[y]:.0f} rows" for y, site in enumerate(sites)]  # fmt: skip
    figure.add_trace(
        go.Scatter(
            name="digits as they are", legendgroup="points", showlegend=column == 1, x=found.value,
            y=list(range(len(sites))), mode="markers", marker={"color": look.BLUE, "size": 8},
            error_x=found.bars(thickness=1), hovertext=hover, hoverinfo="text",
        ),
        row=1, col=column,
    )  # fmt: skip


def _level(figure: go.Figure, name: str, value: float, column: int, n: int) -> None:
    dash = "dot" if name.endswith("noise") else "dash" if "line" in name else "dashdot"
    figure.add_trace(
        go.Scatter(
            name=name, legendgroup=name, showlegend=column == 1, x=[value, value], y=[-0.5, n - 0.5], mode="lines",
            line={"color": look.NULL, "width": 1.2, "dash": dash}, hovertext=[f"{name}: {value:.3f}"] * 2,
            hoverinfo="text",
        ),
        row=1, col=column,
    )  # fmt: skip


def summary(dataset: xr.Dataset) -> str:
    """Return which sites have a prism beyond relabelings, and which subset of waves cannot tell a line."""
    p, fit = schema.values(dataset, "prism_p", "site"), schema.values(dataset, "prism", "site")
    sites = [str(site) for site in schema.labels(dataset, "site")]
    found = [f"{site} ({fit[i]:.2f}, p = {p[i]:.4f})" for i, site in enumerate(sites) if p[i] <= 0.05 / len(sites)]
    flags = schema.values(dataset, "line_is_rewarded", "subset")
    passed = [str(name) for name, flag in zip(schema.labels(dataset, "subset"), flags, strict=True) if flag]
    return (
        f"A prism beyond relabelings (corrected for {len(sites)} sites) in {', '.join(found) or 'no site'}; a number "
        f"line scores above noise on {', '.join(passed) or 'no subset'}; {schema.count_text(dataset)} rows."
    )
