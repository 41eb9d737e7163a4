"""Which heads carry the answer to the logits, and what is left without them?

    effect[layer, head]     relative change of the clean answer's logit when the head's path carries the twin
    accuracy[n_removed]     with the strongest heads at their mean, beside random heads of the same layers and of any

How to read: red cells are heads that the answer needs. The knockout says whether it does: a curve that falls no faster
than the grey ones is no circuit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import curves, maps, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

VARIANT = "mlps_recomputed"


def head_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the layer x head maps of each counterfactual and the null of the first, on one scale."""
    names = [str(name) for name in schema.labels(dataset, "counterfactual")]
    at = [str(name) for name in schema.labels(dataset, "variant")].index(VARIANT)
    place = ("counterfactual", "variant", "layer", "head")
    own, null = (schema.estimates(dataset, name, *place) for name in ("effect", "effect_null"))
    shown = [(name.replace("_", " "), own[i, at]) for i, name in enumerate(names)]
    shown.append(("null: unrelated pair", null[0, at]))
    layers, heads = schema.labels(dataset, "layer"), schema.labels(dataset, "head")
    panels = [
        maps.Panel(title, found.value, [
            [f"<b>head {layer}.{head}</b><br>{found[i, j].text()}<br>{_pairs(dataset)}" for j, head in enumerate(heads)]
            for i, layer in enumerate(layers)
        ]) for title, found in shown
    ]  # fmt: skip
    return maps.panel_maps(
        panels,
        maps.Axis("layer", [str(layer) for layer in layers]),
        maps.Axis("head", [str(head) for head in heads]),
        title=schema.heading(
            dataset, "What each head's path does to the answer's logit", "MLPs recomputed", _pairs(dataset),
            "95 % interval on hover",
        ),
        unit="relative effect",
        bounds=look.limits(*(found.value for _, found in shown), at_least=0.02),
        theme=theme,
    )  # fmt: skip


def knockout_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return accuracy against the number of heads removed, above random heads."""
    figure, removed = go.Figure(), [int(k) for k in schema.labels(dataset, "n_removed")]
    found = schema.estimates(dataset, "accuracy", "n_removed")
    ranks = ["none", *(str(name) for name in schema.labels(dataset, "rank"))]
    hover = [f"<b>{k} heads removed</b>, last {ranks[k]}<br>{{}}<br>{_n(dataset)}" for k in removed]
    curves.add_curve(figure, curves.Curve("strongest heads", removed, found, hover, look.BLUE))
    for name, title in (
        ("accuracy_null_layers", "random, same layers"),
        ("accuracy_null_other", "random, none of these heads"),
    ):
        draws = schema.values(dataset, name, "draw", "n_removed")
        curves.add_null(figure, f"{title} (mean of {len(draws)})", removed, draws.mean(axis=0))
    figure.update_xaxes(title_text="heads removed (mean-ablated), strongest first", dtick=1)
    curves.accuracy_axis(figure, "accuracy")
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Accuracy without the strongest heads", f"{_key(dataset)} key heads", _n(dataset),
            "band: 95 % interval",
        ),
    )  # fmt: skip
    return figure


def trace(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the cosine curves of operands and answer by layer, each beside its null."""
    figure, layers = go.Figure(), [int(layer) for layer in schema.labels(dataset, "layer")]
    into = schema.estimates(dataset, "towards_operand", "layer", "operand")
    null = schema.values(dataset, "towards_operand_null", "layer", "operand")
    out = schema.estimates(dataset, "towards_answer", "layer")
    for j, name in enumerate(schema.labels(dataset, "operand")):
        hover = [f"<b>MLP {layer} reads {name}</b><br>{{}}<br>{_n(dataset)}" for layer in layers]
        colour = look.role_colour(str(name), j)
        curves.add_curve(figure, curves.Curve(f"MLP reads {name}", layers, into[:, j], hover, colour, j))
    hover = [f"<b>MLP {layer} adds the answer</b><br>{{}}<br>{_n(dataset)}" for layer in layers]
    curves.add_curve(figure, curves.Curve("MLP adds the answer", layers, out, hover, look.VERMILLION, 3))
    curves.add_null(figure, "another prompt's operand", layers, null.mean(axis=1))
    curves.add_null(figure, "another prompt's answer", layers, schema.values(dataset, "towards_answer_null", "layer"))
    curves.layer_axis(figure, "layer", layers)
    figure.update_yaxes(title_text="cosine with the unembedding", zeroline=True)
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Operands and answer at the last position", _n(dataset), "bands: 95 % interval"
        ),
    )  # fmt: skip
    return figure


def _pairs(dataset: xr.Dataset) -> str:
    counts = schema.values(dataset, "n_pairs", "counterfactual")
    return f"n = {' and '.join(str(int(n)) for n in counts)} selection pairs"


def _key(dataset: xr.Dataset) -> str:
    return f"{int(schema.scalar(dataset, 'n_key') or 0)}"


def _n(dataset: xr.Dataset) -> str:
    return schema.count_text(dataset)


def summary(dataset: xr.Dataset) -> str:
    """Return the key heads with their effects, and what the knockout takes beside random heads."""
    names = [str(name) for name in schema.labels(dataset, "rank")]
    at = [str(name) for name in schema.labels(dataset, "variant")].index(VARIANT)
    effect = schema.values(dataset, "effect", "counterfactual", "variant", "layer", "head")[0, at]
    strongest = ", ".join(f"{name} {effect[tuple(map(int, name.split('.')))]:+.1%}" for name in names[:3])
    found = schema.estimates(dataset, "accuracy", "n_removed")
    k = min(5, len(names))
    random = schema.values(dataset, "accuracy_null_other", "draw", "n_removed")[:, k].mean()
    null = schema.values(dataset, "effect_null", "counterfactual", "variant", "layer", "head")[0, at]
    return (
        f"{_key(dataset)} key heads (effect below -5 %; {int((null < -0.05).sum())} by an unrelated pair); strongest "
        f"{strongest}. Without the top {k}: accuracy {found[k].text(2)}, without {k} random others "
        f"{np.round(random, 2):.2f}; {_n(dataset)}."
    )
