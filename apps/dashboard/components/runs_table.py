"""Every run as a row: what was asked, when, what came out, what people say of it."""

from __future__ import annotations

import dash_ag_grid as dag
from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.choice import moment, short
from apps.dashboard.components.grid import FILTERED, grid
from interp.store import Notes, RunSummary

BASELINE = "baseline"
GROUPS = ("none", "method", "model", "task", "style", "tags", "status")
SAID = ("tags", "notes")
TAIL = {
    "valueFormatter": {"function": "'…' + params.value.split('-').slice(-2).join('-')"},
    "useValueFormatterForExport": False,
}
HEIGHT = "calc(100vh - 158px)"


def rows_of(lines: list[RunSummary], said: dict[str, Notes]) -> list[dict]:
    """Return one row a run."""
    return [row(line, said.get(line.run_id, Notes())) for line in lines]


def runs_table(rows: list[dict], by: str, chosen: str | None) -> dag.AgGrid:
    """Return the grid of all runs, grouped `by` a column ("none" for none), `chosen` selected."""
    return grid(ids.RUNS_GRID, columns(by, rows), rows, "run_id", height=HEIGHT, column=FILTERED, chosen=chosen)


def group_line(rows: list[dict], by: str) -> list[Component]:
    """Return how many runs each value of a column has, the most first; nothing for no group."""
    if by not in GROUPS[1:]:
        return []
    counts: dict[str, int] = {}
    for each in rows:
        counts[str(each.get(by) or "none")] = counts.get(str(each.get(by) or "none"), 0) + 1
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [html.Span([html.B(name), f" {count}"], className="tag") for name, count in largest]


def summary(lines: list[RunSummary]) -> str:
    """Return how many runs there are, and how many are damaged."""
    damaged = sum(line.status != "complete" for line in lines)
    state = (
        f"{damaged} damaged"
        if damaged
        else "none damaged on a look at names and sizes; selecting one checks every byte"
    )
    return f"{len(lines)} runs, {state}."


def columns(by: str, rows: list[dict]) -> list[dict]:
    """Return the columns, each with its filter under its name; grouped `by` one of them, that one stands first.

    Tags and notes take no room where no run has any. Of the run's id the end is written, which tells runs of one
    method and minute apart; filter, tooltip and file have all of it.
    """
    widths = {"star": 40, "status": 82, "created": 134, "method": 116, "task": 68, "style": 96, "model": 104}
    text = {name: {"field": name, "headerName": name, "width": width} for name, width in widths.items()}
    text["star"] |= {"headerName": "★", "headerTooltip": "starred"}
    text["status"]["cellClassRules"] = {"bad": "params.value !== 'complete'"}
    text["created"] |= {"sort": "desc", "sortIndex": 1, "headerName": "created (UTC)", "cellDataType": "text"}
    for name, label, width in (("n", "n", 62), ("seconds", "time (s)", 74)):
        right = {"type": "rightAligned", "filter": "agNumberColumnFilter"}
        text[name] = {"field": name, "headerName": label, "width": width, **right}
    for name, flex, least in (("headline", 4, 220), ("tags", 1, 68), ("notes", 1, 68)):
        text[name] = {"field": name, "headerName": name, "minWidth": least, "flex": flex, "tooltipField": name}
    for name in SAID:
        text[name]["hide"] = name != by and not any(each[name] for each in rows)
    text["run_id"] = {"field": "run_id", "headerName": "run", "width": 134, "tooltipField": "run_id", **TAIL}
    first = [text.pop(by) | {"sort": "asc", "sortIndex": 0}] if by in GROUPS[1:] else []
    return [*first, *text.values()]


def row(line: RunSummary, said: Notes) -> dict:
    """Return one row of the table."""
    return {
        "run_id": line.run_id,
        "star": "★" if said.star else "",
        "tags": ", ".join(said.tags),
        "notes": " · ".join(each["note"] for each in said.notes),
        "status": line.status,
        "created": moment(line.created),
        "method": line.method or line.run_id.split("-", 1)[0],
        "task": line.task or "",
        "style": line.style if line.task else "",
        "model": short(line.model),
        "headline": line.problem or headline(line.summary),
        "n": line.summary.get("n"),
        "seconds": round(line.seconds, 1),
    }


KEY_NUMBERS = ("accuracy", "faithfulness", "faithfulness_mean", "faithfulness_zero", "l_wait", "l_transfer", "found")


def headline(summary: dict, most: int = 4) -> str:
    """Return the finding of a run in words where it recorded one, else its first numbers with their intervals."""
    if isinstance(summary.get("finding"), str):
        return summary["finding"]
    counts = ("n", "threshold")
    others = [name for name in summary if name not in (*KEY_NUMBERS, *counts) and not name.startswith("n_")]
    said = []
    for name in (*KEY_NUMBERS, *others):
        value = summary.get(name)
        if name.endswith(("_low", "_high")) or not isinstance(value, int | float | str):
            continue
        low, high = summary.get(f"{name}_low"), summary.get(f"{name}_high")
        interval = f" [{low:.3g}, {high:.3g}]" if isinstance(low, float) and isinstance(high, float) else ""
        said.append(f"{name} {f'{value:.3g}' if isinstance(value, float) else value}{interval}")
    return ", ".join(said[:most])
