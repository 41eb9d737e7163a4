"""Which heads of the last token look at which operand?

    shown[l, h, k] = mean_i pattern_i[l, h, query, k] - 1 / (number of keys the query can see)

Zero is the null, uniform attention: blue heads look at that key more than a head that looks everywhere alike.
Attention says where a head looks, not what it moves; the causal test is hiding the edge (peeking).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from interp.figures import maps, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


def from_last(dataset: xr.Dataset, *, role: str | None = None, theme: str = "light") -> go.Figure:
    """Return layer x head maps, one a key role, of the attention of `role` (default: the last) against uniform."""
    query = role if role is not None else str(schema.labels(dataset, "role")[-1])
    part = dataset.sel(role=query)
    pattern = schema.estimates(part, "pattern", "key", "layer", "head")
    uniform = schema.values(part, "pattern_uniform", "key")
    excess = pattern.value - uniform[:, None, None]
    layers, heads = schema.labels(part, "layer"), schema.labels(part, "head")
    panels = [
        maps.Panel(
            f"to {key}",
            excess[k],
            _hover(layers, heads, query, str(key), pattern[k], float(uniform[k]), schema.count_text(part)),
        )
        for k, key in enumerate(schema.labels(part, "key"))
    ]
    return maps.panel_maps(
        panels,
        maps.Axis("block", [str(layer) for layer in layers]),
        maps.Axis("head", [str(head) for head in heads]),
        title=schema.heading(
            part,
            f"Attention of {query} above or below uniform",
            "mean attention minus 1 / visible keys",
            schema.count_text(part),
            f"0 on the scale = uniform, the null ({uniform[0]:.2f})",
        ),
        unit="above uniform",
        bounds=look.limits(excess, at_least=0.1),
        theme=theme,
    )


def _hover(layers, heads, query: str, key: str, pattern: schema.Estimates, uniform: float, n: str) -> list[list[str]]:
    return [
        [
            f"<b>block {layer}, head {head}</b><br>{query} attends to {key}: {pattern[i, j].text()}"
            f"<br>null (uniform) {uniform:.3f}<br>{n}"
            for j, head in enumerate(heads)
        ]
        for i, layer in enumerate(layers)
    ]


def summary(dataset: xr.Dataset) -> str:
    """Return the head of the last token that looks hardest at another token than the first."""
    query = str(schema.labels(dataset, "role")[-1])
    keys = [str(key) for key in schema.labels(dataset, "key")]
    others = [key for key in keys if key not in (query, "bos")]
    part = dataset.sel(role=query, key=others)
    pattern = schema.values(part, "pattern", "layer", "head", "key")
    i, j, k = maps.largest(pattern)
    null = float(part["pattern_uniform"].sel(key=others[k]))
    return (
        f"Of the heads of {query}, head {schema.labels(part, 'head')[j]} of block {schema.labels(part, 'layer')[i]} "
        f"looks hardest at another token: {pattern[i, j, k]:.2f} to {others[k]} (uniform: {null:.2f}); "
        f"{schema.count_text(part)}."
    )
