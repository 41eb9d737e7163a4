"""Every run of the store: filter, sort, select one to see where it comes from and whether it is intact."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card, figure_card
from apps.dashboard.components.choice import moment, short
from apps.dashboard.components.grid import FILTERED, grid
from apps.dashboard.components.notice import broken
from apps.dashboard.components.provenance import provenance
from apps.dashboard.library import Library
from apps.dashboard.page import Request, address, empty_store, page
from apps.dashboard.selection import RUN_ID, Selection
from interp.errors import InterpError, nearest
from interp.figures import FIGURES, drawing
from interp.store import RunSummary

PATH, NAME = "/runs", "Runs"
FIGURE_HEIGHT = 280


def layout(library: Library, request: Request) -> Component:
    """Return the table of runs; a run named in the address is opened."""
    lines = library.runs()
    if not lines:
        return page(PATH, "Runs", request, [empty_store(library)])
    asked = request.selection.run
    known = [line.run_id for line in lines]
    if asked is not None and asked not in known:
        request.notices.append(f"There is no run {asked!r} in this store. {nearest(asked, known)}")
        asked = None
    search = dmc.TextInput(id=ids.RUNS_SEARCH, label="Find", placeholder="method, task, model ...", size="xs", w=260)
    table = grid(
        ids.RUNS_GRID,
        columns(),
        [row(line) for line in lines],
        "run_id",
        height="calc(100vh - 132px)",
        column=FILTERED,
        chosen=asked,
    )
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
        [html.P(summary(lines), className="summary"), table, drawer],
        controls=[search], selection=Selection(run=asked),
    )  # fmt: skip


def summary(lines: list[RunSummary]) -> str:
    """Return how many runs there are, and how many are damaged."""
    damaged = sum(line.status != "complete" for line in lines)
    state = (
        f"{damaged} damaged"
        if damaged
        else "none damaged on a look at names and sizes; selecting one checks every byte"
    )
    return f"{len(lines)} runs, {state}."


def columns() -> list[dict]:
    """Return the columns of the table, each with its filter under its name."""
    widths = {"status": 92, "created": 146, "method": 92, "task": 76, "style": 106, "model": 116}
    text: list[dict] = [{"field": name, "headerName": name, "width": width} for name, width in widths.items()]
    text[0]["cellClassRules"] = {"bad": "params.value !== 'complete'"}
    text[1] |= {"sort": "desc", "headerName": "created (UTC)", "cellDataType": "text"}
    numbers = [
        {"field": name, "headerName": name, "width": 82, "type": "rightAligned", "filter": "agNumberColumnFilter"}
        for name in ("n", "seconds")
    ]
    long = [
        {"field": name, "headerName": label, "minWidth": 190, "flex": flex, "tooltipField": name}
        for name, label, flex in (("headline", "headline", 3), ("run_id", "run", 2))
    ]
    return [*text, *numbers, *long]


def row(line: RunSummary) -> dict:
    """Return one row of the table."""
    return {
        "run_id": line.run_id,
        "status": line.status,
        "created": moment(line.created),
        "method": line.method or line.run_id.split("-", 1)[0],
        "task": line.task or "",
        "style": line.style if line.task else "",
        "model": short(line.model),
        "headline": line.problem or headline(line.summary),
        "n": line.summary.get("n"),
        "seconds": round(line.seconds, 1),
    }


KEY_NUMBERS = ("accuracy", "faithfulness", "faithfulness_mean", "faithfulness_zero", "l_wait", "l_transfer", "found")


def headline(summary: dict, most: int = 4) -> str:
    """Return the finding of a run in words where it recorded one, else its first numbers with their intervals."""
    if isinstance(summary.get("finding"), str):
        return summary["finding"]
    counts = ("n", "threshold")
    others = [name for name in summary if name not in (*KEY_NUMBERS, *counts) and not name.startswith("n_")]
    said = []
    for name in (*KEY_NUMBERS, *others):
        value = summary.get(name)
        if name.endswith(("_low", "_high")) or not isinstance(value, int | float | str):
            continue
        low, high = summary.get(f"{name}_low"), summary.get(f"{name}_high")
        interval = f" [{low:.3g}, {high:.3g}]" if isinstance(low, float) and isinstance(high, float) else ""
        said.append(f"{name} {f'{value:.3g}' if isinstance(value, float) else value}{interval}")
    return ", ".join(said[:most])


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
    if wrong or method not in FIGURES:
        return run_id, body
    return run_id, [body[0], _figure(library, run_id, method, theme), *body[1:]]


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
        prevent_initial_call=True,
    )
    def open_run(rows: object, is_open: bool, shown: str, theme: str) -> tuple:
        run_id = selected_id(rows)
        if run_id is None or (is_open and shown == run_id):  # nothing chosen, or the page came with it open
            return no_update, no_update, no_update, no_update
        title, body = opened(library, run_id, theme)
        return True, title, body, address(PATH, Selection(run=run_id))

    @app.callback(
        Output(ids.RUNS_GRID, "selectedRows", allow_duplicate=True),
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Input(ids.RUNS_DRAWER, "opened"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def close_run(is_open: bool, chosen: dict) -> tuple:
        if is_open or not (chosen or {}).get("search"):  # Dash also calls this when the page appears
            return no_update, no_update
        return [], address(PATH, Selection())

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
