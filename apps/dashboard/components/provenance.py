"""Where a run comes from: the question, the code, the weights, the machine, and how to open it in Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dash import html
from dash.development.base_component import Component

from apps.dashboard.components.copied import copy_button
from interp.store import OpenRun
from interp.store.facts import facts, snippet


def provenance(run: OpenRun, wrong: list[str], root: Path, where: str) -> list[Component]:
    """Return the drawer of a run: integrity, headline numbers, provenance, spec, and a snippet that loads it.

    `where` names the drawer, so that two on one page have ids of their own.
    """
    code = snippet(run.run_id, root)
    return [
        _integrity(run, wrong),
        html.H3("Headline numbers"),
        _pairs(run.summary) if run.summary else html.P("The run records none.", className="subtitle"),
        html.H3("Provenance"),
        _pairs(facts(run.manifest)),
        html.H3("Open it in Python"),
        _code(code, "snippet", where),
        html.H3("The question (spec)"),
        _code(json.dumps(run.manifest["spec"], indent=2, ensure_ascii=False), "spec", where),
    ]


def _pairs(values: dict[str, Any]) -> Component:
    rows = [html.Tr([html.Th(str(name), scope="row"), html.Td(_text(value))]) for name, value in values.items()]
    return html.Table(html.Tbody(rows), className="pairs")


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _code(text: str, name: str, where: str) -> Component:
    target = f"{where}-{name}"
    return html.Div(
        [html.Pre(html.Code(text, id=target)), copy_button(target, f"Copy the {name}")],
        className="copyable",
    )


def _integrity(run: OpenRun, wrong: list[str]) -> Component:
    if not wrong:
        text = f"Complete and unchanged: all {len(run.manifest['files'])} files match their sha256."
        return html.P(text, className="integrity good", role="status")
    return html.Section(
        [html.P("This run is damaged:"), html.Ul([html.Li(line) for line in wrong])],
        className="notice notice-broken",
        role="alert",
    )
