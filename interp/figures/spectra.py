"""At which layers and tokens does a period stand out of every null?

    excess = power / null level, at the frequency that stands out most;   1 is what the largest null exceeds in 5 %

The nulls are white noise, shuffled points and number lines. One panel a variant: raw, and without the least-squares
line in n. A cell that stays periodic when all cells are corrected for carries its period; all others are blank, however
bright. The colour is logarithmic and begins at 1, the null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import schema
from interp.figures.maps import Axis, Panel, panel_maps

if TYPE_CHECKING:
    import xarray as xr

WORDS = {"raw": "raw", "detrended": "without the line in n"}
PLACES = {"resid": "the residual stream", "z": "the heads", "mlp_post": "the neurons", "logits": "the logits"}


def excess(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the map of how far the strongest period of each place stands above the nulls, by layer and reading."""
    value, q, period, periodic = (
        schema.values(dataset, name, "variant", "layer", "reading")
        for name in ("excess", "q_value", "period", "periodic")
    )
    layers, readings = (schema.labels(dataset, dim) for dim in ("layer", "reading"))
    fewest = schema.values(dataset, "n_fewest", "reading")
    panels = []
    for i, variant in enumerate(str(name) for name in schema.labels(dataset, "variant")):
        hover = [
            [
                f"<b>layer {layer}, {reading}</b><br>period {period[i, m, j]:.3g}: {value[i, m, j]:.2f} times the "
                f"null level<br>q = {q[i, m, j]:.3g} over all places; n = {fewest[j]:.0f} prompts a number, or more"
                for j, reading in enumerate(readings)
            ]
            for m, layer in enumerate(layers)
        ]
        shown = [
            [f"T={t:.3g}" if yes else "" for t, yes in zip(*row, strict=True)]
            for row in zip(period[i], periodic[i], strict=True)
        ]
        panels.append(Panel(WORDS.get(variant, variant), np.log2(np.maximum(value[i], 1)), hover, shown))
    top = max(1.0, float(np.ceil(np.log2(max(1.0, np.nanmax(value))))))
    place = str(dataset.attrs.get("place", ""))
    figure = panel_maps(
        panels,
        Axis("layer", [str(layer) for layer in layers]),
        Axis("variable at token", [str(reading) for reading in readings]),
        title=schema.heading(
            dataset,
            f"Periods in {PLACES.get(place, place)}",
            f"power / null level; label: period where q ≤ .05 over {value.size} places",
            f"{schema.count_text(dataset)} numbers",
            "null: the largest of three",
        ),
        unit="power / null level",
        bounds=(0.0, top),
        theme=theme,
    )
    ticks = list(range(int(top) + 1))
    figure.update_layout(coloraxis_colorbar={"tickvals": ticks, "ticktext": ["null", *(f"{2**t}x" for t in ticks[1:])]})
    return figure


def summary(dataset: xr.Dataset) -> str:
    """Return how many places are periodic, and the place whose period stands out most."""
    periodic = schema.values(dataset, "periodic", "layer", "reading", "variant")
    value = schema.values(dataset, "excess", "layer", "reading", "variant")
    place = str(dataset.attrs.get("place", ""))
    where = PLACES.get(place, place)
    if not periodic.any():
        return f"No spectrum of {where} has a period above every null once all {periodic.size} are corrected for."
    at = np.unravel_index(int(np.where(periodic > 0, value, -1).argmax()), value.shape)
    layer, reading = schema.labels(dataset, "layer")[at[0]], schema.labels(dataset, "reading")[at[1]]
    period = schema.values(dataset, "period", "layer", "reading", "variant")[at]
    return (
        f"{int(periodic.sum())} of {periodic.size} spectra of {where} have a period above every null; the strongest is "
        f"period {period:.3g} at layer {layer}, {reading} ({value[at]:.1f} times the null level)."
    )
