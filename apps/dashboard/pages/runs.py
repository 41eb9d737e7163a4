"""Every run of the store: filter, sort, group; open one to see where it comes from, to say something about it."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card, figure_card
from apps.dashboard.components.choice import choice
from apps.dashboard.components.notice import broken
from apps.dashboard.components.provenance import provenance
from apps.dashboard.components.run_notes import run_notes
from apps.dashboard.components.runs_table import GROUPS, columns, group_line, rows_of, runs_table, summary
from apps.dashboard.library import Library
from apps.dashboard.page import Request, address, empty_store, page
from apps.dashboard.pages import runs_said
from apps.dashboard.selection import RUN_ID, Selection, selected
from interp.errors import InterpError, nearest
from interp.figures import FIGURES, drawing

PATH, NAME = "/runs", "Runs"
FIGURE_HEIGHT = 280


def layout(library: Library, request: Request) -> Component:
    """Return the table of runs; a run named in the address is opened."""
    lines = library.runs()
    if not lines:
        return page(PATH, "Runs", request, [empty_store(library)])
    asked, by = request.selection.run, request.selection.view or "none"
    known = [line.run_id for line in lines]
    if asked is not None and asked not in known:
        request.notices.append(f"There is no run {asked!r} in this store. {nearest(asked, known)}")
        asked = None
    search = dmc.TextInput(id=ids.RUNS_SEARCH, label="Find", placeholder="method, task, model ...", size="xs", w=260)
    if by not in GROUPS:
        request.notices.append(f"Runs are not grouped by {by!r}. {nearest(by, GROUPS)}")
        by = "none"
    group = choice(ids.RUNS_GROUP, "Group by", [(name, name) for name in GROUPS], by, width=150)
    export = html.Button("Table as CSV", id=ids.RUNS_CSV, type="button", className="plain-button", n_clicks=0)
    rows = rows_of(lines, library.notes())
    title, body = opened(library, asked, request.theme) if asked else ("Run", [])
    drawer = dmc.Drawer(
        html.Div(body, id=ids.RUNS_DRAWER_BODY),
        id=ids.RUNS_DRAWER,
        title=title,
        position="right",
        size="620px",
        opened=asked is not None,
        closeButtonProps={"aria-label": "Close the run"},
        overlayProps={"backgroundOpacity": 0.25},
    )
    return page(
        PATH, "Runs", request,
        [
            html.P(summary(lines), className="summary"),
            html.Div(group_line(rows, by), id=ids.RUNS_GROUPS, className="said"),
            runs_table(rows, by, asked),
            drawer,
        ],
        controls=[search, group, export], selection=Selection(run=asked, view=None if by == "none" else by),
    )  # fmt: skip


def opened(library: Library, run_id: str, theme: str) -> tuple[str, list[Component]]:
    """Return the title and the content of the drawer; a damaged run says in what way."""
    if not RUN_ID.fullmatch(run_id):
        raise InterpError(f"{run_id[:40]!r} is not a run id.")
    try:
        wrong = list(library.store().verify(run_id))
        run = library.opened(run_id)
    except InterpError as error:
        return run_id, [broken(str(error), f"interp runs verify {run_id}")]
    body = provenance(run, wrong, library.root, ids.RUNS_DRAWER)
    method = run.manifest["spec"]["method"]
    line = next((line for line in library.runs() if line.run_id == run_id), None)
    said = [html.Div(run_notes(library, line), id=ids.RUNS_SAID)] if line else []
    shown = [] if wrong or method not in FIGURES else [_figure(library, run_id, method, theme)]
    return run_id, [body[0], *said, *shown, *body[1:]]


def _figure(library: Library, run_id: str, method: str, theme: str) -> Component:
    try:
        return figure_card(library.drawn(run_id, drawing(method), theme), "run-figure", FIGURE_HEIGHT)
    except InterpError as error:
        return broken_card(method, str(error))


def register(app: Dash, library: Library) -> None:
    """Selecting a row opens its drawer and names it in the address; closing it takes the name out."""

    @app.callback(
        Output(ids.RUNS_DRAWER, "opened"),
        Output(ids.RUNS_DRAWER, "title"),
        Output(ids.RUNS_DRAWER_BODY, "children"),
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Input(ids.RUNS_GRID, "selectedRows"),
        State(ids.RUNS_DRAWER, "opened"),
        State(ids.RUNS_DRAWER, "title"),
        State(ids.THEME, "data"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def open_run(rows: object, is_open: bool, shown: str, theme: str, chosen: dict) -> tuple:
        run_id = selected_id(rows)
        if run_id is None or (is_open and shown == run_id):  # nothing chosen, or the page came with it open
            return no_update, no_update, no_update, no_update
        title, body = opened(library, run_id, theme)
        return True, title, body, address(PATH, selected(chosen).but(run=run_id))

    @app.callback(
        Output(ids.RUNS_GRID, "selectedRows", allow_duplicate=True),
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Input(ids.RUNS_DRAWER, "opened"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def close_run(is_open: bool, chosen: dict) -> tuple:
        shown = selected(chosen)
        if is_open or shown.run is None:  # Dash also calls this when the page appears
            return no_update, no_update
        return [], address(PATH, shown.but(run=None))

    @app.callback(
        Output(ids.RUNS_GRID, "columnDefs"),
        Output(ids.RUNS_GROUPS, "children"),
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Input(ids.RUNS_GROUP, "value"),
        State(ids.RUNS_GRID, "rowData"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def group(by: str, rows: list[dict], chosen: dict) -> tuple:
        shown = selected(chosen)
        if by not in GROUPS or by == (shown.view or "none"):
            return no_update, no_update, no_update
        view = None if by == "none" else by
        return columns(by, rows), group_line(rows, by), address(PATH, shown.but(view=view))

    runs_said.register(app, library)
    app.clientside_callback(
        ClientsideFunction("arithmoscope", "wasPressed"),
        Output(ids.RUNS_GRID, "exportDataAsCsv"),
        Input(ids.RUNS_CSV, "n_clicks"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("arithmoscope", "quickFilter"),
        Output(ids.RUNS_GRID, "dashGridOptions"),
        Input(ids.RUNS_SEARCH, "value"),
        State(ids.RUNS_GRID, "dashGridOptions"),
        prevent_initial_call=True,
    )


def selected_id(rows: object) -> str | None:
    """Return the id of the selected run, from rows or from `{"ids": [...]}`; None when there is none."""
    if isinstance(rows, dict):
        rows = [{"run_id": found} for found in rows.get("ids", [])]
    if isinstance(rows, list) and rows and isinstance(rows[0], dict) and isinstance(rows[0].get("run_id"), str):
        return rows[0]["run_id"]
    return None
