"""Which components write the answer directly, and after which layer does it stand there?

    heads[l, h], mlps[l]   mean logits towards the answer, the final norm's scale frozen; terms sum to the difference
    accumulated[l]          the same of all components below layer l;  lens[l]: read with the layer's own scale

How to read: blue writes the answer, red writes against it; the grey null is the same towards an unrelated answer. The
last point of the accumulated curve is the model's own logit difference.
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

UNIT = "logits"
AGAINST = {"twin": "against the twin's answer", "numbers": "against the mean of the other numbers"}


def head_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the layer x head map of direct contributions, the null on the same scale beside it."""
    value, null = (schema.values(dataset, name, "layer", "head") for name in ("heads", "heads_null"))
    hover = _hover(dataset)
    return maps.panel_maps(
        [
            maps.Panel("towards the answer", value, hover, maps.written(value)),
            maps.Panel("null: unrelated answer", null, hover, maps.written(null)),
        ],
        maps.Axis("layer", [str(layer) for layer in schema.labels(dataset, "layer")]),
        maps.Axis("head", [str(head) for head in schema.labels(dataset, "head")]),
        title=schema.heading(
            dataset, "What each head writes towards the answer", _against(dataset), schema.count_text(dataset),
            "95 % interval on hover",
        ),
        unit=UNIT,
        bounds=look.limits(value, null, at_least=0.1),
        theme=theme,
    )  # fmt: skip


