"""What stands beside one run of probes: all its labels, shared directions, other cells, examples needed, and use."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.card import missing_card
from apps.dashboard.components.still import still_card
from apps.dashboard.kin import command, same_question
from apps.dashboard.library import Library
from apps.dashboard.page import Request
from interp.errors import InterpError
from interp.store import RunSummary

HEIGHT, ALL_HEIGHT = 320, 400
ALL = {"probe_controls": ("beside", "by_layer"), "probing": ("readable", "score_by_layer")}
# section -> its cards as (method, figure, what it is called where there is no run yet, what to add to the command)
BESIDE = {
    "Same direction, same code?": (
        ("probe_directions", "overlap_map", "Directions that variables share", ""),
        ("probe_transfer", "transfer_map", "Probes on other tasks and styles", ""),
    ),
    "From how few examples, and is it used?": (
        ("probe_learning", "learned", "Learning curves and code lengths", ""),
        ("probe_causal", "followed", "Answers that follow the probe", " --set variable=carry"),
    ),
}


# what the causal check calls the labels of the others
CALLED = {"result0": "ones", "result1": "tens", "result_carry0": "carry"}


def sections(library: Library, request: Request, line: RunSummary, target: str) -> list[Component]:
    """Return the sections below the selected cell; of several runs of one method, the one about `target`."""
    first = [still_card(library, line, name, request.theme, ALL_HEIGHT) for name in ALL[line.method]]
    made = [_section("All labels of this run", first)]
    for title, cards in BESIDE.items():
        made.append(_section(title, [_beside(library, request, line, target, card) for card in cards]))
    return made


def _section(title: str, cards: list[Component]) -> Component:
    name = ids.part(title.split()[0].lower(), "section")
    body = [html.H2(title, id=name), html.Div(cards, className="grid two")]
    return html.Section(body, className="cell after", **aria(labelledby=name))


def _beside(
    library: Library, request: Request, line: RunSummary, target: str, card: tuple[str, str, str, str]
) -> Component:
    method, name, title, more = card
    run = about(library, same_question(library, line, (method,)), target)
    if run is None:
        return missing_card(title, "Not run yet for this model, task and style.", command(method, line) + more)
    return still_card(library, run, name, request.theme, HEIGHT)


def about(library: Library, runs: list[RunSummary], target: str) -> RunSummary | None:
    """Return the newest run that is about `target`, else the newest; None where there is none."""
    for run in runs:
        try:
            attrs = library.dataset(run.run_id).attrs
        except InterpError:
            continue  # its own card will say what is wrong with it
        if {target, CALLED.get(target, target)} & {attrs.get("target"), attrs.get("variable")}:
            return run
    return next(iter(runs), None)
