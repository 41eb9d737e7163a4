"""The cards of the Fourier page: each a figure of a run with the chosen periods marked, or how to get it.

card(found, "helix", "rings", selection)  ->  figure_card | missing_card | broken_card
patch("fourier-helix-rings", ...)         ->  what changes in that graph when another period is selected
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dash import Patch, html, no_update
from dash.development.base_component import Component

from apps.dashboard.components.card import broken_card, figure_card, missing_card
from apps.dashboard.drawn import HEAD, Drawn, Source, untitled, words
from apps.dashboard.library import Library
from apps.dashboard.pages.fourier_periods import periods_of
from apps.dashboard.pages.fourier_runs import Chosen, command
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import drawing, schema
from interp.figures.helix_places import layer_of, phases, targets
from interp.figures.period_marks import MARKS
from interp.figures.spectra_places import VARIANT, lines, nearest_component, place_of, strongest
from interp.figures.twin import twin

PREFIX = "fourier"
HEIGHT = 330
WIDE = {"rings": 330, "measures": 430}
"""Figures of many panels, which take a whole row, and their height."""


@dataclass(frozen=True)
class View:
    """One part of the page: its name, the question it answers, its cards as (method, figure, title when missing)."""

    label: str
    question: str
    cards: tuple[tuple[str, str, str], ...]


VIEWS: dict[str, View] = {
    "spectra": View(
        "Spectra",
        "At which periods do numbers vary, in the embeddings and at every layer and token, beyond what noise, shuffled "
        "numbers and a smooth number line give?",
        (
            ("spectrum", "power", "Fourier power of the number embeddings"),
            ("spectra", "excess", "Periods by layer and token"),
            ("spectra", "at_place", "Spectrum at one place"),
            ("spectra", "by_layer", "Periods through the layers"),
        ),
    ),
    "circles": View(
        "Circles and helix",
        "Do numbers stand on circles that were fitted to other numbers, what does each circle explain, and does "
        "writing it in place of the number bring the answer back? Colours are phases: they repeat every T.",
        (
            ("helix", "rings", "Numbers on their circles"),
            ("helix", "coil", "Numbers on their helix"),
            ("helix", "by_period", "Variance explained by each period"),
            ("helix", "patch_curve", "Writing a helix in place of the number"),
        ),
    ),
    "neurons": View(
        "Neurons, clock and pizza",
        "Into which clusters of frequencies do the neurons of a modular network fall, and does it add like a clock or "
        "like a pizza?",
        (
            ("grokking", "clusters", "Neurons by frequency"),
            ("grokking", "spectra", "Spectra over training"),
            ("clock_pizza", "evidence", "Clock or pizza"),
            ("clock_pizza", "circles", "What one circle computes alone"),
            ("clock_pizza", "logit_map", "Correct logit of every pair"),
            ("clock_pizza", "cosines", "Cosine of the two operand gradients"),
        ),
    ),
    "causal": View(
        "Causal",
        "Does the answer need a period? Planes and frequencies are taken out or kept alone, beside random ones of the "
        "same dimension and of the same variance.",
        (
            ("planes", "accuracy", "Answers without and with single planes"),
            ("filters", "removal", "Answers without low or high frequencies"),
            ("filters", "kept", "One period of the number logits"),
            ("filters", "errors", "How filtered answers are wrong"),
        ),
    ),
    "digits": View(
        "Digits",
        "Are numbers written digit by digit, each digit on a circle, in base 10 rather than another base, and does the "
        "answer turn when a digit is turned?",
        (
            ("digit_probes", "by_base", "Digits on circles, base against base"),
            ("digit_probes", "by_layer", "Where the digits are read"),
            ("digit_rotation", "dose_curve", "Turning a digit"),
            ("digit_codes", "scores", "Waves of the ten digits"),
            ("convergence", "measures", "Energy, Fisher ratio and probe of the residues"),
        ),
    ),
}  # fmt: skip


def name_of(method: str, figure: str) -> str:
    """Return the name of a card's graph."""
    return f"{PREFIX}-{method}-{figure}"


def tall(figure: str) -> int:
    """Return the height of a card's graph in pixels."""
    return WIDE.get(figure, HEIGHT)


def parse_name(name: object) -> tuple[str, str] | None:
    """Return method and figure of a graph of this page, None for any other."""
    cards = [card for view in VIEWS.values() for card in view.cards]
    return next(((method, figure) for method, figure, _ in cards if name_of(method, figure) == name), None)


def card(library: Library, found: Chosen, asked: tuple[str, str, str], selection: Selection, theme: str) -> Component:
    """Return one card of a view."""
    method, figure, title = asked
    line = found.runs.get(method)
    if line is None:
        about = found.model if found.task is None else f"{found.model}, {found.task}"
        return missing_card(title, f"Not run yet for {about}.", command(method, found))
    try:
        made = figure_card(ready(library, line.run_id, asked, selection, theme), name_of(method, figure), tall(figure))
        shape = "fourier-wide" if figure in WIDE else "fourier-tall" if figure == "coil" else ""
        return html.Div(made, className=shape) if shape else made
    except InterpError as error:
        return broken_card(title, str(error))


