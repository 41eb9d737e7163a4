"""Which pair is selected, and where else a click or a choice leads: functions of the address that is shown.

A click on a point selects its pair, here and in the comparison; a click on another map (every component, heads), or a
choice of component or metric, leads to that run with the cell kept where it has it.
"""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, Patch, State, ctx, no_update

from apps.dashboard import ids
from apps.dashboard.components.pair_card import PATCHED, rank_of
from apps.dashboard.components.patching_cards import heads_run, pins_card, stream_runs
from apps.dashboard.library import Library
from apps.dashboard.page import address
from apps.dashboard.pages.patching_chosen import at, fitted, line_of, metric_of, shown_cell
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import places
from interp.store import RunSummary

PATH = "/patching"


def register(app: Dash, library: Library) -> None:
    """Install the callbacks; the browser sorts the clicks, so that each wakes only what answers it."""
    app.clientside_callback(
        ClientsideFunction("cells", "sorted"),
        Output(ids.PATCHING_POINT, "data"),
        Output(ids.PATCHING_LEAD, "data"),
        Input(ids.PATCHING_CLICK, "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output(ids.graph(ids.PATCHING_DETAIL), "figure", allow_duplicate=True),
        Output(ids.PATCHING_PINS, "children", allow_duplicate=True),
        Input(ids.PATCHING_ROWS, "selectedRows"),
        State(ids.PATCHING_ROWS, "rowData"),
        State(ids.SELECTION, "data"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def select_pair(rows: Any, data: Any, shown: Any, theme: Any) -> tuple:
        return pair_selected(library, (shown or {}).get("search", ""), rows, data, theme)

    @app.callback(
        Output(ids.PATCHING_ROWS, "selectedRows"),
        Input(ids.PATCHING_POINT, "data"),
        State(ids.PATCHING_ROWS, "rowData"),
        prevent_initial_call=True,
    )
    def click_pair(click: Any, data: Any) -> Any:
        return pair_clicked(click, data)

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.PATCHING_LEAD, "data"),
        Input(ids.PATCHING_COMPONENT, "value"),
        Input(ids.PATCHING_METRIC, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def lead(click: Any, run: Any, metric: Any, shown: Any) -> Any:
        search = (shown or {}).get("search", "")
        if ids.PATCHING_LEAD in ctx.triggered_prop_ids.values():
            return led(library, search, click)
        return turned(library, search, run, metric)


def pair_selected(library: Library, search: str, rows: Any, data: Any, theme: Any) -> tuple:
    """Return the address with the chosen pair in it, the figure with it marked, and the comparison likewise."""
    shown, nothing = parse(search)[0], (no_update,) * 3
    picked = pair_of(rows)
    if picked is None or picked == shown.example or not isinstance(data, list):
        return nothing
    detail, now = Patch(), shown.but(example=picked)
    detail["data"][PATCHED]["selectedpoints"] = rank_of(data, picked)
    line, compared = line_of(library, shown), no_update
    if shown.pin and line is not None:
        cell = shown_cell(library.dataset(line.run_id), now)
        compared = pins_card(library, line, cell, now, "dark" if theme == "dark" else "light")
    return address(PATH, now), detail, compared


def pair_of(rows: Any) -> int | None:
    """Return the number of the pair that a grid says is selected, None where it says none."""
    if isinstance(rows, dict) and isinstance(rows.get("ids"), list) and rows["ids"]:
        return parse(f"?example={rows['ids'][0]}")[0].example
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        return parse(f"?example={rows[0].get('prompt_index')}")[0].example
    return None


def pair_clicked(click: Any, data: Any) -> Any:
    """Return what the grid selects after a click on the point of a pair; no update for a click elsewhere."""
    if not isinstance(click, dict) or click.get("graph") not in (ids.PATCHING_DETAIL, ids.PATCHING_COMPARED):
        return no_update
    name = str(click.get("custom"))
    known = any(isinstance(row, dict) and row.get("prompt_index") == name for row in data or [])
    return {"ids": [name]} if known else no_update


def led(library: Library, search: str, click: Any) -> Any:
    """Return the query of the run and cell that a click on another map leads to; no update for a click elsewhere."""
    shown = parse(search)[0]
    line = line_of(library, shown)
    if line is None or not isinstance(click, dict):
        return no_update
    run = None
    if click.get("graph") == ids.PATCHING_COMPONENTS:
        runs, panel = list(stream_runs(library, line, _metric(library, line, shown)).values()), click.get("curve")
        run = runs[panel] if isinstance(panel, int) and 0 <= panel < len(runs) else None
    elif click.get("graph") == ids.PATCHING_HEADS:
        run = heads_run(library, line)
    if run is None:
        return no_update
    dataset = library.dataset(run.run_id)
    cell = places.cell_at(dataset, click.get("x"), click.get("y"))
    if cell is None:
        return no_update
    return _kept(dataset, at(shown, cell).but(run=run.run_id)).search


def turned(library: Library, search: str, run: Any, metric: Any) -> Any:
    """Return the query of another component or metric; the cell is kept where that run has it."""
    shown = parse(search)[0]
    line = line_of(library, shown)
    if line is None or not isinstance(run, str) or (run == shown.run and metric == _metric(library, line, shown)):
        return no_update
    other = shown.but(run=run, metric=metric if isinstance(metric, str) else None)
    if line_of(library, other) is None:
        raise InterpError(f"There is no run {run[:60]!r} in this store.")
    dataset = library.dataset(run)
    return _kept(dataset, at(other, fitted(dataset, other))).search


def _metric(library: Library, line: RunSummary, shown: Selection) -> str:
    return metric_of(library.dataset(line.run_id), shown)


def _kept(dataset: Any, shown: Selection) -> Selection:
    """Return the selection without a metric that the run does not keep, or that is its own anyway."""
    known = places.kept(dataset)
    return shown if shown.metric in known[1:] else shown.but(metric=None)
