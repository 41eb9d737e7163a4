"""Which windows keep the answer? Faithfulness of every (l_wait, l_transfer) that fits into the model.

    z[l_wait, l_transfer] = accuracy, on the selection prompts which the full model answers, of CAMA at l_wait, then
                            l_transfer blocks of full peek, then self peek

Read the outlined region: if the operands are first read in block w and last in block w + t - 1, it is
{l_wait <= w, l_wait + l_transfer >= w + t}: a staircase that ends in the corner (w, t). Left of it the last token
stops reading too early, above it the tokens wait too long. Cells with l_wait + l_transfer beyond the number of blocks
are outside the model and stay blank. The framed cell is the window that the search chose, the best where none passed.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema
from interp.figures import theme as look
from interp.figures.af1 import paper_index, window_of
from interp.figures.waiting import null_of

if TYPE_CHECKING:
    import xarray as xr

DIMS = ("l_wait_tried", "l_transfer_grid")
NAME = "grid_faithfulness"


def grid_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the map of faithfulness over the grid, colours from 0 to 1, with the passing region and the window."""
    kept = schema.estimates(dataset, NAME, *DIMS)
    waits, windows = (schema.labels(dataset, dim) for dim in DIMS)
    figure = maps.panel_maps(
        [maps.Panel("", kept.value, _hover(dataset, kept, waits, windows), maps.written(kept.value))],
        maps.Axis("l_wait (paper's index)", [f"{wait} ({wait - 1 if wait else '–'})" for wait in waits]),
        maps.Axis("l_transfer: blocks in which the last token reads the others", [str(w) for w in windows]),
        title=_heading(dataset),
        unit="faithfulness",
        bounds=(0.0, 1.0),
        theme=theme,
    )
    _outline(figure, passed(dataset))
    _mark(figure, dataset, waits, windows)
    _blank(figure, kept.value)
    return figure


def passed(dataset: xr.Dataset) -> np.ndarray:
    """Return which cells [l_wait, l_transfer] reach the threshold: bool; none where no threshold was recorded."""
    value = schema.values(dataset, NAME, *DIMS)
    threshold = schema.scalar(dataset, "threshold")
    return np.zeros(value.shape, dtype=bool) if threshold is None else value >= threshold


def _hover(dataset: xr.Dataset, kept: schema.Estimates, waits: list, windows: list) -> list[list[str]]:
    n = _count(dataset)
    return [
        [
            f"<b>l_wait {wait} ({paper_index(wait)}), l_transfer {window}</b><br>"
            + (f"faithfulness {kept[i, j].text()}<br>{n}" if np.isfinite(kept.value[i, j]) else "outside the model")
            for j, window in enumerate(windows)
        ]
        for i, wait in enumerate(waits)
    ]


def _count(dataset: xr.Dataset) -> str:
    n = schema.scalar(dataset, "n_selection")
    return "selection split" + ("" if n is None else f", n = {int(n):,}")


def _heading(dataset: xr.Dataset) -> dict:
    null = null_of(dataset)
    return schema.heading(
        dataset,
        _title(dataset),
        _count(dataset),
        "95 % interval on hover",
        "" if null is None else f"null: best constant answer {null:.2f}",
    )


def _title(dataset: xr.Dataset) -> str:
    total = int(np.isfinite(schema.values(dataset, NAME, *DIMS)).sum())
    if not total:
        return "No answered prompt, so no window could be tried"
    cells, threshold = int(passed(dataset).sum()), schema.number(schema.scalar(dataset, "threshold"), 2)
    if not cells:
        return f"No window of {total} reaches {threshold}"
    return f"{cells} of {total} windows {'reaches' if cells == 1 else 'reach'} {threshold}"


def _outline(figure: go.Figure, inside: np.ndarray) -> None:
    """Draw a line around the cells of `inside`, along the edges that only one side of is in it."""
    padded = np.pad(inside, 1)
    x: list[float | None] = []
    y: list[float | None] = []
    for i, j in np.argwhere(padded[1:, :] != padded[:-1, :]):  # an edge under row i
        x += [j - 1.5, j - 0.5, None]
        y += [i - 0.5, i - 0.5, None]
    for i, j in np.argwhere(padded[:, 1:] != padded[:, :-1]):  # an edge left of column j
        x += [j - 0.5, j - 0.5, None]
        y += [i - 1.5, i - 0.5, None]
    if x:
        pen = {"color": look.VERMILLION, "width": 3}
        figure.add_trace(go.Scatter(name="reaches the threshold", x=x, y=y, mode="lines", line=pen, hoverinfo="skip"))


def _mark(figure: go.Figure, dataset: xr.Dataset, waits: list, windows: list) -> None:
    """Frame the window of the search: solid where one was found, dotted at the best cell where none was."""
    wait, window, found = window_of(dataset)
    if wait not in waits or window not in windows or not np.isfinite(schema.values(dataset, NAME, *DIMS)).any():
        return
    x, y = windows.index(window), waits.index(wait)
    frame = go.Scatter(
        name=f"{'chosen' if found else 'best, none chosen'}: l_wait {wait}, l_transfer {window}",
        x=[x - 0.38, x + 0.38, x + 0.38, x - 0.38, x - 0.38],
        y=[y - 0.36, y - 0.36, y + 0.36, y + 0.36, y - 0.36],
        mode="lines",
        line={"color": look.VERMILLION, "width": 1.5, "dash": "solid" if found else "dot"},
        hoverinfo="skip",
        showlegend=True,
    )
    figure.add_trace(frame)


def _blank(figure: go.Figure, value: np.ndarray) -> None:
    """Say what the blank corner is."""
    if np.isfinite(value).all() or not np.isfinite(value).any():
        return
    corner = {"x": 1, "y": 1, "xref": "x domain", "yref": "y domain", "xanchor": "right", "yanchor": "top"}
    text = "outside the model:<br>more blocks than it has"
    figure.add_annotation(text=text, showarrow=False, align="right", font={"size": 11}, **corner)


def grid_summary(dataset: xr.Dataset) -> str:
    """Return how many windows pass, the window chosen or the best cell with its interval, the null and n."""
    kept = schema.estimates(dataset, NAME, *DIMS)
    if not np.isfinite(kept.value).any():
        return "No selection prompt was answered, so no window could be tried."
    waits, windows = (schema.labels(dataset, dim) for dim in DIMS)
    wait, window, found = window_of(dataset)
    null = null_of(dataset)
    beside = "" if null is None else f"; best constant answer {null:.2f}"
    here = ""
    if wait in waits and window in windows:
        here = f": faithfulness {kept[waits.index(wait), windows.index(window)].text(2)}"
    return (
        f"{_title(dataset)}; the {'search chose' if found else 'best cell is'} l_wait {wait}, l_transfer {window}{here}"
        f"{beside}; {_count(dataset)}."
    )
