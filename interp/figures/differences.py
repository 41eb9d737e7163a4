"""A, B and A - B of one array of two runs, on one locked scale.

    maps     three panels with one colour scale about zero
    curves   A, B and A - B in three panels with one y axis

How to read: A - B beside its interval, where the same examples stand behind both runs; a cell whose interval leaves out
zero is marked `*` (each cell by itself). Without paired examples there is no interval, and the subtitle says so; of all
pairs there are no sample was drawn, and none is needed.
The Dataset is that of `interp.store.differences.difference`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, maps, schema
from interp.figures import theme as look
from interp.figures.twin import Twin

if TYPE_CHECKING:
    import xarray as xr

SIDES = {"a": "A", "b": "B", "difference": "A - B"}
FEW = 6  # lines of one panel
PLACES = ("role", "head", "key", "neuron")
MOST_ROWS = 1500


def beside(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return A, B and A - B: maps of two dims, curves of one."""
    dims = [str(dim) for dim in dataset["difference"].dims]
    few = len(dims) == 2 and min(dataset.sizes[dim] for dim in dims) <= FEW and not set(dims) & set(PLACES)
    return _maps(dataset, *dims, theme=theme) if len(dims) == 2 and not few else _curves(dataset, dims, theme)


def _heading(dataset: xr.Dataset) -> dict:
    attrs = dataset.attrs
    counts = [f"{int(attrs[name]):,}" for name in ("n_a", "n_b")]
    n = f"n = {' and '.join(dict.fromkeys(counts))}{' pairs: all there are' if attrs.get('every') else ''}"
    what = str(attrs.get("array", "")).replace("_", " ")
    title = f"A, B and A - B: {what}"
    parts = (str(attrs.get("where", "")), str(attrs.get("units", "")), n, "one scale", _interval(dataset))
    return {"text": title, "subtitle": {"text": " · ".join(part for part in parts if part)}}


def _interval(dataset: xr.Dataset) -> str:
    if dataset.attrs.get("paired"):
        return "paired 95 % interval on hover, * leaves out 0"
    return "no sample, so no interval" if dataset.attrs.get("every") else "no interval: not paired"


def _maps(dataset: xr.Dataset, down: str, across: str, *, theme: str) -> go.Figure:
    found = {side: schema.estimates(dataset, side, down, across) for side in SIDES}
    rows, columns = _labels(dataset, down), _labels(dataset, across)
    certain = _certain(found["difference"])
    panels = []
    for side, label in SIDES.items():
        marks = certain if side == "difference" else np.zeros_like(certain)
        panels.append(
            maps.Panel(label, found[side].value, _hover(found, label, rows, columns), _text(found[side].value, marks))
        )
    figure = maps.panel_maps(
        panels,
        maps.Axis(down, rows),
        maps.Axis(across, columns),
        title=_heading(dataset),
        unit=str(dataset.attrs.get("units", "")),
        bounds=look.limits(*(each.value for each in found.values()), at_least=1e-9),
        theme=theme,
    )
    return figure.update_layout(height=520 if len(rows) > maps.MOST_PARTED else max(420, 110 + 17 * len(rows)))


def _hover(found: dict[str, schema.Estimates], label: str, rows: list[str], columns: list[str]) -> list[list[str]]:
    if len(rows) * len(columns) > MOST_ROWS:
        side = next(name for name, each in SIDES.items() if each == label)
        value = found[side].value
        return [[f"{row}, {column}: {value[i, j]:.3g}" for j, column in enumerate(columns)]
                for i, row in enumerate(rows)]  # fmt: skip
    return [
        [
            f"<b>{row}, {column}</b><br>" + "<br>".join(f"{SIDES[s]} {e[i, j].text()}" for s, e in found.items())
            for j, column in enumerate(columns)
        ]
        for i, row in enumerate(rows)
    ]


def _text(values: np.ndarray, marked: np.ndarray) -> list[list[str]] | None:
    written = maps.written(values, most=90)
    if written is None:
        return [["*" if mark else "" for mark in row] for row in marked] if marked.size <= MOST_ROWS else None
    return [[f"{text}*" if mark else text for text, mark in zip(*pair, strict=True)]
            for pair in zip(written, marked, strict=True)]  # fmt: skip


def _certain(found: schema.Estimates) -> np.ndarray:
    """Return where the interval leaves out zero."""
    if found.low is None or found.high is None:
        return np.zeros(found.value.shape, dtype=bool)
    return (found.low > 0) | (found.high < 0)


