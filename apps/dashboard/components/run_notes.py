"""What people say about a run: a star, tags, notes, the baseline of its method; and the run it is compared with."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.choice import choice, run_label
from apps.dashboard.components.runs_table import BASELINE
from apps.dashboard.library import Library
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.store import Notes, RunSummary

LONGEST_NOTE = 2000


def run_notes(library: Library, line: RunSummary) -> list[Component]:
    """Return the part of a run's drawer that people write in."""
    said = library.notes().get(line.run_id, Notes())
    lines = [html.Li([html.Small(each["at"][:16].replace("T", " ")), " ", each["note"]]) for each in said.notes]
    told = [html.Span(tag, className="tag") for tag in said.tags] or [html.Span("no tags", className="muted")]
    return [
        html.Div([html.B("★ starred" if said.star else "not starred"), *told], className="said"),
        *([html.Ul(lines, className="notes")] if lines else []),
        *([] if library.read_only else [_writing(said)]),
        *_compare(library, line),
    ]


def _writing(said: Notes) -> Component:
    star, base = said.star, BASELINE in said.tags
    return html.Div(
        [
            _button("Unstar" if star else "Star", ids.RUNS_STAR),
            _button("No longer the baseline" if base else "Make it the baseline", ids.RUNS_BASELINE),
            dmc.TextInput(id=ids.RUNS_TAG, label="Tag", placeholder="name, or -name to remove", size="xs", w=230),
            dmc.TextInput(id=ids.RUNS_NOTE, label="Note", placeholder="what you found", size="xs", w=330),
            _button("Write it down", ids.RUNS_WRITE),
        ],
        className="writing",
    )


def _button(text: str, name: str) -> Component:
    return html.Button(text, id=name, type="button", className="plain-button", n_clicks=0)


def _compare(library: Library, line: RunSummary) -> list[Component]:
    """Return links to the baseline and to the last other runs of the same method."""
    others = [other for other in library.of(line.method) if other.run_id != line.run_id]
    if not others:
        return []
    said = library.notes()
    base = [other for other in others if BASELINE in said.get(other.run_id, Notes()).tags]
    options = [(compare_href(line, other), run_label(other)) for other in (*base, *others)]
    links: list[Component] = [choice(ids.RUNS_AGAINST, "Compare with", list(dict(options).items()), None, width=420)]
    if base:
        links.insert(0, dcc.Link("Compare with the baseline", href=compare_href(line, base[0])))
    return [html.Div(links, className="said")]


def compare_href(line: RunSummary, other: RunSummary) -> str:
    """Return the address at which two runs stand side by side."""
    return f"/compare{Selection(run=line.run_id, against=other.run_id).search}"


def toggle_star(library: Library, run_id: str) -> None:
    """Star a run, or take its star away."""
    library.say(run_id, star=not library.notes().get(run_id, Notes()).star)


def toggle_baseline(library: Library, run_id: str) -> None:
    """Make a run the baseline of its method, in place of the one that was, or no longer."""
    said = library.notes()
    if BASELINE in said.get(run_id, Notes()).tags:
        library.say(run_id, untag=BASELINE)
        return
    method = next((line.method for line in library.runs() if line.run_id == run_id), "")
    for other in library.of(method):
        if BASELINE in said.get(other.run_id, Notes()).tags:
            library.say(other.run_id, untag=BASELINE)
    library.say(run_id, tag=BASELINE)


def write(library: Library, run_id: str, tag: object, note: object) -> None:
    """Write down a tag (`-name` takes it away) and a note, whichever is given; InterpError when neither is."""
    named, text = str(tag or "").strip(), str(note or "").strip()
    if not named and not text:
        raise InterpError("Nothing to write: type a tag or a note first.")
    if len(named) > 60 or len(text) > LONGEST_NOTE:
        raise InterpError(f"Too long: a tag has at most 60 characters, a note {LONGEST_NOTE}.")
    if named:
        library.say(run_id, **({"untag": named[1:].strip()} if named.startswith("-") else {"tag": named}))
    if text:
        library.say(run_id, note=text)
