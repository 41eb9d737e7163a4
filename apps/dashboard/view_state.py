"""What does a page show, as a small JSON file: `/download/view.json?path=/af1&search=?v=1&run=...`

address -> the page as it would open -> its selection (only what is valid) and the runs behind its figures
        -> {schema, app, address, selection, runs: [{run, spec hash, weights, star, tags, notes}]}
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from dash.development.base_component import Component
from flask import Flask, Response, request

import interp
from apps.dashboard import ids
from apps.dashboard.components.notice import LINK
from apps.dashboard.components.runs_table import BASELINE
from apps.dashboard.library import Library
from apps.dashboard.router import show
from apps.dashboard.selection import Selection, selected
from interp.errors import InterpError
from interp.store import Notes

SCHEMA = "arithmoscope view, version 1"
LONGEST = 4000


def view_state(library: Library, path: str, search: str) -> dict[str, Any]:
    """Return what the page at an address shows: its selection, and its runs with what people said of them."""
    parts = show(library, path, search, "light")[0]._traverse()
    found = [part.to_plotly_json()["props"] for part in parts if isinstance(part, Component)]
    data = next(props["data"] for props in found if props.get("id") == ids.SELECTION)
    shown = selected(data)
    return {
        "schema": SCHEMA,
        "app": interp.__version__,
        "address": f"{data['path']}{data['search']}",
        "selection": {name: value for name, value in asdict(shown).items() if value not in (None, ())},
        "notices": [text for props in found if props.get("className") == LINK for text in _lines(props["children"])],
        "runs": _runs(library, _named(shown, found)),
    }


def _lines(paragraphs: list[Component]) -> list[str]:
    return [each.to_plotly_json()["props"]["children"] for each in paragraphs]


def _named(shown: Selection, found: list[dict[str, Any]]) -> list[str]:
    """Return the runs of the selection, then those whose figures the page shows, each once."""
    known = [props.get("id") for props in found]
    behind = [each["run"] for each in known if isinstance(each, dict) and each.get("type") == "whence"]
    return list(dict.fromkeys(name for name in (shown.run, shown.against, *behind) if name))


def _runs(library: Library, names: list[str]) -> list[dict[str, Any]]:
    said = library.notes() if names else {}
    return [_run(library, name, said.get(name, Notes())) for name in names]


def _run(library: Library, name: str, said: Notes) -> dict[str, Any]:
    try:
        manifest = library.opened(name).manifest
    except InterpError as error:
        return {"run": name, "problem": str(error)}
    return {
        "run": name,
        "spec_hash": manifest["spec_hash"],
        "weights_sha256": (manifest.get("model") or {}).get("weights_sha256"),
        "star": said.star,
        "baseline": BASELINE in said.tags,
        "tags": [tag for tag in said.tags if tag != BASELINE],
        "notes": list(said.notes),
    }


def file_name(path: str) -> str:
    """Return what the file of a page is called."""
    page = "".join(letter for letter in path if letter.isascii() and letter.isalnum())[:40]
    return f"view-{page or 'overview'}.json"


def add_view_state(server: Flask, library: Library) -> None:
    """Add the address of the file to the server."""

    @server.get("/download/view.json")
    def view() -> Response:
        path, search = (request.args.get(name, "")[:LONGEST] for name in ("path", "search"))
        text = json.dumps(view_state(library, path or "/", search), indent=2, ensure_ascii=False)
        headers = {"Content-Disposition": f'attachment; filename="{file_name(path)}"'}
        return Response(text + "\n", mimetype="application/json", headers=headers)
