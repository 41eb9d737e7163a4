"""Which token, and which digit, of a long answer is wrong: told the right beginning, or written alone?

    left: tokens from the first on;  right: digits, units first;  dashed: the best constant token or digit

How to read: teacher-forced above generated means that an early error spoils what follows it. Equal lines whose exact
match differs mean that the number does not stop where it should.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

SIDES = (("teacher_forced", "teacher-forced", look.BLUE), ("generated", "generated", look.VERMILLION))
PLACES = (("token", "token of the answer (0 = first)", "n_tokens"), ("digit", "digit (0 = units)", "n_digits"))


def by_place(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return accuracy by token and by digit, teacher-forced beside generated, with the null of each."""
    titles = ["by token", "by digit"]
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.05, subplot_titles=titles)
    for column, (dim, title, counted) in enumerate(PLACES, start=1):
        places, n = schema.labels(dataset, dim), schema.values(dataset, counted, dim)
        place = {"row": 1, "col": column}
        for i, (side, name, colour) in enumerate(SIDES):
            hover = [f"<b>{name}, {dim} {k}</b><br>{{}}<br>n = {n[j]:.0f}" for j, k in enumerate(places)]
            line = curves.Curve(name, places, schema.estimates(dataset, f"{dim}_{side}", dim), hover, colour, i)
            curves.add_curve(figure, line, place, legend=column == 1)
        null = schema.values(dataset, f"{dim}_null", dim)
        curves.add_null(figure, "best constant", places, null, place, legend=column == 1)
        if places:
            curves.layer_axis(figure, title, places, col=column)
    curves.accuracy_axis(figure, "accuracy", col=1)
    curves.panel_titles(figure)
    exact = [f"exact {name} {schema.number(schema.scalar(dataset, f'exact_{side}'), 3)}" for side, name, _ in SIDES]
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Answers of several tokens", *exact, schema.count_text(dataset), "bands: 95 % interval"
        ),
    )
    return figure


def summary(dataset: xr.Dataset) -> str:
    """Return both exact matches with their intervals, how many run on, the nulls and the worst digit."""
    forced, generated = (schema.estimates(dataset, f"exact_{side}").text(3) for side, _, _ in SIDES)
    nulls = [schema.number(schema.scalar(dataset, name), 3) for name in ("null_majority", "null_shuffled")]
    value = schema.values(dataset, "digit_generated", "digit")
    worst = f"; lowest digit generated: {int(value.argmin())} ({value.min():.2f})" if value.size else ""
    on = schema.number(schema.scalar(dataset, "runs_on"))
    return (
        f"Exact match {forced} teacher-forced, {generated} generated, {on} right but running on{worst}; best constant "
        f"answer {nulls[0]}, shuffled {nulls[1]}; {schema.count_text(dataset)}."
    )
