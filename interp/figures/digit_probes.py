"""In which base are the digits of a number read, and where?

    accuracy[base]           numbers right in every digit, held out by number
    accuracy[layer, role]    the same in base 10

How to read: base 10 stands out, above its neighbours and above both lines, or it is no code of digits. A number line
gives high bases for nothing: fewer digits, slower circles.
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


def by_base(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the accuracy of every base where base 10 is read best, one panel a target."""
    targets = [str(name) for name in schema.labels(dataset, "target")]
    bases = [int(base) for base in schema.labels(dataset, "base")]
    at = list(range(len(bases)))
    places = [best(dataset, target) for target in targets]
    titles = [f"{target}: layer {layer}, {role}" for target, (layer, role) in zip(targets, places, strict=True)]
    figure = make_subplots(cols=len(targets), shared_yaxes=True, horizontal_spacing=0.05, subplot_titles=titles)
    for i, (target, (layer, role)) in enumerate(zip(targets, places, strict=True)):
        here = dataset.sel(target=target, layer=layer, role=role)
        place: Any = {"row": 1, "col": i + 1}
        hover = [f"<b>{target} in base {base}</b><br>{{}}<br>{schema.count_text(dataset)}" for base in bases]
        found = schema.estimates(here, "accuracy", "base")
        curves.add_curve(figure, curves.Curve("circular digits", at, found, hover, look.BLUE), place, legend=i == 0)
        rounded = float(here["accuracy_rounded"])
        curves.add_null(figure, "same probe on a number line", at, schema.values(here, "accuracy_line", "base"), place,
                        legend=i == 0)  # fmt: skip
        limit = schema.values(dataset, "accuracy_null_high", "base")
        curves.add_null(figure, "numbers changed places, 95 % of maps", at, limit, place, legend=i == 0)
        ends, level = curves.level(rounded, at)
        line = {"color": look.ORANGE, "width": 1.5, "dash": "dot"}
        figure.add_trace(go.Scatter(name="number by ridge, rounded", legendgroup="rounded", showlegend=i == 0, x=ends,
                                    y=level, mode="lines", line=line, hovertext=[f"rounded: {rounded:.3f}"] * 2,
                                    hoverinfo="text"), **place)  # fmt: skip
    named = [i for i, base in enumerate(bases) if base % 2 == 0 or len(bases) < 10]  # room for every other one
    ticks = [str(bases[i]) for i in named]
    figure.update_xaxes(title_text="base", tickvals=named, ticktext=ticks, tickangle=-90, tickfont={"size": 10})
    curves.accuracy_axis(figure, "numbers right", col=1)
    curves.panel_titles(figure)
    told = ("every digit right, numbers held out", schema.count_text(dataset), "where base 10 is best; 95 % bands")
    title = schema.heading(dataset, "Digits on circles, base against base", *told)
    figure.update_layout(template=look.template(theme), title=title)
    return figure


def by_layer(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the accuracy in base 10 (or the first base) by layer, a line a role, one panel a target."""
    targets = [str(name) for name in schema.labels(dataset, "target")]
    layers = [int(layer) for layer in schema.labels(dataset, "layer")]
    base = shown(dataset)
    figure = make_subplots(cols=len(targets), shared_yaxes=True, horizontal_spacing=0.05, subplot_titles=targets)
    for i, target in enumerate(targets):
        place, first = {"row": 1, "col": i + 1}, i == 0
        for j, role in enumerate(str(name) for name in schema.labels(dataset, "role")):
            here = dataset.sel(target=target, role=role)
            found = schema.estimates(here.sel(base=base), "accuracy", "layer")
            rounded = schema.values(here, "accuracy_rounded", "layer")
            hover = [f"<b>{target} at {role}, layer {layer}</b><br>{{}}<br>rounded line: {rounded[k]:.3f}<br>"
                     f"{schema.count_text(dataset)}" for k, layer in enumerate(layers)]  # fmt: skip
            curve = curves.Curve(role, layers, found, hover, look.role_colour(role, j), j)
            curves.add_curve(figure, curve, place, legend=first)
        limit = float(dataset["accuracy_null_high"].sel(base=base))
        curves.add_null(
            figure, "numbers changed places, 95 % of maps", *curves.level(limit, layers), place, legend=first
        )
        curves.layer_axis(figure, "layer", layers, col=i + 1)
    curves.accuracy_axis(figure, f"numbers right in base {base}", col=1)
    curves.panel_titles(figure)
    told = ("every digit right, numbers held out", schema.count_text(dataset), "bands: 95 % interval over numbers")
    title = schema.heading(dataset, f"Where the digits of base {base} are read", *told)
    figure.update_layout(template=look.template(theme), title=title)
    return figure


def shown(dataset: xr.Dataset) -> int:
    """Return 10 where it was probed, else the first base."""
    bases = [int(base) for base in schema.labels(dataset, "base")]
    return 10 if 10 in bases else bases[0]


def best(dataset: xr.Dataset, target: str) -> tuple[int, str]:
    """Return the layer and role where the digits of base 10 of one target are read best."""
    found = schema.values(dataset.sel(target=target, base=shown(dataset)), "accuracy", "layer", "role")
    layer, role = np.unravel_index(int(found.argmax()), found.shape)
    return int(schema.labels(dataset, "layer")[layer]), str(schema.labels(dataset, "role")[role])


def summary(dataset: xr.Dataset) -> str:
    """Return for each target how base 10 does at its best place, beside the best base and the rounded line."""
    parts = []
    for target in (str(name) for name in schema.labels(dataset, "target")):
        layer, role = best(dataset, target)
        here = dataset.sel(target=target, layer=layer, role=role)
        values, bases = schema.estimates(here, "accuracy", "base"), schema.labels(dataset, "base")
        ten, top = bases.index(shown(dataset)), int(values.value.argmax())
        parts.append(
            f"{target} at layer {layer}, {role}: base {bases[ten]} {values[ten].text(2)}, best base {bases[top]} "
            f"{float(values.value[top]):.2f}, rounded line {float(here['accuracy_rounded']):.2f}"
        )
    return f"Numbers right in every digit, {'; '.join(parts)}; {schema.count_text(dataset)}."
