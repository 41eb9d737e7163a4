"""What is lost without the low, or the high, frequencies of the number logits, module by module?

    accuracy[removed, module]       beside controls of the same dimension: random subspaces, numbers in random order
    error_share[removed, module]    how wrong answers are wrong, beside the same predictions on other prompts' answers
    kept_same[kept]                 one period kept: is the answer right modulo it?

How to read: a filter below both kinds of grey marks takes away more than that many directions, and than that much about
numbers in any order. Where the filter is as wide as the stream, everything is gone and all marks coincide.
Source: Zhou et al. 2024.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, maps, schema
from interp.figures import theme as look
from interp.figures.control_marks import ControlMarks

if TYPE_CHECKING:
    import xarray as xr

COLOURS = {"low": look.BLUE, "high": look.VERMILLION}
CONTROLS = ControlMarks({"random subspace": "line-ew-open", "shuffled numbers": "x-thin-open"}, size=8, aside=0.22)
MODULES = {"attn": "attention", "mlp": "MLPs", "both": "both"}


def removal(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the accuracy under each filter, every draw of the two controls in grey beside it."""
    sides, modules = _names(dataset, "removed"), _names(dataset, "module")
    rank = schema.values(dataset, "rank", "removed")
    titles = [f"{side} removed ({rank[i]:.0f} dimensions)" for i, side in enumerate(sides)]
    figure = make_subplots(cols=len(sides), shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=titles)
    base = schema.scalar(dataset, "accuracy_base") or 0.0
    for i, side in enumerate(sides):
        place: Any = {"row": 1, "col": i + 1}
        CONTROLS.add(figure, dataset.sel(removed=side), "module", place)
        found, loss = (schema.estimates(dataset.sel(removed=side), name, "module") for name in ("accuracy", "loss"))
        p = schema.values(dataset.sel(removed=side), "p_value", "module", "control")
        hover = [
            f"<b>{side} removed, {MODULES.get(name, name)}</b><br>accuracy {found[j].text()}<br>"
            f"loss {loss[j].text()} nats<br>p {p[j, 0]:.3f} (random), {p[j, 1]:.3f} (shuffled)<br>"
            f"{schema.count_text(dataset)}"
            for j, name in enumerate(modules)
        ]
        figure.add_trace(
            go.Scatter(
                name=f"{side} removed", x=list(range(len(modules))), y=found.value, mode="markers",
                error_y=found.bars(thickness=1.2),
                marker={"color": COLOURS[side], "size": 11, "symbol": look.symbol(i)},
                hovertext=hover, hoverinfo="text",
            ),
            **place,
        )  # fmt: skip
        figure.add_hline(y=base, line={"color": look.GREEN, "width": 1.5}, **place)  # type: ignore[arg-type]
        ticks = [MODULES.get(name, name) for name in modules]
        figure.update_xaxes(
            tickvals=list(range(len(modules))), ticktext=ticks, range=[-0.5, len(modules) - 0.5], col=i + 1
        )
    curves.accuracy_axis(figure, "accuracy", col=1)
    curves.panel_titles(figure)
    cut = f"high from {dataset.attrs.get('by', 'component')} {dataset.attrs.get('cut', '?')} on"
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "Answers without frequencies of the number logits", cut, schema.count_text(dataset),
            "green: unfiltered; bars: 95 % interval",
        ),
    )  # fmt: skip
    return figure


def errors(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return how wrong answers are wrong under each filter, and how they would be by chance."""
    sides, modules, kinds = (_names(dataset, dim) for dim in ("removed", "module", "kind"))
    share, null = (
        schema.values(dataset, name, "removed", "module", "kind").reshape(-1, len(kinds))
        for name in ("error_share", "error_share_null")
    )
    wrong = schema.values(dataset, "n_wrong", "removed", "module").ravel()
    rows = [f"{side}, {MODULES.get(name, name)}" for side in sides for name in modules]
    hover = [
        [
            f"<b>{row} filtered out</b><br>{kind}: {share[i, j]:.3f} [chance {null[i, j]:.3f}]<br>"
            f"n = {wrong[i]:.0f} wrong"
            for j, kind in enumerate(kinds)
        ]
        for i, row in enumerate(rows)
    ]
    panels = [
        maps.Panel("wrong answers", share, hover, maps.written(share)),
        maps.Panel("null: other prompts' answers", null, hover, maps.written(null)),
    ]
    title = schema.heading(
        dataset, "How filtered answers are wrong", schema.count_text(dataset), "parity: of all",
        "null beside it",
    )  # fmt: skip
    figure = maps.panel_maps(
        panels, maps.Axis("removed", rows), maps.Axis("", kinds), title=title, unit="share", bounds=(0, 1), theme=theme
    )
    return figure.update_layout(height=480)


def kept(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return how often the answer is right modulo the one period that is kept."""
    periods = [float(t) for t in schema.labels(dataset, "kept")]
    x, found = list(range(len(periods))), schema.estimates(dataset, "kept_same", "kept")
    accuracy = schema.values(dataset, "kept_accuracy", "kept")
    hover = [
        f"<b>only T = {T:.4g} kept</b><br>right modulo T: {found[i].text()}<br>right: {accuracy[i]:.3f}<br>"
        f"{schema.count_text(dataset)}"
        for i, T in enumerate(periods)
    ]
    figure = go.Figure(layout={"template": look.template(theme)})
    figure.add_trace(
        go.Scatter(
            name="right modulo T", x=x, y=found.value, mode="markers", error_y=found.bars(thickness=1.2),
            customdata=periods, hovertext=hover, hoverinfo="text", marker={"color": look.BLUE, "size": 10},
        )
    )  # fmt: skip
    for name, text, symbol in (
        ("kept_same_null", "numbers in random order", "x-thin-open"), ("kept_same_chance", "chance", "line-ew-open"),
    ):  # fmt: skip
        value = schema.values(dataset, name, "kept")
        figure.add_trace(
            go.Scatter(
                name=f"null: {text}", x=x, y=value, mode="markers", hoverinfo="text",
                marker={"color": look.NULL, "size": 10, "symbol": symbol, "line": {"width": 1.5}},
                hovertext=[f"null: {text}<br>{v:.3f}" for v in value],
            )
        )  # fmt: skip
    figure.update_xaxes(title_text="the only period kept", tickvals=x, ticktext=[f"{T:.4g}" for T in periods])
    curves.accuracy_axis(figure, "right modulo the period")
    figure.update_layout(
        title=schema.heading(dataset, "One period of the number logits", schema.count_text(dataset), "95 % interval")
    )
    return figure


def _names(dataset: xr.Dataset, dim: str) -> list[str]:
    return [str(name) for name in schema.labels(dataset, dim)]


def summary(dataset: xr.Dataset) -> str:
    """Return the accuracy left without low and without high frequencies of all modules, beside the controls."""
    module = _names(dataset, "module")[-1]
    parts = []
    for side in _names(dataset, "removed"):
        found = dataset.sel(removed=side, module=module)
        null = schema.values(found, "accuracy_null", "control", "draw").mean(1)
        parts.append(
            f"without the {side} ones {schema.estimates(found, 'accuracy').text(2)} "
            f"(controls of {float(found['rank']):.0f} dimensions: {null[0]:.2f} random, {null[1]:.2f} shuffled)"
        )
    base = schema.scalar(dataset, "accuracy_base")
    return (
        f"Filtering {MODULES.get(module, module)} in every layer leaves of {schema.number(base, 2)} right answers "
        f"{' and '.join(parts)}; {schema.count_text(dataset)}."
    )
