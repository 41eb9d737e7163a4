"""How did a training go? Curves of what it logged, one training by its parts, or several trainings part by part.

    parts(log, "digit_loss")                       one line a digit (subtask, split, question)
    compared({"plain": log, "icot": log}, ...)     one panel a digit, one line a training
    at_step({...}, "digit_loss", steps)            what every part is worth at a step, beside a guess

How to read: a part that stays at the grey line, the loss of a guess that does not read the question, has not been
learned; where a line leaves it, it begins to be. Lines of one seed each: how seeds differ is only seen by comparing
trainings of several. Logs have no intervals; n is what each point was measured on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.errors import InterpError
from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.maps import thinned
from interp.figures.training_parts import SUBTASKS, TITLES, nearest, title_of, values_of

if TYPE_CHECKING:
    import xarray as xr

SMALLEST = 1e-9
"""Values below this are drawn at it: a logarithmic axis has no zero."""

LOGARITHMIC = ("nats", "nats / weight", "squared error", "attention weight")


def parts(log: xr.Dataset, measure: str, *, theme: str = "light") -> go.Figure:
    """Return every part of one measure of one training over its steps, beside the value of a guess."""
    steps, named = schema.labels(log, "step"), values_of(log, measure)
    figure = go.Figure(layout={"template": look.template(theme)})
    for i, (label, value) in enumerate(named.items()):
        colour = look.OKABE_ITO[i % len(look.OKABE_ITO)]
        name = f"{label}: {SUBTASKS[label]}" if label in SUBTASKS else label or TITLES[measure]
        _line(figure, (name, value), steps, (log, measure), (colour, i))
    _guess(figure, log, measure, steps)
    _axes(figure, log, measure)
    title = schema.heading(log, title_of(measure), *_told(log, measure))
    return figure.update_layout(title=title)


def compared(logs: Mapping[str, xr.Dataset], measure: str, *, theme: str = "light") -> go.Figure:
    """Return one panel a part and one line a training; trainings without the measure are left out."""
    having = {name: log for name, log in logs.items() if measure in log}
    if not having:
        raise InterpError(f"None of these trainings logged {measure}; choose another measure.")
    first = next(iter(having.values()))
    labels = list(dict.fromkeys(label for log in having.values() for label in values_of(log, measure)))
    wide = min(3, len(labels))
    shared: Any = {"shared_xaxes": "all", "shared_yaxes": "all"}
    figure = make_subplots(
        rows=-(-len(labels) // wide), cols=wide, **shared, horizontal_spacing=0.03,
        vertical_spacing=0.12, subplot_titles=labels if len(labels) > 1 else None,
    )  # fmt: skip
    for j, label in enumerate(labels):
        place = {"row": j // wide + 1, "col": j % wide + 1}
        _guess(
            figure, first, measure, [s for log in having.values() for s in schema.labels(log, "step")], place, j == 0
        )
        for i, (name, log) in enumerate(having.items()):
            value = values_of(log, measure).get(label)
            if value is not None:
                style = (look.OKABE_ITO[i % len(look.OKABE_ITO)], i)
                _line(figure, (name, value), schema.labels(log, "step"), (log, measure), style, place, j == 0)
    rows = -(-len(labels) // wide)
    _axes(figure, first, measure, row=rows)
    curves.panel_titles(figure)
    title = {
        "text": f"{title_of(measure)}, training by training",
        "subtitle": {"text": " · ".join(_told(first, measure))},
    }
    return figure.update_layout(template=look.template(theme), title=title, height=230 * rows + 110)


def at_step(logs: Mapping[str, xr.Dataset], measure: str, steps: Sequence[int], *, theme: str = "light") -> go.Figure:
    """Return every part at each of `steps` (nearest logged), trainings by colour, steps by marker, and a guess."""
    having = {name: log for name, log in logs.items() if measure in log}
    if not having:
        raise InterpError(f"None of these trainings logged {measure}; choose another measure.")
    first = next(iter(having.values()))
    labels = list(dict.fromkeys(label for log in having.values() for label in values_of(log, measure)))
    figure = go.Figure(layout={"template": look.template(theme)})
    figure.add_traces(points(having, measure, steps))
    ticks = thinned(labels, 12)
    figure.update_xaxes(tickvals=ticks, ticktext=[labels[i] or "all" for i in ticks], range=[-0.6, len(labels) - 0.4])
    _value_axis(figure, first, measure)
    title = {"text": f"{title_of(measure)} at a step", "subtitle": {"text": " · ".join(_told(first, measure))}}
    return figure.update_layout(title=title)


def points(logs: Mapping[str, xr.Dataset], measure: str, steps: Sequence[int]) -> list:
    """Return the traces of `at_step`, a training and step each, and the guess: all that changes with the steps."""
    labels = list(dict.fromkeys(label for log in logs.values() for label in values_of(log, measure)))
    many, found = len(logs) * len(steps), []
    for i, (name, log) in enumerate(logs.items()):
        named = values_of(log, measure)
        for k, step in enumerate(steps):
            at = nearest(log, measure, step)
            here = [label for label in labels if label in named]
            value = np.array([named[label][at] for label in here])
            real = schema.labels(log, "step")[at]
            shift = 0.0 if many == 1 else 0.5 * ((i * len(steps) + k) / (many - 1) - 0.5)
            hover = [
                f"<b>{name}, {label or 'all'}</b><br>step {real}: {v:.4g}" for label, v in zip(here, value, strict=True)
            ]
            colour = look.OKABE_ITO[i % len(look.OKABE_ITO)]
            found.append(
                go.Scatter(
                    name=f"{name}, step {real}", x=[labels.index(label) + shift for label in here], y=value,
                    mode="markers", marker={"color": colour, "symbol": look.symbol(k), "size": 10}, hovertext=hover,
                    hoverinfo="text", customdata=[real] * len(here),
                )
            )  # fmt: skip
    first, bare = next(iter(logs.values())), go.Figure()
    if "null" in first[measure].attrs:
        ends, level = curves.level(float(first[measure].attrs["null"]), list(range(len(labels))))
        curves.add_null(bare, str(first[measure].attrs.get("null_text", "guess")), ends, level)
    return [*found, *bare.data]


def _line(
    figure: go.Figure, named: tuple[str, np.ndarray], steps: list, of: tuple[xr.Dataset, str],
    style: tuple[str, int], place: Any = None, legend: bool = True,
) -> None:  # fmt: skip
    (name, value), (log, measure), (colour, index) = named, of, style
    known = np.flatnonzero(np.isfinite(value))
    units, n = log[measure].attrs.get("units", ""), log[measure].attrs.get("n", "n not recorded")
    shown = np.maximum(value, SMALLEST) if units in LOGARITHMIC else value
    hover = [f"<b>{name}</b>, step {steps[i]}<br>{value[i]:.4g} {units}<br>n = {n}" for i in known]
    figure.add_trace(
        go.Scatter(
            name=name, legendgroup=name, showlegend=legend, x=[steps[i] for i in known], y=shown[known],
            mode="lines" if len(known) > 60 else "lines+markers", hovertext=hover, hoverinfo="text",
            line={"color": colour, "width": 1.7, "dash": DASHES[index // 6 % 3]},
            marker={"symbol": look.symbol(index), "size": 5}, customdata=[steps[i] for i in known],
        ),
        **(place or {}),
    )  # fmt: skip


DASHES = ("solid", "dash", "dot")


def _guess(
    figure: go.Figure, log: xr.Dataset, measure: str, steps: list, place: Any = None, legend: bool = True
) -> None:
    null = log[measure].attrs.get("null")
    if null is not None:
        text = str(log[measure].attrs.get("null_text", "guess"))
        curves.add_null(figure, text, [min(steps), max(steps)], np.full(2, float(null)), place, legend=legend)


def _axes(figure: go.Figure, log: xr.Dataset, measure: str, **last_row: Any) -> None:
    figure.update_xaxes(title_text="step", **last_row)
    _value_axis(figure, log, measure, **({"col": 1} if last_row else {}))


def _value_axis(figure: go.Figure, log: xr.Dataset, measure: str, **place: Any) -> None:
    units = str(log[measure].attrs.get("units", ""))
    if units in LOGARITHMIC:
        figure.update_yaxes(type="log", exponentformat="power")
    if units == "fraction":
        figure.update_yaxes(range=[-0.04, 1.06])
    figure.update_yaxes(title_text=units, **place)


def _told(log: xr.Dataset, measure: str) -> tuple[str, ...]:
    """Return unit, n and null of a measure, for a subtitle."""
    about = log[measure].attrs
    null = f"null: {about['null_text']}" if "null_text" in about else "no null recorded"
    return str(about.get("description", "")), str(about.get("units", "")), f"n = {about.get('n', 'not recorded')}", null
