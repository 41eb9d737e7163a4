"""A small table: the twin of a figure, built by the browser when it is unfolded.

Dash subscribes every component to its store, and a table of two thousand cells stops the page for a minute; so the
cells travel as data in one attribute, and assets/arithmoscope.js makes a plain table of them, again where a callback
writes others: Output(ids.part(name, "table"), CELLS).
"""

from __future__ import annotations

import json
from typing import Any

from dash import html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria, titled
from interp.figures.twin import Twin

CELLS = "data-twin"


def twin_table(twin: Twin, name: str) -> Component:
    """Return the twin of the figure `name`, folded."""
    cells: Any = {CELLS: cells_of(twin)}
    reached: Any = {"tabIndex": "0", "role": "group", **aria(labelledby=ids.part(name, "title"))}
    body = html.Div(id=ids.part(name, "table"), className="twin", **cells, **reached)
    return html.Details([html.Summary("Table", **titled("fold", name)), body], className="fold")


def cells_of(twin: Twin | None) -> Any:
    """Return a table as the attribute `CELLS`; no update for a figure without one."""
    if twin is None:
        return no_update
    data = {"caption": twin.caption, "columns": twin.columns, "rows": twin.rows, "labels": twin.n_labels}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
