"""A small table: the twin of a figure, built by the browser when it is unfolded.

Dash subscribes every component to its store, and a table of two thousand cells stops the page for a minute; so the
cells travel as data in one attribute, and assets/arithmoscope.js makes a plain table of them.
"""

from __future__ import annotations

import json
from typing import Any

from dash import html
from dash.development.base_component import Component

from interp.figures.twin import Twin


def twin_table(twin: Twin) -> Component:
    """Return the twin of a figure, folded."""
    data = {"caption": twin.caption, "columns": twin.columns, "rows": twin.rows, "labels": twin.n_labels}
    cells: Any = {"data-twin": json.dumps(data, ensure_ascii=False, separators=(",", ":"))}
    body = html.Div(className="twin", **cells)
    return html.Details([html.Summary("Table"), body], className="fold")
