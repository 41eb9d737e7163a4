"""The same prompt pairs at several places: did the same pairs move, or others?

Each panel is one place; the x of a pair is the same in every panel (its rank at the first place), so a pair that moved
here and not there stands above itself. Grey: the pair's corrupted and clean runs, which the panels share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.errors import InterpError
from interp.figures import pairs, places, schema
from interp.figures import theme as look
from interp.figures.curves import panel_titles
from interp.figures.twin import Twin

if TYPE_CHECKING:
    import xarray as xr

Places = dict[str, tuple["xr.Dataset", places.Cell]]
"""What a panel is called -> the result it is from, and the place."""


def side_by_side(compared: Places, metric: str, *, example: int | None = None, theme: str = "light") -> go.Figure:
    """Return one panel a place, the pairs in one order; pair `example` is marked in every panel."""
    _same_pairs(compared)
    (first, cell), *_ = compared.values()
    rows = [{row["prompt_index"]: row for row in _rows(*each, metric)} for each in compared.values()]
    order = [row["prompt_index"] for row in _rows(first, cell, metric)]
    figure = make_subplots(
        cols=len(compared), shared_yaxes=True, horizontal_spacing=0.02, subplot_titles=list(compared)
    )
    for k, (by_pair, (dataset, _)) in enumerate(zip(rows, compared.values(), strict=True)):
        told = [by_pair[name] for name in order]
        for trace in _traces(told, dataset, order.index(str(example)) if str(example) in order else None, k == 0):
            figure.add_trace(trace, row=1, col=k + 1)
    figure.update_xaxes(title_text="the same pairs in the same order", showgrid=False)
    figure.update_yaxes(title_text=pairs.AXES.get(metric, metric), col=1)
    panel_titles(figure)
    return figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            first, "The same pairs at the pinned places", pairs.WORDS.get(metric, metric),
            schema.count_text(first) + " pairs", "dashes: the unpatched runs",
        ),
    )  # fmt: skip


def summary(compared: Places, metric: str) -> str:
    """Return how far each place goes on average, and how alike two places treat the pairs."""
    _same_pairs(compared)
    patched = [places.pair_values(*each, metric)[0] for each in compared.values()]
    means = "; ".join(
        f"{name} {places.measured(dataset, metric)[0][places.index_of(dataset, cell)].text(2)}"
        for name, (dataset, cell) in compared.items()
    )
    if len(patched) < 2 or min(float(np.std(each)) for each in patched[:2]) < 1e-9:
        return f"Mean: {means}."
    alike = float(np.corrcoef(patched[0], patched[1])[0, 1])
    return f"Mean: {means}. The first two places treat the pairs with r = {alike:.2f}."


def table(compared: Places, metric: str) -> Twin:
    """Return the pairs as rows and the places as columns."""
    _same_pairs(compared)
    found = {name: {row["prompt_index"]: row for row in _rows(*each, metric)} for name, each in compared.items()}
    (first, cell), *_ = compared.values()
    body = tuple(
        (row["prompt"], row["prompt_corrupted"], f"{row['clean']:.3f}", f"{row['corrupted']:.3f}",
         *(f"{by_pair[row['prompt_index']]['patched']:.3f}" for by_pair in found.values()))
        for row in _rows(first, cell, metric)
    )  # fmt: skip
    columns = ("clean prompt", "corrupted prompt", "clean run", "corrupted run", *compared)
    return Twin(f"{pairs.AXES.get(metric, metric)} of each pair", columns, body, 2)


def _rows(dataset: xr.Dataset, cell: places.Cell, metric: str) -> list[dict]:
    return pairs.example_rows(dataset, cell.layer, cell.role, head=cell.head, metric=metric)


def _traces(told: list[dict], dataset: xr.Dataset, marked: int | None, legend: bool) -> list[go.Scatter]:
    made = pairs.traces_of(pairs.moving(told, dataset))
    for trace, name in zip(made, ("corrupted run", "clean run", "patched"), strict=True):
        trace.update(name=name, legendgroup=name, showlegend=legend)
    if marked is not None:
        made[-1].selectedpoints = [marked]
    return made


def _same_pairs(compared: Places) -> None:
    """Raise InterpError where two results are of different prompts: their pairs cannot stand above each other."""
    if not compared:
        raise InterpError("There is nothing to compare: pin a place first.")
    names = {
        (tuple(str(p) for p in schema.labels(dataset, "prompt")), places.noising(dataset))
        for dataset, _ in compared.values()
    }
    if len(names) > 1:
        raise InterpError(
            "The pinned places are of runs with other pairs or another direction, so they cannot be compared pair by "
            "pair. Pin places of one component, or run the others with the same n, recipe and seed."
        )
