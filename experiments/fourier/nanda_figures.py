"""Figures 2 to 6 of Nanda et al. for one of our models; figure 7 is the `grokking` method's own.

Every title says the model and its size: these are small nets (p = 59: d_model 64, 128 neurons), not the paper's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from experiments.fourier.nanda_evidence import Evidence
from interp.figures import theme as look
from interp.figures.curves import panel_titles
from interp.fourier.basis import transform_2d
from interp.fourier.neurons import THRESHOLD, best_frequency, best_share, double, fve

NULL_LINE = {"color": look.NULL, "width": 1.5, "dash": "dash"}


def _titled(figure: go.Figure, found: Evidence, title: str, *parts: str) -> go.Figure:
    size = f"{found.name}: p = {found.one.p}, d_model {len(found.one.equals)}, {found.one.neurons.shape[-1]} neurons"
    subtitle = " · ".join([size, *parts])
    return figure.update_layout(template=look.template("light"), title={"text": title, "subtitle": {"text": subtitle}})


def curves(found: Evidence, directory: Path) -> go.Figure:
    """Return figure 2: loss and accuracy of training and test pairs over the steps, from the log."""
    from interp.models.modular_training import history

    log = history(directory)
    figure = make_subplots(cols=2, subplot_titles=["loss (nats)", "accuracy"])
    for split, colour in (("train", look.BLUE), ("test", look.VERMILLION), ("unmirrored", look.ORANGE)):
        for column, what in enumerate(("loss", "accuracy"), start=1):
            trace = {"x": log["step"].values, "y": log[f"{split}_{what}"].values, "line": {"color": colour}}
            label = {"train": "train", "test": "test", "unmirrored": "test pairs whose mirror was not trained on"}[
                split
            ]
            figure.add_trace(go.Scatter(name=label, showlegend=column == 1, **trace), row=1, col=column)
    for column, level in ((1, float(np.log(found.one.p))), (2, 1 / found.one.p)):
        ends = [0, float(log["step"][-1])]
        null = go.Scatter(name="null: all alike", x=ends, y=[level] * 2, line=NULL_LINE, showlegend=column == 1)
        figure.add_trace(null, row=1, col=column)
    panel_titles(figure)
    figure.update_yaxes(type="log", exponentformat="power", col=1).update_xaxes(title_text="step")
    return _titled(figure, found, "Training and test over the steps", "Nanda et al., figure 2")


def weight_spectra(found: Evidence) -> go.Figure:
    """Return figure 3: norms of W_E and W_L by frequency, keys and doubles marked, beside the untrained net."""
    norms = found.course["norms"]
    figure = make_subplots(cols=2, subplot_titles=["W_E", "W_L = W_out W_U"])
    for column, weight in enumerate(("W_E", "W_L"), start=1):
        last, first = (norms.sel(weight=weight).isel(step=i) for i in (-1, 0))
        k = last["component"].values
        doubles = [double(each, found.one.p) for each in found.keys]
        colours = [
            look.BLUE if each in found.keys else look.ORANGE if each in doubles else look.faded(look.BLUE, 0.45)
            for each in k
        ]
        figure.add_trace(go.Bar(x=k, y=last.values, marker_color=colours, name="trained", showlegend=False), 1, column)
        line = go.Scatter(x=k, y=first.values, line=NULL_LINE, name="null: before training", showlegend=column == 1)
        figure.add_trace(line, row=1, col=column)
    panel_titles(figure)
    figure.update_xaxes(title_text="frequency", tickvals=found.keys).update_yaxes(title_text="norm", col=1)
    return _titled(
        figure, found, "Fourier norms of the weights", "blue: keys, orange: twice a key", "Nanda et al., figure 3"
    )


def logit_spectrum(found: Evidence) -> go.Figure:
    """Return figure 4: norm over the classes of every wave of a times every wave of b in the logits."""
    centred = found.one.logits - found.one.logits.mean(-1, keepdims=True)
    size = np.linalg.norm(transform_2d(centred), axis=-1)
    heat = go.Heatmap(z=np.log10(1 + size), coloraxis="coloraxis", name="norm")
    figure = go.Figure(heat)
    places = [2 * k - 0.5 for k in found.keys]
    axis = {"tickvals": places, "ticktext": [str(k) for k in found.keys], "showgrid": False}
    figure.update_xaxes(title_text="wave of b (cos, sin; keys named)", **axis)
    figure.update_yaxes(title_text="wave of a", scaleanchor="x", **axis)
    figure.update_layout(
        coloraxis={
            "autocolorscale": True,
            "cmin": 0,
            "cmax": float(np.log10(1 + size).max()),
            "colorbar": {"title": {"text": "log10(1 + norm)", "side": "right"}},
        },
        height=620,
    )
    return _titled(figure, found, "The logits as waves of a times waves of b", "Nanda et al., figure 4")


def neuron_clusters(found: Evidence) -> go.Figure:
    """Return figure 5: the share of each neuron's variance in its best block, by frequency, beside untrained nets."""
    explained = fve(found.one.neurons)
    share, frequency = best_share(explained), best_frequency(explained)
    order = np.lexsort((-np.nan_to_num(share), frequency))
    figure = go.Figure()
    for i, k in enumerate(np.unique(frequency[frequency > 0]).tolist()):
        place = np.flatnonzero(frequency[order] == k)
        above = int((share[frequency == k] > THRESHOLD).sum())
        name = f"frequency {k}: {len(place)} neurons, {above} above {THRESHOLD}"
        marker = {"color": look.OKABE_ITO[i % 6], "symbol": look.symbol(i), "size": 6}
        figure.add_trace(go.Scatter(name=name, x=place, y=share[order][place], mode="markers", marker=marker))
    null = found.course["fve_null"].values
    for name, level in (("null: untrained, 99 %", float(np.nanquantile(null, 0.99))), ("threshold", THRESHOLD)):
        line = NULL_LINE if "null" in name else {**NULL_LINE, "dash": "dot"}
        ends = [-1, len(share)]
        figure.add_trace(go.Scatter(name=name, x=ends, y=[level] * 2, mode="lines", line=line))
    figure.update_xaxes(title_text="neuron, sorted by frequency").update_yaxes(
        title_text="share of variance in one 3 x 3 block", range=[0, 1.02]
    )
    return _titled(figure, found, "Neurons fall into clusters of one frequency", "Nanda et al., figure 5")


def ablations(found: Evidence) -> go.Figure:
    """Return figure 6: the loss under every edit, beside the range of its null."""
    table = found.edits
    names = list(table.index)[::-1]
    table = table.loc[names]
    figure = go.Figure()
    width = {"type": "data", "symmetric": False, "array": table.null_high - table.null}
    error = {**width, "arrayminus": table.null - table.null_low, "color": look.NULL}
    marker = {"color": look.NULL, "symbol": "line-ns-open", "size": 10}
    null = {"x": table.null, "y": names, "mode": "markers", "error_x": error, "marker": marker}
    figure.add_trace(go.Scatter(name="null (median and range of draws)", hovertext=table.null_of, **null))
    for split, colour, symbol in (("train", look.BLUE, "circle"), ("test", look.VERMILLION, "square")):
        points = {"x": table[split], "y": names, "mode": "markers", "marker": {"color": colour, "symbol": symbol}}
        figure.add_trace(go.Scatter(name=f"{split} pairs", **points))
    figure.update_xaxes(title_text="loss (nats)", type="log", exponentformat="power", dtick=1)
    figure.update_layout(height=520, margin={"l": 190})
    return _titled(figure, found, "What the model can and cannot do without", "Nanda et al., section 4.4, figure 6")
