"""Figures of written arithmetic: learning curves, staircase, heads by subtask, failures by class, and the tables.

Every subtitle says the size of the model: these are small nets (d_model 96), not the papers' (510).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from interp.figures import theme as look
from interp.figures.curves import error_bar, panel_titles

SMALL = "small model: d_model 96, published 510"
FLOOR = 1e-5
NULL_LINE = {"color": look.NULL, "width": 1.5, "dash": "dash"}
DASHES = ("solid", "2px,2px", "6px,2px", "6px,2px,2px,2px", "10px,2px", "10px,2px,2px,2px")
SIGNS = {"times": "×", "plus": "+"}


def titled(figure: go.Figure, title: str, *parts: str) -> go.Figure:
    """Return `figure` in the house style with a subtitle that says how small the model is."""
    subtitle = " · ".join([SMALL, *parts])
    return figure.update_layout(template=look.template("light"), title={"text": title, "subtitle": {"text": subtitle}})


def learning(curves: dict[str, Any], name: str) -> go.Figure:
    """Return loss by digit and by subtask over the steps; the null is a uniform guess among ten digits."""
    figure = make_subplots(cols=2, subplot_titles=["by answer digit", "by subtask"], shared_yaxes=True)
    for column, kind in enumerate(("digits", "subtasks"), start=1):
        for i, (label, losses) in enumerate(curves[kind].items()):
            line = {"color": look.OKABE_ITO[i % 6], "dash": DASHES[i % 6], "width": 1.5}
            trace = go.Scatter(x=curves["step"], y=losses, name=label, line=line, mode="lines")
            figure.add_trace(trace, row=1, col=column)
        ends = {"x": [curves["step"][0], curves["step"][-1]], "y": [np.log(10)] * 2, "mode": "lines"}
        null = go.Scatter(name="null: ln 10", line=NULL_LINE, showlegend=column == 2, **ends)
        figure.add_trace(null, row=1, col=column)
    panel_titles(figure)
    figure.update_yaxes(type="log", exponentformat="none", dtick=1)
    least = min(min(losses) for kind in ("digits", "subtasks") for losses in curves[kind].values())
    if least < FLOOR:
        figure.update_yaxes(range=[np.log10(FLOOR), 0.6])  # the log keeps six decimals
    figure.update_yaxes(title_text="loss (nats)", col=1).update_xaxes(title_text="step")
    figure.update_layout(legend={"itemsizing": "trace"})
    return titled(figure, f"{name}: what is learned when", "selection questions")


def stairs(found: xr.Dataset, name: str) -> go.Figure:
    """Return mean attention of every head of layer 0: answer digit (rows, as written) against token."""
    columns = list(found["column"].values)
    written = columns if found.attrs["order"] == "reversed" else columns[::-1]
    heads = list(found["head"].values)
    figure = make_subplots(
        cols=len(heads) + 1, shared_yaxes=True, subplot_titles=[*(f"head {h}" for h in heads), "null: alike"]
    )
    for i, head in enumerate([*heads, None]):
        cells = found.attention_null if head is None else found.attention.sel(layer=0, head=head)
        tokens = [SIGNS.get(str(role), str(role)) for role in found["role"].values]
        heat = go.Heatmap(z=cells.sel(column=written).values, x=tokens, y=written, coloraxis="coloraxis")
        figure.add_trace(heat, row=1, col=i + 1)
    panel_titles(figure)
    scale = {"cmin": 0, "cmax": 1, "colorscale": look.VIRIDIS, "colorbar": {"title": {"text": "attention"}}}
    figure.update_yaxes(autorange="reversed", showgrid=False).update_yaxes(title_text="digit foretold", col=1)
    figure.update_xaxes(title_text="token read", showgrid=False, tickangle=90, dtick=1, tickfont={"size": 9})
    figure.update_layout(coloraxis=scale, width=1150)
    return titled(figure, f"{name}: where each head looks", f"mean of {int(found.n):,} test questions")


def missed(found: xr.Dataset, name: str) -> go.Figure:
    """Return the rise in loss by subtask without each head of layer 0, zero and mean, beside random directions."""
    kinds, subtasks = list(found["kind"].values), list(found["subtask"].values)
    figure = make_subplots(cols=len(kinds), shared_yaxes=True, subplot_titles=[f"{kind} ablation" for kind in kinds])
    for column, kind in enumerate(kinds, start=1):
        here = found.sel(kind=kind, layer=0)
        for i, head in enumerate(found["head"].values):
            one, shift = here.sel(head=head), 0.16 * (i - (found.sizes["head"] - 1) / 2)
            low, high = (one.rise - one.rise_low).values, (one.rise_high - one.rise).values
            bars = {"type": "data", "symmetric": False, "array": high, "arrayminus": low}
            marker = {"color": look.OKABE_ITO[i], "symbol": look.symbol(i), "size": 8}
            places = {"x": np.arange(len(subtasks)) + shift, "y": one.rise, "mode": "markers", "marker": marker}
            trace = go.Scatter(name=f"without head {head}", error_y=bars, showlegend=column == 1, **places)
            figure.add_trace(trace, row=1, col=column)
        null = here.rise_null
        places = np.repeat(np.arange(len(subtasks)), null.sizes["draw"])
        marker = {"color": look.NULL, "symbol": "line-ew-open", "size": 14}
        points = {"x": places, "y": null.transpose("subtask", "draw").values.ravel(), "mode": "markers"}
        trace = go.Scatter(name="null: random directions", marker=marker, showlegend=column == 1, **points)
        figure.add_trace(trace, row=1, col=column)
    panel_titles(figure)
    figure.update_xaxes(tickvals=np.arange(len(subtasks)), ticktext=subtasks, title_text="subtask")
    figure.update_yaxes(title_text="rise in loss (nats)", col=1)
    return titled(figure, f"{name}: what is lost without a head", f"{int(found.n):,} test questions, 95 % intervals")


def classes(groups: dict[str, xr.Dataset], name: str) -> go.Figure:
    """Return the share of wrong answers by class, a panel a grouping, with intervals and the share of all."""
    figure = make_subplots(cols=len(groups), subplot_titles=list(groups))
    for column, found in enumerate(groups.values(), start=1):
        known = found.sel({"class": found.n > 0})
        ends = {"array": known.wrong_high - known.wrong, "arrayminus": known.wrong - known.wrong_low}
        x = [f"{label}<br>{n:,}" for label, n in zip(known["class"].values, known.n.values, strict=True)]
        points = {"x": x, "y": known.wrong, "mode": "markers", "marker": {"color": look.BLUE, "size": 8}}
        bars = {"type": "data", "symmetric": False, **ends}
        figure.add_trace(go.Scatter(name="wrong", error_y=bars, showlegend=column == 1, **points), row=1, col=column)
        level = {"x": [x[0], x[-1]], "y": [float(found.wrong_null)] * 2, "mode": "lines", "line": NULL_LINE}
        figure.add_trace(go.Scatter(name="null: all questions", showlegend=column == 1, **level), row=1, col=column)
    panel_titles(figure)
    figure.update_xaxes(tickangle=0, tickfont={"size": 9}, title_text="class, and its number of questions")
    figure.update_yaxes(rangemode="tozero").update_yaxes(title_text="share wrong", col=1)
    return titled(figure, f"{name}: what it gets wrong", "test questions, 95 % intervals")


def reach(found: xr.Dataset, name: str) -> go.Figure:
    """Return the share of wrong c_4 with the pair of one column hidden, for both kinds of questions."""
    hidden = [str(each) for each in found["hidden"].values]
    words = {"nines": "columns 2 and 3 are nines", "others": "other questions"}
    figure = go.Figure()
    for i, kind in enumerate(found["kind"].values):
        one, n = found.sel(kind=kind), int(found.n.sel(kind=kind))
        bars = {"array": one.wrong_high - one.wrong, "arrayminus": one.wrong - one.wrong_low, "symmetric": False}
        marker = {"color": look.OKABE_ITO[i], "symbol": look.symbol(i), "size": 8}
        places = {"x": np.arange(len(hidden)) + 0.1 * i, "y": one.wrong, "mode": "markers", "marker": marker}
        figure.add_trace(go.Scatter(name=f"{words[str(kind)]}, n = {n:,}", error_y={"type": "data", **bars}, **places))
        ends = {"x": [-0.3, len(hidden) - 0.7], "y": [float(one.wrong[0])] * 2, "mode": "lines", "line": NULL_LINE}
        figure.add_trace(go.Scatter(name="null: nothing hidden", showlegend=i == 0, **ends))
    figure.update_xaxes(tickvals=np.arange(len(hidden)), ticktext=hidden, title_text="hidden from where c4 is foretold")
    figure.update_yaxes(title_text="share of wrong c4", rangemode="tozero")
    return titled(figure, f"{name}: how far it looks back", "test questions, 95 % intervals")


def table(rows: dict[str, dict[str, Any]], title: str, *parts: str) -> go.Figure:
    """Return exact match of several trainings, with intervals and the best constant answer."""
    names = list(rows)[::-1]
    figure = go.Figure()
    for name in names:
        row = rows[name]
        bar = error_bar(row["exact"], row["low"], row["high"])
        point = {"x": [row["exact"]], "y": [name], "mode": "markers", "marker": {"color": look.BLUE, "size": 9}}
        figure.add_trace(go.Scatter(name="exact match", error_x=bar, showlegend=name == names[0], **point))
    nulls = {"x": [rows[name]["null"] for name in names], "y": names, "mode": "markers"}
    marker = {"color": look.NULL, "symbol": "line-ns-open", "size": 12}
    figure.add_trace(go.Scatter(name="null: most common answer", marker=marker, **nulls))
    figure.update_xaxes(title_text="exact match, writing alone", range=[-0.02, 1.02])
    figure.update_yaxes(tickvals=names, range=[-0.6, len(names) - 0.4])
    figure.update_layout(height=200 + 30 * len(names), margin={"l": 220, "r": 24, "b": 80})
    return titled(figure, title, *parts)
