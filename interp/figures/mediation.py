"""Where do changed operands reach the answer, and where does only the result stand?

    left: operands and result change;  middle: operands change, the result stays;  right: the null of the first
    colour: log(1 + effect), effect = symmetrised relative change of both answers' probabilities

How to read: a cell bright on the left and dark in the middle carries the result; bright in both carries operands. The
bars put the late MLPs (or attention) of the last token as a share of all cells; dashed is the share of cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

CHANGES = {"operands": "operands changed", "result_kept": "result kept", "operator": "operator changed"}
PARTS = {"mlp_out": "MLP", "attn_out": "attention"}
COLOURS = {"operands": look.BLUE, "result_kept": look.ORANGE, "operator": look.PURPLE}
FLOORED = 0.1


def mlp_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the layer x role maps of the MLP outputs, one a change, and the null of the first: means over pairs."""
    return _map(dataset, "mlp_out", "effect", theme)


def mlp_median_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the same maps of medians over pairs, which a few pairs do not decide."""
    return _map(dataset, "mlp_out", "effect_median", theme)


def attention_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the layer x role maps of the attention outputs, one a change, and the null of the first: medians."""
    return _map(dataset, "attn_out", "effect_median", theme)


def _map(dataset: xr.Dataset, component: str, shown: str, theme: str) -> go.Figure:
    part, average = dataset.sel(component=component), "median" if shown.endswith("median") else "mean"
    changes = schema.labels(dataset, "change")
    panels = [_panel(part.sel(change=change), CHANGES[change], shown, "") for change in changes]
    panels.append(_panel(part.sel(change=changes[0]), "null: unrelated source", shown, "_null"))
    top = max(float(panel.values.max()) for panel in panels)
    return maps.panel_maps(
        panels,
        maps.Axis("layer", [str(layer) for layer in schema.labels(dataset, "layer")]),
        maps.Axis("role", [str(role) for role in schema.labels(dataset, "role")]),
        title=schema.heading(
            dataset, f"Indirect effect of {PARTS[component]} outputs", f"log(1 + {average} effect)",
            schema.count_text(dataset), "interval and median on hover",
        ),
        unit="log(1 + effect)",
        bounds=(0.0, max(top, 1.0)),
        theme=theme,
    )  # fmt: skip


def _panel(part: xr.Dataset, title: str, shown: str, suffix: str) -> maps.Panel:
    found = schema.estimates(part, f"effect{suffix}", "layer", "role")
    median = schema.values(part, f"effect_median{suffix}", "layer", "role")
    layers, roles = schema.labels(part, "layer"), schema.labels(part, "role")
    n = int(part["n_pairs"])
    hover = [
        [
            f"<b>layer {layer}, {role}</b>, {title}<br>mean {found[i, j].text()}"
            f"<br>median {schema.number(median[i, j])}<br>n = {n}"
            for j, role in enumerate(roles)
        ]
        for i, layer in enumerate(layers)
    ]
    value = np.log1p(np.maximum(schema.values(part, f"{shown}{suffix}", "layer", "role"), 0.0))
    return maps.Panel(title, value, hover, maps.written(value))


def importance(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the relative importance of the late layers at the last token: bars a change, for mean, median and nats."""
    changes, components = schema.labels(dataset, "change"), schema.labels(dataset, "component")
    figure = go.Figure()
    for change in changes:
        figure.add_trace(_bars(dataset, change, components, "", CHANGES[change], COLOURS[change]))
    figure.add_trace(_bars(dataset, changes[0], components, "_null", "null: unrelated source", look.NULL))
    chance = schema.scalar(dataset, "chance") or 0.0
    figure.add_hline(y=chance, line={"color": look.NULL, "dash": "dash", "width": 1.5})
    figure.update_yaxes(title_text="relative importance", range=[0, 1.05])
    figure.update_layout(
        template=look.template(theme),
        barmode="group",
        title=schema.heading(
            dataset, f"Share of the effect in layers {_late(dataset)} of the last token",
            f"dashed: share of cells {chance:.2f}", schema.count_text(dataset), "bars: 95 % interval",
        ),
    )  # fmt: skip
    return figure


def _late(dataset: xr.Dataset) -> str:
    layers = str(dataset.attrs.get("late", "")).split()
    return f"{layers[0]}–{layers[-1]}" if len(layers) > 1 else "".join(layers)


def _bars(dataset: xr.Dataset, change: str, components: list, suffix: str, name: str, colour: str) -> go.Bar:
    labels, found = [], []
    for component in reversed(components):
        part = dataset.sel(change=change, component=component)
        for aggregate in schema.labels(dataset, "aggregate"):
            for floor in schema.labels(dataset, "floor"):
                labels.append(f"{PARTS[component]}<br>{aggregate}<br>floor {floor:g}")
                cell = part.sel(aggregate=aggregate, floor=floor)
                found.append(schema.estimates(cell, f"relative_importance{suffix}"))
        labels.append(f"{PARTS[component]}<br>nats")
        found.append(schema.estimates(part, f"relative_importance_log{suffix}"))
    whole, n = schema.Estimates.joined(found), schema.count_text(dataset)
    texts = [
        f"<b>{name}</b>, {label.replace('<br>', ', ')}<br>{each.text()}<br>{n}"
        for label, each in zip(labels, found, strict=True)
    ]
    return go.Bar(
        name=name, x=labels, y=whole.value, error_y=whole.bars(width=2), marker_color=colour, hovertext=texts,
        hoverinfo="text",
    )  # fmt: skip


def summary(dataset: xr.Dataset) -> str:
    """Return the relative importance of the late MLPs under each change and the null, and the largest cell."""
    said = []
    late = dataset.sel(component="mlp_out", aggregate="mean", floor=FLOORED)
    for change in schema.labels(dataset, "change"):
        found = schema.estimates(late.sel(change=change), "relative_importance")
        said.append(f"{CHANGES[change]} {found.text(2)}")
    first = late.isel(change=0)
    null = schema.number(schema.scalar(first, "relative_importance_null"), 2)
    part = dataset.isel(change=0)
    value = schema.values(part, "effect_median", "component", "layer", "role")
    i, j, k = maps.largest(value)
    component, layer, role = (
        schema.labels(dataset, dim)[at] for dim, at in (("component", i), ("layer", j), ("role", k))
    )
    return (
        f"Relative importance of the MLPs {_late(dataset)} of the last token (mean, floor .1): {', '.join(said)}; null "
        f"{null}, share of cells {schema.number(schema.scalar(dataset, 'chance'), 2)}; largest median effect: "
        f"{PARTS[component]} {layer} at {role}; {schema.count_text(dataset)}."
    )
