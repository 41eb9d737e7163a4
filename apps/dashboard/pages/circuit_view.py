"""The circuit of the Patching page: which edges keep what the whole model does, and what random ones keep.

Data flow: a run of `circuits` (scores of all edges, f of some sizes, random circuits of these sizes) -> the graph of
the edges that a slider keeps, the curve with that size marked, the edges of the node that was clicked.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, Patch, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components import circuit_cards as cards
from apps.dashboard.components.card import broken_card
from apps.dashboard.components.choice import choice, run_label
from apps.dashboard.components.notice import empty
from apps.dashboard.kin import question_of
from apps.dashboard.library import Library
from apps.dashboard.page import Request, address, page, picked
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import circuit_edges, circuit_graph, schema
from interp.store import RunSummary

PATH, VIEW = "/patching", "circuit"
HEADING = "Circuit: which edges carry the answer?"
READING = (
    "A line is what one component adds to the logit difference through another: full and blue adds, dashed and red "
    "takes away. Keep few edges and see what the model still does; random edges of the same number are the null. "
    "Click a component to list its edges, Esc lets go."
)
NOTHING = (no_update,) * 10


def layout(library: Library, request: Request, tabs: Component) -> Component:
    """Return the graph of one run of circuits, its curve, and its edges."""
    nothing = empty(
        "No circuit yet", "Find one, then reload this page:", "interp run circuits --model mental-math --task a+b"
    )
    line, lines, instead = picked(library, ("circuits",), request, nothing)
    if line is None:
        return page(PATH, HEADING, request, [tabs, *instead], selection=Selection(view=VIEW))
    options = [(each.run_id, f"{run_label(each)} · {_asked(each)}") for each in lines]
    controls = [choice(ids.RUN_CHOICE, "Run", options, line.run_id, width=None)]
    try:
        dataset = library.dataset(line.run_id)
        chosen, wrong = chosen_of(dataset, request.selection)
        shown = chosen.but(run=line.run_id)
        question = question_of(library, line.run_id)
        body = [
            html.P(READING, className="lead"),
            dcc.Store(id=ids.CIRCUIT_CLICK),
            cards.graph_card(dataset, shown, request.theme),
            html.Div(
                [cards.curve_card(dataset, shown, request.theme), cards.edges_card(dataset, shown, question)],
                className="grid two after",
            ),
        ]
    except InterpError as error:
        return page(PATH, HEADING, request, [tabs, broken_card("Circuit", str(error))], controls=controls)
    request.notices.extend(wrong)
    return page(PATH, HEADING, request, [tabs, *body], controls=controls, selection=shown)


def chosen_of(dataset: Any, asked: Selection) -> tuple[Selection, list[str]]:
    """Return size, ranking and node of the address as far as the run has them, and notices about the rest."""
    notices = []
    node, metric, edges = asked.node, asked.metric, asked.edges
    if node is not None and node not in circuit_graph.known_nodes(dataset):
        notices.append(f"This model has no node {node!r}; nodes are named like 'head 2.1' or 'MLP 3'.")
        node = None
    if metric not in (None, "size", "signed"):
        notices.append(f"Edges are ranked by size or signed, not by {metric!r}.")
        metric = None
    shown = Selection(view=VIEW, metric=metric, node=node, edges=edges)
    if edges is not None and (drawn := cards.size_of(dataset, shown)) != edges:
        notices.append(f"{edges} edges are not among the sizes that can be drawn; {drawn} are.")
        shown = shown.but(edges=drawn)
    return shown, notices


def _asked(line: RunSummary) -> str:
    found = line.spec.get("parameters") or {}
    return f"ranked by {found.get('attribution', 'attribution')}, outside: {found.get('ablation', 'counterfactual')}"


def register(app: Dash, library: Library) -> None:
    """The slider, the ranking, a click on a node and Esc."""

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output(ids.graph(ids.CIRCUIT_GRAPH), "figure", allow_duplicate=True),
        Output(ids.part(ids.CIRCUIT_GRAPH, "title"), "children"),
        Output(ids.part(ids.CIRCUIT_GRAPH, "summary"), "children"),
        Output(ids.graph(ids.CIRCUIT_CURVE), "figure", allow_duplicate=True),
        Output(ids.CIRCUIT_ROWS, "rowData"),
        Output(ids.CIRCUIT_LISTED, "children"),
        Output(ids.CIRCUIT_NODE, "value"),
        Output(ids.part(ids.CIRCUIT_GRAPH, "subtitle"), "children"),
        Output(ids.CIRCUIT_TRY, "children"),
        Input(ids.CIRCUIT_CLICK, "data"),
        Input(ids.CIRCUIT_SIZE, "value"),
        Input(ids.CIRCUIT_RANKING, "value"),
        Input(ids.CIRCUIT_NODE, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def move(click: Any, stop: Any, ranking: Any, node: Any, shown: Any) -> tuple:
        search = (shown or {}).get("search", "")
        if ids.CIRCUIT_CLICK in ctx.triggered_prop_ids.values():
            return clicked(library, search, click)
        return chosen(library, search, stop, ranking, node)


def clicked(library: Library, search: str, click: Any) -> tuple:
    """Return the ten outputs of a click on a node, or of Esc; nothing changes for a click elsewhere."""
    shown = parse(search)[0]
    if shown.run is None or not isinstance(click, dict):
        return NOTHING
    if click.get("unlock"):
        return NOTHING if shown.node is None else moved(library, shown.but(node=None))
    node = click.get("custom")
    if click.get("graph") != ids.CIRCUIT_GRAPH or click.get("curve") != circuit_graph.NODES:
        return NOTHING
    if node == shown.node or node not in circuit_graph.known_nodes(library.dataset(shown.run)):
        return NOTHING
    return moved(library, shown.but(node=node))


def chosen(library: Library, search: str, stop: Any, ranking: Any, node: Any) -> tuple:
    """Return the ten outputs of the slider and of the two choices; nothing changes where they are shown already."""
    shown = parse(search)[0]
    if shown.run is None:
        return NOTHING
    dataset = library.dataset(shown.run)
    stops = circuit_edges.stops(dataset)
    if not isinstance(stop, int) or not 0 <= stop < len(stops) or ranking not in ("size", "signed"):
        raise InterpError(f"There is no circuit number {stop!r} ranked by {ranking!r} in this run.")
    if node and node not in circuit_graph.known_nodes(dataset):
        raise InterpError(f"This model has no node {str(node)[:40]!r}.")
    before = (cards.size_of(dataset, shown), cards.ranking_of(shown), shown.node)
    if (stops[stop], ranking, node or None) == before:
        return NOTHING
    return moved(library, shown.but(edges=stops[stop], metric=ranking, node=node or None))


def moved(library: Library, shown: Selection) -> tuple:
    """Return the ten outputs of a new size, ranking or node."""
    dataset = library.dataset(shown.run or "")
    size, ranking = cards.size_of(dataset, shown), cards.ranking_of(shown)
    figure, curve = Patch(), Patch()
    for i, trace in enumerate(circuit_graph.traces(dataset, size, ranking, shown.node)):
        for name, values in trace.items():
            figure["data"][i][name] = values
    curve["layout"]["shapes"] = [cards.mark(dataset, size)]
    title, *told = circuit_graph.words(dataset, size, ranking)
    under = schema.heading(dataset, title, *told)["subtitle"]["text"]
    said = circuit_graph.summary(dataset, size, ranking, shown.node)
    rows = cards.rows_of(dataset, shown)
    listed, node = cards.listed(dataset, shown), shown.node or ""
    link = cards.node_link(shown, question_of(library, shown.run or ""))
    return address(PATH, shown), figure, title, said, curve, rows, listed, node, under, link
