"""The links to files on the Operands page follow the map that is shown."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, no_update

from apps.dashboard import ids
from apps.dashboard.components.card_tools import FILES
from apps.dashboard.components.operand_cards import source
from apps.dashboard.library import Library
from apps.dashboard.pages.operands_moves import looked_at

DRAWN = {ids.OPERANDS_MAP: "pair_map", ids.OPERANDS_LINE: "by_property", ids.OPERANDS_BARS: "explained"}


def register(app: Dash, library: Library) -> None:
    """Install the callback: it runs when the pair card follows a new map or cell."""

    @app.callback(
        *(Output(ids.part(name, kind), "href") for name in DRAWN for kind in FILES),
        Input(ids.OPERANDS_PAIR, "children"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def follow(_: Any, shown: Any) -> tuple[str, ...]:
        return links(library, (shown or {}).get("search", ""))


def links(library: Library, search: str) -> tuple[Any, ...]:
    """Return the address of each file of the map that an address shows."""
    found = looked_at(library, search)
    if found is None:
        return (no_update,) * (len(DRAWN) * len(FILES))
    return tuple(source(found[1], drawing).file(kind) for drawing in DRAWN.values() for kind in FILES)
