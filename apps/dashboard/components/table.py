"""A small table: the twin of a figure."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from interp.figures.twin import Twin


def twin_table(twin: Twin) -> Component:
    """Return the twin of a figure, folded; row labels are row headers."""
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in twin.columns]))
    body = html.Tbody([_row(row, twin.n_labels) for row in twin.rows])
    table = html.Table([html.Caption(twin.caption), head, body])
    return html.Details([html.Summary("Table"), html.Div(table, className="twin")], className="fold")


def _row(row: tuple[str, ...], n_labels: int) -> Component:
    labels = [html.Th(text, scope="row") for text in row[:n_labels]]
    return html.Tr([*labels, *(html.Td(text) for text in row[n_labels:])])
