"""AF1 in one picture: which block does what, for the last token and for the others, and what that keeps.

    blocks 0 .. l_wait-1                  wait      each token knows only itself (CAMA)
    blocks l_wait .. l_wait+l_transfer-1  transfer  the last token reads all others, which read only themselves and BOS
    the rest                              self-peek every token reads only itself and BOS

The points below are test faithfulness of that subgraph and, at the same layer and window, of its two controls.
"""

from __future__ import annotations

import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.af1 import VARIANTS, sweep_dim, verdict, window_of

# stage -> (fill, text of the last token, text of the others)
STAGES = {
    "wait": (look.SKY, "own token only", "own token only"),
    "transfer": (look.ORANGE, "reads all", "self + BOS"),
    "self-peek": (look.GREEN, "self + BOS", "self + BOS"),
}


def n_blocks(dataset: xr.Dataset) -> int:
    """Return the number of blocks: the attribute `n_layers`, else the largest swept `l_wait`."""
    if "n_layers" in dataset.attrs:
        return int(dataset.attrs["n_layers"])
    return int(max(schema.labels(dataset, sweep_dim(dataset, "wait_faithfulness"))))


def stages(dataset: xr.Dataset) -> list[tuple[str, int, int]]:
    """Return `(stage, first block, one past the last)` for the stages that are not empty."""
    total = n_blocks(dataset)
    wait, transfer, _ = window_of(dataset)
    ends = {"wait": wait, "transfer": min(wait + transfer, total), "self-peek": total}
    found, start = [], 0
    for name, end in ends.items():
        if end > start:
            found.append((name, start, end))
        start = max(start, end)
    return found


def window(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the diagram above and test faithfulness beside its controls below."""
    figure = make_subplots(rows=2, row_heights=[0.42, 0.58], vertical_spacing=0.3)
    _diagram(figure, dataset)
    _controls(figure, dataset)
    figure.update_layout(
        template=look.template(theme),
        showlegend=False,
        title=schema.heading(
            dataset,
            f"AF1 {verdict(dataset)}",
            "blocks by stage; below, fraction of the full model's correct answers kept",
            schema.count_text(dataset) + " (test)",
            "bars: 95 % interval",
        ),
    )
    return figure


def _diagram(figure: go.Figure, dataset: xr.Dataset) -> None:
    found = window_of(dataset)[2]
    for name, start, end in stages(dataset):
        colour, last, others = STAGES[name]
        for row, text in ((1, last), (0, others)):
            who = "last token" if row else "other tokens"
            figure.add_trace(
                go.Bar(
                    name=name,
                    x=[end - start], base=[start - 0.5], y=[row], orientation="h", width=0.86,
                    marker={
                        "color": look.faded(colour, 0.45 if found else 0.2),
                        "line": {"color": colour, "width": 1.5},
                        "pattern": {"shape": "" if found else "/", "fgcolor": colour, "size": 6},
                    },
                    text=[f"{name}<br>{text}" if end - start > 1 else name],
                    textposition="inside", insidetextanchor="middle", textangle=0,
                    textfont={"size": 11},
                    hovertext=f"<b>{name}, blocks {start} to {end - 1}</b><br>{who}: {text}",
                    hoverinfo="text",
                ),
                row=1, col=1,
            )  # fmt: skip
    total = n_blocks(dataset)
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(
        title_text="block", tickvals=list(range(0, total, max(1, total // 16))), range=[-0.5, total - 0.5],
        showgrid=False, row=1,
    )  # fmt: skip
    figure.update_yaxes(tickvals=[0, 1], ticktext=["other tokens", "last token"], showgrid=False, row=1)


def _controls(figure: go.Figure, dataset: xr.Dataset) -> None:
    rows = (("zero", "_zero", True), ("mean", "_mean", True), ("AF1", "", False))
    labels = {"zero": "control: zeros", "mean": "control: mean", "AF1": "AF1 (CAMA)"}
    for name, suffix, control in rows:
        value, low, high = (schema.scalar(dataset, f"faithfulness{suffix}{end}") for end in ("", "_low", "_high"))
        if value is None:
            continue
        figure.add_trace(
            go.Scatter(
                name=labels[name],
                x=[value], y=[labels[name]], mode="markers+text",
                text=[schema.number(value, 2)], textposition="top center", textfont={"size": 11}, cliponaxis=False,
                marker={"size": 10, "symbol": "diamond" if control else "circle",
                        "color": look.NULL if control else VARIANTS["cama"][1]},
                error_x=curves.error_bar(value, low, high),
                hovertext=f"<b>{labels[name]}</b><br>{schema.estimate(value, low, high)}<br>{schema.count_text(dataset)}",
                hoverinfo="text",
            ),
            row=2, col=1,
        )  # fmt: skip
    figure.update_xaxes(title_text="faithfulness on test", range=[-0.03, 1.03], row=2)
    figure.update_yaxes(showgrid=False, row=2)
    threshold = schema.scalar(dataset, "threshold")
    if threshold is not None:
        figure.add_vline(x=threshold, line={"color": look.GREEN, "width": 1, "dash": "dot"}, row=2, col=1)