def ready(library: Library, run_id: str, asked: tuple[str, str, str], selection: Selection, theme: str) -> Drawn:
    """Return the figure of a card with what is selected in it."""
    method, figure, _ = asked
    plain, dataset = drawing(method, figure), library.dataset(run_id)
    options = settings_of(method, figure, dataset, selection)
    if options:
        drawn = plain.draw(dataset, theme=theme, **options)
        title, subtitle = words(drawn, dataset)
        height = max(0, (drawn.layout.height or 0) - HEAD)
        table = twin(table_of(figure, dataset, options), plain.shows)
        source = Source(run_id, figure)
        made = Drawn(title, subtitle, untitled(drawn), plain.summary(dataset), table, height, source)
    else:
        made = library.drawn(run_id, plain, theme)
    marks = marks_of(method, figure, dataset, selection)
    if not marks:
        return made
    layout = made.figure["layout"]
    return replace(made, figure={**made.figure, "layout": {**layout, "shapes": [*layout.get("shapes", ()), *marks]}})


def table_of(figure: str, dataset: Any, options: dict[str, Any]) -> Any:
    """Return the part of the dataset that a figure shows, for its table."""
    if figure == "at_place":
        return dataset.sel(layer=options["layer"], reading=options["reading"], variant=VARIANT)
    if figure == "by_layer":
        periods = [t for t in options["periods"] if t is not None] or strongest(dataset)
        grid = schema.values(dataset, "period_of", "component")
        return dataset.sel(variant=VARIANT).isel(component=[nearest_component(grid, t) for t in periods])
    return dataset.sel(layer=options["layer"])


def settings_of(method: str, figure: str, dataset: Any, selection: Selection) -> dict[str, Any]:
    """Return what of the selection the figure itself depends on; a place that the run does not have is left out."""
    if (method, figure) == ("spectra", "at_place"):
        layer, reading = place(dataset, selection)
        return {"layer": layer, "reading": reading}
    if (method, figure) == ("spectra", "by_layer"):
        return {"periods": periods_of(selection)}
    if method == "helix" and figure in ("rings", "coil"):
        return {"period": selection.period, "layer": helix_layer(dataset, selection)}
    return {}


def place(dataset: Any, selection: Selection) -> tuple[int, str]:
    """Return the layer and reading of the selection, or the default ones where the spectra lack them."""
    try:
        return place_of(dataset, selection.layer, selection.role)
    except InterpError:
        return place_of(dataset, None, None)


def helix_layer(dataset: Any, selection: Selection) -> int:
    """Return the layer of the selection, or the default one where the helix lacks it."""
    try:
        return layer_of(dataset, selection.layer)
    except InterpError:
        return layer_of(dataset, None)


def marks_of(method: str, figure: str, dataset: Any, selection: Selection) -> list[dict]:
    """Return the marks of the periods in a figure."""
    mark = MARKS.get((method, figure))
    return mark(dataset, periods_of(selection)) if mark else []


def patch(library: Library, found: Chosen, graph: object, before: Selection, after: Selection) -> Any:
    """Return what changes in a graph of the page from one selection to the next; no update where nothing does."""
    named = parse_name(graph)
    line = found.runs.get(named[0]) if named else None
    if named is None or line is None:
        return no_update
    method, figure = named
    dataset, changed = library.dataset(line.run_id), Patch()
    old, new = (settings_of(method, figure, dataset, each) for each in (before, after))
    marked = [marks_of(method, figure, dataset, each) for each in (before, after)]
    if old == new and marked[0] == marked[1]:
        return no_update
    if old != new and figure == "rings" and old["layer"] == new["layer"]:
        for i, own in enumerate(targets(dataset)):
            changed["data"][i]["marker"]["color"] = phases(dataset, after.period or own)
    elif old != new and figure == "by_layer":
        changed["data"] = [trace.to_plotly_json() for trace in lines(dataset, new["periods"])]
    elif old != new:
        _redraw(changed, untitled(drawing(method, figure).draw(dataset, theme="light", **new)))
    if marked[0] != marked[1]:
        base = library.drawn(line.run_id, drawing(method, figure), "light").figure["layout"].get("shapes", ())
        changed["layout"]["shapes"] = [*base, *marked[1]]
    return changed


def _redraw(changed: Patch, figure: dict[str, Any]) -> None:
    """Put the data of `figure` and the words of its axes into a graph; its theme stays."""
    changed["data"] = figure["data"]
    for name, axis in figure["layout"].items():
        if name.startswith(("xaxis", "yaxis")) and "title" in axis:
            changed["layout"][name]["title"] = axis["title"]
    if "scene" in figure["layout"]:
        for name in ("xaxis", "yaxis", "zaxis"):
            changed["layout"]["scene"][name]["title"] = figure["layout"]["scene"][name]["title"]
