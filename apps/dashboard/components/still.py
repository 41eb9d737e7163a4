"""The card of a recorded figure of one run, as it is; what is wrong with the run takes its place."""

from __future__ import annotations

from dash.development.base_component import Component

from apps.dashboard.components.card import broken_card, figure_card
from apps.dashboard.library import Library
from interp.errors import InterpError
from interp.figures import drawing
from interp.store import RunSummary


def still_card(
    library: Library, line: RunSummary, name: str, theme: str, height: int, *, title: str | None = None
) -> Component:
    """Return the card of figure `name` of a run; `title` is what it is called where it cannot be shown."""
    try:
        return figure_card(library.drawn(line.run_id, drawing(line.method, name), theme), name, height)
    except InterpError as error:
        return broken_card(title or name.replace("_", " ").capitalize(), str(error))
