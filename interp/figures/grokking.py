"""How a training came to add modulo p: losses, structure and spectra over the steps, each with its null.

How to read `losses`: the test loss falls last. Restricted (test) loss falls long before it, excluded (training) loss
rises meanwhile; grey is the median over random sets of as many frequencies, with its 5 % to 95 % range. The dotted
line leaves out the one frequency that hurts most, for which no keys need to be known. `structure`: Gini of W_E and W_L
and the median neuron go on rising after the vertical line, where test accuracy passes .99. `spectra`: norm at each
frequency, over training; the keys are named on the axis.

Source: Nanda et al. 2023, arXiv:2301.05217, figure 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.curves import Curve, add_curve, panel_titles
from interp.figures.schema import Estimates

if TYPE_CHECKING:
    import xarray as xr

VARIANT, NORMS = "sum_directions", "frequencies_without_constant"
SMALLEST = 1e-9
"""Losses below this are drawn at it: a logarithmic axis has no zero."""


def losses(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return training, test, restricted and excluded loss over the steps, with the nulls of the last two."""
    schema.need(dataset, "loss", "restricted", "excluded", "excluded_largest", "restricted_null", "excluded_null")
    steps, figure = schema.labels(dataset, "step"), go.Figure(layout={"template": look.template(theme)})
    for name, what in (
        ("restricted_null", "random frequencies, restricted (test)"),
        ("excluded_null", "random frequencies, excluded (train)"),
    ):
        draws = np.maximum(schema.values(dataset, name, "step", "draw"), SMALLEST)
        _add_null(figure, f"null: {what}", steps, draws, "dash" if "test" in what else "dot")
    for index, (name, estimates, colour) in enumerate(_losses(dataset)):
        hover = [f"<b>{name}</b><br>step {step}<br>{{}} nats, n = {_n(dataset, name)}" for step in steps]
        dash = "dot" if "single" in name else "solid"
        add_curve(figure, Curve(name, steps, estimates, hover, colour, index, dash))
    _grokked(figure, dataset)
    figure.update_yaxes(title_text="loss (nats)", type="log", exponentformat="power", dtick=1)
    figure.update_xaxes(title_text="step")
    figure.update_layout(title=_heading(dataset, "Losses with and without the key frequencies", _keys(dataset)))
    return figure


