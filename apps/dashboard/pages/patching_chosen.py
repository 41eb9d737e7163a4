"""What an address chooses on the Patching page, as far as the run has it: a cell, a metric, a pair, pinned places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apps.dashboard.library import Library
from apps.dashboard.patches import METHODS, place_of
from apps.dashboard.selection import Selection, layer_of, role_of
from interp.errors import InterpError
from interp.figures import maps, places
from interp.figures.patching import turning_cell
from interp.figures.places import Cell
from interp.store import RunSummary

if TYPE_CHECKING:
    import xarray as xr


def chosen_of(library: Library, line: RunSummary, asked: Selection) -> tuple[Selection, list[str]]:
    """Return the whole selection that the page shows, and notices about what this run does not have."""
    dataset, notices = library.dataset(line.run_id), list[str]()
    cell = _cell_of(dataset, asked, notices)
    example, metric, pins = asked.example, asked.metric, []
    if example is not None and example >= dataset.sizes.get("prompt", 0):
        notices.append(f"This run has {dataset.sizes.get('prompt', 0)} pairs, so there is no pair {example}.")
        example = None
    if metric is not None and metric not in places.kept(dataset):
        notices.append(f"This run does not keep {metric!r} beside its null (it has {', '.join(places.kept(dataset))}).")
        metric = None
    for name in asked.pin:
        try:
            place_of(library, line, name)
            pins.append(name)
        except InterpError as error:
            notices.append(f"A pinned place was left out: {error}")
    place = {"layer": cell.layer, "head": cell.head, "role": cell.role}
    return Selection(run=line.run_id, metric=metric, example=example, pin=tuple(pins), **place), notices


def _cell_of(dataset: xr.Dataset, asked: Selection, notices: list[str]) -> Cell:
    """Return the cell that the address asks for, with the default for each part that the run does not have."""
    usual, roles = default_cell(dataset), places.roles_of(dataset)
    rows = places.rows_of(dataset)
    layers, heads = sorted({layer for layer, _ in rows}), sorted({head for _, head in rows if head is not None})
    layer, head = layer_of(asked.layer, layers, notices), usual.head
    if asked.head is not None and asked.head not in heads:
        had = f"it has {heads[0]} to {heads[-1]}" if heads else "whole layers were patched"
        notices.append(f"This run has no head {asked.head} ({had}).")
    elif asked.head is not None:
        head = asked.head
    role = role_of(asked.role, roles, notices)
    return Cell(usual.layer if layer is None else layer, role or usual.role, head)


def default_cell(dataset: xr.Dataset) -> Cell:
    """Return the most telling cell: the first layer at which the last role is beyond the null, or the largest head."""
    if not places.of_heads(dataset):
        return Cell(*turning_cell(dataset))
    value = places.measured(dataset, places.kept(dataset)[0])[0].value
    i, j = maps.largest(np.abs(value))
    layer, head = places.rows_of(dataset)[i]
    return Cell(layer, places.roles_of(dataset)[j], head)


def shown_cell(dataset: xr.Dataset, shown: Selection) -> Cell:
    """Return the cell of a selection. Raises InterpError for one that the run does not have."""
    usual = default_cell(dataset)
    if shown.layer is None or shown.role is None:
        return usual
    cell = Cell(shown.layer, shown.role, shown.head)
    places.index_of(dataset, cell)
    return cell


def fitted(dataset: xr.Dataset, shown: Selection) -> Cell:
    """Return the cell of another run that is nearest to a selection: layer and role kept where the run has them."""
    usual = default_cell(dataset)
    if shown.layer is None or shown.role is None:
        return usual
    head = (usual.head if shown.head is None else shown.head) if places.of_heads(dataset) else None
    cell = Cell(shown.layer, shown.role, head)
    try:
        places.index_of(dataset, cell)
    except InterpError:
        return usual
    return cell


def metric_of(dataset: xr.Dataset, shown: Selection) -> str:
    """Return the metric of a selection, by default the one the run was asked for."""
    return shown.metric or places.kept(dataset)[0]


def line_of(library: Library, shown: Selection) -> RunSummary | None:
    """Return the run that the page shows, None where it shows none; InterpError for one that is gone or damaged.

    It is read from the run itself: the list of all runs takes longer than a click may.
    """
    if shown.run is None:
        return None
    spec = library.opened(shown.run).manifest["spec"]
    named = {name: spec.get(name) for name in ("method", "model", "task", "style")}
    return RunSummary(shown.run, "complete", spec=spec, **named) if named["method"] in METHODS else None


def at(shown: Selection, cell: Cell) -> Selection:
    """Return the selection at another cell."""
    return shown.but(layer=cell.layer, head=cell.head, role=cell.role)
