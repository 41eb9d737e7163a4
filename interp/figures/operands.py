"""Maps over all pairs of operands, their marginals, and what explains them beside shuffled maps.

    pair_map    one scalar, neuron or head at every pair; the selected cell is framed
    by_property mean over the cells at each value of a, b, the result, a digit, a residue or the carry; band: 5 to 95 %
    explained   share of the map's variance that each property explains; grey: the largest of the shuffled maps
    compared    pinned maps on one scale (of one family), or each over its largest value

How to read: stripes along the diagonals are functions of the sum, rows and columns of one operand, a lattice of
residues. The pairs are all there are, so cells have no sampling error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.curves import panel_titles
from interp.figures.operand_parts import (
    Shown,
    best,
    families,
    items,
    marginal,
    operand_names,
    properties,
    shown,
)

if TYPE_CHECKING:
    import xarray as xr

FIRST = ("behaviour", "logit_diff")
Cell = tuple[int, int]


def first(dataset: xr.Dataset) -> Shown:
    """Return the map that stands for a run: the logit difference."""
    family = FIRST[0] if FIRST[0] in families(dataset) else families(dataset)[0]
    known = items(dataset, family)
    return shown(dataset, family, FIRST[1] if FIRST[1] in known else known[0])


def pair_map(
    dataset: xr.Dataset, one: Shown | None = None, cell: Cell | None = None, *, theme: str = "light"
) -> go.Figure:
    """Return one map [a, b] and the selected cell (default: that of the largest absolute value)."""
    one = one or first(dataset)
    names = operand_names(dataset)
    figure = go.Figure(
        [
            go.Heatmap(
                name="map", x=schema.labels(dataset, "operand_b"), y=schema.labels(dataset, "operand_a"),
                z=one.values, coloraxis="coloraxis", hoverongaps=False,
                hovertemplate=f"{names[0]} = %{{y}}, {names[1]} = %{{x}}: %{{z:.4g}}<extra></extra>",
            ),
            mark(dataset, one, cell),
        ]
    )  # fmt: skip
    across, up = (_whole(schema.labels(dataset, name)) for name in ("operand_b", "operand_a"))
    figure.update_xaxes(title_text=names[1], showgrid=False, constrain="domain", range=across)
    figure.update_yaxes(title_text=names[0], showgrid=False, range=up)
    return figure.update_layout(
        template=look.template(theme), coloraxis=scale(one), showlegend=False,
        title=schema.heading(dataset, one.title, one.unit, f"n = {int(dataset['n']):,} pairs", null_text(dataset, one)),
    )  # fmt: skip


def _whole(known: list[Any]) -> list[float]:
    """Return the range that shows every cell and nothing beside them."""
    return [known[0] - 0.5, known[-1] + 0.5]


def scale(one: Shown) -> dict[str, Any]:
    """Return the colour axis of a map: from zero for what has one sign, else symmetric about it."""
    known = one.values[np.isfinite(one.values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    bar = {"title": {"text": one.unit, "side": "right", "font": {"size": 12}}}
    if low >= 0:
        return {"autocolorscale": True, "cmin": 0.0, "cmax": high or 1.0, "cmid": None, "colorbar": bar}
    edge = max(-low, high)
    return {"autocolorscale": True, "cmin": -edge, "cmax": edge, "cmid": 0.0, "colorbar": bar}


def mark(dataset: xr.Dataset, one: Shown, cell: Cell | None) -> go.Scatter:
    """Return the frame of the selected cell; its hover says value, range of the map and n."""
    i, j = cell or largest(one.values)
    a, b = (schema.labels(dataset, name)[k] for name, k in (("operand_a", i), ("operand_b", j)))
    names = operand_names(dataset)
    ends = [schema.number(float(end)) for end in (np.nanmin(one.values), np.nanmax(one.values))]
    text = (
        f"<b>{names[0]} = {a}, {names[1]} = {b}</b><br>{one.unit} {schema.number(float(one.values[i, j]))}<br>"
        f"all cells [{ends[0]}, {ends[1]}]<br>n = {int(dataset['n']):,} pairs"
    )
    marker = {"symbol": "square-open", "size": 11, "color": look.VERMILLION, "line": {"width": 2}}
    return go.Scatter(name="selected cell", x=[b], y=[a], mode="markers", marker=marker, hovertext=[text],
                      hoverinfo="text")  # fmt: skip


def largest(values: np.ndarray) -> Cell:
    """Return the cell of the largest absolute value."""
    filled = np.where(np.isfinite(values), np.abs(values), -1.0)
    i, j = np.unravel_index(int(np.argmax(filled)), filled.shape)
    return int(i), int(j)


def null_text(dataset: xr.Dataset, one: Shown) -> str:
    """Return what explains most of a map, beside the null."""
    by = best(dataset, one)
    k = properties(dataset).index(by)
    if not np.isfinite(one.share[k]):
        return "constant: nothing to explain; null: shuffled map"
    return f"{by} explains {one.share[k]:.2f} (null: shuffled map {one.null[k]:.2f})"


def by_property(
    dataset: xr.Dataset, one: Shown | None = None, by: str | None = None, *, theme: str = "light"
) -> go.Figure:
    """Return the mean of the cells at each value of a property, with the range of the cells as a band."""
    one = one or first(dataset)
    by = by or best(dataset, one)
    data = lines(dataset, one, by)
    style = {"color": look.BLUE, "width": 2}
    figure = go.Figure(
        [
            go.Scatter(**data[0], fill="toself", fillcolor=look.faded(look.BLUE), line={"width": 0}, mode="lines",
                       name="5 to 95 % of cells", hoverinfo="skip"),
            go.Scatter(**data[1], mode="lines+markers", line=style, marker={"size": 4}, name="mean",
                       hoverinfo="text"),
            go.Scatter(**data[2], mode="lines", name="null: shuffled map", hoverinfo="skip",
                       line={"color": look.NULL, "dash": "dash", "width": 1.5}),
        ]
    )  # fmt: skip
    figure.update_xaxes(title_text=by)
    figure.update_yaxes(title_text=one.unit)
    return figure.update_layout(
        template=look.template(theme),
        title=schema.heading(dataset, f"By {by}: {one.title}", one.unit, f"n = {int(dataset['n']):,} pairs"),
    )


def lines(dataset: xr.Dataset, one: Shown, by: str) -> list[dict[str, Any]]:
    """Return x, y (and hover) of the band, the mean and the null."""
    found = marginal(dataset, one.values, by)
    hover = [
        f"<b>{by} = {at:g}</b><br>{schema.number(mean)}<br>5 to 95 % of cells "
        f"[{schema.number(low)}, {schema.number(high)}]<br>n = {n} pairs"
        for at, mean, low, high, n in zip(*found, strict=True)
    ]
    over = float(np.nanmean(one.values)) if np.isfinite(one.values).any() else 0.0
    return [
        {"x": np.concatenate([found.at, found.at[::-1]]), "y": np.concatenate([found.high, found.low[::-1]])},
        {"x": found.at, "y": found.mean, "hovertext": hover},
        {"x": [float(found.at[0]), float(found.at[-1])], "y": [over, over]},
    ]


def explained(
    dataset: xr.Dataset, one: Shown | None = None, by: str | None = None, *, theme: str = "light"
) -> go.Figure:
    """Return the share of a map's variance that each property explains, and the largest share of shuffled maps."""
    one = one or first(dataset)
    names, data = properties(dataset), bars(dataset, one)
    colours = [look.VERMILLION if name == by else look.BLUE for name in names]
    figure = go.Figure(
        [
            go.Bar(y=names, x=data["share"], orientation="h", marker={"color": colours}, name="explained",
                   hovertext=data["hover"], hoverinfo="text", customdata=names),
            go.Scatter(y=names, x=data["null"], mode="markers", name="null: largest of the shuffled maps",
                       hoverinfo="skip", marker={"color": look.NULL, "symbol": "line-ns-open", "size": 9}),
        ]
    )  # fmt: skip
    figure.update_xaxes(title_text="share of the variance", range=[0, 1.02])
    figure.update_yaxes(autorange="reversed", type="category", tickmode="linear", tickfont={"size": 10})
    shuffles = dataset.attrs.get("n_shuffles", 19)
    return figure.update_layout(
        template=look.template(theme), height=max(360, 120 + 17 * len(names)),
        title=schema.heading(
            dataset, explains(one), f"n = {int(dataset['n']):,} pairs", f"{shuffles} shuffles",
        ),
    )  # fmt: skip


