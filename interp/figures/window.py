"""AF1 in one picture: which block does what, for the last token and for the others, and what that keeps.

    blocks 0 .. l_wait-1                  wait      each token knows only itself (CAMA)
    blocks l_wait .. l_wait+l_transfer-1  transfer  the last token reads all others, which read only themselves and BOS
    the rest                              self-peek every token reads only itself and BOS

The points below are faithfulness of that subgraph and, at the same layer and window, of its two controls: on the test
split for a searched window (`af1`), on the prompts of the run for a given one (`window`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.af1 import searched, verdict, window_of
from interp.figures.waiting import sweep_dim

if TYPE_CHECKING:
    import xarray as xr

# stage -> (line, fill, what the last token reads, what the others read)
STAGES = {
    "wait": (look.SKY, "#b9ddf3", "own token", "own token"),
    "transfer": (look.ORANGE, "#f6d68c", "all tokens", "self + BOS"),
    "self-peek": (look.GREEN, "#97d8c1", "self + BOS", "self + BOS"),
}


def n_blocks(dataset: xr.Dataset) -> int:
    """Return the number of blocks: the attribute or variable `n_layers`, else the largest swept `l_wait`."""
    if "n_layers" in dataset.attrs:
        return int(dataset.attrs["n_layers"])
    counted = schema.scalar(dataset, "n_layers")
    if counted is not None:
        return int(counted)
    return int(max(schema.labels(dataset, sweep_dim(dataset, "wait_faithfulness"))))


def stages(dataset: xr.Dataset) -> list[tuple[str, int, int]]:
    """Return `(stage, first block, one past the last)` for the stages of the judged window that are not empty."""
    wait, transfer, _ = window_of(dataset)
    return [span for span in spans(wait, transfer, n_blocks(dataset)) if span[2] > span[1]]


def spans(wait: int, transfer: int, total: int) -> list[tuple[str, int, int]]:
    """Return `(stage, first block, one past the last)` of all three stages; an empty one ends at its start."""
    ends = {"wait": wait, "transfer": min(wait + transfer, total), "self-peek": total}
    found, start = [], 0
    for name, end in ends.items():
        found.append((name, start, max(start, end)))
        start = max(start, end)
    return found


def window(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the diagram above and test faithfulness beside its controls below."""
    figure = make_subplots(rows=2, row_heights=[0.47, 0.53], vertical_spacing=0.27)
    _diagram(figure, dataset)
    _controls(figure, dataset)
    figure.update_layout(
        template=look.template(theme),
        showlegend=False,
        title=schema.heading(
            dataset,
            verdict(dataset),
            f"what each token reads; {'test ' * searched(dataset)}faithfulness",
            schema.count_text(dataset),
            "95 % interval",
            "dashed: best constant answer" if "null_majority" in dataset.variables else "",
        ),
    )
    return figure


def _diagram(figure: go.Figure, dataset: xr.Dataset) -> None:
    found = window_of(dataset)[2]
    place: Any = {"row": 1, "col": 1}
    for name, start, end in stages(dataset):
        colour, fill, last, others = STAGES[name]
        hatch = {"shape": "" if found else "/", "bgcolor": fill, "fgcolor": colour, "fgopacity": 0.4, "size": 7}
        for y, who, text in ((1, "last token", last), (0, "other tokens", others)):
            bar = go.Bar(
                name=name,
                x=[end - start],
                base=[start - 0.5],
                y=[y],
                orientation="h",
                width=0.86,
                marker={"color": fill, "line": {"color": colour, "width": 1.5}, "pattern": hatch},
                text=[text],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"size": 11, "color": "#212529"},  # the fills are pale in both themes
                hovertext=f"<b>{name}, blocks {start} to {end - 1}</b><br>{who} read {text}",
                hoverinfo="text",
            )
            figure.add_trace(bar, **place)
        label = {"text": name, "showarrow": False, "yanchor": "bottom", "font": {"size": 11}}
        figure.add_annotation(x=(start + end - 1) / 2, y=1.5, **label, **place)
    _diagram_axes(figure, n_blocks(dataset))


def _diagram_axes(figure: go.Figure, total: int) -> None:
    figure.update_layout(barmode="overlay", uniformtext={"minsize": 9, "mode": "hide"})
    figure.update_xaxes(
        title={"text": "block", "standoff": 0},
        tickvals=list(range(0, total, max(1, total // 16))),
        range=[-0.5, total - 0.5],
        showgrid=False,
        row=1,
    )
    ticks = {"tickvals": [0, 1], "ticktext": ["other tokens", "last token"]}
    figure.update_yaxes(**ticks, showgrid=False, range=[-0.5, 2.1], row=1)


ROWS = (("control: zeros", "_zero"), ("control: mean", "_mean"), ("AF1 (CAMA)", ""))


def _controls(figure: go.Figure, dataset: xr.Dataset) -> None:
    place: Any = {"row": 2, "col": 1}
    for name, suffix in ROWS:
        value, low, high = (schema.scalar(dataset, f"faithfulness{suffix}{end}") for end in ("", "_low", "_high"))
        if value is None:
            continue
        colour, symbol = (look.NULL, "diamond") if suffix else (look.BLUE, "circle")
        point = go.Scatter(
            name=name,
            x=[value],
            y=[name],
            mode="markers+text",
            text=[f"  {schema.number(value, 2)}" if suffix else schema.number(value, 2)],
            textposition="middle right" if suffix else "top center",  # the rows of the controls are close
            textfont={"size": 11},
            cliponaxis=False,
            marker={"size": 10, "symbol": symbol, "color": colour},
            error_x=curves.error_bar(value, low, high),
            hovertext=f"<b>{name}</b><br>{schema.estimate(value, low, high)}<br>{schema.count_text(dataset)}",
            hoverinfo="text",
        )
        figure.add_trace(point, **place)
    figure.update_xaxes(title={"text": "faithfulness", "standoff": 0}, range=[-0.03, 1.03], row=2)
    figure.update_yaxes(showgrid=False, range=[-0.5, 2.75], row=2)
    null = schema.scalar(dataset, "null_majority")
    if null is not None:
        figure.add_vline(x=null, line={"color": look.NULL, "width": 1, "dash": "dash"}, **place)
    threshold = schema.scalar(dataset, "threshold")
    if threshold is not None:
        figure.add_vline(x=threshold, line={"color": look.GREEN, "width": 1, "dash": "dot"}, **place)
        label = {"text": f"threshold {threshold:.2f}", "showarrow": False, "font": {"size": 11}}
        anchor = {"xanchor": "right", "yanchor": "bottom", "xshift": -4}
        figure.add_annotation(x=threshold, y=-0.5, **label, **anchor, **place)
