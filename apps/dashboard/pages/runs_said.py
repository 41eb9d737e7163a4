"""The buttons in a run's drawer: star, baseline, tag, note, and the way to the comparison with another run."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, ctx, no_update

from apps.dashboard import ids
from apps.dashboard.components.run_notes import run_notes, toggle_baseline, toggle_star, write
from apps.dashboard.components.runs_table import columns, rows_of
from apps.dashboard.library import Library
from apps.dashboard.selection import selected
from interp.errors import InterpError


def said(library: Library, pressed: object, run_id: object, tag: object, note: object) -> tuple:
    """Write down what a button says of a run; return its part of the drawer and the rows of the table."""
    line = next((line for line in library.runs() if line.run_id == run_id), None)
    if line is None:
        raise InterpError(f"There is no run {str(run_id)[:40]!r} in this store.")
    if pressed == ids.RUNS_STAR:
        toggle_star(library, line.run_id)
    elif pressed == ids.RUNS_BASELINE:
        toggle_baseline(library, line.run_id)
    else:
        write(library, line.run_id, tag, note)
    return run_notes(library, line), rows_of(library.runs(), library.notes())


def columns_after(before: list[dict], rows: list[dict], by: str) -> Any:
    """Return the columns of the table where a column of what is said appears or goes; else no update."""
    now = columns(by, rows)
    hidden = [{each["field"] for each in known if each.get("hide")} for known in (before, now)]
    return no_update if hidden[0] == hidden[1] else now


def register(app: Dash, library: Library) -> None:
    """What is said is written at once, and the drawer and the table show it."""

    @app.callback(
        Output(ids.RUNS_SAID, "children"),
        Output(ids.RUNS_GRID, "rowData"),
        Output(ids.RUNS_GRID, "columnDefs", allow_duplicate=True),
        Input(ids.RUNS_STAR, "n_clicks"),
        Input(ids.RUNS_BASELINE, "n_clicks"),
        Input(ids.RUNS_WRITE, "n_clicks"),
        State(ids.RUNS_TAG, "value"),
        State(ids.RUNS_NOTE, "value"),
        State(ids.RUNS_DRAWER, "title"),
        State(ids.RUNS_GRID, "columnDefs"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def say(star: int, base: int, wrote: int, *states: Any) -> tuple:
        if not (star or base or wrote):  # the buttons have only appeared with their run
            return (no_update,) * 3
        tag, note, run_id, before, shown = states
        drawer, rows = said(library, ctx.triggered_id, run_id, tag, note)
        return drawer, rows, columns_after(before, rows, selected(shown).view or "none")

    @app.callback(
        Output(ids.URL, "href"),
        Input(ids.RUNS_AGAINST, "value"),
        prevent_initial_call=True,
    )
    def compare(href: str | None) -> object:
        return href if href and href.startswith("/compare?") else no_update
