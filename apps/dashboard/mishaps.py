"""What is done when something fails: it goes in the app's log, a toast says so, and the header leads to the log.

callback that fails -> `told` -> toast and count       page or figure that fails -> the log -> count at the next page
A request that fails outside of Dash (a file to download) goes in the log too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from dash import Dash, Input, Output, ctx, set_props
from flask import Flask, got_request_exception, has_request_context, request

from apps.dashboard import ids
from apps.dashboard.components.error_list import button_text, error_list
from apps.dashboard.error_log import ErrorLog
from interp.errors import InterpError

log = logging.getLogger(__name__)
LOOK = "see Errors, at the top right"


def teller(errors: ErrorLog) -> Callable[[Exception], None]:
    """Return what Dash calls with the error of a callback: it is logged and shown as a message in the corner."""

    def tell(error: Exception) -> None:
        expected = isinstance(error, InterpError)
        if not expected:
            log.error("A callback failed", exc_info=error)
        errors.add(_callback(), error)
        set_props(ids.TOAST, {"sendNotifications": [told(error)]})
        count(errors)

    return tell


def count(errors: ErrorLog) -> None:
    """Let the button of the header say how much went wrong, where something did."""
    if len(errors):
        set_props(ids.ERRORS, shown(errors))


def told(error: Exception) -> dict[str, Any]:
    """Return the message in the corner: a mistake in its own line, anything else by its kind and where to look."""
    line = str(error) if isinstance(error, InterpError) else f"Something went wrong ({type(error).__name__}); {LOOK}."
    close = {"closeButtonProps": {"aria-label": "Close the message"}}
    return {"action": "show", "title": "That did not work", "message": line, "color": "red", **close}


def shown(errors: ErrorLog) -> dict[str, Any]:
    """Return the button of the header as the log is now: hidden while nothing went wrong."""
    return {"children": button_text(len(errors)), "hidden": not len(errors)}


def _callback() -> str:
    """Return which control the failing callback answered."""
    try:
        names = [each["prop_id"] for each in ctx.triggered]
    except Exception:  # outside of a callback there is no context
        names = []
    return f"after {', '.join(name for name in names if name != '.')[:120] or 'the page opened'}"


def register(app: Dash, errors: ErrorLog) -> None:
    """Open the drawer with the log as it is now; keep what fails outside of callbacks in it."""

    @app.callback(
        Output(ids.ERRORS_DRAWER, "opened"),
        Output(ids.ERRORS_BODY, "children"),
        Output(ids.ERRORS, "children"),
        Input(ids.ERRORS, "n_clicks"),
        prevent_initial_call=True,
    )
    def open_errors(clicks: int | None) -> tuple:
        return bool(clicks), error_list(errors.entries()), button_text(len(errors))

    _keep_requests(app.server, errors)


def _keep_requests(server: Flask, errors: ErrorLog) -> None:
    def keep(sender: Flask, exception: BaseException, **_: Any) -> None:
        errors.add(f"request {request.path[:120]}" if has_request_context() else "request", exception)

    got_request_exception.connect(keep, server, weak=False)
