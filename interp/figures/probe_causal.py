"""When a probe's reading is set to another value, does the answer follow, and does it follow a correlate as well?

Left: the share of prompts that give the expected answer, at the dose where the probe does best; right: how well probe and
decoy read the variable. How to read: a direction is used where the blue line leaves the grey ones and the decoy's.
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

COLOURS = {"probe": look.BLUE, "means": look.GREEN, "decoy": look.ORANGE}


def followed(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return follows and readability by layer, a line a way, random directions in grey."""
    figure = make_subplots(cols=2, horizontal_spacing=0.1, subplot_titles=["answers that follow", "what is read"])
    layers, doses = [int(layer) for layer in schema.labels(dataset, "layer")], schema.labels(dataset, "dose")
    d = best_dose(dataset)
    here = dataset.isel(dose=d)
    for i, way in enumerate(str(name) for name in schema.labels(dataset, "way")):
        found = schema.estimates(here.sel(way=way), "follows", "layer")
        hover = [f"<b>{way}, layer {layer}, dose {doses[d]:g}</b><br>{{}}<br>{schema.count_text(dataset)}"
                 for layer in layers]  # fmt: skip
        curves.add_curve(figure, curves.Curve(way, layers, found, hover, COLOURS.get(way, look.PURPLE), i),
                         {"row": 1, "col": 1})  # fmt: skip
    for j, draw in enumerate(schema.values(here, "follows_null", "draw", "layer")):
        curves.add_null(figure, "random directions", layers, draw, {"row": 1, "col": 1}, legend=j == 0)
    for i, (way, name) in enumerate((("probe", "r2"), ("decoy", "decoy_r2"))):
        found = schema.estimates(dataset, name, "layer")
        hover = [f"<b>{way} reads, layer {layer}</b><br>R² {{}}" for layer in layers]
        curves.add_curve(figure, curves.Curve(way, layers, found, hover, COLOURS[way], 2 * i), {"row": 1, "col": 2},
                         legend=False)  # fmt: skip
    for column in (1, 2):
        curves.layer_axis(figure, "layer", layers, col=column)
    curves.accuracy_axis(figure, "share of prompts", col=1)
    figure.update_yaxes(title_text="R² on the selection split", range=[-0.1, 1.05], col=2)
    curves.panel_titles(figure)
    told = (
        f"dose {doses[d]:g} at {dataset.attrs.get('role', '?')}",
        schema.count_text(dataset),
        "bands: 95 % interval",
    )
    title = schema.heading(dataset, f"Setting the probed {dataset.attrs.get('variable', 'variable')}", *told)
    figure.update_layout(template=look.template(theme), title=title)
    return figure


def best_dose(dataset: xr.Dataset) -> int:
    """Return the index of the dose at which most answers follow the probe at its best layer."""
    found = schema.values(dataset.sel(way="probe"), "follows", "dose", "layer")
    return int(found.max(axis=1).argmax())


def summary(dataset: xr.Dataset) -> str:
    """Return where most answers follow the probe, beside the decoy and random directions there."""
    d = best_dose(dataset)
    here = dataset.isel(dose=d)
    found = schema.estimates(here, "follows", "way", "layer")
    ways = [str(name) for name in schema.labels(dataset, "way")]
    what, r2 = dataset.attrs.get("variable", "?"), schema.values(dataset, "r2", "layer")
    if not schema.values(dataset.sel(way="probe"), "follows", "dose", "layer").any():
        return (
            f"No answer follows the probe of {what} at {dataset.attrs.get('role', '?')}, at any layer or dose: "
            f"{found[ways.index('probe'), 0].text(2)}; it reads with R² up to {float(r2.max()):.2f}; "
            f"{schema.count_text(dataset)}."
        )
    at = int(found.value[ways.index("probe")].argmax())
    random = float(np.max(schema.values(here, "follows_null", "draw", "layer")[:, at]))
    others = ", ".join(f"{way} {float(found.value[i, at]):.2f}" for i, way in enumerate(ways) if way != "probe")
    return (
        f"Most answers follow the probe of {what} at layer "
        f"{schema.labels(dataset, 'layer')[at]}, dose {schema.labels(dataset, 'dose')[d]:g}: "
        f"{found[ways.index('probe'), at].text(2)} ({others}, random up to {random:.2f}; it reads with R² "
        f"{float(r2[at]):.2f}); {schema.count_text(dataset)}."
    )
