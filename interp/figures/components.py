"""Which heads matter, and how few of them are enough beside all MLPs?

    maps: mean log effect (nats) of a head at the role where it is largest, the source of an unrelated pair beside it
    curve: faithfulness with the k top heads and all MLPs kept; grey: as many random heads in every layer

How to read: heads above the grey curve were found for a reason; where both curves are high, the MLPs and any heads do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, maps, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


def head_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the layer x head map of log effects, each at its best role, beside the null."""
    found = schema.estimates(dataset, "head_effect", "layer", "head", "role")
    null = schema.values(dataset, "head_effect_null", "layer", "head", "role").max(axis=-1)
    layers, heads, roles = (schema.labels(dataset, dim) for dim in ("layer", "head", "role"))
    best, n = found.value.argmax(axis=-1), int(dataset["n_pairs"])
    value = found.value.max(axis=-1)
    hover = [
        [
            f"<b>layer {layer}, head {head}</b> at {roles[best[i, j]]}<br>{found[i, j, best[i, j]].text()}<br>"
            f"null {schema.number(null[i, j])}<br>n = {n}"
            for j, head in enumerate(heads)
        ]
        for i, layer in enumerate(layers)
    ]
    return maps.panel_maps(
        [
            maps.Panel("source of another question", value, hover, maps.written(value)),
            maps.Panel("null: unrelated source", null, hover, maps.written(null)),
        ],
        maps.Axis("layer", [str(layer) for layer in layers]),
        maps.Axis("head", [str(head) for head in heads]),
        title=schema.heading(
            dataset, "Effect of each head on the answer", "log effect in nats, best role", f"n = {n} pairs",
            "interval and role on hover",
        ),
        unit="nats",
        bounds=look.limits(value, null, at_least=0.1),
        theme=theme,
    )  # fmt: skip


def faithfulness_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness and accuracy against the number of heads kept, beside random heads."""
    figure = make_subplots(cols=2, horizontal_spacing=0.09, subplot_titles=["faithfulness", "accuracy"])
    sizes, n = schema.labels(dataset, "size"), schema.count_text(dataset)
    added = [str(name) for name in dataset["added"].to_numpy()]
    for column, name in enumerate(("faithfulness", "accuracy"), start=1):
        place = {"row": 1, "col": column}
        hover = [
            f"<b>{size} heads</b> (adds {new or 'none'})<br>{{}}<br>{n}" for size, new in zip(sizes, added, strict=True)
        ]
        line = curves.Curve("top heads", sizes, schema.estimates(dataset, name, "size"), hover, look.BLUE)
        curves.add_curve(figure, line, place, legend=column == 1)
        random = schema.estimates(dataset, f"{name}_random", "size")
        texts = [f"<b>{size} random heads</b><br>{{}}<br>{n}" for size in sizes]
        control = curves.Curve(
            "control: random heads, as many a layer", sizes, random, texts, look.NULL, 4, "dash", 1.5
        )
        curves.add_curve(figure, control, place, legend=column == 1)
        figure.update_xaxes(title_text="heads kept", col=column)
    figure.update_yaxes(title_text="fraction")
    curves.panel_titles(figure)
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Top heads with all MLPs, the rest at means", n, "band: 95 % interval; random: 95 % of draws"
        ),
    )
    return figure


def summary(dataset: xr.Dataset) -> str:
    """Return how few heads reach the threshold, what as many random ones keep, and the heads of largest effect."""
    value = schema.values(dataset, "head_effect", "layer", "head", "role")
    layers, heads, roles = (schema.labels(dataset, dim) for dim in ("layer", "head", "role"))
    top = [np.unravel_index(i, value.shape) for i in np.argsort(-value, axis=None)[:3]]
    named = ", ".join(f"{layers[i]}.{heads[j]} at {roles[k]} ({value[i, j, k]:.1f})" for i, j, k in top)
    size, threshold = schema.scalar(dataset, "smallest"), float(dataset.attrs.get("threshold", 0.95))
    if size is None:
        said = f"No number of heads reaches {threshold:g} of the normalised logit on the ranking pairs"
    else:
        kept = schema.estimates(dataset, "faithfulness_smallest").text(2)
        random = schema.number(schema.scalar(dataset, "random_at_smallest"), 2)
        said = f"{size:.0f} of {value[..., 0].size} heads with all MLPs keep {kept}, as many random heads {random}"
    null = schema.number(float(schema.values(dataset, "head_effect_null", "layer", "head", "role").max()), 1)
    return f"{said}; largest effects in nats: {named}, null up to {null}; {schema.count_text(dataset)}."
