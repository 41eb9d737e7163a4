"""A button that copies the text of an element; the browser does it (assets/arithmoscope.js), no server is asked."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from apps.dashboard.components.aria import aria


def copy_button(target: str, label: str) -> Component:
    """Return the button; `target` is the id of the element whose text is copied, `label` says what that is."""
    does: Any = {"data-copy": target}
    return html.Button("Copy", type="button", className="tool copy", **does, **aria(label=label))
