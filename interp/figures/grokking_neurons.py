"""Into which clusters of frequencies do the neurons fall, and how purely?

    fve[neuron]        largest share of a neuron's variance that one frequency explains; `frequency` says which
    fve_null           the same of the neurons of untrained nets of the recipe: 95 % of them lie below the grey line

How to read: columns of points high up are clusters, each a key frequency; a point at the grey line is a neuron that no
frequency explains more than chance does.
Source: Nanda et al. 2023, section 4; Gromov 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.twin import Twin

if TYPE_CHECKING:
    import xarray as xr

PURE = 0.85


def clusters(dataset: xr.Dataset, *, theme: str = "light", step: int | None = None) -> go.Figure:
    """Return every neuron by its best frequency and how much that explains, at `step` (default: the last)."""
    p, keys = int(dataset.attrs["p"]), [int(k) for k in dataset.attrs["keys"]]
    figure = go.Figure(traces(dataset, step), layout={"template": look.template(theme)})
    figure.update_xaxes(
        title_text=f"frequency k of the neuron (keys named; period = {p} / k)", tickvals=keys, range=[-0.5, p // 2 + 1],
        ticktext=[str(k) for k in keys], showgrid=False,
    )  # fmt: skip
    figure.update_yaxes(title_text="variance explained", range=[0, 1.04])
    told = (f"n = {dataset.sizes['neuron']} neurons", "one frequency's share of their variance")
    figure.add_annotation(
        text=titles(dataset, step)[0], xref="paper", yref="paper", x=0.01, y=0.99, showarrow=False, xanchor="left",
        yanchor="top",
    )  # fmt: skip
    return figure.update_layout(title=schema.heading(dataset, "Neurons by frequency", *told))


def titles(dataset: xr.Dataset, step: int | None) -> list[str]:
    """Return the note of the figure: the step that is shown."""
    return [f"step {at_step(dataset, step)[1]:,}"]


def traces(dataset: xr.Dataset, step: int | None) -> list:
    """Return the null and the neurons at the checkpoint nearest to `step`: all that changes with it, but the note."""
    here, at = at_step(dataset, step)
    frequency, share = schema.values(here, "frequency", "neuron"), schema.values(here, "fve", "neuron")
    p, keys, n = int(dataset.attrs["p"]), [int(k) for k in dataset.attrs["keys"]], len(share)
    level = float(np.nanquantile(schema.values(dataset, "fve_null", "untrained", "neuron"), 0.95))
    figure = go.Figure()
    curves.add_null(figure, "95 % of untrained neurons", [0, p // 2 + 1], np.full(2, level))
    for name, chosen, colour, mark in (
        ("key frequencies", np.isin(frequency, keys), look.BLUE, "circle"),
        ("other frequencies", ~np.isin(frequency, keys), look.ORANGE, "diamond"),
    ):
        found = np.flatnonzero(chosen)
        hover = [
            f"<b>neuron {i}: frequency {frequency[i]:.0f}</b><br>{share[i]:.3f} of its variance "
            f"[untrained {level:.3f}]<br>n = {n} neurons, step {at}"
            for i in found
        ]
        figure.add_trace(
            go.Scatter(
                name=name, x=frequency[found] + _aside(frequency[found]), y=share[found], mode="markers",
                hovertext=hover, hoverinfo="text", customdata=[p / k if k else None for k in frequency[found]],
                marker={"color": colour, "size": 7, "symbol": mark, "opacity": 0.75},
            )
        )  # fmt: skip
    return list(figure.data)


def at_step(dataset: xr.Dataset, step: int | None) -> tuple[xr.Dataset, int]:
    """Return the dataset at the checkpoint nearest to `step` (default: the last), and that checkpoint's step."""
    schema.need(dataset, "step", "fve", "frequency", "fve_null")
    steps = schema.labels(dataset, "step")
    found = steps[-1] if step is None else min(steps, key=lambda each: abs(each - step))
    return dataset.sel(step=found), int(found)


def _aside(frequency: np.ndarray) -> np.ndarray:
    """Return a small shift for each neuron, so that those of one frequency do not hide one another."""
    rank = np.array([int((frequency[:i] == k).sum()) for i, k in enumerate(frequency)], dtype=float)
    return 0.4 * ((rank % 9) - 4) / 4


def table(dataset: xr.Dataset, at: int | None = None) -> Twin:
    """Return a row a neuron at step `at` (default: the last): its frequency, what that explains, and the null."""
    here, step = at_step(dataset, at)
    frequency, share = schema.values(here, "frequency", "neuron"), schema.values(here, "fve", "neuron")
    null = schema.number(float(np.nanquantile(schema.values(dataset, "fve_null", "untrained", "neuron"), 0.95)))
    rows = tuple(
        (str(i), f"{k:g}", schema.number(float(each)), null)
        for i, (k, each) in enumerate(zip(frequency, share, strict=True))
    )
    heads = ("neuron", "frequency", "variance explained", "null: 95 % of untrained neurons")
    return Twin(f"Neurons by frequency at step {step:,}, n = {len(rows)} neurons", heads, rows, 1)


def summary(dataset: xr.Dataset, at: int | None = None) -> str:
    """Return how many neurons each frequency has at step `at` (default: the last), and how many it explains alone."""
    here, step = at_step(dataset, at)
    frequency, share = schema.values(here, "frequency", "neuron"), schema.values(here, "fve", "neuron")
    names, counts = np.unique(frequency, return_counts=True)
    order = np.argsort(-counts)[:6]
    each = ", ".join(f"{names[i]:.0f} ({counts[i]})" for i in order)
    pure = int((share > PURE).sum())
    return f"Frequencies of {len(share)} neurons at step {step}: {each}; one explains over {PURE:g} of {pure} of them."
