"""Which heads and MLPs matter by attribution, which exactly, and where do the two part?

    score[node, role], effect[node, role]   logits towards the clean answer; every point of the scatter is one node at
                                            one role; the grey cloud is the score of an unrelated pair

How to read: on the diagonal the estimate is exact. Points near the vertical axis with a large effect are what
attribution misses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

VARIANTS = {
    "gradient": "gradient at the corrupted run",
    "ig_inputs": "integrated between the embeddings",
    "ig_activations": "integrated between the activations",
}


def node_maps(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the node x role maps of the estimate, the exact effect and the null, on one scale."""
    names = (("score", "attribution"), ("effect", "exact"), ("score_null", "null: unrelated pair"))
    shown = [(title, schema.values(dataset, name, "node", "role"), _hover(dataset, name)) for name, title in names]
    nodes = [str(node) for node in schema.labels(dataset, "node")]
    roles = [str(role) for role in schema.labels(dataset, "role")]
    figure = maps.panel_maps(
        [maps.Panel(title, value, hover) for title, value, hover in shown],
        maps.Axis("head or MLP", nodes),
        maps.Axis("role", roles),
        title=schema.heading(
            dataset, "What each node would add to the clean answer", _how(dataset), _n(dataset), "interval on hover"
        ),
        unit="logits",
        bounds=look.limits(*(value for _, value, _ in shown), at_least=0.1),
        theme=theme,
    )
    return figure.update_layout(height=max(420, 90 + 16 * len(nodes)))


def agreement(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return exact effects against their estimates, a point a node and role, and the null's estimates."""
    score, effect, null = (
        schema.values(dataset, name, "node", "role").ravel() for name in ("score", "effect", "score_null")
    )
    hover = [text for row in _hover(dataset, "effect") for text in row]
    figure = go.Figure()
    figure.add_trace(_points("null: unrelated pair's estimate", null, effect, hover, look.NULL))
    figure.add_trace(_points("estimate", score, effect, hover, look.BLUE))
    ends = [float(np.min([score, effect])), float(np.max([score, effect]))]
    figure.add_trace(
        go.Scatter(name="exact", x=ends, y=ends, mode="lines", line={"width": 1, "dash": "dot", "color": look.NULL},
                   hoverinfo="skip")
    )  # fmt: skip
    figure.update_xaxes(title_text="attribution (logits)")
    figure.update_yaxes(title_text="exact effect (logits)")
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Attribution against exact patching", _how(dataset), f"r = {_one(dataset, 'pearson')}",
            f"rank r = {_one(dataset, 'spearman')}", _n(dataset),
        ),
    )  # fmt: skip
    return figure


def _points(name: str, x: np.ndarray, y: np.ndarray, hover: list[str], colour: str) -> go.Scatter:
    return go.Scatter(
        name=name, x=x, y=y, mode="markers", marker={"color": colour, "size": 7, "opacity": 0.75},
        hovertext=hover, hoverinfo="text",
    )  # fmt: skip


def _hover(dataset: xr.Dataset, name: str) -> list[list[str]]:
    found = schema.estimates(dataset, name, "node", "role")
    effect = schema.estimates(dataset, "effect", "node", "role")
    nodes, roles = schema.labels(dataset, "node"), schema.labels(dataset, "role")
    return [
        [
            f"<b>{node} at {role}</b><br>{name.replace('_', ' ')} {found[i, j].text()}<br>"
            f"exact {effect[i, j].text()}<br>{_n(dataset)}"
            for j, role in enumerate(roles)
        ]
        for i, node in enumerate(nodes)
    ]


def _n(dataset: xr.Dataset) -> str:
    return f"{schema.count_text(dataset)} pairs"


def _how(dataset: xr.Dataset) -> str:
    return VARIANTS.get(str(dataset.attrs.get("variant")), str(dataset.attrs.get("variant")))


def _one(dataset: xr.Dataset, name: str) -> str:
    return schema.number(schema.scalar(dataset, name), 2)


def summary(dataset: xr.Dataset) -> str:
    """Return the largest exact effects, how well the estimate follows them, and what it misses."""
    effect = schema.estimates(dataset, "effect", "node", "role")
    nodes, roles = schema.labels(dataset, "node"), schema.labels(dataset, "role")
    flat = np.argsort(-np.abs(effect.value).ravel(), kind="stable")[:3]
    largest = [(divmod(int(i), len(roles))) for i in flat]
    named = "; ".join(f"{nodes[i]} at {roles[j]} {effect[i, j].text(2)}" for i, j in largest)
    missed, k = str(dataset.attrs.get("missed", "")), dataset.attrs.get("k", "")
    told = f"of the top {k} the estimate misses {missed}" if missed else f"the estimate misses none of the top {k}"
    return (
        f"Largest exact effects: {named}. {_how(dataset).capitalize()}: r = {_one(dataset, 'pearson')}, "
        f"rank r = {_one(dataset, 'spearman')}; {told}; {_n(dataset)}."
    )
