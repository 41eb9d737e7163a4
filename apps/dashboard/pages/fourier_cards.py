"""The cards of the Fourier page: each a figure of a run with the chosen periods marked, or how to get it.

card(found, "helix", "rings", selection)  ->  figure_card | missing_card | broken_card
patch("fourier-helix-rings", ...)         ->  what changes in that graph when another period is selected
told("fourier-helix-rings", ...)          ->  what changes in the words and the table beside it
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import Patch, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card, figure_card, missing_card
from apps.dashboard.components.table import CELLS, cells_of
from apps.dashboard.drawn import HEAD, Drawn, Source, untitled, words
from apps.dashboard.library import Library
from apps.dashboard.pages.fourier_periods import periods_of
from apps.dashboard.pages.fourier_runs import Chosen, command, method_of
from apps.dashboard.pages.fourier_views import name_of, parse_name
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import drawing, grokking_neurons, schema, spectra_places
from interp.figures.helix import gain_summary
from interp.figures.helix_places import layer_of, phases, targets
from interp.figures.period_marks import MARKS
from interp.figures.spectra_places import VARIANT, lines, nearest_component, place_of, strongest
from interp.figures.twin import twin

HEIGHT = 330
WIDE = {("helix", "rings"): 330, ("convergence", "measures"): 430, ("spectra", "by_layer"): 330}
HIGH = {("neurons", "operand_maps"): 430, ("neurons", "knockout"): 600}
"""Figures of many rows, and their height."""
"""Figures of many panels, which take a whole row, and their height."""


def card(library: Library, found: Chosen, asked: tuple[str, str, str], selection: Selection, theme: str) -> Component:
    """Return one card of a view."""
    kind, figure, title = asked
    line = found.runs.get(kind)
    if line is None:
        about = found.model if found.task is None else f"{found.model}, {found.task}"
        return missing_card(title, f"Not run yet for {about}.", command(kind, found))
    try:
        shown = ready(library, line.run_id, asked, selection, theme)
        href = f"/training{Selection(model=found.model).search}" if kind == "grokking" else None
        made = figure_card(shown, name_of(kind, figure), (WIDE | HIGH).get((kind, figure), HEIGHT), href=href)
        shape = "fourier-wide" if (kind, figure) in WIDE else "fourier-tall" if figure == "coil" else ""
        return html.Div(made, className=shape) if shape else made
    except InterpError as error:
        return broken_card(title, str(error))


def ready(library: Library, run_id: str, asked: tuple[str, str, str], selection: Selection, theme: str) -> Drawn:
    """Return the figure of a card with what is selected in it."""
    method, figure = method_of(asked[0]), asked[1]
    plain, dataset = drawing(method, figure), library.dataset(run_id)
    options = settings_of(method, figure, dataset, selection)
    if options:
        drawn = plain.draw(dataset, theme=theme, **options)
        title, subtitle = words(drawn, dataset)
        layout: Any = drawn.layout
        height = max(0, (layout.height or 0) - HEAD)
        table = twin(table_of(figure, dataset, options), plain.shows)
        source = Source(run_id, figure)
        made = Drawn(title, subtitle, untitled(drawn), said_of(figure, dataset, options), table, height, source)
    else:
        made = library.drawn(run_id, plain, theme)
        if figure == "clusters":
            made = replace(made, table=grokking_neurons.table(dataset))
    marks = marks_of(method, figure, dataset, selection)
    if not marks:
        return made
    shown = made.figure["layout"]
    return replace(made, figure={**made.figure, "layout": {**shown, "shapes": [*shown.get("shapes", ()), *marks]}})


def said_of(figure: str, dataset: Any, options: dict[str, Any]) -> str:
    """Return what a figure shows of the selection, or what the run shows as a whole."""
    if figure == "at_place":
        return spectra_places.place_summary(dataset, options["layer"], options["reading"])
    if figure == "by_layer":
        return spectra_places.summary(dataset, options["periods"])
    return f"Of all layers: {gain_summary(dataset)}"


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
    method, figure = method_of(named[0]), named[1]
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


def told(
    library: Library, found: Chosen, graph: object, before: Selection, after: Selection
) -> dict[str, dict[str, Any]]:
    """Return what changes in the words and the table beside a graph, properties by id; nothing where nothing does."""
    named = parse_name(graph)
    line = found.runs.get(named[0]) if named else None
    if named is None or line is None:
        return {}
    dataset, method = library.dataset(line.run_id), method_of(named[0])
    old, new = (settings_of(method, named[1], dataset, each) for each in (before, after))
    if old == new:
        return {}
    shown, name = ready(library, line.run_id, (*named, ""), after, "light"), name_of(*named)
    props: dict[str, dict[str, Any]] = {
        ids.part(name, "title"): {"children": shown.title},
        ids.part(name, "subtitle"): {"children": shown.subtitle},
        ids.part(name, "summary"): {"children": shown.summary},
    }
    return props | ({ids.part(name, "table"): {CELLS: cells_of(shown.table)}} if shown.table else {})


def _redraw(changed: Patch, figure: dict[str, Any]) -> None:
    """Put the data of `figure` and the words of its axes into a graph; its theme stays."""
    changed["data"] = figure["data"]
    for name, axis in figure["layout"].items():
        if name.startswith(("xaxis", "yaxis")) and "title" in axis:
            changed["layout"][name]["title"] = axis["title"]
    if "scene" in figure["layout"]:
        for name in ("xaxis", "yaxis", "zaxis"):
            changed["layout"]["scene"][name]["title"] = figure["layout"]["scene"][name]["title"]
