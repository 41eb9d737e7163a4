"""Do the embeddings of the residues stand on the circles of the key frequencies, at this checkpoint?

    place[circle, axis, residue]    where a residue stands on the plane that the other residues have for a frequency
    ring[circle]                    1: a circle in the right order, 0: none

How to read: colours are the phase of a residue; a circle sorts them all the way round. Before training the same
residues are a cloud: planes come from other residues, so nothing looks round by the fit alone. Each panel's title has
ring and, in brackets, the most that untrained nets reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.helix_places import phase_axis
from interp.figures.twin import Twin

if TYPE_CHECKING:
    import xarray as xr


def circles(dataset: xr.Dataset, *, theme: str = "light", step: int | None = None) -> go.Figure:
    """Return the residues on the plane of every key frequency at `step` (default: the last), coloured by phase."""
    schema.need(dataset, "place", "ring", "ring_null")
    keys, p = [int(k) for k in schema.labels(dataset, "circle")], int(dataset.attrs["p"])
    figure = make_subplots(cols=len(keys), horizontal_spacing=0.05, subplot_titles=titles(dataset, step))
    for i, trace in enumerate(traces(dataset, step)):
        figure.add_trace(trace, row=1, col=i + 1)
        reach = 1.15 * float(np.abs(schema.values(dataset, "place", "step", "circle", "axis", "residue")[:, i]).max())
        figure.update_xaxes(title_text="cos", range=[-reach, reach], col=i + 1)
        figure.update_yaxes(range=[-reach, reach], scaleanchor=f"x{i + 1}" if i else "x", constrain="domain", col=i + 1)
    figure.update_yaxes(title_text="sin", col=1)
    curves.panel_titles(figure)
    told = (f"{len(keys)} key frequencies", f"n = {p} residues", "null in brackets: the most of untrained nets")
    title = schema.heading(dataset, "Embeddings on the circles of the keys", *told)
    return figure.update_layout(template=look.template(theme), title=title, coloraxis=phase_axis())


def traces(dataset: xr.Dataset, step: int | None) -> list[go.Scatter]:
    """Return one trace a key frequency at the checkpoint nearest to `step`."""
    here, at = _here(dataset, step)
    places, p = schema.values(here, "place", "circle", "axis", "residue"), int(dataset.attrs["p"])
    ring, null = (
        schema.values(here, "ring", "circle"),
        schema.values(dataset, "ring_null", "untrained", "circle").max(0),
    )
    found = []
    for i, k in enumerate(int(k) for k in schema.labels(dataset, "circle")):
        phase = np.mod(k * np.arange(p), p) / p
        hover = [
            f"<b>residue {n}</b>, phase {phase[n]:.3f} of frequency {k}<br>step {at}: ring {ring[i]:.3f} "
            f"[untrained {null[i]:.3f}]<br>n = {p} residues"
            for n in range(p)
        ]
        marker: dict[str, Any] = {"color": phase, "coloraxis": "coloraxis", "size": 7}
        found.append(
            go.Scatter(
                name=f"frequency {k}", x=places[i, 0], y=places[i, 1], mode="markers", hovertext=hover,
                marker=marker | {"line": {"width": 0.5, "color": look.NULL}}, hoverinfo="text", showlegend=False,
                customdata=[p / k] * p,
            )
        )  # fmt: skip
    return found


def titles(dataset: xr.Dataset, step: int | None) -> list[str]:
    """Return the title of every panel: frequency, ring at the checkpoint, and the most of untrained nets."""
    here, at = _here(dataset, step)
    ring, null = (
        schema.values(here, "ring", "circle"),
        schema.values(dataset, "ring_null", "untrained", "circle").max(0),
    )
    keys = schema.labels(dataset, "circle")
    return [f"k = {k}, step {at}: {ring[i]:.2f} [{null[i]:.2f}]" for i, k in enumerate(keys)]


def _here(dataset: xr.Dataset, step: int | None) -> tuple[xr.Dataset, int]:
    steps = schema.labels(dataset, "step")
    at = steps[-1] if step is None else min(steps, key=lambda each: abs(each - step))
    return dataset.sel(step=at), int(at)


def table(dataset: xr.Dataset, step: int | None = None) -> Twin:
    """Return a row a frequency and residue at the checkpoint nearest to `step`: place, ring, null."""
    here, at = _here(dataset, step)
    places, ring = schema.values(here, "place", "circle", "axis", "residue"), schema.values(here, "ring", "circle")
    null = schema.values(dataset, "ring_null", "untrained", "circle").max(0)
    rows = tuple(
        (str(k), str(n), *(schema.number(float(each)) for each in (*places[i, :, n], ring[i], null[i])))
        for i, k in enumerate(schema.labels(dataset, "circle"))
        for n in range(places.shape[-1])
    )
    heads = ("frequency", "residue", "cos", "sin", "ring of the circle", "null: most of untrained nets")
    return Twin(f"Residues on the circles of the keys at step {at:,}", heads, rows, 2)


def summary(dataset: xr.Dataset) -> str:
    """Return when each circle stood above all untrained nets for good, and how round it is at the end."""
    steps = schema.labels(dataset, "step")
    ring, null = (
        schema.values(dataset, "ring", "circle", "step"),
        schema.values(dataset, "ring_null", "untrained", "circle"),
    )
    said = []
    for i, k in enumerate(schema.labels(dataset, "circle")):
        below = np.flatnonzero(ring[i] <= null[:, i].max())
        first = 0 if not below.size else below[-1] + 1
        when = f"from step {steps[first]} on" if first < len(steps) else "never for good"
        said.append(f"{k} {when} (ring {ring[i, -1]:.2f} at the end)")
    return f"Circles that stand above every untrained net: {'; '.join(said)}."
