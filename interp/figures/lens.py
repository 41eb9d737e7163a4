"""From which layer on, and at which position, does the unembedding read the answer?

    accuracy[l, r] = mean_i 1[argmax softmax(W_U norm(h_i[l, r])) = answer_i]

The null panel asks the same of shuffled answers. The lens assumes the final basis at every layer: a low value says the
answer is not readable *that way*, not that it is absent.

Source: nostalgebraist 2020, the logit lens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema

if TYPE_CHECKING:
    import xarray as xr


def accuracy_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the layer x role map of top-1 accuracy of the lens, shuffled answers beside it."""
    value = schema.values(dataset, "accuracy", "layer", "role")
    schema.need(dataset, "accuracy_null")
    one = schema.scalar(dataset, "accuracy_null")  # some runs record one number for the whole map
    null = schema.values(dataset, "accuracy_null", "layer", "role") if one is None else np.full_like(value, one)
    hover = _hover(dataset, null)
    return maps.panel_maps(
        [
            maps.Panel("answer on top", value, hover, maps.written(value)),
            maps.Panel("null: shuffled answers", null, hover, maps.written(null)),
        ],
        maps.Axis("layer (0 = embeddings)", [str(layer) for layer in schema.labels(dataset, "layer")]),
        maps.Axis("role", [str(role) for role in schema.labels(dataset, "role")]),
        title=schema.heading(
            dataset,
            "Top-1 accuracy of the logit lens",
            "fraction correct",
            schema.count_text(dataset),
            "95 % interval on hover",
        ),
        unit="accuracy",
        bounds=(0.0, 1.0),
        theme=theme,
    )


def _hover(dataset: xr.Dataset, null: np.ndarray) -> list[list[str]]:
    accuracy = schema.estimates(dataset, "accuracy", "layer", "role")
    extra = [(name, schema.optional(dataset, name, "layer", "role")) for name in ("rank", "logprob")]
    n = schema.count_text(dataset)

    def text(layer: object, role: object, i: int, j: int) -> str:
        more = "".join(
            f"<br>{'median rank' if name == 'rank' else 'mean log-prob'} {schema.number(array[i, j], 2)}"
            for name, array in extra
            if array is not None
        )
        return (
            f"<b>layer {layer}, role {role}</b><br>accuracy {accuracy[i, j].text()}"
            f"{more}<br>null {schema.number(null[i, j])}<br>{n}"
        )

    roles = schema.labels(dataset, "role")
    return [
        [text(layer, role, i, j) for j, role in enumerate(roles)]
        for i, layer in enumerate(schema.labels(dataset, "layer"))
    ]


def summary(dataset: xr.Dataset) -> str:
    """Return the best cell and the first layer at which that role passes half of it."""
    value = schema.values(dataset, "accuracy", "layer", "role")
    i, j = maps.largest(value)
    layers, role = schema.labels(dataset, "layer"), schema.labels(dataset, "role")[j]
    first = layers[int(np.argmax(value[:, j] >= value[i, j] / 2))]
    return (
        f"Best at layer {layers[i]}, role {role}: accuracy {value[i, j]:.2f}; half of it is passed at layer "
        f"{first}; {schema.count_text(dataset)}."
    )
