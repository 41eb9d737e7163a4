"""Clock or pizza: the evidence beside untrained networks, circle by circle, and over training.

How to read: filled points are the network, grey ones untrained networks of its shape. A pizza is symmetric (right), its
q is small (left) and its formula explains more than the clock's; a clock is the other way round. In the map of the
correct logit a pizza has vertical stripes (the distance decides), a clock has horizontal ones or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import curves, maps, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

COLOURS = {"clock": look.BLUE, "pizza": look.ORANGE, "finite_pizza": look.PURPLE, "accompanying": look.GREEN}


def evidence(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return every number of the rule with its interval, beside the same of untrained networks."""
    q, score = schema.estimates(dataset, "q", "variant"), schema.values(dataset, "score", "algorithm")
    bare = [schema.Estimates(np.asarray(value), None, None) for value in score]
    lines = {
        "symmetricity": (schema.estimates(dataset, "symmetricity"), _null(dataset, "symmetricity_null", None)),
        "q": (q[0], _null(dataset, "q_null", 0)),
        "q of the margin": (q[1], _null(dataset, "q_null", 1)),
        "clock formula": (bare[0], _null(dataset, "score_null", 0)),
        "pizza formula": (bare[1], _null(dataset, "score_null", 1)),
    }
    figure = go.Figure(layout={"template": look.template(theme)})
    for i, (name, (found, null)) in enumerate(lines.items()):
        figure.add_trace(
            _dots("null: untrained", null, [name] * len(null), [f"untrained: {v:.3f}" for v in null], look.NULL, i == 0)
        )
        hover = f"<b>{name}</b><br>{found.text()}<br>{_n(dataset)}"
        trace = _dots("this network", [float(found.value)], [name], [hover], look.BLUE, i == 0)
        low, high = (None if end is None else float(end) for end in (found.low, found.high))
        figure.add_trace(trace.update(error_x=curves.error_bar(float(found.value), low, high)))
    figure.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=list(lines))
    figure.update_xaxes(title_text="1 = alike, irrelevant, explained")
    title = f"Clock or pizza: {dataset.attrs.get('label', 'no label')}"
    parts = ("bars: 95 % interval", _n(dataset), "null: untrained networks")
    figure.update_layout(title=schema.heading(dataset, title, *parts))
    return figure


