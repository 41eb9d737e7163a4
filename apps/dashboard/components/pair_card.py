"""What each prompt pair did in the selected cell of the patching map: sorted points, and the same pairs as a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dash_ag_grid as dag
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import figure_card
from apps.dashboard.components.grid import FILTERED, grid
from apps.dashboard.drawn import Drawn, untitled
from interp.figures import pairs

if TYPE_CHECKING:
    import xarray as xr

HEIGHT = 260
SUBTITLE = "logit of the clean answer minus logit of the corrupted answer"
PATCHED = 2  # the trace of the patched run, after those of the corrupted and the clean one


def pair_card(dataset: xr.Dataset, layer: int, role: str, example: int | None, theme: str) -> Component:
    """Return the card of one cell; pair `example` is marked in the figure and selected in the grid."""
    data, rows = pairs.example_traces(dataset, layer, role), pairs.example_rows(dataset, layer, role)
    figure = pairs.examples(dataset, layer, role, theme=theme)
    figure.data[PATCHED].selectedpoints = rank_of(rows, example)
    ready = Drawn(data["title"], SUBTITLE, untitled(figure), note(data, rows), None)
    return figure_card(ready, ids.PATCHING_DETAIL, HEIGHT, extra=[_grid(rows, example)])


def _grid(rows: list[dict], example: int | None) -> dag.AgGrid:
    number = {"type": "rightAligned", "valueFormatter": {"function": "d3.format('.2f')(params.value)"}, "width": 86}
    columns = [
        {"field": "prompt", "headerName": "clean prompt", "flex": 1, "minWidth": 104, **FILTERED},
        {"field": "prompt_corrupted", "headerName": "corrupted prompt", "flex": 1, "minWidth": 120, **FILTERED},
        *({"field": name, "headerName": name, **number} for name in ("clean", "corrupted", "patched", "recovered")),
    ]
    chosen = str(example) if rank_of(rows, example) else None
    return grid(ids.PATCHING_ROWS, columns, rows, "prompt_index", height="258px", flex=True, chosen=chosen)


def rank_of(rows: list[dict], example: int | None) -> list[int] | None:
    """Return `[rank]` of prompt pair `example` among the sorted rows, None where it is not there."""
    return next(([i] for i, row in enumerate(rows) if row["prompt_index"] == str(example)), None)


def note(data: dict, rows: list[dict]) -> str:
    """Return the mean, and how many pairs moved more than half way."""
    known = [row["recovered"] for row in rows if row["recovered"] == row["recovered"]]
    half = sum(value > 0.5 for value in known)
    return f"{data['interval'].capitalize()}; {half} of {len(known)} pairs move more than half way to the clean run."
