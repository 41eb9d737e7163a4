"""The pictures of the closed forms: random phases by width, efficiency of training, energy without a probe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from interp.figures import theme as look
from interp.models.quadratic_training import Trained


def pictures(
    widths: pd.DataFrame, trained: dict[tuple[int, int], Trained], drifts: pd.DataFrame
) -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure): accuracy of random phases by width, efficiency of training, energy without a probe."""
    yield "random-phases", _random_phases(widths)
    yield "efficiency", _efficiency(trained)
    yield "energy-without-probe", _energy_without_probe(drifts)


def _random_phases(widths: pd.DataFrame) -> go.Figure:
    figure = go.Figure(layout={"template": look.template("light")})
    ticks, draws = sorted(set(widths.width)), widths.draw.nunique()
    for i, p in enumerate(sorted(set(widths.p))):
        lines = widths[widths.p == p]
        told = lines.groupby("width").accuracy.agg(["min", "mean", "max"])
        error = {"type": "data", "symmetric": False, "array": told["max"] - told["mean"],
                 "arrayminus": told["mean"] - told["min"]}  # fmt: skip
        figure.add_trace(go.Scatter(name=f"p = {p}", x=told.index, y=told["mean"], error_y=error,
                                    line={"color": look.OKABE_ITO[i]}))  # fmt: skip
        figure.add_trace(go.Scatter(name=f"null: one of {p} answers", x=ticks, y=[1 / p] * len(ticks),
                                    mode="lines", line={"color": look.NULL, "dash": "dash"}))  # fmt: skip
    figure.update_xaxes(title_text="neurons / p", type="log", tickvals=ticks)
    return figure.update_yaxes(title_text="accuracy on all pairs").update_layout(
        title=_title("Quadratic networks of random phases", f"{draws} draws a point, bars: all of them")
    )


def _efficiency(trained: dict[tuple[int, int], Trained]) -> go.Figure:
    figure = go.Figure(layout={"template": look.template("light")})
    moduli = sorted({p for p, _ in trained})
    for (p, seed), each in trained.items():
        colour = look.OKABE_ITO[moduli.index(p)]
        figure.add_trace(go.Scatter(name=f"p = {p}", legendgroup=str(p), showlegend=seed == 0, x=each.steps,
                                    y=each.efficiency, mode="lines+markers", line={"color": colour}))  # fmt: skip
    figure.add_hline(y=1, line={"color": look.NULL, "dash": "dash"}, annotation_text="largest possible")
    figure.update_yaxes(title_text="margin / gamma_star", range=[-2, 1.1])
    return figure.update_xaxes(title_text="step").update_layout(
        title=_title("No trained network exceeds the largest margin", "quadratic networks on all pairs, by seed")
    )


def _energy_without_probe(table: pd.DataFrame) -> go.Figure:
    figure = go.Figure(layout={"template": look.template("light")})
    drift = [str(each) for each in table.drift]
    figure.add_trace(go.Scatter(name="Phi_10 / N, over 8.25", x=drift, y=table.phi / 8.25, line={"color": look.GREEN}))
    figure.add_trace(go.Scatter(name="accuracy of a ten-way probe, held out", x=drift, y=table.accuracy,
                                line={"color": look.BLUE}))  # fmt: skip
    figure.add_trace(go.Scatter(name="null: one of ten", x=drift, y=[0.1] * len(drift), mode="lines",
                                line={"color": look.NULL, "dash": "dash"}))  # fmt: skip
    figure.update_xaxes(title_text="drift B in e(n) = r + B m,  n = r + 10 m", type="category")
    return figure.update_yaxes(range=[0, 1.1]).update_layout(
        title=_title("The same energy, and no probe", "N = 1,000 numbers, noise of .001")
    )


def _title(text: str, told: str) -> dict[str, Any]:
    return {"text": text, "subtitle": {"text": told}}
