"""What is the spectrum at one place of the model, and through which layers does a period go?

    at_place    power of every frequency at one layer and reading, beside the null level
    by_layer    power / null level at chosen periods, layer by layer, one panel a reading

How to read: the null level is what the largest of three nulls (white noise, shuffled points, number line) exceeds in
5 %; what stands below it is not there. Layers are tested together on the map (`spectra.excess`), here one sees the rest
of each spectrum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.errors import InterpError
from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.period_marks import LINES
from interp.figures.spectra import PLACES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

VARIANT = "raw"


def at_place(
    dataset: xr.Dataset, *, theme: str = "light", layer: int | None = None, reading: str | None = None
) -> go.Figure:
    """Return the spectrum at `layer` and `reading` (default: where a period stands out most) beside its null level."""
    layer, reading = place_of(dataset, layer, reading)
    here = dataset.sel(layer=layer, reading=reading, variant=VARIANT)
    component, period = schema.labels(here, "component"), schema.values(here, "period_of", "component")
    power, null = (schema.values(here, name, "component") for name in ("power", "null_level"))
    n = f"n = {schema.count(dataset)} numbers"
    hover = [
        f"<b>frequency {k}, period {period[i]:.4g}</b><br>power {power[i]:.4f} [null level {null[i]:.4f}]<br>{n}"
        for i, k in enumerate(component)
    ]
    figure = go.Figure(layout={"template": look.template(theme)})
    curves.add_null(figure, "level of the largest", component, null)
    figure.add_trace(
        go.Scatter(
            name="power", x=component, y=power, mode="lines+markers", marker={"size": 5}, customdata=period.tolist(),
            line={"color": look.BLUE, "width": 1.5}, hovertext=hover, hoverinfo="text",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text=f"frequency k (period = N / k) at layer {layer}, {reading}", showgrid=False)
    figure.update_yaxes(title_text="fraction of power", type="log", exponentformat="power", dtick=1)
    place = str(dataset.attrs.get("place", ""))
    title = f"Spectrum at one place of {PLACES.get(place, place)}"
    return figure.update_layout(
        title=schema.heading(
            dataset, title, "fraction of the non-constant power", n, "grey: the largest of three nulls"
        )
    )


def by_layer(dataset: xr.Dataset, *, theme: str = "light", periods: Sequence[float | None] = ()) -> go.Figure:
    """Return power over the null level at `periods` (default: the three that stand out most) by layer and reading."""
    layers, readings = (schema.labels(dataset, dim) for dim in ("layer", "reading"))
    figure = make_subplots(
        cols=len(readings), shared_yaxes=True, horizontal_spacing=0.02, subplot_titles=[str(r) for r in readings]
    )
    figure.add_traces(lines(dataset, periods))
    for j in range(len(readings)):
        curves.layer_axis(figure, "layer", layers, col=j + 1)
    figure.update_yaxes(type="log")
    figure.update_yaxes(title_text="power / null level", col=1)
    curves.panel_titles(figure)
    told = ("power / null level; 1 = the null", f"n = {schema.count(dataset)} numbers")
    return figure.update_layout(
        template=look.template(theme), title=schema.heading(dataset, "Periods through the layers", *told)
    )


def lines(dataset: xr.Dataset, periods: Sequence[float | None] = ()) -> list:
    """Return the traces of `by_layer`: all that changes with its periods; each has the colour and dash of its mark."""
    chosen = [(t, *style) for t, style in zip(periods, LINES, strict=False) if t is not None]
    asked = chosen or [(t, *style) for t, style in zip(strongest(dataset), LINES, strict=False)]
    layers, readings = (schema.labels(dataset, dim) for dim in ("layer", "reading"))
    component, period = schema.labels(dataset, "component"), schema.values(dataset, "period_of", "component")
    raw, n = dataset.sel(variant=VARIANT), f"n = {schema.count(dataset)} numbers"
    power, null = (schema.values(raw, name, "layer", "reading", "component") for name in ("power", "null_level"))
    traces = []
    for j, reading in enumerate(readings):
        panel = go.Figure()
        curves.add_null(panel, "level of the largest", *curves.level(1.0, layers), legend=j == 0)
        for i, (t, colour, dash) in enumerate(asked):
            c = nearest_component(period, t)
            hover = [
                f"<b>T = {period[c]:.4g} (k = {component[c]}), layer {layer}, {reading}</b><br>{{}} times the null "
                f"level<br>power {power[m, j, c]:.4f} [{null[m, j, c]:.4f}]<br>{n}"
                for m, layer in enumerate(layers)
            ]
            line = schema.Estimates(power[:, j, c] / null[:, j, c], None, None)
            curve = curves.Curve(f"T = {period[c]:.4g}", layers, line, hover, colour, i, dash)
            curves.add_curve(panel, curve, legend=j == 0)
            panel.data[-1].customdata = [float(period[c])] * len(layers)
        axis = str(j + 1) if j else ""
        drawn: Any = panel.data
        traces += [trace.update(xaxis=f"x{axis}", yaxis=f"y{axis}") for trace in drawn]
    return traces


def nearest_component(periods: np.ndarray, period: float) -> int:
    """Return the position of the frequency nearest to 1 / `period`."""
    return int(np.argmin(np.abs(1 / periods - 1 / period)))


def strongest(dataset: xr.Dataset, most: int = 3) -> list[float]:
    """Return the distinct periods that stand out most of the nulls anywhere, strongest first."""
    excess, period = (
        schema.values(dataset.sel(variant=VARIANT), name, "layer", "reading") for name in ("excess", "period")
    )
    order = np.argsort(-np.nan_to_num(excess, nan=-1).ravel())
    known = np.isfinite(excess.ravel()) & np.isfinite(period.ravel())
    found = dict.fromkeys(float(period.ravel()[i]) for i in order if known[i])
    return list(found)[:most]


def place_of(dataset: xr.Dataset, layer: int | None, reading: str | None) -> tuple[int, str]:
    """Return the place asked for, or the one where a period stands out most. Raises InterpError for one not there."""
    layers, readings = ([*schema.labels(dataset, dim)] for dim in ("layer", "reading"))
    if layer is not None and reading is not None:
        if layer not in layers or reading not in readings:
            raise InterpError(
                f"These spectra have no layer {layer}, {reading!r} (layers {layers[0]} to {layers[-1]}; "
                f"{', '.join(readings)})."
            )
        return int(layer), str(reading)
    excess = np.nan_to_num(schema.values(dataset.sel(variant=VARIANT), "excess", "layer", "reading"), nan=-1)
    i, j = np.unravel_index(int(excess.argmax()), excess.shape)
    return int(layers[i]), str(readings[j])


def place_summary(dataset: xr.Dataset, layer: int, reading: str, most: int = 3) -> str:
    """Return which periods of one place stand out most of the null level."""
    here = dataset.sel(variant=VARIANT, layer=layer, reading=reading)
    period = schema.values(dataset, "period_of", "component")
    power, null = (schema.values(here, name, "component") for name in ("power", "null_level"))
    ratio = np.nan_to_num(power / null, nan=-1)
    told = ", ".join(f"{period[c]:.3g} ({ratio[c]:.2f} times the null level)" for c in np.argsort(-ratio)[:most])
    return (
        f"At layer {layer}, {reading}: most power over its null at periods {told}; n = {schema.count(dataset)} numbers."
    )


def summary(dataset: xr.Dataset, periods: Sequence[float | None] = ()) -> str:
    """Return where `periods` (default: the strongest) stand out most."""
    raw = dataset.sel(variant=VARIANT)
    period = schema.values(dataset, "period_of", "component")
    ratio = schema.values(raw, "power", "layer", "reading", "component")
    ratio = ratio / schema.values(raw, "null_level", "layer", "reading", "component")
    parts = []
    chosen = [t for t in periods if t is not None]
    for t in chosen or strongest(dataset):
        here = np.nan_to_num(ratio[:, :, nearest_component(period, t)], nan=-1)
        i, j = np.unravel_index(int(here.argmax()), here.shape)
        at = f"layer {schema.labels(dataset, 'layer')[i]}, {schema.labels(dataset, 'reading')[j]}"
        parts.append(f"{t:.3g} ({here[i, j]:.2f} times the null level at {at})")
    what = "Chosen periods" if chosen else "Periods that stand out most"
    return f"{what}: {'; '.join(parts)}; n = {schema.count(dataset)} numbers."
