"""Can the running sum of each column be read where its digit is foretold? Errors over the best constant's, and nulls.

How to read: 1 is the best constant and 0 is exact. Lines are sites of the stream, from embeddings to the end; the grey
ones are the best site of the network before training, and the same probe on the digits alone. A model that computes the
sum is far below both. `scatter`: what the probe of the last block between attention and MLP says beside the sum, where
c_k has been read (the published place); on the diagonal it is exact, the grey line is the median sum.

Source: Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.curves import Curve, add_curve, add_null, panel_titles
from interp.figures.schema import Estimates

if TYPE_CHECKING:
    import xarray as xr

PLACES = {"foretold": "where c_k is the next token", "input": "where c_k has been read"}


def error_by_column(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the errors of both places by column, a line a site, over the best constant."""
    columns, sites = schema.labels(dataset, "column"), schema.labels(dataset, "site")
    constant, n = schema.values(dataset, "mae_constant_null", "column"), schema.count_text(dataset)
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=list(PLACES.values()))
    for number, place in enumerate(PLACES, start=1):
        where = {"row": 1, "col": number}
        found = schema.estimates(dataset, f"mae_{place}", "column", "site")
        for i, site in enumerate(sites):
            here = found[:, i]
            ratio = Estimates(
                here.value / constant, *(None if e is None else e / constant for e in (here.low, here.high))
            )
            hover = [
                f"<b>{site}, {c}</b><br>{{}} of the best constant<br>error {here[k].text()}, {n}"
                for k, c in enumerate(columns)
            ]
            colour = look.OKABE_ITO[i % len(look.OKABE_ITO)]
            add_curve(figure, Curve(str(site), columns, ratio, hover, colour, i), where, legend=number == 1)
        blank = schema.values(dataset, f"mae_{place}_untrained_null", "column", "site")
        if np.isfinite(blank).any():
            best = blank.min(1) / constant
            add_null(figure, "before training, best site", columns, best, where, legend=number == 1)
        digits = schema.values(dataset, f"mae_{place}_digits_null", "column") / constant
        add_null(figure, "the digits alone", columns, digits, where, legend=number == 1)
    figure.update_yaxes(title_text="error / best constant's error", rangemode="tozero", col=1)
    figure.update_xaxes(title_text="column")
    panel_titles(figure)
    low = schema.scalar(dataset, "ratio_null_low")
    title = schema.heading(
        dataset, "Probes of the running sums", "mean absolute error, 1 = best constant", n,
        f"shuffled sums stay above {schema.number(low)} (null)",
    )  # fmt: skip
    return figure.update_layout(template=look.template(theme), title=title)


def scatter(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return what the probes say beside the truth, a panel a middle column, with errors and the best constant's."""
    columns, sites = schema.labels(dataset, "column"), schema.labels(dataset, "site")
    middle, site, n = [str(c) for c in columns[2:-1]], sites[_last(sites)], schema.count_text(dataset)
    at = dataset.sel(site=site)
    error, low, high = (at[f"mae_input{end}"].sel(column=middle).values for end in ("", "_low", "_high"))
    constant = dataset["mae_constant_null"].sel(column=middle).values
    titles = [f"{c}: error {error[i]:.2f} [{low[i]:.2f}, {high[i]:.2f}], constant {constant[i]:.2f}"
              for i, c in enumerate(middle)]  # fmt: skip
    figure = make_subplots(cols=len(middle), horizontal_spacing=0.05, subplot_titles=titles)
    for i, column in enumerate(middle):
        here, where = at.sel(column=column), {"row": 1, "col": i + 1}
        truth, said = here["truth"].values, here["said"].sel(role=column).values
        hover = [
            f"<b>{column} of one problem</b><br>sum {t:.0f}, probe {s:.1f} [{n}]"
            for t, s in zip(truth, said, strict=True)
        ]
        dots = {"size": 3, "color": look.BLUE, "opacity": 0.5}
        ends = [min(truth.min(), said.min()), max(truth.max(), said.max())]
        figure.add_trace(go.Scatter(name="problems", x=truth, y=said, mode="markers", marker=dots, hovertext=hover,
                                    hoverinfo="text", showlegend=i == 0), row=1, col=i + 1)  # fmt: skip
        exact = {"color": look.VERMILLION, "width": 1}
        figure.add_trace(go.Scatter(name="exact", x=ends, y=ends, mode="lines", line=exact, hoverinfo="skip",
                                    showlegend=i == 0), row=1, col=i + 1)  # fmt: skip
        add_null(figure, "median sum", ends, np.full(2, np.median(truth)), where, legend=i == 0)
    figure.update_xaxes(title_text="running sum")
    figure.update_yaxes(title_text="probe", col=1)
    panel_titles(figure)
    figure.update_annotations(font={"size": 10})
    title = schema.heading(dataset, f"Running sums read at {site}", "where the digit has been read", n)
    return figure.update_layout(template=look.template(theme), title=title)


def summary(dataset: xr.Dataset) -> str:
    """Return the error of the middle columns in the last block, where they are foretold, beside the best constant."""
    columns, sites = schema.labels(dataset, "column"), schema.labels(dataset, "site")
    constant = schema.values(dataset, "mae_constant_null", "column")
    last = _last(sites)
    error = schema.values(dataset, "mae_foretold", "column", "site")[:, last]
    middle = range(2, len(columns) - 1)
    words = ", ".join(f"{columns[k]} {error[k]:.2f} ({constant[k]:.2f})" for k in middle)
    return f"Error of the running sums at {sites[last]} where they are foretold (best constant): {words}."


def _last(sites: list) -> int:
    """Return the place of the last site between attention and MLP, or of the last site where there is none."""
    return max((i for i, site in enumerate(sites) if str(site).startswith("resid_mid")), default=len(sites) - 1)
