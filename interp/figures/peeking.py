"""In which layer must the last token read the others?

    faithfulness[v, l] = accuracy among prompts the full model answers, with the edges of v hidden in layer l alone

v = last: the last token's attention to the other tokens (BOS stays); others: the other tokens' attention to each
other; random_head: as many random edges, the null. Only layers where `last` falls below the null carry the transfer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

_NAMES = {"last": ("last token cut off", look.VERMILLION), "others": ("other tokens cut off", look.BLUE)}


def single_layer(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness against the one layer whose attention edges are hidden, with the random-head null."""
    figure = go.Figure(layout={"template": look.template(theme)})
    layers = schema.labels(dataset, "layer")
    kept = schema.estimates(dataset, "faithfulness", "variant", "layer")
    for i, variant in enumerate(str(v) for v in schema.labels(dataset, "variant")):
        if variant == "random_head":
            curves.add_null(figure, "one random head cut off", layers, kept[i].value)
            continue
        name, colour = _NAMES.get(variant, (variant, look.OKABE_ITO[i % 6]))
        n = schema.count_text(dataset)
        hover = [f"<b>{name}, layer {layer}</b><br>faithfulness {{}}<br>{n}" for layer in layers]
        curves.add_curve(figure, curves.Curve(name, layers, kept[i], hover, colour, i))
    curves.layer_axis(figure, "block whose attention edges are hidden", layers)
    curves.accuracy_axis(figure, "faithfulness")
    figure.update_layout(
        title=schema.heading(
            dataset,
            "Faithfulness when attention edges are hidden in one block",
            "fraction of the full model's correct answers kept",
            schema.count_text(dataset),
            "bands: 95 % interval",
        )
    )
    return figure


def summary(dataset: xr.Dataset) -> str:
    """Return the block where cutting the last token off hurts most, and the null there."""
    layers = schema.labels(dataset, "layer")
    last = schema.values(dataset.sel(variant="last"), "faithfulness", "layer")
    worst = int(last.argmin())
    variants = [str(v) for v in schema.labels(dataset, "variant")]
    null = (
        schema.number(float(dataset["faithfulness"].sel(variant="random_head")[worst]), 2)
        if "random_head" in variants
        else "n/a"
    )
    return (
        f"Hiding the last token's reads hurts most in block {layers[worst]}: faithfulness {last[worst]:.2f} "
        f"(one random head: {null}); {schema.count_text(dataset)}."
    )
