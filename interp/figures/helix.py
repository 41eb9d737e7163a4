"""Is a number written with periods, and does writing them bring the answer back?

    partial[layer, scheme]    what the target periods explain of the rest a number line leaves, on numbers held out
    recovered[layer, k, form] how much of the clean logit difference comes back when a form is written for the number

How to read: a period is there where `partial` stands above the grey line, the highest 95 % of three nulls. A helix is
what the model uses when it comes back as far as the true activation, and farther than as many principal components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

COLOURS = {"helix": look.BLUE, "circle": look.SKY, "polynomial": look.ORANGE, "pca": look.GREEN}
NAMES = {"helix": "helix", "circle": "circle", "polynomial": "polynomial", "pca": "principal components"}


def gain_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return what the periods add on numbers held out, by layer, above the highest null."""
    layers = [int(layer) for layer in schema.labels(dataset, "layer")]
    schemes = [str(name) for name in schema.labels(dataset, "scheme")]
    titles = [f"{scheme} hold-out" for scheme in schemes]
    figure = make_subplots(cols=len(schemes), horizontal_spacing=0.1, subplot_titles=titles)
    for i, scheme in enumerate(schemes):
        found, place = dataset.sel(scheme=scheme, model="all"), {"row": 1, "col": i + 1}
        value, null = (schema.values(found, name, "layer") for name in ("partial", "partial_null_high"))
        p, base, full = (schema.values(found, name, "layer") for name in ("p_corrected", "r2_base", "r2_full"))
        hover = [
            f"<b>layer {layer}, {scheme}</b><br>{{}} of what a number line leaves<br>p = {p[j]:.3f}, corrected<br>"
            f"held-out R²: line {base[j]:.3f}, with periods {full[j]:.3f}<br>{numbers(dataset)}"
            for j, layer in enumerate(layers)
        ]
        line = schema.Estimates(value, None, None)
        curve = curves.Curve("periods", layers, line, hover, look.BLUE)
        curves.add_curve(figure, curve, place, legend=i == 0)
        curves.add_null(figure, "95 % of the widest of three", layers, null, place, legend=i == 0)
        curves.layer_axis(figure, "layer (stream before block)", layers, col=i + 1)
    figure.update_yaxes(title_text="share of the rest explained", col=1)
    curves.panel_titles(figure)
    title = f"What the periods {targets(dataset)} add to a number line"
    told = (where(dataset), numbers(dataset), "held out: runs of neighbours, or every 7th number")
    figure.update_layout(template=look.template(theme), title=schema.heading(dataset, title, *told))
    return figure


