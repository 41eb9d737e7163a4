"""Every id of the app, in one place: constants for what is there once, functions for what is there many times."""

from __future__ import annotations

# the shell
URL = "url"
PAGE = "page"
NAVIGATION = "navigation"
THEME = "theme"
THEME_BUTTON = "theme-button"
TEMPLATES = "templates"
PROVIDER = "provider"
TOAST = "toast"
COPY_LINK = "copy-link"
COPIED = "copied"
WHENCE_DRAWER = "whence-drawer"
WHENCE_BODY = "whence-body"

# the last click in any graph, {"graph", "x", "y", "z", "curve", "index", "custom", "shift", "n"}, or {"unlock", "n"};
# written by assets/cards.js
CLICK = "click"

# one a page: what is selected, as {"path": ..., "search": ...}; a clientside callback writes it into the address bar
SELECTION = "selection"

# pages
RUN_CHOICE = "run-choice"
MODEL_CHOICE = "model-choice"

PATCHING_LAYER = "patching-layer"
PATCHING_ROLE = "patching-role"
PATCHING_MAP = "patching-map"
PATCHING_DETAIL = "patching-detail"
PATCHING_ROWS = "patching-rows"

RUNS_GRID = "runs-grid"
RUNS_SEARCH = "runs-search"
RUNS_DRAWER = "runs-drawer"
RUNS_DRAWER_BODY = "runs-drawer-body"


def graph(name: str) -> dict[str, str]:
    """Return the id of a graph; the theme is swapped on all of them at once."""
    return {"type": "graph", "name": name}


def whence(run_id: str, card: str) -> dict[str, str]:
    """Return the id of the button of a card that tells where run `run_id` comes from."""
    return {"type": "whence", "run": run_id, "card": card}


def part(name: str, of: str) -> str:
    """Return the id of a part of a card (its title or summary), for labels."""
    return f"{name}-{of}"
