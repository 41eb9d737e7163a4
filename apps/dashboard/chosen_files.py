"""What of a run a file holds where its address says what was chosen: a map over operands, a metric of patching.

What the run has not is an InterpError: no file is better than one of something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
import xarray as xr

from apps.dashboard.operand_choice import choice_of
from apps.dashboard.patches import METHODS as PATCHING
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import Drawing, operand_files, operand_parts, operands, patch_maps, places

if TYPE_CHECKING:
    from interp.figures.operand_parts import Shown


def chosen_figure(drawing: Drawing, dataset: xr.Dataset, method: str, search: str) -> go.Figure:
    """Return the drawing of what `search` chooses."""
    asked = _asked(search)
    if method == "operands":
        one, by, cell = _map(dataset, search)
        return drawing.draw(dataset, one, cell if drawing.name == "pair_map" else by)
    if method in PATCHING and asked.metric:
        return patch_maps.metric_map(dataset, asked.metric)
    return drawing(dataset)


def chosen_data(drawing: Drawing, dataset: xr.Dataset, method: str, search: str) -> tuple[xr.Dataset, str | None]:
    """Return what holds the numbers of what `search` chooses, and the variable shown; None where all of it is."""
    asked = _asked(search)
    if method == "operands":
        one, by, _ = _map(dataset, search)
        return operand_files.NUMBERS[drawing.name](dataset, one, by), None
    if method in PATCHING and asked.metric:
        return _metric(dataset, asked.metric)
    return dataset, drawing.shows


def _asked(search: str) -> Selection:
    asked, wrong = parse(search)
    if wrong:
        raise InterpError(" ".join(wrong))
    return asked


def _map(dataset: xr.Dataset, search: str) -> tuple[Shown, str, tuple[int, int] | None]:
    """Return the map, the property and the cell that are chosen; without a choice what stands for the run."""
    asked = _asked(search)
    if not search:
        one = operands.first(dataset)
        return one, operand_parts.best(dataset, one), None
    chosen, wrong = choice_of(dataset, asked.run or "", asked)
    if wrong:
        raise InterpError(" ".join(wrong))
    cell = operand_parts.cell_of(dataset, *chosen.cell) if chosen.cell else None
    return operand_parts.shown(dataset, chosen.family, chosen.item), chosen.by, cell


def _metric(dataset: xr.Dataset, metric: str) -> tuple[xr.Dataset, str]:
    """Return a metric of patching with its own interval and null, and n."""
    places.measured(dataset, metric)  # it is kept
    shows = metric if metric in places.LEVELS else "recovered"
    if metric in places.SHARES and metric != places.kept(dataset)[0]:
        dataset, shows = dataset.sel(metric=metric, drop=True), "recovered_by_metric"
    own = {shows, "n"} | {f"{shows}_{end}" for end in ("low", "high", "null", "null_low", "null_high")}
    return dataset[[str(name) for name in dataset.data_vars if name in own]], shows