def by_layer(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the bars of the MLPs (and embedding and biases) beside the accumulated logit difference."""
    figure = make_subplots(
        cols=2, horizontal_spacing=0.1, subplot_titles=["embedding, MLPs, biases", "all components below a layer"]
    )
    for name, suffix, colour in (("towards the answer", "", look.BLUE), ("null: unrelated answer", "_null", look.NULL)):
        figure.add_trace(_bars(dataset, name, suffix, colour), row=1, col=1)
    _curves(figure, dataset)
    figure.update_yaxes(title_text=UNIT, zeroline=True, zerolinecolor=look.NULL, col=1)
    figure.update_xaxes(title_text="component", type="category", col=1)
    curves.panel_titles(figure)
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Direct contributions, and how they add up", _against(dataset), schema.count_text(dataset),
            "bars and bands: 95 % interval",
        ),
    )  # fmt: skip
    return figure


def neuron_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the sizes of the largest neurons of each layer, towards the answer and towards an unrelated one."""
    place = ("neuron_layer", "rank")
    value, null = (schema.values(dataset, name, *place) for name in ("neuron_sizes", "neuron_sizes_null"))
    hover = _neuron_hover(dataset)
    return maps.panel_maps(
        [
            maps.Panel("towards the answer", value, hover, maps.written(value)),
            maps.Panel("null: unrelated answer", null, hover, maps.written(null)),
        ],
        maps.Axis("layer", [str(layer) for layer in schema.labels(dataset, "neuron_layer")]),
        maps.Axis("rank of the neuron on the other half", [str(rank + 1) for rank in schema.labels(dataset, "rank")]),
        title=schema.heading(
            dataset, "Mean size of what the largest neurons write", _against(dataset), schema.count_text(dataset),
            "chosen on half of the prompts, shown on the rest",
        ),
        unit=UNIT,
        bounds=(0.0, max(float(value.max()), float(null.max()), 0.1)),
        theme=theme,
    )  # fmt: skip


def _neuron_hover(dataset: xr.Dataset) -> list[list[str]]:
    place = ("neuron_layer", "rank")
    index, n = schema.values(dataset, "neuron", *place), schema.count_text(dataset)
    size, null = (schema.estimates(dataset, name, *place) for name in ("neuron_sizes", "neuron_sizes_null"))
    mean = schema.estimates(dataset, "neurons", *place)
    return [
        [
            f"<b>layer {layer}, neuron {index[i, j]:.0f}</b><br>mean size {size[i, j].text()}"
            f"<br>mean {mean[i, j].text()}<br>null size {null[i, j].text()}<br>{n}, half of them"
            for j in range(index.shape[1])
        ]
        for i, layer in enumerate(schema.labels(dataset, "neuron_layer"))
    ]


def _bars(dataset: xr.Dataset, name: str, suffix: str, colour: str) -> go.Bar:
    labels = ["embed", *(f"MLP {layer}" for layer in schema.labels(dataset, "layer")), "bias"]
    parts = [schema.estimates(dataset, f"embed{suffix}"), schema.estimates(dataset, f"mlps{suffix}", "layer")]
    parts.append(schema.estimates(dataset, f"bias{suffix}"))
    whole, n = schema.Estimates.joined(parts), schema.count_text(dataset)
    texts = [f"<b>{label}</b>, {name}<br>{whole[i].text()}<br>{n}" for i, label in enumerate(labels)]
    return go.Bar(
        name=name, x=labels, y=whole.value, error_y=whole.bars(), marker_color=colour, hovertext=texts, hoverinfo="text"
    )


def _curves(figure: go.Figure, dataset: xr.Dataset) -> None:
    depth, n, place = schema.labels(dataset, "depth"), schema.count_text(dataset), {"row": 1, "col": 2}
    for i, (name, label, colour) in enumerate(
        (("accumulated", "accumulated", look.BLUE), ("lens", "logit lens (own scale)", look.ORANGE))
    ):
        hover = [f"<b>{label}, below layer {layer}</b><br>{{}}<br>{n}" for layer in depth]
        line = curves.Curve(label, depth, schema.estimates(dataset, name, "depth"), hover, colour, i)
        curves.add_curve(figure, line, place)
    null = schema.values(dataset, "accumulated_null", "depth")
    curves.add_null(figure, "unrelated answer", depth, null, place, legend=False)  # the bars name it
    curves.layer_axis(figure, "below layer (0 = embeddings)", depth, col=2)


def _against(dataset: xr.Dataset) -> str:
    return f"{UNIT}, {AGAINST.get(str(dataset.attrs.get('against')), 'against another answer')}"


def _hover(dataset: xr.Dataset) -> list[list[str]]:
    layers, heads = schema.labels(dataset, "layer"), schema.labels(dataset, "head")
    value, null = (schema.estimates(dataset, name, "layer", "head") for name in ("heads", "heads_null"))
    n = schema.count_text(dataset)
    return [
        [
            f"<b>layer {layer}, head {head}</b><br>{value[i, j].text()}<br>null {null[i, j].text()}<br>{n}"
            for j, head in enumerate(heads)
        ]
        for i, layer in enumerate(layers)
    ]


def summary(dataset: xr.Dataset) -> str:
    """Return the total, what heads, MLPs and the rest write of it, the largest of each, and the null's largest."""
    heads, mlps = schema.values(dataset, "heads", "layer", "head"), schema.values(dataset, "mlps", "layer")
    rest = sum(schema.scalar(dataset, name) or 0.0 for name in ("embed", "bias"))
    total = schema.scalar(dataset, "total")
    i, j = maps.largest(np.abs(heads))
    k = int(np.argmax(np.abs(mlps)))
    null = max(
        float(np.abs(schema.values(dataset, "heads_null", "layer", "head")).max()),
        float(np.abs(schema.values(dataset, "mlps_null", "layer")).max()),
    )
    layers, names = schema.labels(dataset, "layer"), schema.labels(dataset, "head")
    return (
        f"Of {schema.number(total, 2)} logits {_against(dataset).partition(', ')[2]}, heads write {heads.sum():.2f}, "
        f"MLPs {mlps.sum():.2f}, embedding and biases {rest:.2f}; largest: head {layers[i]}.{names[j]} "
        f"{heads[i, j]:+.2f}, MLP {layers[k]} {mlps[k]:+.2f}; the null reaches {null:.2f}; "
        f"{schema.count_text(dataset)}."
    )