def structure(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return Gini coefficients, the median neuron and the test accuracy over the steps, with untrained nets."""
    steps, figure = schema.labels(dataset, "step"), go.Figure(layout={"template": look.template(theme)})
    null = dataset["gini_null"].sel(norms_of=NORMS)
    for index, (name, values, blank, colour) in enumerate(
        (
            ("Gini W_E", _gini(dataset, "W_E"), null.sel(weight="W_E").values, look.BLUE),
            ("Gini W_L", _gini(dataset, "W_L"), null.sel(weight="W_L").values, look.GREEN),
            ("median neuron (fve)", schema.values(dataset, "fve_median", "step"), _fve_null(dataset), look.ORANGE),
        )
    ):
        level = f"untrained nets: {np.nanmedian(blank):.2f} [{np.nanmin(blank):.2f}, {np.nanmax(blank):.2f}]"
        hover = [f"<b>{name}</b><br>step {step}<br>{{}}<br>{level}" for step in steps]
        add_curve(figure, Curve(name, steps, Estimates(values, None, None), hover, colour, index))
        line = {"color": look.NULL, "dash": ("dash", "dot", "dashdot")[index], "width": 1.5}
        x, y = [steps[0], steps[-1]], [float(np.nanmedian(blank))] * 2
        figure.add_trace(go.Scatter(name=f"null: {name}", x=x, y=y, mode="lines", line=line, hoverinfo="skip"))
    accuracy = schema.estimates(dataset.sel(split="test"), "accuracy", "step")
    hover = [f"<b>test accuracy</b><br>step {step}<br>{{}}, {schema.count_text(dataset)}" for step in steps]
    add_curve(figure, Curve("test accuracy", steps, accuracy, hover, look.VERMILLION, 3, "dot"))
    _grokked(figure, dataset)
    figure.update_yaxes(title_text="Gini, fraction", range=[0, 1.04])
    figure.update_xaxes(title_text="step")
    figure.update_layout(title=_heading(dataset, "Structure before and after grokking", "grey: untrained nets"))
    return figure


def spectra(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return maps of frequency by step: norms of W_E and W_L, coefficients of the logits, each over its largest."""
    steps, component = schema.labels(dataset, "step"), schema.labels(dataset, "component")
    norms = schema.values(dataset, "norms", "weight", "component", "step")
    panels = {
        "W_E": norms[schema.labels(dataset, "weight").index("W_E")],
        "W_L": norms[schema.labels(dataset, "weight").index("W_L")],
        "logits: |cos w(a+b-c)|": np.abs(schema.values(dataset, "cosine", "component", "step")),
    }
    figure = make_subplots(cols=3, shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=list(panels))
    n = f"n = {dataset.attrs['p']} residues"
    for column, (name, values) in enumerate(panels.items(), start=1):
        hover = [
            [f"<b>{name}, frequency {k}</b><br>step {s}<br>{values[i, j]:.3g}, {n}" for j, s in enumerate(steps)]
            for i, k in enumerate(component)
        ]
        shown = values / max(float(values.max()), 1e-12)
        periods = [[dataset.attrs["p"] / k] * len(steps) for k in component]
        heat = go.Heatmap(
            x=list(range(len(steps))), y=component, z=shown, coloraxis="coloraxis", hovertext=hover, hoverinfo="text",
            customdata=periods,
        )  # fmt: skip
        figure.add_trace(heat, row=1, col=column)
    ticks = list(range(0, len(steps), max(1, len(steps) // 5)))
    figure.update_xaxes(title_text="step", tickvals=ticks, ticktext=[f"{steps[i]:g}" for i in ticks], showgrid=False)
    keys = list(dataset.attrs["keys"])
    figure.update_yaxes(tickvals=keys, ticktext=[str(k) for k in keys], showgrid=False)
    figure.update_yaxes(title_text="frequency (keys named)", col=1)
    panel_titles(figure)
    null = "null: the first column, before any training"
    bar = {"title": {"text": "of the panel's largest", "side": "right"}}
    figure.update_layout(
        template=look.template(theme),
        title=_heading(dataset, "Spectra over training", null, n),
        coloraxis={"autocolorscale": True, "cmin": 0, "cmax": 1, "colorbar": bar},
    )
    return figure


def summary(dataset: xr.Dataset) -> str:
    """Return when the restricted loss, the test loss and the accuracy moved, and how far structure went on."""
    at = {name: schema.scalar(dataset, f"{name}_at") for name in ("restricted_halved", "halved", "grokked")}
    last = schema.labels(dataset, "step")[-1]
    said = {name: f"not before step {last:g}" if step is None else f"by step {step:g}" for name, step in at.items()}
    gini = dataset.sel(structure="gini W_E")
    grew = ""
    if at["grokked"] is not None:
        grew = f"; the Gini of W_E goes from {float(gini.at_grok):.2f} there to {float(gini.at_end):.2f} at the end"
    return (
        f"Keys {', '.join(map(str, dataset.attrs['keys']))}: restricted loss is halved {said['restricted_halved']}, "
        f"test loss {said['halved']}, test accuracy is .99 {said['grokked']}{grew}."
    )


def _losses(dataset: xr.Dataset) -> list[tuple[str, Estimates, str]]:
    loss = {split: schema.estimates(dataset.sel(split=split), "loss", "step") for split in ("train", "test")}
    restricted = schema.values(dataset.sel(split="test", variant=VARIANT), "restricted", "step")
    excluded = schema.values(dataset.sel(split="train"), "excluded", "step")
    largest = schema.values(dataset, "excluded_largest", "step")
    return [
        ("train loss", _drawn(loss["train"]), look.BLUE),
        ("test loss", _drawn(loss["test"]), look.VERMILLION),
        ("restricted loss (test, sum directions)", _drawn(Estimates(restricted, None, None)), look.GREEN),
        ("excluded loss (train, all keys)", _drawn(Estimates(excluded, None, None)), look.PURPLE),
        ("excluded loss (train, largest single k)", _drawn(Estimates(largest, None, None)), look.PURPLE),
    ]


def _drawn(found: Estimates) -> Estimates:
    ends = (None if end is None else np.maximum(end, SMALLEST) for end in (found.low, found.high))
    return Estimates(np.maximum(found.value, SMALLEST), *ends)


def _add_null(figure: go.Figure, name: str, steps: list, draws: np.ndarray, dash: str) -> None:
    low, median, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=1)
    group = {"legendgroup": name, "mode": "lines", "hoverinfo": "skip"}
    x, y = [*steps, *steps[::-1]], np.concatenate([high, low[::-1]])
    fill = {"fill": "toself", "fillcolor": look.faded(look.NULL, 0.2), "line": {"width": 0}, "showlegend": False}
    figure.add_trace(go.Scatter(name=f"{name}, 5 % to 95 %", x=x, y=y, **fill, **group))
    figure.add_trace(
        go.Scatter(name=name, x=steps, y=median, line={"color": look.NULL, "width": 1.5, "dash": dash}, **group)
    )


def _grokked(figure: go.Figure, dataset: xr.Dataset) -> None:
    at = schema.scalar(dataset, "grokked_at")
    if at is not None:
        figure.add_vline(x=at, line={"color": look.NULL, "width": 1, "dash": "dot"})


def _gini(dataset: xr.Dataset, weight: str) -> np.ndarray:
    return schema.values(dataset.sel(weight=weight, norms_of=NORMS), "gini", "step")


def _fve_null(dataset: xr.Dataset) -> np.ndarray:
    return np.nanmedian(schema.values(dataset, "fve_null", "untrained", "neuron"), axis=1)


def _n(dataset: xr.Dataset, name: str) -> int:
    return int(dataset["n_pairs"].sel(split="train" if "train" in name else "test"))


def _keys(dataset: xr.Dataset) -> str:
    return f"keys {', '.join(map(str, dataset.attrs['keys']))} (rule {dataset.attrs['rule']})"


def _heading(dataset: xr.Dataset, title: str, *parts: str) -> dict:
    n = "" if any("n = " in part for part in parts) else f"{schema.count_text(dataset)} test pairs"
    return schema.heading(dataset, title, *parts, n)
