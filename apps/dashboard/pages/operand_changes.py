"""What another map or pair changes in the figures of the Operands page: new numbers into figures that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import Patch

from apps.dashboard.operand_choice import Choice
from apps.dashboard.typed import typed
from interp.figures import operand_parts as parts
from interp.figures import operands

if TYPE_CHECKING:
    import xarray as xr


def map_patch(dataset: xr.Dataset, one: parts.Shown, chosen: Choice, *, numbers: bool = True) -> Patch:
    """Return what another map or cell changes in the figure of the map."""
    change = Patch()
    if numbers:
        change["data"][0]["z"] = typed(one.values)
        change["layout"]["coloraxis"] = operands.scale(one)
    mark: Any = operands.mark(dataset, one, parts.cell_of(dataset, *chosen.cell) if chosen.cell else None)
    for name in ("x", "y", "hovertext"):
        change["data"][1][name] = list(mark[name])
    return change


def line_patch(dataset: xr.Dataset, one: parts.Shown, chosen: Choice) -> Patch:
    """Return what another map changes in the figure of its marginal."""
    change = Patch()
    for k, line in enumerate(operands.lines(dataset, one, chosen.by)):
        change["data"][k]["y"] = [round(float(y), 6) for y in line["y"]]
        change["data"][k]["x"] = [float(x) for x in line["x"]]
        if "hovertext" in line:
            change["data"][k]["hovertext"] = line["hovertext"]
    change["layout"]["yaxis"]["title"]["text"] = one.unit
    return change


def bar_patch(dataset: xr.Dataset, one: parts.Shown) -> Patch:
    """Return what another map changes in the figure of explained shares."""
    change, found = Patch(), operands.bars(dataset, one)
    change["data"][0]["x"] = [round(float(x), 5) for x in found["share"]]
    change["data"][0]["hovertext"] = found["hover"]
    change["data"][1]["x"] = [round(float(x), 5) for x in found["null"]]
    return change
