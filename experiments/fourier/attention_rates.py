"""From pizza to clock by the attention rate, in small networks of our own: p = 59, 64 dimensions.

    python -m experiments.fourier.attention_rates [--steps 3000] [--out DIR]     writes attention_rates.json, png, html

Fixed before the run: rates 0, .1, ... 1, seeds 0 and 1, 3,000 steps of `interp.models.attention_training`, the rule of
`interp.fourier.algorithm`; what is kept says how far it came (about 75 CPU seconds a network). In the published phase
plot (128 dimensions, 20,000 steps) symmetricity falls between .5 and .7; 64 dimensions and a shorter training are
another setting.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import plotly.graph_objects as go
import typer

from experiments.fourier.files import write
from experiments.fourier.zhong_runs import Measured
from interp.progress import bar

RATES, SEEDS, P, D = tuple(round(0.1 * i, 1) for i in range(11)), (0, 1), 59, 64
RESULT = Path(__file__).with_suffix(".json")


def configuration(rate: float) -> dict[str, Any]:
    """Return the configuration of one network."""
    return {"C": P, "d_model": D, "n_heads": 4, "attn_coeff": rate, "act_fn": "ReLU", "n_layers": 1}


def row(rate: float, seed: int, steps: int) -> dict[str, Any]:
    """Train one network and return its evidence, beside that of the network it started from."""
    from interp.fourier.algorithm import classify, evidence
    from interp.fourier.circularity import circularity
    from interp.fourier.released import functions
    from interp.models.attention_rate import initial
    from interp.models.attention_training import train

    with bar(f"rate {rate:g}, seed {seed}") as progress:
        net = functions(train(configuration(rate), seed, steps, progress=progress))
    found = evidence(net)
    start = evidence(functions(initial(configuration(rate), seed)), n_triples=1000)
    return {
        "rate": rate,
        "seed": seed,
        "steps": steps,
        "label": classify(found),
        "symmetricity": found.symmetricity.mean,
        "standard_error": found.symmetricity.standard_error,
        "symmetricity_untrained": start.symmetricity.mean,
        "q": found.correct.q,
        "q_margin": found.margin.q,
        "clock": found.clock,
        "pizza": found.pizza,
        "accuracy": found.accuracy,
        "circularity": circularity(net.embed_a.numpy()).mean,
    }


def measured_rates(path: Path = RESULT) -> Measured:
    """Return whether symmetricity falls where the published runs have it fall, on the rates that are kept.

    Nothing where no rate up to .4, or none from .6 on, is kept.
    """
    rows = json.loads(path.read_text()) if path.is_file() else []
    rates = sorted({each["rate"] for each in rows})
    median = {r: float(np.median([each["symmetricity"] for each in rows if each["rate"] == r])) for r in rates}
    high, low = [median[r] for r in rates if r <= 0.4], [median[r] for r in rates if r >= 0.6]
    if not high or not low:
        return {}
    words = ", ".join(f"{rate:g}: {value:.3f}" for rate, value in median.items()) + f"; n = {len(rows)} networks"
    return {"phase change in small networks": (min(high) > 0.98 and max(low) < 0.9, None, words)}


def picture(rows: list[dict[str, Any]]) -> go.Figure:
    """Return both measures and both formulas against the rate, the median over seeds as a line."""
    from interp.figures.theme import BLUE, GREEN, NULL, ORANGE, VERMILLION, template

    figure = go.Figure(layout={"template": template("light")})
    lines = {
        "symmetricity": ("gradient symmetricity", GREEN, "solid"),
        "symmetricity_untrained": ("null: symmetricity, untrained", NULL, "dash"),
        "q": ("distance irrelevance", VERMILLION, "solid"),
        "clock": ("clock formula", BLUE, "solid"),
        "pizza": ("pizza formula", ORANGE, "solid"),
    }
    rates = sorted({each["rate"] for each in rows})
    for name, (title, colour, dash) in lines.items():
        x, y = ([each[key] for each in rows] for key in ("rate", name))
        hover = [
            f"{title}: {each[name]:.3f}<br>rate {each['rate']}, seed {each['seed']}: {each['label']}" for each in rows
        ]
        points = {"mode": "markers", "marker": {"color": colour}, "hovertext": hover, "hoverinfo": "text"}
        figure.add_scatter(x=x, y=y, name=title, showlegend=False, **points)
        middle = [float(np.median([each[name] for each in rows if each["rate"] == rate])) for rate in rates]
        figure.add_scatter(x=rates, y=middle, name=title, mode="lines", line={"color": colour, "dash": dash})
    seeds = len({each["seed"] for each in rows})
    figure.update_layout(
        title={
            "text": "From pizza to clock, in small networks",
            "subtitle": {"text": f"p = {P}, {D} dimensions, one layer · {seeds} seeds a rate, line: median"},
        }
    )
    figure.update_xaxes(title_text="attention rate")
    return figure.update_yaxes(title_text="value", range=[-0.05, 1.05])


def main(
    steps: int = 3000,
    out: Path = Path("experiments/fourier/out"),
    result: Annotated[
        Path, typer.Option(help="Where the rows are kept; networks that are there are not trained again.")
    ] = RESULT,
) -> None:
    """Train what is missing, one network after another, and draw."""
    from interp.cli.output import say

    rows = json.loads(result.read_text()) if result.is_file() else []
    known = {(each["rate"], each["seed"], each["steps"]) for each in rows}
    for seed in SEEDS:
        for rate in RATES:
            if (rate, seed, steps) not in known:
                rows.append(row(rate, seed, steps))
                result.write_text(json.dumps(rows, indent=1) + "\n")
    write(out, {}, [("attention-rates", picture(rows))])
    say(f"{len(rows)} networks are in {result}, the figure in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