def explains(one: Shown) -> str:
    """Return the title of the explained shares."""
    return f"What explains it: {one.title}"


def bars(dataset: xr.Dataset, one: Shown) -> dict[str, Any]:
    """Return the shares, those of the shuffles and the hover of each property."""
    rows = zip(properties(dataset), one.share, one.null, one.null_high, strict=True)
    hover = [
        f"<b>{name}</b> explains {schema.number(float(share))}<br>shuffled [{schema.number(float(null))} mean, "
        f"{schema.number(float(high))} largest]<br>n = {int(dataset['n']):,} pairs"
        for name, share, null, high in rows
    ]
    return {"share": np.nan_to_num(one.share), "null": np.nan_to_num(one.null_high), "hover": hover}


def compared(dataset: xr.Dataset, maps: list[Shown], *, theme: str = "light") -> go.Figure:
    """Return maps side by side: on one scale where all are of one unit, else each over its largest value."""
    same = len({(one.family, one.unit) for one in maps}) == 1
    sizes = [float(np.nanmax(np.abs(one.values))) or 1.0 if np.isfinite(one.values).any() else 1.0 for one in maps]
    figure = make_subplots(
        cols=len(maps), shared_yaxes=True, horizontal_spacing=0.02,
        subplot_titles=[f"{one.item}" for one in maps],
    )  # fmt: skip
    x, y = schema.labels(dataset, "operand_b"), schema.labels(dataset, "operand_a")
    for k, (one, size) in enumerate(zip(maps, sizes, strict=True), start=1):
        z = one.values if same else (one.values / size).astype(np.float32)
        figure.add_trace(
            go.Heatmap(name=one.item, x=x, y=y, z=z, coloraxis="coloraxis", hoverongaps=False,
                       hovertemplate="%{y}, %{x}: %{z:.4g}<extra></extra>"), row=1, col=k,
        )  # fmt: skip
    edge = max(sizes) if same else 1.0
    low = 0.0 if all(not (one.values < 0).any() for one in maps) else -edge
    names = operand_names(dataset)
    figure.update_xaxes(title_text=names[1], showgrid=False)
    figure.update_yaxes(showgrid=False)
    figure.update_yaxes(title_text=names[0], col=1)
    panel_titles(figure)
    unit = maps[0].unit if same else "value / largest"
    bar = {"title": {"text": unit, "side": "right"}}
    axis = {"autocolorscale": True, "cmin": low, "cmax": edge, "colorbar": bar, **({"cmid": 0.0} if low else {})}
    return figure.update_layout(
        template=look.template(theme), coloraxis=axis,
        title=schema.heading(dataset, "Pinned maps", unit, "one scale" if same else "each over its own largest",
                             f"n = {int(dataset['n']):,} pairs"),
    )  # fmt: skip


