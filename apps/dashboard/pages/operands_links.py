"""What follows the map on the Operands page a moment later: the links to files, and the tables of map and shares.

The means of a map are some 400 rows: they are made when their table is unfolded, and again only while it is open.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, no_update

from apps.dashboard import ids
from apps.dashboard.components.card_tools import FILES
from apps.dashboard.components.operand_cards import source
from apps.dashboard.components.table import CELLS, cells_of
from apps.dashboard.library import Library
from apps.dashboard.pages.operands_moves import looked_at
from interp.figures import operand_parts, operand_tables

DRAWN = {ids.OPERANDS_MAP: "pair_map", ids.OPERANDS_LINE: "by_property", ids.OPERANDS_BARS: "explained"}


def register(app: Dash, library: Library) -> None:
    """Install the callbacks: they run when the pair card follows a new map or cell, one of them on an open table."""

    @app.callback(
        *(Output(ids.part(name, kind), "href") for name in DRAWN for kind in FILES),
        Output(ids.part(ids.OPERANDS_BARS, "table"), CELLS),
        Output(ids.part(ids.OPERANDS_MAP, "table"), CELLS),
        Input(ids.OPERANDS_PAIR, "children"),
        Input(ids.OPERANDS_FOLD, "data"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def follow(_: Any, unfolded: Any, shown: Any) -> tuple[Any, ...]:
        search = (shown or {}).get("search", "")
        return (*links(library, search), *tables(library, search, bool(unfolded)))


def links(library: Library, search: str) -> tuple[Any, ...]:
    """Return the address of each file of the map that an address shows."""
    found = looked_at(library, search)
    if found is None:
        return (no_update,) * (len(DRAWN) * len(FILES))
    return tuple(source(found[1], drawing).file(kind) for drawing in DRAWN.values() for kind in FILES)


def tables(library: Library, search: str, unfolded: bool) -> tuple[Any, Any]:
    """Return the table of explained shares, and that of the map's means where it is open."""
    found = looked_at(library, search)
    if found is None:
        return no_update, no_update
    dataset, chosen = found
    one = operand_parts.shown(dataset, chosen.family, chosen.item)
    shares = cells_of(operand_tables.explained(dataset, one))
    return shares, cells_of(operand_tables.means(dataset, one)) if unfolded else no_update
