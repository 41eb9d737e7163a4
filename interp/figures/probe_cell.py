"""What does the probe at one place read, beside every control?

cell_curve   the score of one label by layer at one role, every control as a grey line
cells        several places beside each other, every control as a grey mark

How to read: the network adds something where the blue line leaves all grey ones; where the untrained model reaches as
far, the architecture carries the label; where the text does, the prompt gives it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.probe_map import SHUFFLED, Cell, at_target, best_cell, ceiling, controls_of, unit_of

if TYPE_CHECKING:
    import xarray as xr

DASHES = {
    SHUFFLED: "dash", "untrained": "dot", "control task": "dashdot", "tokens": "longdash", "embedding": "longdashdot",
    "last digit": "6px,2px", "constant": "2px,6px",
}  # fmt: skip


def cell_curve(dataset: xr.Dataset, *, cell: Cell | None = None, theme: str = "light") -> go.Figure:
    """Return the score of one label by layer at one role with its controls, the layer of `cell` marked."""
    target, layer, role = cell or best_cell(dataset)
    here = at_target(dataset, target).sel(role=[role])
    layers, unit = [int(v) for v in schema.labels(here, "layer")], unit_of(dataset)
    score = schema.estimates(here, "score", "layer", "role")[:, 0]
    figure = go.Figure(layout={"template": look.template(theme)})
    for name, values in controls_of(here).items():
        curves.add_null(figure, name, layers, values[:, 0])
        changes: dict[str, Any] = {"line_dash": DASHES.get(name, "dash")}
        changes |= {} if name == SHUFFLED else {"name": f"control: {name}", "legendgroup": name}
        figure.update_traces(selector={"name": f"null: {name}"}, **changes)
    curves.add_null(figure, "95 % of shuffled maxima", *curves.level(ceiling(here), layers))
    figure.update_traces(line={"dash": "solid", "width": 1}, selector={"name": "null: 95 % of shuffled maxima"})
    hover = [f"<b>{target} at {role}, layer {each}</b><br>{unit} {{}}<br>{schema.count_text(here)}" for each in layers]
    curves.add_curve(figure, curves.Curve("probe", layers, score, hover, look.BLUE, width=3))
    figure.add_shape(mark(layer))
    curves.layer_axis(figure, "layer (0 = embeddings)", layers)
    low = min(-0.05, *(float(np.nanmin(values)) for values in (score.value, *controls_of(here).values())))
    figure.update_yaxes(title_text=f"held-out {unit}", range=[max(low, -0.5), 1.05])
    told = (unit, schema.count_text(here), "band: 95 % interval", "grey: controls and nulls")
    return figure.update_layout(title=schema.heading(here, f"{target} at {role}, by layer", *told))


def mark(layer: int) -> dict:
    """Return the line that marks a layer on the curve."""
    line = {"color": look.VERMILLION, "width": 2}
    return {"type": "line", "x0": layer, "x1": layer, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}


def curve_summary(dataset: xr.Dataset, cell: Cell | None = None) -> str:
    """Return the score at one place and every control there."""
    target, layer, role = cell or best_cell(dataset)
    part = at_target(dataset, target).sel(layer=[layer], role=[role])
    controls = ", ".join(f"{name} {values[0, 0]:.2f}" for name, values in controls_of(part).items())
    score = schema.estimates(part, "score", "layer", "role")[0, 0]
    return (
        f"{target} at layer {layer}, {role}: {unit_of(dataset)} {score.text(2)}; controls there: {controls}, shuffled "
        f"maximum {ceiling(part):.2f}; {schema.count_text(part)}."
    )


def cells(dataset: xr.Dataset, places: list[Cell], *, theme: str = "light") -> go.Figure:
    """Return the scores of several places, a row each, every control as a grey mark."""
    from interp.figures.probe_controls import SYMBOLS

    unit, y = unit_of(dataset), list(range(len(places)))
    names = [f"{target} · layer {layer}, {role}" for target, layer, role in places]
    parts = [at_target(dataset, target).sel(layer=[layer], role=[role]) for target, layer, role in places]
    figure = go.Figure(layout={"template": look.template(theme)})
    for control in controls_of(parts[0]):
        values = [float(controls_of(part)[control][0, 0]) for part in parts]
        marker = {"color": look.NULL, "size": 9, "symbol": SYMBOLS.get(control, "cross-open"), "line": {"width": 1.5}}
        hover = [f"<b>{name}</b><br>control: {control} {value:.3f}" for name, value in zip(names, values, strict=True)]
        figure.add_trace(go.Scatter(name=f"control: {control}", x=values, y=y, mode="markers", marker=marker,
                                    hovertext=hover, hoverinfo="text"))  # fmt: skip
    found = [schema.estimates(part, "score", "layer", "role")[0, 0] for part in parts]
    hover = [f"<b>{name}</b><br>{unit} {each.text()}<br>{schema.count_text(dataset)}"
             for name, each in zip(names, found, strict=True)]  # fmt: skip
    score = schema.Estimates.joined(found)
    figure.add_trace(
        go.Scatter(
            name=f"probe, {unit}", x=score.value, y=y, mode="markers", marker={"color": look.BLUE, "size": 10},
            error_x=score.bars(thickness=1.5, width=3), hovertext=hover, hoverinfo="text",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text=f"held-out {unit}", range=[-0.3, 1.05])
    figure.update_yaxes(tickvals=y, ticktext=names, range=[len(places) - 0.4, -0.6], showgrid=False)
    told = (unit, schema.count_text(dataset), "bars: 95 % interval")
    return figure.update_layout(title=schema.heading(dataset, "Pinned places beside each other", *told))


def row(dataset: xr.Dataset, cell: Cell) -> tuple[str, ...]:
    """Return one place as the texts of a table: label, layer, role, score, its interval, every control."""
    target, layer, role = cell
    part = at_target(dataset, target).sel(layer=[layer], role=[role])
    score = schema.estimates(part, "score", "layer", "role")[0, 0]
    ends = (None if end is None else float(end) for end in (score.value, score.low, score.high))
    controls = (float(each[0, 0]) for each in controls_of(part).values())
    return (target, str(layer), role, *(schema.number(each) for each in (*ends, *controls)))
