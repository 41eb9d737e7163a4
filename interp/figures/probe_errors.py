"""In which prompts is the probe at one place wrong, and what does it say instead?

by_class     the score among prompts of each class (the number of carries)
confusion    how often each value is said for each true one

How to read: an average hides easy prompts. A probe of a digit that is right only where nothing is carried reads the
sum of two digits, not the digit of the sum; errors beside the diagonal are a code by size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.errors import InterpError
from interp.figures import curves, maps, schema
from interp.figures import theme as look
from interp.figures.probe_map import SHUFFLED, Cell, at_target, best_cell, unit_of
from interp.figures.twin import INTERVAL, Twin

if TYPE_CHECKING:
    import xarray as xr

NOT_COUNTED = "This run does not keep what its probes said, or has no label of values 0 to 9."


def by_class(dataset: xr.Dataset, *, cell: Cell | None = None, theme: str = "light") -> go.Figure:
    """Return the score among prompts of each class at one place, the score of all prompts and the shuffled null."""
    target, layer, role = cell or best_cell(dataset)
    here = _classed(dataset, target).sel(layer=layer, role=role)
    classes, by = [str(v) for v in schema.labels(here, "class")], _by(dataset)
    score, n = schema.estimates(here, "score_by", "class"), schema.values(here, "n_by", "class").astype(int)
    whole, unit = schema.estimates(here, "score"), unit_of(dataset)
    hover = [f"<b>{by} = {name}</b><br>{unit} {score[i].text()}<br>n = {n[i]:,}" for i, name in enumerate(classes)]
    figure = go.Figure(layout={"template": look.template(theme)})
    x = list(range(len(classes)))
    figure.add_trace(
        go.Scatter(
            name="probe", x=x, y=score.value, mode="markers", marker={"color": look.BLUE, "size": 10},
            error_y=score.bars(thickness=1.5, width=3), hovertext=hover, hoverinfo="text",
        )
    )  # fmt: skip
    _level(figure, "all prompts", float(whole.value), x, look.BLUE, "dot")
    curves.add_null(figure, SHUFFLED, *curves.level(float(here["score_null"]), x))
    figure.update_xaxes(tickvals=x, ticktext=[f"{name}<br>n = {k:,}" for name, k in zip(classes, n, strict=True)],
                        title_text=by, range=[-0.6, len(classes) - 0.4])  # fmt: skip
    low = float(np.nanmin([0.0, *score.value]))
    figure.update_yaxes(title_text=f"held-out {unit}", range=[max(-1.0, low) - 0.05, 1.08])
    told = (unit, schema.count_text(here), "bars: 95 % interval", "null: shuffled labels")
    return figure.update_layout(title=schema.heading(here, f"{target} by {by}, layer {layer}, {role}", *told))


def confusion(dataset: xr.Dataset, *, cell: Cell | None = None, theme: str = "light") -> go.Figure:
    """Return the share of prompts of each true value (rows) for which each value is said, and the share right.

    Raises InterpError where the run does not keep what was said, or the label has values outside 0 .. 9.
    """
    target, layer, role = cell = cell or counted_cell(dataset)
    counts, right, n, levels = said_at(dataset, cell)
    with np.errstate(invalid="ignore"):  # a value that is said and never true has no row
        share = counts / n[:, None]
    names = [str(level) for level in levels]
    hover = [[f"<b>{target} is {a}, said {b}</b><br>{int(counts[i, j])} of {int(n[i])} prompts ({share[i, j]:.2f})"
              for j, b in enumerate(names)] for i, a in enumerate(names)]  # fmt: skip
    most = int(n.argmax())
    told = [[f"<b>{target} is {a}</b><br>right {right[i].text()}<br>n = {int(n[i]):,}"] for i, a in enumerate(names)]
    only = np.asarray(right.value)[:, None]
    panels = [maps.Panel("what is said", share, hover, maps.written(share, most=100)),
              maps.Panel("right", only, told, maps.written(only))]  # fmt: skip
    figure = maps.panel_maps(
        panels, maps.Axis(f"true {target}", names), maps.Axis("said", names), unit="share", bounds=(0.0, 1.0),
        column_axes=[maps.Axis(f"said {target}", names), maps.Axis("", ["right"])], theme=theme,
        title=schema.heading(
            dataset, f"What is said for {target}, layer {layer}, {role}", f"n = {int(n.sum()):,}",
            f"null: always saying {names[most]} is right in {n[most] / n.sum():.2f}", "95 % interval on hover",
        ),
    )  # fmt: skip
    return figure.update_yaxes(autorange="reversed")


def confusion_table(dataset: xr.Dataset, cell: Cell) -> Twin:
    """Return a row a true value: how many prompts, the share of them for which each value is said, the share right."""
    target, layer, role = cell
    counts, right, n, levels = said_at(dataset, cell)
    rows = []
    for i, level in enumerate(levels):
        shares = (schema.number(count / n[i] if n[i] else None) for count in counts[i])
        ends = (None if end is None else float(end[i]) for end in (right.value, right.low, right.high))
        rows.append((str(level), str(n[i]), *shares, *(schema.number(end) for end in ends)))
    most = int(n.argmax())
    null = f"null: always saying {levels[most]} is right in {n[most] / n.sum():.3f}"
    heads = (f"true {target}", "n", *(f"said {level}" for level in levels), "right", *INTERVAL)
    return Twin(
        f"What is said for {target}, layer {layer}, {role}, n = {int(n.sum()):,}; {null}", heads, tuple(rows), 1
    )


def counted_cell(dataset: xr.Dataset) -> Cell:
    """Return the best place of the label that stands furthest above its controls, of those whose values are counted."""
    if "confusion" not in dataset.variables:
        raise InterpError(NOT_COUNTED)
    names = [str(name) for name in schema.labels(dataset, "counted")]
    return best_cell(dataset.sel(target=names))


def said_at(dataset: xr.Dataset, cell: Cell) -> tuple[np.ndarray, schema.Estimates, np.ndarray, list[int]]:
    """Return counts [level, said], the share right of each level, its n, and the levels that occur."""
    target, layer, role = cell
    if "confusion" not in dataset.variables:
        raise InterpError(NOT_COUNTED)
    if target not in [str(name) for name in schema.labels(dataset, "counted")]:
        raise InterpError(f"{target} has values outside 0 to 9, so what is said is not counted; see its score instead.")
    names = ["confusion", "n_level", "right", "right_low", "right_high"]
    here = dataset[names].sel(counted=target, layer=layer, role=role)
    n = schema.values(here, "n_level", "level").astype(int)
    counts = schema.values(here, "confusion", "level", "said")
    kept = np.flatnonzero((n > 0) | (counts.sum(axis=0) > 0))
    right, levels = schema.estimates(here, "right", "level")[kept], [int(schema.labels(here, "level")[i]) for i in kept]
    return counts[np.ix_(kept, kept)], right, n[kept], levels


def _classed(dataset: xr.Dataset, target: str) -> xr.Dataset:
    """Return the scores of one label, those by class among them."""
    schema.need(dataset, "score_by", "n_by")
    return at_target(dataset, target, "score_by", "score_by_low", "score_by_high", "n_by")


def _by(dataset: xr.Dataset) -> str:
    schema.need(dataset, "score_by")
    return str(dataset.attrs.get("by") or "class").replace("_", " ")


def _level(figure: go.Figure, name: str, value: float, x: list, colour: str, dash: str) -> None:
    ends, height = curves.level(value, x)
    line = {"color": colour, "width": 1.5, "dash": dash}
    figure.add_trace(go.Scatter(name=name, x=ends, y=height, mode="lines", line=line,
                                hovertext=[f"{name} {value:.3f}"] * 2, hoverinfo="text"))  # fmt: skip


def class_summary(dataset: xr.Dataset, cell: Cell | None = None) -> str:
    """Return the best and the worst class at one place."""
    target, layer, role = cell or best_cell(dataset)
    here = _classed(dataset, target).sel(layer=layer, role=role)
    score, classes = schema.estimates(here, "score_by", "class"), [str(v) for v in schema.labels(here, "class")]
    known = np.flatnonzero(np.isfinite(score.value))
    if not len(known):
        return f"{target} does not vary within any {_by(dataset)}, so there is no score among them."
    best, worst = known[score.value[known].argmax()], known[score.value[known].argmin()]
    return (
        f"{target} at layer {layer}, {role}: {unit_of(dataset)} {score[best].text(2)} where {_by(dataset)} is "
        f"{classes[best]} and {score[worst].text(2)} where it is {classes[worst]}; shuffled labels "
        f"{float(here['score_null']):.2f}."
    )


def confusion_summary(dataset: xr.Dataset, cell: Cell | None = None) -> str:
    """Return the share right over all values, the best constant, and the most frequent mistake."""
    counts, _, n, levels = said_at(dataset, cell or counted_cell(dataset))
    wrong = counts - np.diag(counts.diagonal())
    share, constant = counts.trace() / n.sum(), n.max() / n.sum()
    hits = f"{int(counts.trace())} of {int(n.sum())} prompts are right ({share:.2f}; one value for all {constant:.2f})"
    if not wrong.any():
        return f"{hits}; there is no mistake."
    i, j = maps.largest(wrong)
    return f"{hits}; the most frequent mistake is {levels[j]} for {levels[i]}, {int(wrong[i, j])} times."
