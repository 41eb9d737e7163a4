"""What each prompt pair did in the selected cell of the patching map: sorted points, and the same pairs as a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dash_ag_grid as dag
from dash import dcc
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import figure_card
from apps.dashboard.components.dressed import dressed
from apps.dashboard.components.grid import FILTERED, grid
from apps.dashboard.drawn import Source
from interp.figures import pairs
from interp.figures.places import LEVELS, Cell

if TYPE_CHECKING:
    import xarray as xr

HEIGHT = 260
PATCHED = 2  # the trace of the patched run, after those of the corrupted and the clean one


def pair_card(
    dataset: xr.Dataset, cell: Cell, metric: str, example: int | None, theme: str, source: Source | None = None
) -> Component:
    """Return the card of one cell; pair `example` is marked in the figure and selected in the grid."""
    data, rows = pair_data(dataset, cell, metric)
    figure = pairs.examples(dataset, cell.layer, cell.role, head=cell.head, metric=metric, theme=theme)
    figure.data[PATCHED].selectedpoints = rank_of(rows, example)
    ready = dressed(figure, dataset, note(data, rows, metric), source=source)
    return figure_card(
        ready, ids.PATCHING_DETAIL, HEIGHT, extra=[_grid(rows, example, metric), dcc.Store(id=ids.PATCHING_LISTED)]
    )


def pair_data(dataset: xr.Dataset, cell: Cell, metric: str) -> tuple[dict, list[dict]]:
    """Return the traces of a cell and its rows."""
    rows = pairs.example_rows(dataset, cell.layer, cell.role, head=cell.head, metric=metric)
    return pairs.cell_traces(dataset, cell, metric, rows), rows


def _grid(rows: list[dict], example: int | None, metric: str) -> dag.AgGrid:
    """Return the pairs as rows; a level (right or wrong, a divergence) has no share that is recovered."""
    numbers = ("clean", "corrupted", "patched", *(("recovered",) if metric not in LEVELS else ()))
    number = {"type": "rightAligned", "valueFormatter": {"function": "d3.format('.2f')(params.value)"}, "width": 86}
    columns = [
        {"field": "prompt", "headerName": "clean prompt", "flex": 1, "minWidth": 104, **FILTERED},
        {"field": "prompt_corrupted", "headerName": "corrupted prompt", "flex": 1, "minWidth": 120, **FILTERED},
        *({"field": name, "headerName": name, **number} for name in numbers),
    ]
    chosen = str(example) if rank_of(rows, example) else None
    return grid(ids.PATCHING_ROWS, columns, rows, "prompt_index", height="258px", flex=True, chosen=chosen)


def rank_of(rows: list[dict], example: int | None) -> list[int] | None:
    """Return `[rank]` of prompt pair `example` among the sorted rows, None where it is not there."""
    return next(([i] for i, row in enumerate(rows) if row["prompt_index"] == str(example)), None)


def note(data: dict, rows: list[dict], metric: str = "logit_diff") -> str:
    """Return the mean, and how many pairs moved more than half way; of accuracy how many became right or wrong."""
    if metric == "accuracy":
        return f"{data['interval'].capitalize()}; {_turned(rows, data['base'])}"
    known = [row["recovered"] for row in rows if row["recovered"] == row["recovered"]]
    half = sum(value > 0.5 for value in known)
    said = f"{data['interval'].capitalize()}; "
    if metric == "mean_kl":
        return f"{said}{len(rows)} pairs."
    return f"{said}{half} of {len(known)} pairs move more than half way to the other run."


def _turned(rows: list[dict], base: str) -> str:
    """Return how many pairs the patch makes right, and how many were right in the run `base` and no longer are."""
    right = [(row[base] > 0.5, row["patched"] > 0.5) for row in rows]
    become, stop = (sum(each == turn for each in right) for turn in ((False, True), (True, False)))
    said = f"{become} become{'s' * (become == 1)} right, {stop} stop{'s' * (stop == 1)} being right"
    return f"of {len(rows)} pairs {said} (right: top token = clean answer)."
