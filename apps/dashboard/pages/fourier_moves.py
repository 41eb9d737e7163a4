"""What follows from a click or a choice on the Fourier page: the new selection, and what changes in each figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import no_update

from apps.dashboard.components.period_table import period_table
from apps.dashboard.library import Library
from apps.dashboard.page import address
from apps.dashboard.pages.fourier_cards import helix_layer, patch, place, told
from apps.dashboard.pages.fourier_periods import NONE, clicked, compared, pin_of, rounded
from apps.dashboard.pages.fourier_runs import Chosen, again
from apps.dashboard.pages.fourier_views import PATH, parse_name
from apps.dashboard.selection import MOST_PINS, Selection, parse
from interp.errors import InterpError
from interp.figures import schema

FACTS_OF = ("spectrum", "unembedding", "spectra", "helix", "planes", "grokking")


def changed(
    library: Library, shown: Selection, click: Mapping[str, Any] | None, picked: Mapping[str, Any]
) -> Selection:
    """Return the selection after a click, or after a choice among `picked` ("period", "pins")."""
    if click is not None:
        return _after_click(library, shown, click)
    new = shown
    if isinstance(picked.get("period"), str):
        value = picked["period"]
        new = new.but(period=None if value == NONE else rounded(parse(f"?period={value}")[0].period or 0) or None)
    if isinstance(picked.get("layer"), str):
        new = _elsewhere(library, shown, new, picked)
    if isinstance(picked.get("pins"), list):
        pins = parse("?" + "&".join(f"pin={name}" for name in picked["pins"][:MOST_PINS] if isinstance(name, str)))[0]
        new = new.but(pin=pins.pin)
    return parse(new.search)[0]


def _elsewhere(library: Library, shown: Selection, new: Selection, picked: Mapping[str, Any]) -> Selection:
    """Return `new` at the place that was picked; unchanged where that is the one shown, which need not be chosen."""
    here = {name: value for name, (_, value) in places(readable(library, again(library, shown)), shown).items()}
    if all(picked.get(name) == value for name, value in here.items()):
        return new
    at = {"role": picked["place"]} if isinstance(picked.get("place"), str) else {}
    return new.but(layer=parse(f"?layer={picked['layer']}")[0].layer, **at)


def _after_click(library: Library, shown: Selection, click: Mapping[str, Any]) -> Selection:
    if click.get("unlock"):
        return shown.but(period=None, layer=None, role=None, pin=())
    named = parse_name(click.get("graph"))
    line = again(library, shown).runs.get(named[0]) if named else None
    if named is None or line is None:
        return shown
    found = clicked(click, library.dataset(line.run_id), named[1])
    if click.get("shift"):
        return shown.pinned(pin_of(found["period"])) if "period" in found else shown
    return shown.but(**found)


def outputs(library: Library, before: Selection, after: Selection, choices: list[str], graphs: list[str]) -> tuple:
    """Return the address, the values of `choices`, the table, and what changes in each of `graphs`."""
    if before == after:
        return no_update, [no_update] * len(choices), [no_update], [no_update] * len(graphs)
    found = again(library, after)
    datasets = readable(library, found)
    values = {"period": NONE if after.period is None else f"{after.period:g}", "pins": pins_shown(after)}
    values |= {name: value for name, (_, value) in places(datasets, after).items()}
    picked = [values.get(name, no_update) for name in choices]
    table = period_table(datasets, compared(after), after.period is not None)
    patches = [patch(library, found, name, before, after) for name in graphs]
    return address(PATH, after), picked, [table], patches


def said(library: Library, before: Selection, after: Selection, graphs: list[str]) -> dict[str, dict[str, Any]]:
    """Return what changes in the words beside `graphs`."""
    if before == after:
        return {}
    found = again(library, after)
    return {key: props for name in graphs for key, props in told(library, found, name, before, after).items()}


def readable(library: Library, found: Chosen) -> dict[str, Any]:
    """Return the datasets that facts and choices come from; a damaged run is told by its own card."""
    datasets = {}
    for method in FACTS_OF:
        try:
            if method in found.runs:
                datasets[method] = library.dataset(found.runs[method].run_id)
        except InterpError:
            continue
    return datasets


def places(datasets: Mapping[str, Any], selection: Selection) -> dict[str, tuple[list[str], str]]:
    """Return the choices of a place in the present view: {"layer" or "place": (options, the shown one)}."""
    if selection.view == "circles" and "helix" in datasets:
        layers = [str(layer) for layer in schema.labels(datasets["helix"], "layer")]
        return {"layer": (layers, str(helix_layer(datasets["helix"], selection)))}
    if selection.view in (None, "spectra") and "spectra" in datasets:
        layer, reading = place(datasets["spectra"], selection)
        known = [[str(label) for label in schema.labels(datasets["spectra"], dim)] for dim in ("layer", "reading")]
        return {"layer": (known[0], str(layer)), "place": (known[1], reading)}
    return {}


def pins_shown(selection: Selection) -> list[str]:
    """Return the pinned periods as they are named in the choice."""
    return [pin_of(t) for t in compared(selection.but(period=None))]
