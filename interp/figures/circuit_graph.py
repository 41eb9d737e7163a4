"""The circuit as a graph: layers across, components down, the edges that are kept, each with its weight and sign.

How to read: information flows from the embedding (left) to the logits (right). A line is what one component adds to
the logit difference through another; thick is much, a full blue line adds, a dashed red line takes away. The dot on a
line names it. Random circuits of the same size (the null) keep what the subtitle says. A selected node's edges stay,
the others fade. Layers and lanes are placed by number and named by tick text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import circuit_edges, schema
from interp.figures import theme as look
from interp.figures.circuit_edges import Edge

if TYPE_CHECKING:
    import xarray as xr

WIDTHS = (1.0, 2.2, 4.0, 6.5)
FADED = 0.12
N_LINES = 2 * 2 * len(WIDTHS)  # sign, faded or not, width
DOTS, NODES = N_LINES, N_LINES + 1
BENDS = {"query": -0.16, "key": 0.0, "value": 0.16, "input": 0.08}


def graph(
    dataset: xr.Dataset, *, k: int | None = None, ranking: str = "size", node: str | None = None, theme: str = "light"
) -> go.Figure:
    """Return the drawing of the circuit of k edges (default: the smallest that keeps most), `node` in front."""
    k = circuit_edges.usual(dataset, ranking) if k is None else k
    figure = go.Figure([go.Scatter(**_style(i), **trace) for i, trace in enumerate(traces(dataset, k, ranking, node))])
    n_layers, n_heads = _size(dataset)
    lanes = [f"head {head}" for head in range(n_heads)] + ["MLP"]
    columns = ["embed", *(str(layer) for layer in range(n_layers)), "logits"]
    figure.update_xaxes(
        title_text="layer", tickvals=list(range(-1, n_layers + 1)), ticktext=columns, range=[-1.6, n_layers + 0.6],
        showgrid=False,
    )  # fmt: skip
    shown = list(range(0, n_heads, max(1, n_heads // 16)))
    figure.update_yaxes(
        tickvals=[*shown, n_heads], ticktext=[*(lanes[i] for i in shown), "MLP"], range=[n_heads + 0.7, -0.9],
        showgrid=True,
    )  # fmt: skip
    return figure.update_layout(
        template=look.template(theme), showlegend=False, height=max(420, min(900, 120 + 62 * (n_heads + 1))),
        title=schema.heading(dataset, *words(dataset, k, ranking)),
    )  # fmt: skip


def words(dataset: xr.Dataset, k: int, ranking: str = "size") -> tuple[str, str, str]:
    """Return the title, what the circuit keeps beside random ones (the null), and n."""
    by = "largest edges" if ranking == "size" else "largest edges that add"
    found = len(circuit_edges.kept(dataset, k, ranking))
    gone = f", {found} of them on a path" if found < k else ""
    n = f"{schema.count_text(dataset)} pairs"
    return f"The {k} {by}{gone}", f"null: random edges; {circuit_edges.keeps(dataset, k, ranking)}", n


def summary(dataset: xr.Dataset, k: int | None = None, ranking: str = "size", node: str | None = None) -> str:
    """Return the first edges of the circuit, or of one node of it."""
    k = circuit_edges.usual(dataset, ranking) if k is None else k
    edges = circuit_edges.kept(dataset, k, ranking)
    mine = [edge for edge in edges if node in (None, edge.sender, edge.receiver)]
    told = "; ".join(f"{edge_text(edge)} {edge.score:+.2f}" for edge in mine[:3])
    whose = f"of {node}" if node else "of the circuit"
    return f"{len(mine)} edges {whose}" + (f", first {told}" if told else "") + f"; {words(dataset, k, ranking)[1]}."


def edge_text(edge: Edge) -> str:
    """Return an edge in words: `embed -> head 0.2 (value)`."""
    reads = "" if edge.reads == "input" else f" ({edge.reads})"
    return f"{edge.sender} -> {edge.receiver}{reads}"


def traces(dataset: xr.Dataset, k: int, ranking: str = "size", node: str | None = None) -> list[dict]:
    """Return what changes with k and node: x and y of every line trace, then those of the dots and of the nodes."""
    edges = circuit_edges.kept(dataset, k, ranking)
    largest = max((abs(edge.score) for edge in edges), default=1.0)
    lines, dots = [{"x": [], "y": []} for _ in range(N_LINES)], {"x": [], "y": [], "hovertext": []}
    size, n = _size(dataset), f"{schema.count_text(dataset)} pairs"
    for edge in edges:
        faded = node is not None and node not in (edge.sender, edge.receiver)
        x, y = _curve(edge, size, circuit_edges.group_of(dataset))
        line = lines[_line_of(edge.score, largest, faded)]
        line["x"] += [*x, None]
        line["y"] += [*y, None]
        if not faded:
            dots["x"].append(x[len(x) // 2])
            dots["y"].append(y[len(y) // 2])
            dots["hovertext"].append(
                f"<b>{edge_text(edge)}</b><br>{edge.score:+.3f} logits, rank {edge.rank} by {ranking} "
                f"[no interval: mean over discovery pairs]<br>{n}"
            )
    return [*lines, dots, _nodes(dataset, edges, node)]


def _nodes(dataset: xr.Dataset, edges: list[Edge], node: str | None) -> dict:
    """Return the nodes of the circuit; each carries its name, so that a click can select it."""
    used = {name for edge in edges for name in (edge.sender, edge.receiver)} | {"embed", "logits"}
    names = sorted(used | ({node} if node else set()))
    places = [_place(name, _size(dataset), circuit_edges.group_of(dataset)) for name in names]
    flows = {name: [edge for edge in edges if name in (edge.sender, edge.receiver)] for name in names}
    return {
        "x": [x for x, _ in places],
        "y": [y for _, y in places],
        "text": [_short(name) for name in names],
        "customdata": names,
        "hovertext": [
            f"<b>{name}</b><br>{sum(e.receiver == name for e in flows[name])} edges in, "
            f"{sum(e.sender == name for e in flows[name])} out<br>click to list them"
            for name in names
        ],
        "selectedpoints": [names.index(node)] if node else None,
    }


def known_nodes(dataset: xr.Dataset) -> list[str]:
    """Return every node of the model."""
    names = [str(name) for dim in ("sender", "receiver") for name in schema.labels(dataset, dim)]
    return sorted({circuit_edges.node_of(name, circuit_edges.group_of(dataset)) for name in names})


def _style(i: int) -> dict:
    if i == DOTS:
        marker = {"size": 6, "color": look.NULL, "opacity": 0.7}
        return {"name": "edges", "mode": "markers", "marker": marker, "hoverinfo": "text"}
    if i == NODES:
        return {
            "name": "components", "mode": "markers+text", "textposition": "top center", "textfont": {"size": 11},
            "marker": {"size": 15, "color": look.NULL, "line": {"width": 1.5, "color": look.NULL}},
            "selected": {"marker": {"color": look.ORANGE, "size": 19}},
            "unselected": {"marker": {"opacity": 0.9}, "textfont": {"color": look.NULL}},
            "hoverinfo": "text",
        }  # fmt: skip
    negative, faded, width = i // (2 * len(WIDTHS)), (i // len(WIDTHS)) % 2, WIDTHS[i % len(WIDTHS)]
    line = {
        "width": width,
        "color": look.VERMILLION if negative else look.BLUE,
        "dash": "dash" if negative else "solid",
    }
    name = f"{'takes away' if negative else 'adds'}, width {width:g}{', faded' if faded else ''}"
    return {"name": name, "mode": "lines", "line": line, "opacity": FADED if faded else 0.75, "hoverinfo": "skip"}


def _line_of(score: float, largest: float, faded: bool) -> int:
    """Return the trace of an edge: its sign, whether it is faded, and its width."""
    width = min(len(WIDTHS) - 1, int(len(WIDTHS) * np.sqrt(abs(score) / largest) * 0.999))
    return (2 * (score < 0) + faded) * len(WIDTHS) + width


def _curve(edge: Edge, size: tuple[int, int], group: int) -> tuple[list[float], list[float]]:
    (x0, y0), (x1, y1) = (_place(name, size, group) for name in (edge.sender, edge.receiver))
    t = np.linspace(0, 1, 15)
    smooth = t * t * (3 - 2 * t)
    bend = (BENDS[edge.reads] + (0.22 if abs(y1 - y0) < 0.5 and x1 - x0 > 1.2 else 0)) * np.sin(np.pi * t)
    return np.round(x0 + (x1 - x0) * t, 3).tolist(), np.round(y0 + (y1 - y0) * smooth + bend, 3).tolist()


def _place(node: str, size: tuple[int, int], group: int) -> tuple[float, float]:
    """Return where a node stands: its layer across (an MLP half a layer later), its head down, the MLPs below."""
    n_layers, n_heads = size
    if node in ("embed", "logits"):
        return (-1.0 if node == "embed" else float(n_layers)), n_heads / 2
    kind, place = node.split(" ")
    if kind == "MLP":
        return int(place) + 0.5, float(n_heads)
    layer, head = (int(part) for part in place.split("."))
    return (float(layer), float(head)) if kind == "head" else (layer - 0.2, head * group + (group - 1) / 2)


def _size(dataset: xr.Dataset) -> tuple[int, int]:
    """Return the numbers of layers and of heads a layer."""
    senders = [str(name) for name in schema.labels(dataset, "sender")]
    heads = [int(name.split(".")[2]) for name in senders if name.startswith("z.")]
    return sum(name.startswith("mlp") for name in senders), max(heads, default=0) + 1


def _short(node: str) -> str:
    kind, _, place = node.partition(" ")
    return {"head": place, "MLP": f"m{place}", "kv": f"kv{place}"}.get(kind, node)