def _curves(dataset: xr.Dataset, dims: list[str], theme: str) -> go.Figure:
    """Return curves over the longer dim, a line a label of the shorter one; a lone number is a curve of one point."""
    along = max(dims, key=lambda dim: dataset.sizes[dim]) if dims else None
    lines = next((dim for dim in dims if dim != along), None)
    x = _labels(dataset, along) if along else [str(dataset.attrs.get("array"))]
    figure = make_subplots(cols=3, shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=[*SIDES.values()])
    for column, (side, label) in enumerate(SIDES.items(), start=1):
        place = {"row": 1, "col": column}
        found = schema.estimates(dataset, side, *([lines] if lines else []), *([along] if along else []))
        for k, name in enumerate(_labels(dataset, lines) if lines else [label]):
            one = found[k] if lines else found
            one = one if along else one[None]
            hover = [f"<b>{label}</b>, {name if lines else ''} {each}<br>{{}}" for each in x]
            colour = look.OKABE_ITO[k % len(look.OKABE_ITO)]
            line = curves.Curve(name if lines else "measured", x, one, hover, colour, k, banded=along is not None)
            curves.add_curve(figure, line, place, legend=column == 1 and lines is not None)
            if not along:
                figure.data[-1].update(error_y=one.bars())
        figure.update_xaxes(title_text=along or "", type="category", row=1, col=column)
    figure.add_hline(y=0, line={"color": look.NULL, "dash": "dash", "width": 1})
    figure.update_yaxes(title_text=str(dataset.attrs.get("units", "")), col=1)
    curves.panel_titles(figure)
    return figure.update_layout(template=look.template(theme), title=_heading(dataset))


def _labels(dataset: xr.Dataset, dim: str) -> list[str]:
    known = schema.labels(dataset, dim) if dim in dataset.variables else range(dataset.sizes[dim])
    return [str(each) for each in known]


def summary(dataset: xr.Dataset) -> str:
    """Return the largest difference, how many cells differ beyond their interval, or that none can be given."""
    found = schema.estimates(dataset, "difference", *(str(dim) for dim in dataset["difference"].dims))
    if not np.isfinite(found.value).any():
        return "No cell has a value in both runs."
    if not np.nan_to_num(found.value).any():
        return "A and B are equal in every cell."
    at = np.unravel_index(int(np.nanargmax(np.abs(found.value))), found.value.shape)
    dims = [str(dim) for dim in dataset["difference"].dims]
    where = ", ".join(f"{dim} {_labels(dataset, dim)[i]}" for dim, i in zip(dims, at, strict=True))
    said = f"Largest difference A - B{f' at {where}' if where else ''}: {found[at].text()}."
    if dataset.attrs.get("every") and not dataset.attrs.get("paired"):
        return f"{said} Both runs are of all pairs: no sample, so no interval."
    if not dataset.attrs.get("paired"):
        return f"{said} No interval: the runs keep no values of the same examples for this number."
    certain = _certain(found)
    if not certain.ndim:
        return f"{said} The interval {'leaves out' if certain else 'holds'} zero."
    return f"{said} {int(certain.sum())} of {certain.size} intervals leave out zero (5 % would by chance)."


def table(dataset: xr.Dataset) -> Twin:
    """Return A, B and A - B as rows; where there would be too many, their means along each dim."""
    dims = [str(dim) for dim in dataset["difference"].dims]
    if dataset["difference"].size > MOST_ROWS:
        return _means(dataset, dims)
    found = [schema.estimates(dataset, side, *dims) for side in SIDES]
    labels = [_labels(dataset, dim) for dim in dims]
    body = tuple(
        (*(known[i] for known, i in zip(labels, at, strict=True)), *(each[at].text() for each in found))
        for at in np.ndindex(*found[0].value.shape)
    )
    return Twin(f"{dataset.attrs.get('array')} of A and B", (*dims, *SIDES.values()), body, len(dims))


def _means(dataset: xr.Dataset, dims: list[str]) -> Twin:
    """Return a row for each label of each dim: the means over the cells that have it."""
    rows = []
    for dim in dims:
        over = [other for other in dims if other != dim]
        means = [dataset[side].mean(over).to_numpy() for side in SIDES]
        rows += [
            (dim, label, *(schema.number(float(mean[i])) for mean in means))
            for i, label in enumerate(_labels(dataset, dim))
        ]
    said = f"{dataset.attrs.get('array')} of A and B: {dataset['difference'].size:,} cells, here means of those of each"
    return Twin(f"{said} {' and '.join(dims)}", ("mean by", "value", *SIDES.values()), tuple(rows), 2)
