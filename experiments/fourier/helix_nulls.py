"""Why is the total R^2 of a helix no evidence? Codes of 0..99 without a period score high; the held-out gain does not.

Left: the in-sample R^2 of the helix of T = 2, 5, 10, 100, and the part of it that T = 100 and the line explain alone.
Right: what T = 2, 5, 10 explain, on numbers held out, of what a number line leaves, and the 95 % quantile of the widest
of three nulls. The codes have 64 dimensions; `helix` has waves half as large as its noise, on a number line.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves
from interp.figures import theme as look
from interp.fourier.helix import design, helix, r_squared
from interp.fourier.helix_gain import gain, question

NUMBERS, D = np.arange(100), 64


def codes(seed: int = 0) -> dict[str, np.ndarray]:
    """Return {name: points [100, 64]}: five codes without a period, and one with."""
    rng = np.random.default_rng(seed)

    def along(curve: np.ndarray) -> np.ndarray:
        return np.outer(curve, rng.standard_normal(D))

    noise = rng.standard_normal((len(NUMBERS), D))
    waves = design(helix(NUMBERS)[2:], NUMBERS, NUMBERS)[:, :-2]
    turning = waves @ rng.standard_normal((waves.shape[1], D))
    turning *= 0.5 / np.sqrt(np.square(turning - turning.mean(0)).mean())
    return {
        "white noise": noise,
        "number line": along(NUMBERS / 10) + noise,
        "log(a + 1)": along(np.log1p(NUMBERS)),
        "square root": along(np.sqrt(NUMBERS)),
        "random walk": noise.cumsum(0),
        "helix": along(NUMBERS / 10) + turning + rng.standard_normal((len(NUMBERS), D)),
    }


def table(seed: int = 0, n_null: int = 199) -> pd.DataFrame:
    """Return a line a code: total and smooth R^2, held-out `partial` with its null and p, every 7th number held out."""
    asked, lines = question(NUMBERS, scheme="interleaved"), []
    for name, points in codes(seed).items():
        spread = np.square(points - points.mean(0)).sum(0)
        total, line = (
            float(np.nan_to_num(r_squared(points, NUMBERS, terms)) @ spread / spread.sum())
            for terms in (helix(NUMBERS), helix(NUMBERS, [100]))
        )
        found = gain(points, asked, n_null, seed)
        lines.append({
            "code": name, "total": total, "line and T = 100": line, "partial": float(found.partial[0]),
            "null, 95 %": float(found.null_high[:, 0].max()), "p": float(found.p_value[0]), "n": len(NUMBERS),
        })  # fmt: skip
    return pd.DataFrame(lines)


def figure(found: pd.DataFrame) -> go.Figure:
    """Return the two scores side by side."""
    drawn = make_subplots(
        cols=2, horizontal_spacing=0.12, subplot_titles=["total R², in sample", "gain, on numbers held out"]
    )
    code = found["code"].tolist()
    for name, column, colour, symbol in (
        ("helix of T = 2, 5, 10, 100", "total", look.BLUE, 0),
        ("T = 100 and the line alone", "line and T = 100", look.ORANGE, 1),
    ):  # fmt: skip
        marker = {"color": colour, "size": 10, "symbol": look.symbol(symbol)}
        drawn.add_trace(go.Scatter(name=name, x=code, y=found[column], mode="markers", marker=marker), row=1, col=1)
    marker = {"color": look.BLUE, "size": 10}
    hover = [
        f"<b>{line['code']}</b><br>{line['partial']:.3f}, p = {line['p']:.3f}<br>n = {line['n']}"
        for line in found.to_dict("records")
    ]
    drawn.add_trace(
        go.Scatter(name="periods 2, 5, 10", x=code, y=found["partial"], mode="markers", marker=marker, hovertext=hover,
                   hoverinfo="text"), row=1, col=2,
    )  # fmt: skip
    marker = {"color": look.NULL, "size": 12, "symbol": "line-ew-open", "line": {"width": 2}}
    drawn.add_trace(
        go.Scatter(name="null: 95 % of the widest", x=code, y=found["null, 95 %"], mode="markers", marker=marker),
        row=1, col=2,
    )  # fmt: skip
    curves.accuracy_axis(drawn, "share of variance", col=1)
    drawn.update_yaxes(title_text="share of the rest explained", col=2)
    drawn.update_xaxes(tickangle=45)
    curves.panel_titles(drawn)
    title = {
        "text": "A helix explains what has no period",
        "subtitle": {"text": f"numbers 0..99, {D} dimensions, n = {len(NUMBERS)} numbers, 199 draws a null"},
    }
    return drawn.update_layout(template=look.template("light"), title=title)
