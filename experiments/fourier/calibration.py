"""How often is something called periodic that is not, and how strong must a period be to be found?

    python -m experiments.fourier.calibration [--trials 1000] [--out DIR]      writes calibration.json, png, csv

Points [number, d] = shape(n) along one random direction + noise N(0, 1) in every dimension. "Called periodic" means:
any frequency passes the corrected 5 % test under every null, as `interp.fourier.spectrum` decides it, raw and detrended
asked apart. A true 5 % test errs in at most 67 of 1,000 trials but for one chance in a hundred. A line has nothing to
find, so rates far below 5 % are no defect: the number-line null is composite, and power is shown beside.

    signal to noise  =  variance of a circle of period 10 / variance of the noise, both summed over dimensions
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import typer

from interp.cli.output import say
from interp.figures.export import export, possible
from interp.figures.theme import template
from interp.fourier.nulls import VARIANTS, above_every_null, prepare
from interp.methods.intervals import wilson
from interp.progress import bar

N, D, N_NULL, PERIOD, LINE = 100, 16, 99, 10, 4.0
SHAPES = {
    "white noise": ("none", 0.0),
    "line": ("line", 0.0),
    "line, noise 10 %": ("line", 0.1),
    "line, noise 50 %": ("line", 0.5),
    "line, noise 100 %": ("line", 1.0),
    "log n": ("log", 0.0),
    "log n, noise 10 %": ("log", 0.1),
    "log n, noise 50 %": ("log", 0.5),
    "log n, noise 100 %": ("log", 1.0),
}
"""Names, shapes, and the noise as a share of the shape's own standard deviation in a dimension."""
SIGNALS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
OUT = Path(__file__).with_suffix(".json")


def nothing_periodic(name: str, rng: np.random.Generator, n: int = N, d: int = D) -> np.ndarray:
    """Return points [n, d] of one of SHAPES."""
    shape, noise = SHAPES[name]
    numbers = np.arange(n)
    values = {"none": np.zeros(n), "line": numbers, "log": np.log(numbers + 1)}[shape]
    if shape == "none":
        return rng.standard_normal((n, d))
    standard = (values - values.mean()) / values.std()
    return np.outer(standard, rng.standard_normal(d)) + noise * rng.standard_normal((n, d))


def circle(signal: float, line: float, rng: np.random.Generator, n: int = N, d: int = D) -> np.ndarray:
    """Return points [n, d]: a circle of PERIOD with variance `signal` * d, a line with `line` * d, noise with d."""
    angle = 2 * np.pi * np.arange(n) / PERIOD
    plane = np.linalg.qr(rng.standard_normal((d, 3)))[0]
    ramp = np.arange(n) - (n - 1) / 2
    waves = np.stack([np.cos(angle), np.sin(angle)], 1) @ plane[:, :2].T * np.sqrt(signal * d)
    return waves + np.outer(ramp / ramp.std(), plane[:, 2]) * np.sqrt(line * d) + rng.standard_normal((n, d))


def called(points: np.ndarray, variant: str, seed: int) -> np.ndarray:
    """Return which frequencies are called periodic; none where nothing is left once the line is taken away."""
    if np.linalg.norm(prepare(points, variant)) <= 1e-9 * np.linalg.norm(points):
        return np.zeros(len(points) // 2, bool)
    return above_every_null(points, N_NULL, seed, variant)


def measured(trials: int) -> dict[str, Any]:
    """Return both tables: false positives by shape, power by signal; a row a question."""
    errors, power = [], []
    with bar("calibration") as progress:
        jobs = len(SHAPES) + 2 * len(SIGNALS)
        for i, name in enumerate(SHAPES):
            for variant in VARIANTS:
                hits = sum(
                    bool(called(nothing_periodic(name, np.random.default_rng([1, t])), variant, t).any())
                    for t in range(trials)
                )
                errors.append(_row({"shape": name, "variant": variant}, hits, trials))
            progress(i + 1, jobs, name)
        for j, (line, variant) in enumerate(((0.0, "raw"), (LINE, "detrended"))):
            for i, signal in enumerate(SIGNALS):
                n = trials // 5
                hits = sum(
                    bool(called(circle(signal, line, np.random.default_rng([2, t])), variant, t)[N // PERIOD - 1])
                    for t in range(n)
                )
                power.append(_row({"signal": signal, "line": line, "variant": variant}, hits, n))
                progress(len(SHAPES) + j * len(SIGNALS) + i + 1, jobs, f"signal {signal:g}")
    setting = {"numbers": N, "d": D, "n_null": N_NULL, "period": PERIOD, "trials": trials}
    return {"setting": setting, "false positives": errors, "power": power}


def figure(found: dict[str, Any], theme: str = "light") -> go.Figure:
    """Return the power curve, with the false-positive rates as its left end."""
    drawn = go.Figure()
    for line, name in ((0.0, "circle in noise, raw"), (LINE, f"beside a line of {LINE:g} times the noise, detrended")):
        rows = pd.DataFrame([row for row in found["power"] if row["line"] == line])
        drawn.add_scatter(
            x=rows["signal"], y=rows["rate"], name=name, mode="lines+markers",
            error_y={"array": rows["high"] - rows["rate"], "arrayminus": rows["rate"] - rows["low"]},
        )  # fmt: skip
    drawn.add_hline(y=0.9, line_dash="dot", annotation_text="power .9")
    drawn.add_hline(y=0.05, line_dash="dot", annotation_text="nominal level .05 (null)")
    setting, worst = found["setting"], max(row["rate"] for row in found["false positives"])
    n = found["power"][0]["n"]
    drawn.update_layout(
        template=template(theme),
        title={
            "text": f"How strong must a circle of period {setting['period']} be to be found above every null?",
            "subtitle": {
                "text": f"{setting['numbers']} numbers, d = {setting['d']}; n = {n} a point, 95 % intervals; lines, "
                f"logs, noise: at most {100 * worst:.1f} % of {setting['trials']:,} trials"
            },
        },
        xaxis_title="variance of the circle / variance of the noise",
        yaxis_title="share of trials in which it is found",
        yaxis_range=[-0.02, 1.05],
    )
    return drawn


def main(
    trials: Annotated[int, typer.Option(help="Trials of each shape; a fifth of them for each signal.", min=5)] = 1000,
    out: Annotated[Path, typer.Option(help="Where the files go.")] = OUT.parent / "out",
) -> None:
    """Measure, print and draw."""
    found = measured(trials)
    out.mkdir(parents=True, exist_ok=True)
    (out / "calibration.json").write_text(json.dumps(found, indent=1) + "\n")
    for name in ("false positives", "power"):
        frame = pd.DataFrame(found[name])
        frame.to_csv(out / f"calibration-{name.replace(' ', '-')}.csv", index=False)
        say(frame.to_string(index=False))
    export({out / "calibration": figure(found)}, possible("html", "png"))


def _row(what: dict[str, Any], hits: int, n: int) -> dict[str, Any]:
    interval = wilson(hits, n)
    return {**what, "hits": hits, "n": n, "rate": hits / n, "low": float(interval.low), "high": float(interval.high)}


if __name__ == "__main__":
    typer.run(main)
