"""Where is a period in a figure? The marks of the selected period and of the pinned ones, as shapes of the layout.

    MARKS["spectrum", "power"](dataset, periods) -> shapes      the first period is the selected one, solid

Marks are shapes, so that the app moves them without sending a figure again. A period that a figure does not have
(a plane that was not measured) has no mark there. Frequencies come from the figure's own axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.helix_places import targets
from interp.figures.planes import PANELS, period_in

if TYPE_CHECKING:
    import xarray as xr

LINES = (
    (look.VERMILLION, "solid"), (look.GREEN, "dash"), (look.PURPLE, "dot"), (look.ORANGE, "dashdot"),
    (look.SKY, "longdash"),
)  # fmt: skip
"""Colour and dash of the selected period and of up to four pinned ones: never colour alone."""

CLOSE = 0.005
"""Two periods are the same one when they differ by less than this share: links carry rounded periods."""

Shapes = list[dict[str, Any]]
Mark = Callable[["xr.Dataset", Sequence[float | None]], Shapes]


def name_of(period: float) -> str:
    """Return `T = 10`, as a period is written everywhere."""
    return f"T = {period:.4g}"


def same(period: float, other: float) -> bool:
    """Return whether two periods are one."""
    return abs(period - other) < CLOSE * other


def _each(periods: Sequence[float | None]):
    for period, (colour, dash) in zip(periods, LINES, strict=False):
        if period is not None:
            yield period, {"color": colour, "dash": dash, "width": 1.5}


def _label(period: float, line: dict) -> dict:
    """Return the name beside a mark; each style of line has its own height, so that names do not meet."""
    row = [dash for _, dash in LINES].index(line["dash"])
    return {
        "text": name_of(period), "textposition": "end", "textangle": 0, "yanchor": "top", "xanchor": "left",
        "font": {"size": 11, "color": line["color"]}, "padding": 3 + 14 * row,
    }  # fmt: skip


def _upright(x: float, line: dict, period: float, axis: str = "x", label: bool = True) -> dict:
    shape = {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "xref": axis, "yref": "paper", "line": line,
             "layer": "below"}  # fmt: skip
    return shape | ({"label": _label(period, line)} if label else {})


def on_components(dataset: xr.Dataset, periods: Sequence[float | None]) -> Shapes:
    """Return marks on an axis of frequencies k = N / T."""
    size = numbers_of(dataset)
    top = max(schema.labels(dataset, "component"))
    return [_upright(size / t, line, t) for t, line in _each(periods) if size / t <= top * (1 + CLOSE)]


def numbers_of(dataset: xr.Dataset) -> float:
    """Return N, from the periods beside the frequencies."""
    name = "period_of" if "period_of" in dataset.variables else "period"
    return float(schema.values(dataset, name, "component")[0]) * float(schema.labels(dataset, "component")[0])


def on_neurons(dataset: xr.Dataset, periods: Sequence[float | None]) -> Shapes:
    """Return marks on an axis of frequencies of a modular network, k = p / T."""
    p = int(dataset.attrs["p"])
    return [_upright(p / t, line, t) for t, line in _each(periods) if 2 * p / t <= p]


def on_training(dataset: xr.Dataset, periods: Sequence[float | None]) -> Shapes:
    """Return marks across the maps of frequency by step."""
    p, found = int(dataset.attrs["p"]), []
    for t, line in _each(periods):
        if 2 * p / t <= p:
            across = {"type": "line", "y0": p / t, "y1": p / t, "x0": 0, "x1": 1, "xref": "paper", "yref": "y"}
            found.append(
                across | {"line": line, "label": _label(t, line) | {"textposition": "start", "yanchor": "bottom"}}
            )
    return found


def _columns(names: Sequence[float | None], axes: Sequence[str], periods: Sequence[float | None]) -> Shapes:
    """Return frames around the columns whose period was chosen."""
    found = []
    for t, line in _each(periods):
        for i in (i for i, name in enumerate(names) if name is not None and same(name, t)):
            box = {"type": "rect", "x0": i - 0.45, "x1": i + 0.45, "y0": 0, "y1": 1, "yref": "paper", "line": line}
            found += [box | {"xref": axis, "layer": "below"} for axis in axes]
    return found


def on_planes(dataset: xr.Dataset, periods: Sequence[float | None]) -> Shapes:
    """Return frames around the planes of a period, in both panels."""
    names = [period_in(str(name)) for name in schema.labels(dataset, "subspace")]
    shown = [mode for mode in schema.labels(dataset, "mode") if mode in PANELS]
    return _columns(names, ["x", "x2"][: len(shown)], periods)


def on_kept(dataset: xr.Dataset, periods: Sequence[float | None]) -> Shapes:
    """Return frames around the kept periods."""
    return _columns([float(t) for t in schema.labels(dataset, "kept")], ["x"], periods)


def on_residues(dataset: xr.Dataset, periods: Sequence[float | None]) -> Shapes:
    """Return frames around the residues mod T, one column of panels an embedding."""
    sites = dataset.sizes["site"]
    axes = ["x" if i == 0 else f"x{i + 1}" for i in range(2 * sites)][:sites]
    return _columns([float(t) for t in schema.labels(dataset, "period")], axes, periods)


def on_circles(dataset: xr.Dataset, periods: Sequence[float | None]) -> Shapes:
    """Return frames around the circles of a modular network."""
    p = dataset.sizes["sum"]
    return _columns([p / int(k) for k in schema.labels(dataset, "circle")], ["x"], periods)


def on_panels(dataset: xr.Dataset, periods: Sequence[float | None]) -> Shapes:
    """Return frames around the panels of the target periods."""
    found = []
    for t, line in _each(periods):
        for i in (i for i, each in enumerate(targets(dataset)) if same(each, t)):
            axis = "" if i == 0 else str(i + 1)
            box = {"type": "rect", "x0": 0, "x1": 1, "y0": 0, "y1": 1, "line": line, "layer": "below"}
            found.append(box | {"xref": f"x{axis} domain", "yref": f"y{axis} domain"})
    return found


MARKS: dict[tuple[str, str], Mark] = {
    ("spectrum", "power"): on_components,
    ("spectra", "at_place"): on_components,
    ("grokking", "clusters"): on_neurons,
    ("grokking", "spectra"): on_training,
    ("clock_pizza", "circles"): on_circles,
    ("planes", "accuracy"): on_planes,
    ("filters", "kept"): on_kept,
    ("convergence", "measures"): on_residues,
    ("helix", "by_period"): on_panels,
    ("helix", "rings"): on_panels,
}
