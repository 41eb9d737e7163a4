"""Where do the numbers of a figure come from? A click on a card's button opens its run's provenance beside the page."""

from __future__ import annotations

from typing import Any

from dash import ALL, Dash, Input, Output, ctx, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.notice import broken
from apps.dashboard.components.provenance import provenance
from apps.dashboard.library import Library
from apps.dashboard.selection import RUN_ID
from interp.errors import InterpError


def told(library: Library, run_id: object) -> list[Component]:
    """Return the provenance of a run, every byte of it checked; a damaged run says in what way."""
    if not isinstance(run_id, str) or not RUN_ID.fullmatch(run_id):
        raise InterpError(f"{str(run_id)[:40]!r} is not a run id.")
    try:
        wrong = list(library.store().verify(run_id))
        return provenance(library.opened(run_id), wrong, library.root, ids.WHENCE_DRAWER)
    except InterpError as error:
        return [broken(str(error), f"interp runs verify {run_id}")]


def register(app: Dash, library: Library) -> None:
    """Open the drawer for the card whose button was pressed."""

    @app.callback(
        Output(ids.WHENCE_DRAWER, "opened"),
        Output(ids.WHENCE_DRAWER, "title"),
        Output(ids.WHENCE_BODY, "children"),
        Input({"type": "whence", "run": ALL, "card": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def open_whence(presses: list[int | None]) -> Any:
        pressed = ctx.triggered_id
        if not isinstance(pressed, dict) or not any(presses):  # the buttons have only appeared with their page
            return no_update, no_update, no_update
        return True, pressed.get("run"), told(library, pressed.get("run"))
