"""How many examples does a probe need, and what are the labels worth in bits?

Left: test accuracy against the number of train prompts at each label's best layer; right: compression by layer, uniform
code over online code. How to read: right of 1 is not enough; a label must be compressed more than shuffled ones are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, maps, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

COLOURS = (look.BLUE, look.ORANGE, look.GREEN, look.PURPLE)


def learned(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the learning curves and the compression by layer at the first role, a colour a label (the first four)."""
    figure = make_subplots(cols=2, horizontal_spacing=0.1, subplot_titles=["accuracy by train prompts", "compression"])
    names = [str(name) for name in schema.labels(dataset, "target")][: len(COLOURS)]
    role, n = schema.labels(dataset, "role")[0], schema.count_text(dataset)
    layers, sizes = [int(layer) for layer in schema.labels(dataset, "layer")], schema.labels(dataset, "size")
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    for i, name in enumerate(names):
        here = dataset.sel(target=name, role=role)
        bits = schema.estimates(here, "compression", "layer")
        j = int(bits.value.argmax())
        curve = schema.estimates(here.isel(layer=j), "accuracy", "size")
        hover = [f"<b>{name}, layer {layers[j]}, {size} prompts</b><br>{{}}<br>{n}" for size in sizes]
        curves.add_curve(figure, curves.Curve(name, sizes, curve, hover, COLOURS[i], i), left)
        constant = float(schema.values(here, "majority_null"))
        curves.add_null(figure, "majority class", [sizes[0], sizes[-1]], [constant] * 2, left, legend=i == 0)  # type: ignore[arg-type]
        hover = [f"<b>{name}, layer {layer}</b><br>compression {{}}<br>{n}" for layer in layers]
        curves.add_curve(figure, curves.Curve(name, layers, bits, hover, COLOURS[i], i), right, legend=False)
    ceiling = float(schema.values(dataset, "compression_null_high"))
    curves.add_null(figure, "95 % of shuffled maxima", *curves.level(ceiling, layers), right)
    figure.update_xaxes(title_text="train prompts", type="log", tickvals=sizes, col=1)
    curves.layer_axis(figure, "layer", layers, col=2)
    curves.accuracy_axis(figure, "accuracy", col=1)
    figure.update_yaxes(title_text="uniform code / online code", col=2)
    curves.panel_titles(figure)
    told = (f"at {role}", n, "bands: 95 % interval")
    figure.update_layout(
        template=look.template(theme), title=schema.heading(dataset, "Learning curves and codes", *told)
    )
    return figure


def summary(dataset: xr.Dataset) -> str:
    """Return how many labels compress beyond shuffled ones, and the one that does most."""
    found = schema.values(dataset, "compression", "target", "layer", "role")
    ceiling = float(schema.values(dataset, "compression_null_high"))
    i, j, k = maps.largest(found)
    n, layer = int((found.max(axis=(1, 2)) > ceiling).sum()), schema.labels(dataset, "layer")[j]
    return (
        f"{n} of {len(found)} labels compress beyond shuffled ones ({ceiling:.2f}); most: "
        f"{schema.labels(dataset, 'target')[i]}, {found[i, j, k]:.1f} times at layer {layer}, "
        f"{schema.labels(dataset, 'role')[k]}; {schema.count_text(dataset)}."
    )
