"""How much of the logit difference does a circuit keep, by its number of edges; and which edges come first?

    f(k) = (m(circuit of k edges) - m(no edge)) / (m(every edge) - m(no edge))

How to read: 1 = as the whole model, 0 = as the run outside. The grey curves are random circuits of equal size. What the
complement still keeps tells whether the circuit is needed: 0 = nothing else does its work. The drawing shows the top
edges from the embedding (bottom) to the logits (top); blue adds to the answer, red works against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.circuit_edges import node_of

if TYPE_CHECKING:
    import xarray as xr

DRAWN = 20
"""Edges in the drawing: more cannot be followed by eye."""
NAMES = {"size": "size of score", "signed": "signed score"}
OUTSIDE = {
    "counterfactual": "outside: the corrupted twin", "mean": "outside: the mean", "resample": "outside: other prompts",
}  # fmt: skip


def faithfulness_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return f against the share of edges (logarithmic), both rankings and the complement, above random circuits."""
    shares = [float(share) for share in schema.labels(dataset, "share")]
    counts = schema.values(dataset, "n_kept", "share")
    figure, rankings = go.Figure(), [str(name) for name in schema.labels(dataset, "ranking")]
    f, rest = (schema.estimates(dataset, name, "ranking", "share") for name in ("faithfulness", "complement"))
    for i, name in enumerate(rankings):
        hover = [
            f"<b>{name}, {share:.1%} of edges ({int(count)})</b><br>f {{}}<br>{_n(dataset)}"
            for share, count in zip(shares, counts, strict=True)
        ]
        colour = look.role_colour(name, i)
        curves.add_curve(figure, curves.Curve(f"top edges by {NAMES.get(name, name)}", shares, f[i], hover, colour, i))
        if name == "size":
            far = [text.replace("<br>f", "<br>f of all other edges") for text in hover]
            curves.add_curve(figure, curves.Curve("all edges but these", shares, rest[i], far, colour, 3, "dot"))
    for j, draw in enumerate(schema.values(dataset, "faithfulness_null", "draw", "share")):
        curves.add_null(figure, "random edges", shares, draw, legend=j == 0)
    figure.update_xaxes(title_text="share of edges kept", type="log", tickvals=shares, ticktext=_percent(shares))
    figure.update_yaxes(title_text="faithfulness f", zeroline=True)
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Logit difference kept by a circuit", f"{dataset.attrs.get('edges', '?')} edges",
            OUTSIDE.get(str(dataset.attrs.get("ablation")), ""), _n(dataset), "bands: 95 % interval",
        ),
    )  # fmt: skip
    return figure


def top_edges(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the circuit of the largest edges as a drawing, layers upwards."""
    score = schema.values(dataset, "score", "sender", "receiver")
    senders = [str(name) for name in schema.labels(dataset, "sender")]
    receivers = [str(name) for name in schema.labels(dataset, "receiver")]
    order = np.argsort(-np.abs(score).ravel(), kind="stable")[:DRAWN]
    edges = [(*divmod(int(i), len(receivers)), float(score.ravel()[i])) for i in order if score.ravel()[i] != 0]
    n_heads = max((int(name.split(".")[2]) for name in senders if name.startswith("z.")), default=0) + 1
    group = n_heads // (max((int(n.split(".")[2]) for n in receivers if n.startswith("k.")), default=0) + 1)
    n_layers = sum(name.startswith("mlp") for name in senders)
    figure, largest = go.Figure(), max((abs(value) for _, _, value in edges), default=1.0)
    for i, j, value in edges:
        ends = _place(senders[i], n_layers, n_heads, 1), _place(receivers[j], n_layers, n_heads, group)
        figure.add_trace(_line(ends, f"{senders[i]} -> {receivers[j]}", value, largest, _n(dataset)))
    used = [(senders[i], 1) for i, _, _ in edges] + [(receivers[j], group) for _, j, _ in edges]
    spots = {_place(name, n_layers, n_heads, size): _label(name, size) for name, size in used}
    figure.add_trace(
        go.Scatter(
            x=[x for x, _ in spots], y=[y for _, y in spots], text=list(spots.values()), mode="markers+text",
            textposition="top center", marker={"size": 11, "color": look.NULL}, hoverinfo="skip", showlegend=False,
        )
    )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-1, n_heads + 2])
    figure.update_yaxes(visible=False)
    figure.update_layout(
        template=look.template(theme), showlegend=False,
        title=schema.heading(
            dataset, f"The {len(edges)} largest edges", "attribution; blue adds, red takes away",
            "random control: see the curve", _n(dataset),
        ),
    )  # fmt: skip
    return figure


def _line(ends: tuple, name: str, value: float, largest: float, n: str) -> go.Scatter:
    (x0, y0), (x1, y1) = ends
    t = np.linspace(0, 1, 20)
    bend = 0.25 * (y1 - y0) * np.sin(np.pi * t) * (0.5 if x1 >= x0 else -0.5)
    return go.Scatter(
        x=x0 + (x1 - x0) * t + bend, y=y0 + (y1 - y0) * t, mode="lines",
        line={"width": 1 + 5 * abs(value) / largest, "color": look.BLUE if value > 0 else look.VERMILLION}, opacity=0.7,
        hovertext=f"<b>{name}</b><br>{value:+.3f} logits [no interval: mean over discovery pairs]<br>{n}",
        hoverinfo="text",
    )  # fmt: skip


def _place(name: str, n_layers: int, n_heads: int, group: int) -> tuple[float, float]:
    """Where a node stands: heads left to right by number, MLPs at the right, layers upwards."""
    kind, *place = name.split(".")
    if kind in ("embed", "logits"):
        return n_heads / 2, -1.0 if kind == "embed" else float(n_layers)
    layer = int(place[0])
    if kind.startswith("mlp"):
        return n_heads + 0.5, layer + 0.5
    return int(place[1]) * (group if kind in "kv" else 1) + (group - 1) / 2 * (kind in "kv"), float(layer)


def _label(name: str, group: int) -> str:
    """The node of a sender or receiver, a key or a value that serves several heads by its own letter."""
    return node_of(name, group).replace("kv", name[0])


def _percent(shares: list[float]) -> list[str]:
    return [f"{100 * share:g} %" for share in shares]


def _n(dataset: xr.Dataset) -> str:
    return f"{schema.count_text(dataset)} pairs"


def summary(dataset: xr.Dataset) -> str:
    """Return how many edges keep half and nine tenths of the logit difference, the areas, and the random circuits'."""
    f = schema.estimates(dataset, "faithfulness", "ranking", "share")
    if not np.isfinite(f.value).any():
        return "No circuit has a faithfulness: the clean and corrupted runs do not differ."
    counts = schema.values(dataset, "n_kept", "share")
    size = [str(name) for name in schema.labels(dataset, "ranking")].index("size")
    random = schema.values(dataset, "faithfulness_null", "draw", "share")
    told = []
    for wanted in (0.5, 0.9):
        enough = np.flatnonzero(f.value[size] >= wanted)
        if len(enough):
            k = int(enough[0])
            told.append(f"{int(counts[k])} edges keep {f[size, k].text(2)} (random {random[:, k].max():.2f})")
    areas = [f"{name.upper()} {schema.values(dataset, name, 'ranking')[size]:.2f}" for name in ("cpr", "cmd")]
    chance = schema.values(dataset, "cmd_null", "draw").mean()
    edges = dataset.attrs.get("edges", "?")
    kept = "; ".join(told) or "no circuit keeps half"
    return f"Of {edges} edges, {kept}; {', '.join(areas)} (random CMD {chance:.2f}); {_n(dataset)}."
