"""What does one head read, token by token; and a few heads side by side?

    weight[query, key] = mean_i pattern_i[l, h, query, key],    null: 1 / (number of keys the query can see)

How to read: rows are the token that reads, the first on top; columns the token that is read; keys that a query cannot
see are left blank. Rows and columns are placed by number and named by tick text, so tokens of the same text never
merge. Attention says where a head looks, not what it moves; the causal test is hiding the edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.errors import InterpError
from interp.figures import maps, schema
from interp.figures.twin import Twin

if TYPE_CHECKING:
    import xarray as xr

DIMS = ("layer", "head", "role", "key")
LARGE = 12
"""Roles of a map whose cells carry numbers."""

Head = tuple[int, int]
"""A layer and the number of a head in it."""


def one_head(dataset: xr.Dataset, *, head: Head | None = None, theme: str = "light") -> go.Figure:
    """Return the weights of one (layer, head), by default the hardest looking, and uniform attention beside them."""
    return side_by_side(dataset, [head or hardest(dataset)], theme=theme)


def side_by_side(dataset: xr.Dataset, heads: list[Head], *, theme: str = "light") -> go.Figure:
    """Return the maps [query, key] of a few heads on the scale 0 to 1, the uniform null last."""
    roles, keys = (
        maps.Axis(title, [str(each) for each in schema.labels(dataset, dim)])
        for title, dim in (("token that reads", "role"), ("token that is read", "key"))
    )
    titles = [f"head {layer}.{number}" for layer, number in heads]
    panels = [maps.Panel(title, *_panel(dataset, *head)) for title, head in zip(titles, heads, strict=True)]
    panels.append(maps.Panel("null: uniform", *_null_panel(dataset)))
    figure = maps.panel_maps(
        panels, roles, keys, unit="attention weight", bounds=(0.0, 1.0), theme=theme,
        title=schema.heading(
            dataset, f"What {titles[0]} reads" if len(titles) == 1 else "Heads side by side", "mean attention weight",
            schema.count_text(dataset), "interval on hover",
        ),
    )  # fmt: skip
    return figure.update_yaxes(autorange="reversed")


def head_trace(dataset: xr.Dataset, layer: int, head: int) -> dict:
    """Return what changes from head to head in the first panel of `one_head`: z, hovertext and text."""
    z, hover, text = _panel(dataset, layer, head)
    return {"z": z, "hovertext": hover, "text": text, "name": f"head {layer}.{head}"}


def table(dataset: xr.Dataset, heads: list[Head]) -> Twin:
    """Return the weights of a few heads as one table: a row a head and token that reads, a column a token read; the
    uniform null last."""
    pattern, uniform, seen = weights(dataset)
    roles, keys = ([str(each) for each in schema.labels(dataset, dim)] for dim in DIMS[2:])
    rows = []
    for layer, head in heads:
        i, j = place(dataset, layer, head)
        for q, query in enumerate(roles):
            cells = (pattern[i, j, q, k].text() if seen[q, k] else "" for k in range(len(keys)))
            rows.append((f"{layer}.{head}", query, *cells))
    for q, query in enumerate(roles):
        rows.append(("null: uniform", query, *(f"{uniform[q, k]:.3f}" if seen[q, k] else "" for k in range(len(keys)))))
    caption = f"attention weight, {schema.count_text(dataset)}, 95 % interval in brackets"
    return Twin(caption, ("head", "reads", *keys), tuple(rows), 2)


def says(dataset: xr.Dataset, layer: int, head: int, most: int = 3) -> str:
    """Return where one head looks hardest above uniform, in a sentence."""
    i, j = place(dataset, layer, head)
    pattern, uniform, seen = weights(dataset)
    excess = np.where(seen, pattern.value[i, j] - uniform, -np.inf)
    roles, keys = (schema.labels(dataset, dim) for dim in DIMS[2:])
    top = np.argsort(-excess.ravel(), kind="stable")[:most]
    places = [divmod(int(at), len(keys)) for at in top]
    found = [
        f"{roles[q]} reads {keys[k]} {pattern[i, j, q, k].text(2)} (uniform {uniform[q, k]:.2f})" for q, k in places
    ]
    return f"Head {layer}.{head}, most above uniform: {'; '.join(found)}; {schema.count_text(dataset)}."


def hardest(dataset: xr.Dataset) -> Head:
    """Return the (layer, head) in which the last role looks hardest at another token than the first or itself."""
    pattern, uniform, _ = weights(dataset)
    keys, query = [str(key) for key in schema.labels(dataset, "key")], str(schema.labels(dataset, "role")[-1])
    others = [k for k, key in enumerate(keys) if key not in (query, "bos")] or list(range(len(keys)))
    i, j, _ = maps.largest(pattern.value[:, :, -1, others] - uniform[-1, others])
    return int(schema.labels(dataset, "layer")[i]), int(schema.labels(dataset, "head")[j])


def weights(dataset: xr.Dataset) -> tuple[schema.Estimates, np.ndarray, np.ndarray]:
    """Return the mean weights, the uniform null [role, key], and which keys a query sees."""
    uniform = schema.values(dataset, "pattern_uniform", "role", "key")
    return schema.estimates(dataset, "pattern", *DIMS), uniform, uniform > 0


def place(dataset: xr.Dataset, layer: int, head: int) -> Head:
    """Return the indices of a head. Raises InterpError for one that is not there."""
    layers, heads = (schema.labels(dataset, dim) for dim in DIMS[:2])
    if layer not in layers or head not in heads:
        raise InterpError(f"There is no head {layer}.{head}: blocks {layers[0]} to {layers[-1]}, {len(heads)} heads.")
    return layers.index(layer), heads.index(head)


def told(n: str, name: str, reads: str, found: schema.Estimates, uniform: float) -> str:
    """Return the text of one cell: `reads` is `eq reads b`, `n` the number of prompts in words."""
    words = f"{reads}: {found.text()}<br>null (uniform) {uniform:.3f}" if uniform else f"{reads}: not visible"
    return f"<b>head {name}</b><br>{words}<br>{n}"


def _panel(dataset: xr.Dataset, layer: int, head: int) -> tuple[np.ndarray, list, list | None]:
    i, j = place(dataset, layer, head)
    pattern, uniform, seen = weights(dataset)
    values = np.where(seen, pattern.value[i, j], np.nan)
    roles, keys = (schema.labels(dataset, dim) for dim in DIMS[2:])
    name, n = f"{layer}.{head}", schema.count_text(dataset)
    hover = [
        [told(n, name, f"{query} reads {key}", pattern[i, j, q, k], uniform[q, k]) for k, key in enumerate(keys)]
        for q, query in enumerate(roles)
    ]
    return values, hover, maps.written(values, most=LARGE**2)


def _null_panel(dataset: xr.Dataset) -> tuple[np.ndarray, list, list | None]:
    _, uniform, seen = weights(dataset)
    values = np.where(seen, uniform, np.nan)
    roles, keys = (schema.labels(dataset, dim) for dim in DIMS[2:])
    hover = [[f"null: {q} reads {k} {values[a, b]:.3f}" for b, k in enumerate(keys)] for a, q in enumerate(roles)]
    return values, hover, maps.written(values, most=LARGE**2)


def named(dataset: xr.Dataset, name: str) -> Head:
    """Return the (layer, head) of a name like `3.1`. Raises InterpError for one that the dataset does not have."""
    layer, _, head = name.partition(".")
    if not (layer.isascii() and layer.isdigit() and head.isascii() and head.isdigit()):
        raise InterpError(f"{name[:40]!r} is not a head; heads are named block.head, such as 3.1.")
    place(dataset, int(layer), int(head))
    return int(layer), int(head)
