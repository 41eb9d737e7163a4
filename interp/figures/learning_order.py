"""In which order were the digits of a product learned? Loss and gradient of each over the steps.

How to read `losses`: steps are logarithmic, from the second line of the log on; grey is the best guess that does not
read the question. A line that stays there was never learned. Questions have no steps written out, so a training that
still shows steps can be worse than that guess. `gradients`: norms by digit and step; a digit that is being learned has
a peak.

Source: Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.curves import Curve, add_curve, add_null
from interp.figures.schema import Estimates

if TYPE_CHECKING:
    import xarray as xr

SMALLEST = 0.01
"""Gradient norms below this have the darkest colour: the scale is logarithmic."""


def losses(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the loss of every answer digit over the steps, with the loss of the best blind guess."""
    steps, columns, n = schema.labels(dataset, "step"), schema.labels(dataset, "column"), _n(dataset)
    values, guess = schema.values(dataset, "loss", "step", "column"), schema.values(dataset, "loss_null", "column")
    figure = go.Figure(layout={"template": look.template(theme)})
    for k, column in enumerate(columns):
        hover = [f"<b>{column}</b>, step {step}<br>{{}} nats, {n}<br>blind guess {guess[k]:.3f}" for step in steps]
        colour = look.OKABE_ITO[k % len(look.OKABE_ITO)]
        add_curve(figure, Curve(str(column), steps, Estimates(values[:, k], None, None), hover, colour, k, width=1.5))
    add_null(figure, "blind guess in the middle", [steps[0], steps[-1]], np.full(2, guess.max()))
    figure.update_xaxes(**_axis(steps))
    figure.update_yaxes(title_text="loss (nats)", rangemode="tozero")
    return figure.update_layout(
        title=schema.heading(dataset, "Loss of every answer digit over training", "nats, asked without steps", n)
    )


def gradients(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the map of gradient norms, digit by step; steps are spaced logarithmically, norms are logarithms."""
    steps, columns, n = schema.labels(dataset, "step"), schema.labels(dataset, "column"), _n(dataset)
    norms = schema.values(dataset, "gradient_norm", "step", "column").T
    loss = schema.values(dataset, "loss", "step", "column").T
    hover = [
        [f"<b>{c}</b>, step {s}<br>gradient {norms[k, i]:.3g} [{n}], loss {loss[k, i]:.3f}"
         for i, s in enumerate(steps)] for k, c in enumerate(columns)
    ]  # fmt: skip
    heat = go.Heatmap(
        x=steps, y=list(range(len(columns))), z=np.log10(np.maximum(norms, SMALLEST) / SMALLEST), hovertext=hover,
        hoverinfo="text", coloraxis="coloraxis",
    )  # fmt: skip
    figure = go.Figure(heat, layout={"template": look.template(theme)})
    figure.update_xaxes(**_axis(steps))
    figure.update_yaxes(tickvals=list(range(len(columns))), ticktext=columns, title_text="answer digit")
    tens = list(range(5))
    bar = {"title": {"text": "norm (nats / weight)", "side": "right"}, "tickvals": tens,
           "ticktext": [f"{SMALLEST * 10**k:g}" for k in tens]}  # fmt: skip
    figure.update_layout(
        coloraxis={
            "autocolorscale": True,
            "cmin": 0,
            "cmax": max(3.0, float(np.log10(norms.max() / SMALLEST))),
            "colorbar": bar,
        },
        title=schema.heading(dataset, "Gradient norm of every digit's loss", "null: see the losses", n),
    )
    return figure


def _n(dataset: xr.Dataset) -> str:
    return f"n = {schema.scalar(dataset, 'n_measured'):.0f}"


def _axis(steps: list) -> dict:
    """Return a logarithmic axis that begins at the second logged step: nothing happens between it and the first."""
    first, last = np.log10([steps[1] if len(steps) > 2 else steps[0], steps[-1]])
    ticks = [m * 10**k for k in range(int(first), int(last) + 1) for m in (1, 2, 5)]
    return {"title_text": "step", "type": "log", "tickvals": ticks, "range": [first - 0.02, last + 0.02]}


def summary(dataset: xr.Dataset) -> str:
    """Return when each digit's loss fell below the first threshold for good, and which never did."""
    columns, threshold = schema.labels(dataset, "column"), schema.labels(dataset, "threshold")[0]
    at = schema.values(dataset, "learned_at", "threshold", "column")[0]
    known = sorted((step, str(c)) for step, c in zip(at, columns, strict=True) if np.isfinite(step))
    never = [str(c) for step, c in zip(at, columns, strict=True) if not np.isfinite(step)]
    words = ", ".join(f"{c} by step {step:g}" for step, c in known) or "no digit was learned"
    rest = f"; not by step {schema.labels(dataset, 'step')[-1]}: {', '.join(never)}" if never else ""
    return f"Loss below {threshold:g} for good: {words}{rest}."
