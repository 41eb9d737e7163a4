"""The cards of a circuit: the graph with its threshold, what its size keeps beside random edges, a list of edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.card import figure_card
from apps.dashboard.components.choice import choice
from apps.dashboard.components.dressed import dressed
from apps.dashboard.components.grid import FILTERED, grid
from apps.dashboard.components.try_link import try_link
from apps.dashboard.drawn import Source
from apps.dashboard.selection import Selection
from interp.figures import circuit_edges, circuit_graph, circuits
from interp.figures.twin import twin

if TYPE_CHECKING:
    import xarray as xr

RANKINGS = [("size", "size of score"), ("signed", "signed score")]


def graph_card(dataset: xr.Dataset, shown: Selection, theme: str) -> Component:
    """Return the card of the graph with its slider, and the choice of a node by keyboard."""
    size, ranking = size_of(dataset, shown), ranking_of(shown)
    figure = circuit_graph.graph(dataset, k=size, ranking=ranking, node=shown.node, theme=theme)
    said = circuit_graph.summary(dataset, size, ranking, shown.node)
    nodes = [("", "all")] + [(name, name) for name in circuit_graph.known_nodes(dataset)]
    controls = html.Div(
        [
            _slider(dataset, size),
            choice(ids.CIRCUIT_RANKING, "Ranked by", RANKINGS, ranking, 190),
            choice(ids.CIRCUIT_NODE, "Edges of", nodes, shown.node or "", 170),
        ],
        className="keyboard circuit-controls",
    )
    ready = dressed(figure, dataset, said, source=Source(shown.run or "", "graph"))
    return figure_card(ready, ids.CIRCUIT_GRAPH, 420, extra=[controls])


def curve_card(dataset: xr.Dataset, shown: Selection, theme: str) -> Component:
    """Return the card of f against the share of edges, the size of the graph marked on it."""
    figure = circuits.faithfulness_curve(dataset, theme=theme)
    figure.update_layout(shapes=[mark(dataset, size_of(dataset, shown))])
    said, table = circuits.summary(dataset), twin(dataset, "faithfulness")
    ready = dressed(figure, dataset, said, table=table, source=Source(shown.run or "", "faithfulness"))
    return figure_card(ready, ids.CIRCUIT_CURVE, 330)


def edges_card(dataset: xr.Dataset, shown: Selection, question: Selection) -> Component:
    """Return the card that lists the edges of the selected node, or of the whole circuit."""
    columns = [
        {"field": "sender", "headerName": "from", "flex": 1, "minWidth": 92, **FILTERED},
        {"field": "receiver", "headerName": "to", "flex": 1, "minWidth": 92, **FILTERED},
        {"field": "reads", "headerName": "as", "width": 92, **FILTERED},
        {"field": "score", "headerName": "score (logits)", "width": 124, "type": "rightAligned",
         "valueFormatter": {"function": "d3.format('+.3f')(params.value)"}},
        {"field": "rank", "headerName": "rank", "width": 80, "type": "rightAligned"},
    ]  # fmt: skip
    rows = rows_of(dataset, shown)
    title = html.H3(listed(dataset, shown), id=ids.CIRCUIT_LISTED)
    note = html.P("Mean over the discovery pairs; without interval, as attribution gives none.", className="subtitle")
    table: dag.AgGrid = grid(ids.CIRCUIT_ROWS, columns, rows, "edge", height="330px", flex=True)
    asked = html.Div(node_link(shown, question), id=ids.CIRCUIT_TRY)
    return html.Section([title, note, table, asked], className="card", **aria(labelledby=ids.CIRCUIT_LISTED))


def node_link(shown: Selection, question: Selection) -> list[Component]:
    """Return the way to try the selected head or MLP on one prompt; nothing for what Try it does not change."""
    kind, _, place = (shown.node or "").partition(" ")
    layer, _, head = place.partition(".")
    if kind == "head":
        asked = question.but(view="head", layer=int(layer), head=int(head))
        return [try_link(asked, f"{shown.node} knocked out in one prompt.")]
    if kind == "MLP":
        asked = question.but(view="patch", node="mlp_out", layer=int(layer))
        return [try_link(asked, f"what {shown.node} writes, patched in one prompt.")]
    return []


def rows_of(dataset: xr.Dataset, shown: Selection) -> list[dict]:
    """Return one row an edge that is kept, of the selected node where there is one."""
    edges = circuit_edges.kept(dataset, size_of(dataset, shown), ranking_of(shown))
    return [
        {
            "edge": circuit_graph.edge_text(edge), "sender": edge.sender, "receiver": edge.receiver,
            "reads": edge.reads, "score": edge.score, "rank": edge.rank,
        }
        for edge in edges
        if shown.node in (None, edge.sender, edge.receiver)
    ]  # fmt: skip


def listed(dataset: xr.Dataset, shown: Selection) -> str:
    """Return the title of the list: how many edges come in and go out."""
    rows = rows_of(dataset, shown)
    if shown.node is None:
        return f"All {len(rows)} edges of the circuit"
    inward = sum(row["receiver"] == shown.node for row in rows)
    return f"Edges of {shown.node}: {inward} in, {len(rows) - inward} out"


def mark(dataset: xr.Dataset, size: int) -> dict:
    """Return the line that marks a size on the curve."""
    share = size / float(dataset.attrs.get("edges") or len(circuit_edges.ranked(dataset, "size")))
    line = {"color": "#E69F00", "width": 2, "dash": "dot"}
    return {"type": "line", "x0": share, "x1": share, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def size_of(dataset: xr.Dataset, shown: Selection) -> int:
    """Return the number of edges of a selection: the nearest that can be drawn."""
    if shown.edges is None:
        return circuit_edges.usual(dataset, ranking_of(shown))
    return min(circuit_edges.stops(dataset), key=lambda k: abs(k - (shown.edges or 0)))


def ranking_of(shown: Selection) -> str:
    """Return how the edges of a selection are ranked."""
    return "signed" if shown.metric == "signed" else "size"


def _slider(dataset: xr.Dataset, size: int) -> Component:
    """Return the slider of edges kept; its values are places in the list of sizes, its marks the measured sizes."""
    stops, measured = circuit_edges.stops(dataset), circuit_edges.measured_sizes(dataset)
    slider = dmc.Slider(
        id=ids.CIRCUIT_SIZE, value=stops.index(size), min=0, max=len(stops) - 1, step=1, updatemode="drag", size="sm",
        marks=[{"value": i, "label": str(k) if k in measured else ""} for i, k in enumerate(stops)], label=None,
        thumbLabel="Edges kept",
    )  # fmt: skip
    return html.Div([html.Span("Edges kept", className="muted"), slider], className="slider")
