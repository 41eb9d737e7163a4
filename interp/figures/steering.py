"""How far must the stream be pushed along a direction before the answer follows?

    moved[dose]      change of the logit difference towards the expected answer;  follows[dose]: how often it is said

How to read: a line that leaves the grey ones (random directions of equal length) early, and whose answers are the
expected ones, is a direction that the model uses. A dose that only takes the own answer away shows nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


def dose_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the logit difference and the answers against the dose, above random directions."""
    figure = make_subplots(
        cols=2, horizontal_spacing=0.1, subplot_titles=["towards the expected answer", "what is said"]
    )
    doses = [float(dose) for dose in schema.labels(dataset, "dose")]
    lines = (
        ("moved", "moved", look.BLUE, 1),
        ("follows", "expected answer", look.BLUE, 2),
        ("kept", "own answer", look.ORANGE, 2),
    )
    for i, (name, title, colour, column) in enumerate(lines):
        found = schema.estimates(dataset, name, "dose")
        hover = [f"<b>{title}, dose {dose:g}</b><br>{{}}<br>{_n(dataset)}" for dose in doses]
        curves.add_curve(figure, curves.Curve(title, doses, found, hover, colour, i), {"row": 1, "col": column})
    for name, column in (("moved_null", 1), ("follows_null", 2)):
        for j, draw in enumerate(schema.values(dataset, name, "draw", "dose")):
            first = j == 0 and column == 1
            curves.add_null(figure, "random directions", doses, draw, {"row": 1, "col": column}, legend=first)
    figure.update_xaxes(title_text="dose (1 = the difference of means)")
    figure.update_yaxes(title_text="logits", col=1)
    curves.accuracy_axis(figure, "share of prompts", col=2)
    curves.panel_titles(figure)
    place = f"layer {dataset.attrs.get('layer', '?')}, {dataset.attrs.get('role', '?')}"
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, f"Steering along the {dataset.attrs.get('variable', 'direction')}", place, _n(dataset),
            "bands: 95 % interval",
        ),
    )  # fmt: skip
    return figure


def _n(dataset: xr.Dataset) -> str:
    return schema.count_text(dataset)


def summary(dataset: xr.Dataset) -> str:
    """Return the dose at which most answers follow, and what random directions do there."""
    found = schema.estimates(dataset, "follows", "dose")
    doses = schema.labels(dataset, "dose")
    i = int(found.value.argmax())
    random = schema.values(dataset, "follows_null", "draw", "dose")[:, i]
    moved = schema.estimates(dataset, "moved", "dose")
    return (
        f"Most answers follow at dose {doses[i]:g}: {found[i].text(2)} (random directions up to {random.max():.2f}); "
        f"the logit difference moves by {moved[i].text(1)} there; {_n(dataset)}."
    )
