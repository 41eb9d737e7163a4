"""Where does a write change what the model says, for any metric that was kept, and for all components side by side?

    shown[row, role] = share of the way from the base run to the other run, or the metric itself (accuracy, divergence)

How to read: rows are layers, or heads as layer.head; columns are roles, by number, named by tick text. The null panel
on the same scale writes the other run of an unrelated pair: what counts is the map above its null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, places, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


def metric_map(dataset: xr.Dataset, metric: str | None = None, *, theme: str = "light") -> go.Figure:
    """Return the map of one metric (default: the one asked for), and its null beside it on one scale."""
    metric = metric or places.kept(dataset)[0]
    value, null = places.measured(dataset, metric)
    hover = _hover(dataset, metric, value, null)
    figure = maps.panel_maps(
        [
            maps.Panel(_written(dataset), value.value, hover, maps.written(value.value, most=240)),
            maps.Panel("null: unrelated pair", null.value, hover, maps.written(null.value, most=240)),
        ],
        rows(dataset),
        maps.Axis("role", places.roles_of(dataset)),
        title=schema.heading(
            dataset, title_of(dataset, metric), ends(dataset, metric), schema.count_text(dataset) + " pairs",
            "interval on hover",
        ),
        unit=unit_of(metric),
        bounds=bounds(metric, [value.value, null.value], at_least=0.1 if places.of_heads(dataset) else 1.0),
        theme=theme,
    )  # fmt: skip
    return figure.update_layout(height=max(420, 90 + 17 * len(value.value)))


def components(datasets: dict[str, xr.Dataset], metric: str, *, theme: str = "light") -> go.Figure:
    """Return the maps of several components of the stream (name -> result) on one scale, rows shared."""
    first = next(iter(datasets.values()))
    layers = sorted({layer for dataset in datasets.values() for layer, _ in places.rows_of(dataset)})
    panels, axes = [], []
    for name, dataset in datasets.items():
        value, null = places.measured(dataset, metric)
        at = [layers.index(layer) for layer, _ in places.rows_of(dataset)]
        whole, hover = np.full((len(layers), value.value.shape[1]), np.nan), _hover(dataset, metric, value, null)
        whole[at] = value.value
        text = [[""] * whole.shape[1] for _ in layers]
        for i, row in zip(at, hover, strict=True):
            text[i] = [f"<b>{name}</b><br>{each}" for each in row]
        panels.append(maps.Panel(name, whole, text, maps.written(whole)))
        axes.append(maps.Axis("role", places.roles_of(dataset)))
    return maps.panel_maps(
        panels,
        maps.Axis("layer", [str(layer) for layer in layers]),
        axes[0],
        title=schema.heading(
            first, f"Every component: {measure(metric).lower()}", ends(first, metric),
            schema.count_text(first) + " pairs", "null and interval on hover",
        ),
        unit=unit_of(metric),
        bounds=bounds(metric, [panel.values for panel in panels]),
        theme=theme,
        column_axes=axes,
    )  # fmt: skip


def summary(dataset: xr.Dataset, metric: str | None = None) -> str:
    """Return the cells with most of a metric (of heads: either way), and the reach of its null."""
    metric = metric or places.kept(dataset)[0]
    value, null = places.measured(dataset, metric)
    if not np.isfinite(value.value).any():
        return f"No cell has a value: the two runs do not differ in {places.SHARES.get(metric, metric)}."
    size, reached = (np.abs(each.value) if places.of_heads(dataset) else each.value for each in (value, null))
    order = np.argsort(-np.nan_to_num(size, nan=-np.inf).ravel(), kind="stable")[:3]
    at = [divmod(int(i), value.value.shape[1]) for i in order]
    grid, roles = places.rows_of(dataset), places.roles_of(dataset)
    told = "; ".join(f"{places.Cell(grid[i][0], roles[j], grid[i][1]).text} {value[i, j].text(2)}" for i, j in at)
    reach = schema.number(float(np.nanmax(reached)), 2)
    return f"Largest: {told}; the null reaches {reach}; {schema.count_text(dataset)} pairs."


def title_of(dataset: xr.Dataset, metric: str) -> str:
    """Return what the map of a metric shows."""
    component = str(dataset.attrs.get("component", "resid_pre"))
    if metric in places.SHARES:
        return f"{measure(metric)} by patching {component}"
    return f"{measure(metric)} when {component} is patched"


def measure(metric: str) -> str:
    """Return a metric in words."""
    if metric in places.SHARES:
        return f"{places.SHARES[metric].capitalize()} recovered"
    return {"accuracy": "Accuracy", "mean_kl": "Divergence from the base run"}[metric]


def ends(dataset: xr.Dataset, metric: str) -> str:
    """Return what the ends of the scale mean."""
    if metric in places.LEVELS:
        return places.LEVELS[metric]
    return "noising: 0 = clean, 1 = corrupted" if places.noising(dataset) else "0 = corrupted run, 1 = clean run"


def unit_of(metric: str) -> str:
    """Return the label of the colour scale."""
    return "recovered" if metric in places.SHARES else places.UNITS[metric]


def bounds(metric: str, values: list[np.ndarray], at_least: float = 1.0) -> tuple[float, float]:
    """Return the ends of the colour scale: about zero for a share, from zero for a level."""
    if metric in places.SHARES:
        return look.limits(*values, at_least=at_least)
    return (0.0, 1.0) if metric == "accuracy" else (0.0, look.limits(*values, at_least=0.1)[1])


def rows(dataset: xr.Dataset) -> maps.Axis:
    """Return the axis of rows."""
    title = "head (layer.head)" if places.of_heads(dataset) else "layer (0 = embeddings)"
    return maps.Axis(title, [places.Cell(layer, "", head).row for layer, head in places.rows_of(dataset)])


def _written(dataset: xr.Dataset) -> str:
    source = str(dataset.attrs.get("source", "twin"))
    if source != "twin":
        return f"written: {source}"
    return "written: the corrupted run" if places.noising(dataset) else "written: the clean run"


def _hover(dataset: xr.Dataset, metric: str, value: schema.Estimates, null: schema.Estimates) -> list[list[str]]:
    n, unit = schema.count_text(dataset), unit_of(metric)
    roles, grid = places.roles_of(dataset), places.rows_of(dataset)
    return [
        [
            f"<b>{places.Cell(layer, role, head).text}</b><br>{unit} {value[i, j].text()}<br>"
            f"null {null[i, j].text()}<br>{n} pairs"
            for j, role in enumerate(roles)
        ]
        for i, (layer, head) in enumerate(grid)
    ]