def patch_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return how much of the answer each form brings back, by the number of periods, where the true one brings most."""
    layer = layer_shown(dataset)
    found = dataset.sel(layer=layer)
    figure = make_subplots(cols=2, horizontal_spacing=0.1, subplot_titles=["logit difference", "answers"])
    sizes = [int(k) for k in schema.labels(found, "k")]
    for column, name in enumerate(("recovered", "follows"), start=1):
        _forms(figure, found, name, {"row": 1, "col": column})
    figure.update_xaxes(title_text="periods, chosen on other pairs", tickvals=sizes)
    figure.update_yaxes(title_text="share recovered", col=1)
    curves.accuracy_axis(figure, "clean answer said", col=2)
    curves.panel_titles(figure)
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Writing a helix in place of the number", f"{where(dataset)}, layer {layer}",
            f"{schema.count_text(dataset)} pairs", "bands: 95 % interval",
        ),
    )  # fmt: skip
    return figure


def _forms(figure: go.Figure, found: xr.Dataset, name: str, place: dict) -> None:
    """Add one panel: a line a form, the true activation, and the nulls."""
    sizes, ranks = [int(k) for k in schema.labels(found, "k")], schema.values(found, "rank", "k")
    first = place["col"] == 1
    for i, form in enumerate(str(label) for label in schema.labels(found, "form")):
        value = schema.estimates(found.sel(form=form), name, "k")
        hover = [
            f"<b>{NAMES.get(form, form)}, {k} periods ({ranks[j]:.0f} functions)</b><br>{{}}<br>"
            f"{_chosen(found, form, k)}{schema.count_text(found)} pairs"
            for j, k in enumerate(sizes)
        ]
        curve = curves.Curve(NAMES.get(form, form), sizes, value, hover, COLOURS.get(form, look.PURPLE), i)
        curves.add_curve(figure, curve, place, legend=first)
    true = float(found[f"{name}_true"])
    ends, level = curves.level(true, sizes)
    figure.add_trace(
        go.Scatter(
            name="true activation", legendgroup="true", showlegend=first, x=ends, y=level, mode="lines",
            line={"color": look.VERMILLION, "width": 1.5}, hovertext=[f"true activation: {true:.3f}"] * 2,
            hoverinfo="text",
        ),
        **place,
    )  # fmt: skip
    null = schema.values(found, f"{name}_null", "k", "draw").mean(1)
    curves.add_null(figure, "helix of shuffled numbers", sizes, null, place, legend=first)
    mean = curves.level(float(found[f"{name}_mean"]), sizes)
    curves.add_null(figure, "mean activation", *mean, place, legend=first)


def _chosen(dataset: xr.Dataset, form: str, k: int) -> str:
    if form not in schema.labels(dataset, "fitted"):
        return ""
    return f"T = {str(dataset['chosen'].sel(k=k, fitted=form).item()).replace(' ', ', ')}<br>"


def layer_shown(dataset: xr.Dataset) -> int:
    """Return the layer at which the true activation brings most back: where the number is still read."""
    true = schema.values(dataset, "recovered_true", "layer")
    return int(schema.labels(dataset, "layer")[int(np.argmax(np.nan_to_num(true, nan=-np.inf)))])


def where(dataset: xr.Dataset) -> str:
    """Return which number is read at which role."""
    return f"{dataset.attrs.get('number_of', 'number')} at {dataset.attrs.get('role', '?')}"


def numbers(dataset: xr.Dataset) -> str:
    """Return how many numbers the fits saw."""
    found = schema.scalar(dataset, "n_numbers")
    return "n not recorded" if found is None else f"n = {found:.0f} numbers"


def targets(dataset: xr.Dataset) -> str:
    """Return the target periods in words."""
    return ", ".join(f"{float(t):.4g}" for t in dataset.attrs.get("targets", ()))


def gain_summary(dataset: xr.Dataset) -> str:
    """Return in how many layers the periods stand above every null, and the largest share."""
    found = schema.values(dataset, "significant", "layer", "scheme")
    partial = schema.values(dataset.sel(model="all"), "partial", "layer", "scheme")
    layer, scheme = np.unravel_index(int(np.argmax(partial)), partial.shape)
    named = [str(name) for name in schema.labels(dataset, "scheme")]
    each = ", ".join(f"{int(found[:, i].sum())} of {len(found)} layers ({name})" for i, name in enumerate(named))
    return (
        f"Periods {targets(dataset)} stand above every null in {each}; they explain at most "
        f"{partial[layer, scheme]:.3f} of what a number line leaves "
        f"(layer {schema.labels(dataset, 'layer')[layer]}, {named[scheme]}); "
        f"{numbers(dataset)}."
    )


def patch_summary(dataset: xr.Dataset) -> str:
    """Return what the largest helix brings back beside its rivals and its null."""
    layer = layer_shown(dataset)
    found = dataset.sel(layer=layer).isel(k=-1)
    each = ", ".join(
        f"{NAMES.get(str(form), form)} {schema.estimates(found.sel(form=form), 'recovered').text(2)} "
        f"(says {float(found['follows'].sel(form=form)):.2f})"
        for form in schema.labels(dataset, "form")
    )
    null = schema.values(found, "recovered_null", "draw").max()
    return (
        f"Written before block {layer}, {each} of the logit difference (of the answers) comes back (true activation "
        f"{float(found['recovered_true']):.2f}, shuffled helices up to {null:.2f}); {schema.count_text(dataset)} pairs."
    )
