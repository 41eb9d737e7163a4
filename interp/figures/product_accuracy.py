"""How often is each digit of a product right, told the digits before it and writing alone?

How to read: a line a mode with Wilson's intervals; grey is the best constant digit of each column. The subtitle has the
exact share, and both accuracies by digit: with signs counted (token) and without (digit).

Source: Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.curves import Curve, accuracy_axis, add_curve, add_null

if TYPE_CHECKING:
    import xarray as xr


def by_column(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the accuracy of every answer digit, told and free, with the best constant."""
    columns, n = schema.labels(dataset, "column"), schema.count_text(dataset)
    found = schema.estimates(dataset, "accuracy", "mode", "column")
    figure = go.Figure(layout={"template": look.template(theme)})
    for i, mode in enumerate(schema.labels(dataset, "mode")):
        hover = [f"<b>{c}, {mode}</b><br>{{}}, {n}" for c in columns]
        add_curve(figure, Curve(str(mode), columns, found[i], hover, look.OKABE_ITO[i], i, ("solid", "dot")[i % 2]))
    add_null(figure, "best constant digit", columns, schema.values(dataset, "accuracy_majority_null", "column"))
    accuracy_axis(figure, "share right")
    figure.update_xaxes(title_text="answer digit")
    exact, digit = (schema.values(dataset, name, "mode")[0] for name in ("exact", "digit"))
    token = schema.number(schema.scalar(dataset, "token"))
    said = f"told: exact {exact:.3f}, digits {digit:.3f}, tokens {token}"
    return figure.update_layout(title=schema.heading(dataset, "Accuracy of every answer digit", said, n))


def summary(dataset: xr.Dataset) -> str:
    """Return exact, digit and token accuracy with intervals, and the digits below .5."""
    exact, digit = (schema.estimates(dataset, name, "mode") for name in ("exact", "digit"))
    found = schema.values(dataset, "accuracy", "mode", "column")[0]
    weak = [f"{c} {v:.2f}" for c, v in zip(schema.labels(dataset, "column"), found, strict=True) if v < 0.5]
    null = schema.number(schema.scalar(dataset, "digit_majority_null"))
    rest = f"; below one half: {', '.join(weak)}" if weak else ""
    return (
        f"Exact {exact[0].text()} (writing alone {exact[1].text()}), digits {digit[0].text()} (constant {null}), "
        f"tokens {schema.number(schema.scalar(dataset, 'token'))}{rest}."
    )
