"""Which rule of thumb does a neuron follow, would a shuffled map follow it too, and is it needed?

    operand maps   activation of a late neuron at the last token over both operands; its heuristic of largest excess,
                   its score there and that of its shuffled maps (null)
    shares         neurons that follow some heuristic: top neurons, random neurons, shuffled maps (null), by rule
    kept           normalised logit and accuracy with the first n neurons of each late layer; grey: random neurons
    knockout       accuracy without the neurons of one heuristic, on prompts that it holds for and others

How to read: a bar of the top neurons says something as far as it stands above the random neurons and the shuffles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

SHOWN = 6
RULES = {"fixed": "score ≥ t", "calibrated": "and beyond shuffles", "corrected": "chance-corrected ≥ t"}


def operand_maps(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the operand maps of the six neurons of largest excess, each with its heuristic, score and null."""
    over = schema.values(dataset, "best_excess", "neuron")
    picked = np.argsort(-over)[:SHOWN]
    names = str(dataset.attrs.get("operands", "a b")).split()
    titles = [_title(dataset, int(i)) for i in picked]
    figure = make_subplots(
        rows=2, cols=3, subplot_titles=titles, horizontal_spacing=0.05, vertical_spacing=0.2,
        shared_xaxes=True, shared_yaxes=True,
    )  # fmt: skip
    a, b = schema.labels(dataset, "operand_a"), schema.labels(dataset, "operand_b")
    for place, i in enumerate(picked):
        row, col = place // 3 + 1, place % 3 + 1
        figure.add_trace(_map(dataset, int(i), a, b), row=row, col=col)
        figure.add_trace(_about(dataset, int(i), a, b), row=row, col=col)
    figure.update_xaxes(title_text=names[-1], row=2)
    figure.update_yaxes(title_text=names[0], col=1)
    curves.panel_titles(figure)
    figure.update_layout(
        template=look.template(theme),
        margin={"t": 112},
        coloraxis={"autocolorscale": True, "cmin": -1, "cmax": 1, "cmid": 0.0,
                   "colorbar": {"title": {"text": "activation / largest", "side": "right"}}},
        title=schema.heading(
            dataset, "Late neurons over the operands", "score, and null: shuffled map", schema.count_text(dataset),
            "effect on hover",
        ),
    )  # fmt: skip
    return figure


def _title(dataset: xr.Dataset, i: int) -> str:
    one = dataset.isel(neuron=i)
    return (
        f"{one['neuron'].item()}: {one['best'].item()}<br>{schema.number(schema.scalar(one, 'best_score'), 2)}, null "
        f"{schema.number(schema.scalar(one, 'best_null'), 2)}"
    )


def _map(dataset: xr.Dataset, i: int, a: list, b: list) -> go.Heatmap:
    values = schema.values(dataset.isel(neuron=i), "activation", "operand_a", "operand_b")
    largest = np.nanmax(np.abs(values)) or 1.0
    return go.Heatmap(
        name=str(dataset["neuron"].to_numpy()[i]), x=b, y=a, z=values / largest, coloraxis="coloraxis",
        hovertemplate="%{y}, %{x}: %{z:.2f}<extra></extra>",
    )  # fmt: skip


def _about(dataset: xr.Dataset, i: int, a: list, b: list) -> go.Scatter:
    one, name = dataset.isel(neuron=i), str(dataset["neuron"].to_numpy()[i])
    text = (
        f"<b>neuron {name}</b><br>effect {schema.estimates(one, 'effect').text(2)} nats<br>{_title(dataset, i)}<br>"
        f"bound {schema.number(schema.scalar(one, 'best_bound'), 2)}<br>n = {int(dataset['n_pairs'])} pairs"
    )
    marker = {"color": look.NULL, "size": 8, "symbol": "diamond"}
    return go.Scatter(
        name=f"about {name}", x=[b[0]], y=[a[0]], mode="markers", marker=marker, showlegend=False, hovertext=[text],
        hoverinfo="text",
    )  # fmt: skip


