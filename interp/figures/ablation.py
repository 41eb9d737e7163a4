"""Which positions, up to which layer, does the answer need?

    accuracy[kind, l, r] = mean_i 1[argmax = answer_i]  with role r's residual at layer l replaced

kind = zero | mean | resample. A curve that stays at the clean accuracy: that position no longer matters from there on.
The nulls are the clean run (nothing ablated) and the majority class (nothing known).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


def accuracy_by_layer(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return accuracy against the ablated layer: a panel a kind, a line a role, with bands and both nulls."""
    kinds = [str(kind) for kind in schema.labels(dataset, "kind")]
    layers = schema.labels(dataset, "layer")
    figure = make_subplots(
        cols=len(kinds), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=[f"{k} ablation" for k in kinds]
    )
    for column, kind in enumerate(kinds, start=1):
        _panel(figure, dataset.sel(kind=kind), kind, {"row": 1, "col": column})
        curves.layer_axis(figure, "layer (0 = embeddings)", layers, col=column)
    curves.accuracy_axis(figure, "accuracy", col=1)
    curves.panel_titles(figure)
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset,
            "Accuracy when one position's residual stream is replaced",
            "fraction correct",
            schema.count_text(dataset),
            "bands: 95 % interval",
            "dashed: clean run and majority class",
        ),
    )
    return figure


def _panel(figure: go.Figure, part: xr.Dataset, kind: str, place: Any) -> None:
    layers, first = schema.labels(part, "layer"), place["col"] == 1
    accuracy = schema.estimates(part, "accuracy", "role", "layer")
    n = schema.count_text(part)
    for i, role in enumerate(str(role) for role in schema.labels(part, "role")):
        hover = [f"<b>{kind}, layer {layer}, role {role}</b><br>accuracy {{}}<br>{n}" for layer in layers]
        line = curves.Curve(role, layers, accuracy[i], hover, look.role_colour(role, i), i)
        curves.add_curve(figure, line, place, legend=first)
    for name, label in (("accuracy_clean", "clean run"), ("null_majority", "majority class")):
        level = schema.scalar(part, name)
        if level is not None:
            curves.add_null(figure, label, *curves.level(level, layers), place, legend=first)


def summary(dataset: xr.Dataset) -> str:
    """Return, for the mean (or first) kind, the most needed role and where it stops mattering."""
    kinds = [str(kind) for kind in schema.labels(dataset, "kind")]
    kind = "mean" if "mean" in kinds else kinds[0]
    part = dataset.sel(kind=kind)
    value = schema.values(part, "accuracy", "layer", "role")
    filled = np.where(np.isfinite(value), value, np.inf)
    i, j = (int(k) for k in np.unravel_index(int(np.argmin(filled)), filled.shape))
    layer, role = schema.labels(part, "layer")[i], schema.labels(part, "role")[j]
    clean = schema.number(schema.scalar(part, "accuracy_clean"), 2)
    null = schema.number(schema.scalar(part, "null_majority"), 2)
    return (
        f"{kind.capitalize()} ablation hurts most at layer {layer}, role {role}: accuracy {value[i, j]:.2f} "
        f"against {clean} clean and {null} for the majority class; {schema.count_text(part)}."
    )
