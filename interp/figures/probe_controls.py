"""Is a probe's score more than every control's?

Each row is a label at the layer and role that the selection split chose; the dot is its held-out score with its
interval, the grey marks are what shuffled labels, an untrained model, the embeddings and the text alone reach there.

How to read: only what stands to the right of every grey mark is added by the network. The control task is a memory of
tokens under other labels: a score near it can be recited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from interp.figures import curves, maps, schema
from interp.figures import theme as look
from interp.figures.probe_map import at_target, ceiling

if TYPE_CHECKING:
    import xarray as xr

MOST = 24
SYMBOLS = {
    "constant": "line-ns-open", "embedding": "triangle-down-open", "tokens": "square-open",
    "last digit": "diamond-open", "control task": "x-thin-open", "untrained": "circle-open",
}  # fmt: skip
LINES = {"untrained": "dot", "control task": "dashdot", "tokens": "longdash"}


def beside(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the score of every label at its chosen place, and every control there."""
    rows = chosen(dataset)[:MOST]
    score = schema.estimates(dataset, "score", "target", "layer", "role")
    controls, unit = schema.values(dataset, "score_control", "control", "target", "layer", "role"), _unit(dataset)
    names = [f"{name} · layer {layer}, {role}" for name, layer, role, _ in rows]
    y = list(range(len(rows)))
    figure = go.Figure(layout={"template": look.template(theme)})
    for c, control in enumerate(str(name) for name in schema.labels(dataset, "control")):
        values = [controls[(c, *at)] for *_, at in rows]
        hover = [f"<b>{row[0]}</b><br>control: {control} {value:.3f}" for row, value in zip(rows, values, strict=True)]
        figure.add_trace(_marks(f"control: {control}", values, y, SYMBOLS.get(control, "cross-open"), hover))
    found = [score[at] for *_, at in rows]
    hover = [f"<b>{name}</b><br>{unit} {each.text()}<br>{schema.count_text(dataset)}"
             for name, each in zip(names, found, strict=True)]  # fmt: skip
    figure.add_trace(
        go.Scatter(
            name=f"probe, {unit}", x=[float(each.value) for each in found], y=y, mode="markers",
            marker={"color": look.BLUE, "size": 9}, hovertext=hover, hoverinfo="text", 
            error_x=schema.Estimates.joined(found).bars(),
        )
    )  # fmt: skip
    style = {"color": look.NULL, "dash": "dot", "width": 2}
    levels = [each for name, *_ in rows for each in (ceiling(at_target(dataset, name)),) * 2 + (None,)]
    places = [each for height in y for each in (height - 0.4, height + 0.4, None)]
    figure.add_trace(
        go.Scatter(
            name="null: 95 % of the largest of shuffled labels", x=levels, y=places,
            mode="lines", line=style, hoverinfo="skip",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text=f"held-out {unit}", range=[-0.3, 1.05])
    figure.update_yaxes(tickvals=y, ticktext=names, range=[len(rows) - 0.4, -0.6], showgrid=False)
    told = ("places chosen on the selection split", schema.count_text(dataset), "bars: 95 % interval")
    figure.update_layout(title=schema.heading(dataset, "Probes beside their controls", *told),
                         height=max(380, 150 + 26 * len(rows)))  # fmt: skip
    return figure


def by_layer(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the score by layer at the chosen role, a panel a label (the first nine), controls in grey."""
    from plotly.subplots import make_subplots

    rows = chosen(dataset)[:9]
    layers, columns = [int(layer) for layer in schema.labels(dataset, "layer")], min(3, len(rows))
    titles = [f"{name} at {role}" for name, _, role, _ in rows]
    figure = make_subplots(rows=-(-len(rows) // columns), cols=columns, shared_xaxes=True, shared_yaxes=True,
                           subplot_titles=titles, horizontal_spacing=0.03, vertical_spacing=0.12)  # fmt: skip
    controls = [str(name) for name in schema.labels(dataset, "control")]
    for i, (name, _, role, _) in enumerate(rows):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        here = dataset.sel(target=name, role=role)
        hover = [f"<b>{name} at {role}, layer {layer}</b><br>{{}}<br>{schema.count_text(dataset)}" for layer in layers]
        line = curves.Curve("probe", layers, schema.estimates(here, "score", "layer"), hover, look.BLUE)
        curves.add_curve(figure, line, place, legend=i == 0)
        for c, (control, dash) in enumerate(LINES.items(), start=1):
            if control in controls:
                values = schema.Estimates(
                    schema.values(here.sel(control=control), "score_control", "layer"), None, None
                )
                told = [f"<b>{name} at {role}, layer {layer}</b><br>control: {control} {{}}" for layer in layers]
                line = curves.Curve(f"control: {control}", layers, values, told, look.NULL, c, dash, 1.2)
                curves.add_curve(figure, line, place, legend=i == 0)
        level = curves.level(ceiling(at_target(dataset, name)), layers)
        curves.add_null(figure, "95 % of shuffled maxima", *level, place, legend=i == 0)
        curves.layer_axis(figure, "", layers, **place)
    figure.update_yaxes(range=[-0.3, 1.05])
    curves.panel_titles(figure)
    told = (_unit(dataset), "at the role chosen on the selection split", schema.count_text(dataset), "95 % bands")
    figure.update_layout(template=look.template(theme),
                         title=schema.heading(dataset, "Probes and controls by layer", *told))  # fmt: skip
    return figure


def chosen(dataset: xr.Dataset) -> list[tuple[str, int, str, tuple[int, int, int]]]:
    """Return (label, layer, role, index) of the place that is best on the selection split, a label."""
    score = schema.values(dataset, "score_selection", "target", "layer", "role")
    layers, roles = schema.labels(dataset, "layer"), schema.labels(dataset, "role")
    found = []
    for i, name in enumerate(str(name) for name in schema.labels(dataset, "target")):
        j, k = maps.largest(score[i])
        found.append((name, int(layers[j]), str(roles[k]), (i, j, k)))
    return found


def _unit(dataset: xr.Dataset) -> str:
    return str(dataset.attrs.get("unit", "score"))


def _marks(name: str, x: list, y: list, symbol: str, hover: list[str]) -> go.Scatter:
    marker = {"color": look.NULL, "symbol": symbol, "size": 9, "line": {"width": 1.5, "color": look.NULL}}
    return go.Scatter(name=name, x=x, y=y, mode="markers", marker=marker, hovertext=hover, hoverinfo="text")


def summary(dataset: xr.Dataset) -> str:
    """Return how many labels are read better than every control, and the widest margin."""
    rows, margin = chosen(dataset), schema.values(dataset, "margin", "target", "layer", "role")
    score = schema.estimates(dataset, "score", "target", "layer", "role")
    best = max(rows, key=lambda row: margin[row[3]])
    name, layer, role, at = best
    n = sum(margin[row[3]] > 0 for row in rows)
    return (
        f"{n} of {len(rows)} labels are read better than every control at their chosen place; widest margin "
        f"{margin[at]:+.2f}, {name} at layer {layer}, {role}: {_unit(dataset)} {score[at].text(2)}; "
        f"{schema.count_text(dataset)}."
    )