def summary(dataset: xr.Dataset) -> str:
    """Return what is said of the map that stands for the run."""
    return says(dataset, first(dataset))


def says(dataset: xr.Dataset, one: Shown) -> str:
    """Return the range of a map and the three properties that explain most of it, beside its shuffles."""
    known = one.values[np.isfinite(one.values)]
    if not known.size or known.min() == known.max():
        value = schema.number(float(known[0])) if known.size else "no value"
        return f"{one.title} is {value} at every pair; there is nothing to explain."
    order = np.argsort(-np.nan_to_num(one.share - one.null, nan=-1.0), kind="stable")[:3]
    names = properties(dataset)
    told = ", ".join(f"{names[i]} {one.share[i]:.2f} (shuffled at most {one.null_high[i]:.2f})" for i in order)
    return (
        f"{one.title}: {schema.number(float(known.min()))} to {schema.number(float(known.max()))}, mean "
        f"{schema.number(float(known.mean()))} over {int(dataset['n']):,} pairs; explained by {told}."
    ) + _read(dataset, one)


def _read(dataset: xr.Dataset, one: Shown) -> str:
    """Return how well a probe reads pairs that it was not fitted on; nothing for other maps."""
    if one.family != "probes":
        return ""
    r2, null = (float(dataset[name].sel(probe=one.item.split()[0])) for name in ("probe_r2", "probe_r2_null_high"))
    return f" R² {schema.number(r2)} on pairs it was not fitted on (shuffled labels at most {schema.number(null)})."