def circles(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return what each formula explains of the logits of every circle alone."""
    found = schema.estimates(dataset, "explained", "circle", "formula")
    null = schema.values(dataset, "explained_null", "circle", "formula")
    share, logits = (schema.values(dataset, name, "circle") for name in ("embedding_share", "logit_share"))
    names = [f"k = {k}<br>{part:.0%}" for k, part in zip(schema.labels(dataset, "circle"), share, strict=True)]
    figure = go.Figure(layout={"template": look.template(theme)})
    for j, formula in enumerate(schema.labels(dataset, "formula")):
        if formula == "finite_pizza":  # it lies on the pizza; the table has it
            continue
        hover = [
            f"<b>{formula}, {names[i]} of the embeddings</b><br>{found[i, j].text()}<br>"
            f"{logits[i]:.1%} of the circles' logits<br>{_pairs(dataset)}"
            for i in range(len(names))
        ]
        dots = _dots(formula, found.value[:, j], names, hover, COLOURS[formula], True, upright=True)
        dots.update(marker_symbol=look.symbol(j), customdata=circle_periods(dataset))
        figure.add_trace(dots.update(error_y=found[:, j].bars()))
    curves.add_null(figure, "another frequency (best formula)", names, null.max(axis=1))
    figure.update_xaxes(title_text="circle: frequency, and share of the power of the embeddings")
    figure.update_yaxes(title_text="explained (1 = the formula)", range=[-1.08, 1.08])
    parts = ("isolated logits, centred", _pairs(dataset), "bars: 95 % bootstrap over a")
    figure.update_layout(title=schema.heading(dataset, "What one circle computes alone", *parts))
    return figure


def circle_periods(dataset: xr.Dataset) -> list[float]:
    """Return the period p / k of every circle."""
    return [dataset.sizes["sum"] / int(k) for k in schema.labels(dataset, "circle")]


def logit_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the correct logit by sum and difference of the operands, beside an untrained network's."""
    sums, differences = (range(dataset.sizes[name]) for name in ("sum", "difference"))
    panels = []
    for name, title in (("logit_map", "this network"), ("logit_map_null", "null: untrained")):
        values = schema.values(dataset, name, "sum", "difference")
        values = values - values.mean()
        hover = [[f"a + b = {s}, a - b = {t}<br>{values[s, t]:+.2f}<br>n = 1 pair" for t in differences] for s in sums]
        panels.append(maps.Panel(title, values, hover))
    rows, columns = (maps.Axis(name, [str(i) for i in r]) for name, r in (("a + b", sums), ("a - b", differences)))
    q = schema.estimates(dataset, "q", "variant")[0].text(2)
    title = schema.heading(dataset, "Correct logit of every pair", f"q = {q}", "less its mean", _pairs(dataset))
    bounds = look.limits(*(panel.values for panel in panels), at_least=0.01)
    return maps.panel_maps(panels, rows, columns, title=title, unit="logits", bounds=bounds, theme=theme)


def cosines(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return how the cosines of the two operand gradients are spread over triples; dashed, means of untrained ones."""
    values, null = schema.values(dataset, "cosine", "triple"), _null(dataset, "symmetricity_null", None)
    counts, edges = np.histogram(values, bins=100, range=(-1, 1))
    hover = [
        f"{left:.2f} to {left + 0.02:.2f}: {count} triples<br>{_n(dataset)}"
        for left, count in zip(edges, counts, strict=False)
    ]
    bars = go.Bar(
        name="triples", x=(edges[:-1] + edges[1:]) / 2, y=counts, width=0.02, marker={"color": look.BLUE},
        hovertext=hover, hoverinfo="text",
    )  # fmt: skip
    figure = go.Figure(bars, layout={"template": look.template(theme)})
    for i, value in enumerate(null):
        curves.add_null(figure, "mean, untrained", [value, value], np.array([0, counts.max()]), legend=i == 0)
    mean = schema.estimates(dataset, "symmetricity").text()
    figure.update_layout(
        title=schema.heading(dataset, "Cosine of the two operand gradients", f"mean {mean}", _n(dataset))
    )
    figure.update_xaxes(title_text="cosine", range=[-1.02, 1.02])
    return figure.update_yaxes(title_text="triples")


def over_training(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return symmetricity, q and both formulas at every checkpoint, the label in the hover."""
    schema.need(dataset, "step", "label_step")
    steps, labels = schema.labels(dataset, "step"), dataset["label_step"].values.tolist()
    q = schema.values(dataset, "q_step", "step", "variant")
    score = schema.values(dataset, "score_step", "step", "algorithm")
    accuracy = schema.values(dataset, "accuracy_step", "step")
    n = f"n = {schema.scalar(dataset, 'n_step') or 0:,.0f} triples a checkpoint"
    lines = {
        "symmetricity": (schema.estimates(dataset, "symmetricity_step", "step"), look.GREEN),
        "q": (schema.Estimates(q[:, 0], None, None), look.PURPLE),
        "clock formula": (schema.Estimates(score[:, 0], None, None), look.BLUE),
        "pizza formula": (schema.Estimates(score[:, 1], None, None), look.ORANGE),
        "accuracy": (schema.Estimates(accuracy, None, None), look.SKY),
    }
    figure = go.Figure(layout={"template": look.template(theme)})
    for i, (name, (found, colour)) in enumerate(lines.items()):
        hover = [f"<b>{name}, step {s}: {label}</b><br>{{}}<br>{n}" for s, label in zip(steps, labels, strict=True)]
        curves.add_curve(figure, curves.Curve(name, steps, found, hover, colour, i))
    untrained = float(schema.values(dataset, "symmetricity_null", "draw").mean())
    curves.add_null(figure, "symmetricity, untrained", [steps[0], steps[-1]], np.full(2, untrained))
    figure.update_xaxes(title_text="training step")
    curves.accuracy_axis(figure, "value")
    title = "Clock or pizza, over training"
    parts = ("band: 95 % interval", n, f"at the end: {dataset.attrs.get('label', '?')}")
    figure.update_layout(title=schema.heading(dataset, title, *parts))
    return figure


def summary(dataset: xr.Dataset) -> str:
    """Return the label, the numbers behind it, and what untrained networks give."""
    score = schema.values(dataset, "score", "algorithm")
    null = _null(dataset, "symmetricity_null", None)
    q = schema.estimates(dataset, "q", "variant")
    return (
        f"The rule says {dataset.attrs.get('label', 'nothing')}: symmetricity "
        f"{schema.estimates(dataset, 'symmetricity').text()} (untrained {null.min():.3f} to {null.max():.3f}), "
        f"distance irrelevance {schema.number(float(q.value[0]))}, clock formula {score[0]:.2f}, pizza formula "
        f"{score[1]:.2f}; {_n(dataset)}."
    )


def _dots(name: str, values, places, hover, colour: str, legend: bool, upright: bool = False) -> go.Scatter:
    x, y = (places, values) if upright else (values, places)
    marker = {"color": colour, "size": 9, "symbol": "circle-open" if colour == look.NULL else "circle"}
    return go.Scatter(
        name=name, legendgroup=name, showlegend=legend, x=x, y=y, mode="markers", marker=marker, hovertext=hover,
        hoverinfo="text",
    )  # fmt: skip


def _null(dataset: xr.Dataset, name: str, column: int | None) -> np.ndarray:
    if column is None:
        return schema.values(dataset, name, "draw")
    dims = ("draw", "variant" if name.startswith("q") else "algorithm")
    return schema.values(dataset, name, *dims)[:, column]


def _pairs(dataset: xr.Dataset) -> str:
    return f"n = {dataset.sizes['sum'] ** 2:,} pairs"


def _n(dataset: xr.Dataset) -> str:
    return f"{schema.count_text(dataset)} triples"