def shares(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the share of top neurons, random neurons and shuffled maps that follow a heuristic, by rule."""
    found = schema.estimates(dataset, "share", "group", "rule")
    rules = [RULES[rule] for rule in schema.labels(dataset, "rule")]
    count = dataset.sizes["neuron"]
    figure = go.Figure()
    for i, (group, colour) in enumerate(zip(schema.labels(dataset, "group"), (look.BLUE, look.ORANGE), strict=True)):
        part = found[i]
        texts = [f"<b>{group} neurons</b>, {rule}<br>{part[j].text(2)}<br>n = {count}" for j, rule in enumerate(rules)]
        name = f"{group} neurons" if group == "top" else f"control: {group} neurons"
        figure.add_trace(
            go.Bar(
                name=name, x=rules, y=part.value, error_y=part.bars(width=2), marker_color=colour, hovertext=texts,
                hoverinfo="text",
            )
        )  # fmt: skip
    null = schema.values(dataset, "share_shuffled", "rule")
    figure.add_trace(
        go.Bar(
            name="null: shuffled maps", x=rules, y=null, marker_color=look.NULL, hoverinfo="text",
            hovertext=[f"null: shuffled maps<br>{value:.2f}" for value in null],
        )
    )  # fmt: skip
    figure.update_yaxes(title_text="share that follow a heuristic", range=[0, 1.05])
    figure.update_layout(
        template=look.template(theme),
        barmode="group",
        title=schema.heading(
            dataset, "Neurons that follow a rule of thumb", f"t = {_threshold(dataset):g}", f"n = {count} neurons",
            f"{dataset.sizes['heuristic']} heuristics", "bars: 95 % interval",
        ),
    )  # fmt: skip
    return figure


def kept_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness and accuracy with n neurons of each late layer kept, beside random ones."""
    figure = make_subplots(cols=2, horizontal_spacing=0.09, subplot_titles=["faithfulness", "accuracy"])
    kept, n = schema.labels(dataset, "kept"), schema.count_text(dataset)
    x = [str(size) for size in kept]
    for column, name in enumerate(("faithfulness", "accuracy"), start=1):
        place = {"row": 1, "col": column}
        for suffix, label, colour, dash in (
            ("", "top neurons", look.BLUE, "solid"),
            ("_random", "control: random neurons", look.NULL, "dash"),
        ):
            hover = [f"<b>{size} a layer</b>, {label}<br>{{}}<br>{n}" for size in kept]
            found = schema.estimates(dataset, f"{name}{suffix}", "kept")
            line = curves.Curve(label, x, found, hover, colour, int(bool(suffix)), dash)
            curves.add_curve(figure, line, place, legend=column == 1)
        figure.update_xaxes(title_text="neurons kept in each late layer", type="category", col=column)
    figure.update_yaxes(title_text="fraction")
    curves.panel_titles(figure)
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "The first neurons of each late layer, the others at means", n,
            "band: 95 % interval; random: range of draws",
        ),
    )  # fmt: skip
    return figure


def knockout(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return accuracy without the neurons of each heuristic, on associated and other prompts, and the control."""
    figure = go.Figure()
    rules = schema.labels(dataset, "knocked")
    for suffix, label, colour, symbol in (
        ("associated", "prompts that satisfy it", look.VERMILLION, "circle"),
        ("unassociated", "other prompts", look.BLUE, "square"),
    ):
        found, n = (
            schema.estimates(dataset, f"knockout_{suffix}", "knocked"),
            schema.values(dataset, f"n_{suffix}", "knocked"),
        )
        texts = [f"<b>{rule}</b>, {label}<br>{found[i].text(2)}<br>n = {n[i]:.0f}" for i, rule in enumerate(rules)]
        figure.add_trace(
            go.Scatter(
                name=label, x=found.value, y=rules, mode="markers", hovertext=texts, hoverinfo="text",
                marker={"color": colour, "symbol": symbol, "size": 8}, error_x=found.bars(width=2),
            )
        )  # fmt: skip
    control = schema.values(dataset, "knockout_associated_control", "knocked")
    figure.add_trace(
        go.Scatter(
            name="control: as many other neurons, prompts that satisfy it", x=control, y=rules, mode="markers",
            marker={"color": look.NULL, "symbol": "x", "size": 8}, hoverinfo="text",
            hovertext=[f"control<br>{value:.2f}" for value in control],
        )
    )  # fmt: skip
    figure.update_xaxes(title_text="accuracy", range=[-0.04, 1.06])
    figure.update_yaxes(type="category", autorange="reversed")
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Without the neurons of one heuristic", schema.count_text(dataset), "bars: 95 % interval"
        ),
    )
    return figure


def _threshold(dataset: xr.Dataset) -> float:
    return float(dataset.attrs.get("threshold", 0.6))


def summary(dataset: xr.Dataset) -> str:
    """Return the shares by rule beside random neurons and shuffles, and the knockout by heuristic."""
    share = schema.values(dataset, "share", "rule", "group")
    null = schema.values(dataset, "share_shuffled", "rule")
    said = [
        f"{RULES[rule]} {share[i, 0]:.2f} (random neurons {share[i, 1]:.2f}, shuffled maps {null[i]:.2f})"
        for i, rule in enumerate(schema.labels(dataset, "rule"))
    ]
    knocked = ""
    if dataset.sizes.get("knocked", 0):
        names = ("associated", "unassociated", "associated_control")
        own, other, control = (float(np.nanmean(dataset[f"knockout_{name}"])) for name in names)
        knocked = (
            f" Without the neurons of a heuristic accuracy is {own:.2f} on prompts that satisfy it, {other:.2f} on "
            f"others (as many other neurons {control:.2f}; mean of {dataset.sizes['knocked']} heuristics)."
        )
    return f"Share of {dataset.sizes['neuron']} top neurons that follow a heuristic: {'; '.join(said)}.{knocked}"
