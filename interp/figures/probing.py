"""Which causal variable can a linear probe read, where and when?

    score[t, l, r] = R² of ridge(h[l, r] -> t) on held-out prompts (1 = exact, 0 = no better than the mean)

The null repeats the fit with shuffled labels; `score_null_high` is the 95th percentile of its maximum over the map, so
a cell above it stands after correction for looking at many cells. Readable is not used: the causal test is patching.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, maps, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


MOST = 9
ORDER = (r"[a-z]", r"partial\d*", r"result", r"result\d", r"result_(carry|borrow)\d", r".*")


def main_targets(dataset: xr.Dataset, most: int = MOST) -> xr.Dataset:
    """Return the result with at most `most` targets: operands, steps, digits of the result, its carries, the rest."""
    targets = [str(t) for t in schema.labels(dataset, "target")]
    rank = [next(i for i, kind in enumerate(ORDER) if re.fullmatch(kind, target)) for target in targets]
    kept = sorted(sorted(range(len(targets)), key=rank.__getitem__)[:most])
    return dataset.isel(target=sorted(kept, key=rank.__getitem__))


def readable(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the target x layer map of the best role's R², that role written in the cell, the null beside it.

    Cells that do not pass the corrected null carry a dot instead of a role. The main targets are drawn; the table
    twin and `score_by_layer` have them all.
    """
    probed = dataset.sizes["target"]
    dataset = main_targets(dataset)
    score = schema.values(dataset, "score", "target", "layer", "role")
    best, null = np.nanmax(score, axis=2), _ceiling(dataset)[:, None]
    layers, targets = schema.labels(dataset, "layer"), [str(t) for t in schema.labels(dataset, "target")]
    roles = np.asarray([str(role) for role in schema.labels(dataset, "role")])
    role = roles[np.nanargmax(score, axis=2)]
    columns = maps.Axis("layer (0 = embeddings)", [str(layer) for layer in layers])
    shown = np.where(best > null, role, "·").tolist()
    null_hover = [
        [f"<b>null for {t}</b><br>95th percentile of the maximum: {null[i, 0]:.3f}"] for i, t in enumerate(targets)
    ]
    figure = maps.panel_maps(
        [
            maps.Panel("best role", np.clip(best, 0, 1), _hover(dataset, role, null), shown),
            maps.Panel("95 % null", np.clip(null, 0, 1), null_hover, maps.written(null)),
        ],
        maps.Axis("variable", targets),
        columns,
        column_axes=[columns, maps.Axis("", ["max"])],
        title=schema.heading(
            dataset,
            "Held-out R² of ridge probes, best role per layer",
            f"{MOST} of {probed} variables" if probed > MOST else "R² below 0 drawn as 0",
            schema.count_text(dataset),
            "dot: not above shuffled labels",
        ),
        unit="held-out R²",
        bounds=(0.0, 1.0),
        theme=theme,
    )
    return figure.update_yaxes(autorange="reversed")


def _ceiling(dataset: xr.Dataset) -> np.ndarray:
    """Return the corrected null a target; one number for the whole map is the same for every target."""
    schema.need(dataset, "score_null_high")
    null = dataset["score_null_high"]
    null = null.max([dim for dim in null.dims if dim != "target"])
    return np.broadcast_to(null.to_numpy(), (dataset.sizes["target"],)).astype(np.float64)


def _hover(dataset: xr.Dataset, role: np.ndarray, null: np.ndarray) -> list[list[str]]:
    score = schema.estimates(dataset, "score", "target", "layer", "role")
    roles = [str(r) for r in schema.labels(dataset, "role")]

    def text(i: int, j: int, target: object, layer: object) -> str:
        best = score[i, j, roles.index(str(role[i, j]))]
        return (
            f"<b>{target}, layer {layer}</b><br>R² {best.text()} at role {role[i, j]}"
            f"<br>null, 95th percentile of max {null[i, 0]:.3f}<br>{schema.count_text(dataset)}"
        )

    return [
        [text(i, j, target, layer) for j, layer in enumerate(schema.labels(dataset, "layer"))]
        for i, target in enumerate(schema.labels(dataset, "target"))
    ]


def score_by_layer(dataset: xr.Dataset, *, theme: str = "light", columns: int = 3) -> go.Figure:
    """Return R² against layer, a panel a target and a line a role, with the corrected null dashed."""
    targets = [str(target) for target in schema.labels(dataset, "target")]
    columns = min(columns, len(targets))
    rows = math.ceil(len(targets) / columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_xaxes=True,
        shared_yaxes=True,
        subplot_titles=targets,
        horizontal_spacing=0.03,
        vertical_spacing=0.36 / max(3, rows),
    )
    for i, target in enumerate(targets):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        _target_panel(figure, dataset.sel(target=target), target, place, legend=i == 0)
    figure.update_xaxes(title_text="layer (0 = embeddings)", row=rows)
    figure.update_yaxes(range=[-0.15, 1.05])
    figure.update_yaxes(title_text="R²", col=1)
    curves.panel_titles(figure)
    figure.update_layout(
        template=look.template(theme),
        height=120 + 105 * rows if rows > 3 else None,
        title=schema.heading(
            dataset,
            "Held-out R² of ridge probes",
            "R²",
            schema.count_text(dataset),
            "bands: 95 % interval where recorded",
            "dashed: shuffled labels, mean and 95th percentile of the maximum",
        ),
    )
    return figure


def _target_panel(figure: go.Figure, part: xr.Dataset, target: str, place: Any, *, legend: bool) -> None:
    layers = schema.labels(part, "layer")
    score = schema.estimates(part, "score", "role", "layer")
    for i, role in enumerate(str(role) for role in schema.labels(part, "role")):
        hover = [f"<b>{target}, layer {layer}, role {role}</b><br>R² {{}}" for layer in layers]
        line = curves.Curve(role, layers, score[i], hover, look.role_colour(role, i), i)
        curves.add_curve(figure, line, place, legend=legend)
    mean = np.nanmax(schema.values(part, "score_null", "layer", "role"), axis=1)
    curves.add_null(figure, "shuffled labels, mean", layers, mean, place, legend=legend)
    ceiling = float(part["score_null_high"].max())
    curves.add_null(figure, "95 % of their maximum", *curves.level(ceiling, layers), place, legend=legend)
    curves.layer_axis(figure, "", layers, **place)


def summary(dataset: xr.Dataset) -> str:
    """Return how many targets pass the corrected null, and the best probe of the whole ones (no digits, no carries)."""
    targets, ceiling = [str(target) for target in schema.labels(dataset, "target")], _ceiling(dataset)
    score = schema.values(dataset, "score", "target", "layer", "role")
    passed = np.nanmax(score, axis=(1, 2)) > ceiling
    said = []
    whole = [name for name in targets if re.fullmatch(r"[a-z]+", name)] or targets
    for name in whole[:5]:
        i = targets.index(name)
        j, k = maps.largest(score[i])
        where = f"{schema.labels(dataset, 'role')[k]} {schema.labels(dataset, 'layer')[j]}"
        said.append(f"{name} {score[i, j, k]:.2f} ({where})" if passed[i] else f"{name} not")
    return (
        f"{passed.sum()} of {len(targets)} variables pass shuffled labels; best R² (role, layer): "
        f"{', '.join(said)}; {schema.count_text(dataset)}."
    )
