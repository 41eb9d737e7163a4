"""How did a model come to do it? Loss by digit, subtask and split over the steps, and one checkpoint in all figures.

Data flow: the log.jsonl beside a shipped model -> curves (no model is opened); runs of the measures of checkpoints
(grokking, order of learning) -> their figures. One step is selected, with the slider or by a click, others are pinned;
the mark moves in every figure and the figures of one checkpoint follow. Other trainings stand beside this one.
"""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update, set_props
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.choice import choice
from apps.dashboard.components.notice import broken, empty
from apps.dashboard.library import Library
from apps.dashboard.page import Request, address, empty_store, page
from apps.dashboard.pages.training_cards import cards, patch, told
from apps.dashboard.pages.training_choice import STEP, Shown, changed, shown_of
from apps.dashboard.pages.training_files import add_files
from apps.dashboard.selection import MOST_PINS, Selection, parse, selected
from interp.figures.training_parts import title_of
from interp.places import zoo_directory
from interp.store.training_logs import LOG
from interp.store.training_measures import MEASURES

PATH, NAME = "/training", "Training"
HEADING = "Training: what was learned when?"
HOW = "Slide, or click a curve, to select a step; shift-click pins a step beside it; Esc lets go."


def layout(library: Library, request: Request) -> Component:
    """Return the curves of one training, others beside it, and the selected step in every figure."""
    zoo = zoo_directory()
    shown = shown_of(zoo, request)
    rest = [] if library.models() else [empty_store(library)]
    if shown is None:
        nothing = empty(
            "No training logs", f"No directory of {zoo} holds a {LOG}. Train a model there, for example:",
            f"interp train modadd --out {zoo / 'modadd'}",
        )  # fmt: skip
        return page(PATH, HEADING, request, [nothing, *rest])
    wrong = [broken(text) for text in shown.broken.values()]
    controls = _controls(shown)
    if shown.name not in shown.logs:
        return page(PATH, HEADING, request, [*wrong, *rest], controls=controls, selection=shown.selection)
    figures = html.Div(cards(library, zoo, shown, request.theme), className="grid two")
    body = [*wrong, _slider(shown), figures, dcc.Store(id=ids.TRAINING_CLICK), *rest]
    return page(PATH, HEADING, request, body, controls=controls, selection=shown.selection)


def _controls(shown: Shown) -> list[Component]:
    controls: list[Component] = [choice(ids.MODEL_CHOICE, "Training", [(n, n) for n in shown.names], shown.name, 250)]
    beside = dmc.MultiSelect(
        id=ids.TRAINING_BESIDE, label="Beside it", size="xs", w=420, maxValues=MOST_PINS, searchable=True,
        data=[name for name in shown.names if name != shown.name], value=[n for n in shown.logs if n != shown.name],
        placeholder="none" if len(shown.logs) < 2 else "",
    )  # fmt: skip
    controls.append(beside)
    if shown.measure:
        logged = [(name, title_of(name)) for name in MEASURES if name in shown.log]
        controls.append(choice(ids.TRAINING_MEASURE, "Measure", logged, shown.measure, 300))
    return controls


def _slider(shown: Shown) -> Component:
    """Return the slider over the steps of the log, and the step in words."""
    steps = shown.log["step"].to_numpy()
    top = int(steps[-1])
    apart = int(steps[1] - steps[0]) if len(steps) > 1 else 1
    slide = dmc.Slider(
        id=ids.training("step"), min=0, max=top, step=max(1, min(apart, top // 40 or 1)), value=shown.steps[0],
        marks=[{"value": round(top * k / 5), "label": f"{round(top * k / 5):,}"} for k in range(6)],
        updatemode="mouseup", size="sm", thumbLabel="Step of the training",
    )  # fmt: skip
    said = html.Span(step_text(shown), id=ids.training_part("step"), className="training-step", **aria(live="polite"))
    line = html.Div([html.Span("Step"), said, html.Span(HOW, className="muted")], className="training-line")
    return html.Section([line, slide], className="card training-slider", **aria(label="Step of the training"))


def step_text(shown: Shown) -> str:
    """Return the selected step, and the pinned ones, in words."""
    at = f"{shown.steps[0]:,}" + ("" if shown.step is not None else " (the last)")
    rest = ", ".join(f"{step:,}" for step in shown.pinned_steps)
    return f"{at}{f'; pinned {rest}' if rest else ''}"


def outputs(library: Library, search: str, click: dict | None, slid: object, graphs: list[str]) -> tuple:
    """Return the address, the slider, the step in words, and what changes in each of `graphs`."""
    nothing = no_update, [no_update], [no_update], [no_update] * len(graphs)
    before = parse(search)[0]
    shown = shown_of(zoo_directory(), Request(before, [], "light"))
    if shown is None or shown.name not in shown.logs:
        return nothing
    after = changed(shown.log, before, click, slid)
    if after == before or (click is None and slid == shown.steps[0]):
        return nothing
    new = shown_of(zoo_directory(), Request(after, [], "light"))
    if new is None or new.name not in new.logs:
        return nothing
    patches = [patch(library, name, new) for name in graphs]
    return address(PATH, new.selection), [new.steps[0]], [step_text(new)], patches


def said(library: Library, to: Any, graphs: list[str]) -> dict[str, dict[str, Any]]:
    """Return what changes in the words beside `graphs` at the address `to`; nothing where it stays."""
    if not isinstance(to, dict):
        return {}
    shown = shown_of(zoo_directory(), Request(parse(to["search"])[0], [], "light"))
    return {key: props for name in graphs for key, props in told(library, name, shown).items()} if shown else {}


def register(app: Dash, library: Library) -> None:
    """The slider and clicks move the step; another training or measure is another address."""
    add_files(app.server)

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output({"type": "training-choice", "name": ALL}, "value"),
        Output({"type": "training-part", "name": ALL}, "children"),
        Output({"type": "graph", "name": ALL}, "figure", allow_duplicate=True),
        Input(ids.TRAINING_CLICK, "data"),
        Input({"type": "training-choice", "name": ALL}, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def select(click: dict | None, values: list, shown: dict | None) -> tuple:
        choices, told, graphs = ([out["id"] for out in outs] for outs in ctx.outputs_list[1:])
        by_click = ctx.triggered_id == ids.TRAINING_CLICK
        here = len(choices) == 1 and (shown or {}).get("path") == PATH
        if not here or (by_click and not isinstance(click, dict)):
            return no_update, [no_update] * len(choices), [no_update] * len(told), [no_update] * len(graphs)
        names = [graph["name"] for graph in graphs]
        found = outputs(library, (shown or {}).get("search", ""), click if by_click else None, values[0], names)
        for part, props in said(library, found[0], names).items():
            set_props(part, props)
        return found

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.TRAINING_BESIDE, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def choose_beside(names: object, shown: dict | None) -> Any:
        return beside(names, selected(shown))

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.TRAINING_MEASURE, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def choose_measure(measure: object, shown: dict | None) -> Any:
        before = selected(shown)
        if not isinstance(measure, str) or measure not in MEASURES or measure == before.metric:
            return no_update
        return before.but(metric=measure).search


def beside(names: object, before: Selection) -> Any:
    """Return the address with other trainings beside this one; no update where they are those that are shown."""
    steps = [pin for pin in before.pin if STEP.fullmatch(pin)]
    if not isinstance(names, list) or names == [pin for pin in before.pin if pin not in steps]:
        return no_update
    pins = [name for name in names if isinstance(name, str)][:MOST_PINS]
    kept = steps[: MOST_PINS - len(pins)]
    return parse(before.but(pin=(*pins, *kept)).search)[0].search
