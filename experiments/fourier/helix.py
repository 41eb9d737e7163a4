"""Helices: the fit beside its nulls, the patch beside its rivals, planes taken out, and verdicts on what was published.

    python -m experiments.fourier.helix [--out DIR]

The published models are not here: verdicts on them are `scaled` at best. Numbers about the fit itself can match.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import typer

from experiments.fourier import helix_nulls
from experiments.fourier.files import frame, write
from experiments.fourier.number_runs import MAIN, MODULAR, PLANTED, run, scale
from interp.figures import FIGURES
from interp.fourier.helix import design, helix, r_squared
from interp.verdicts import Claim, Verdict, judge, read_claims

PUBLISHED = Path(__file__).parent / "published" / "helix.json"
MODELS = (MAIN, PLANTED, MODULAR)
NUMBERS = np.arange(100)
Measured = dict[str, tuple[bool, float | None, str]]


def measured_fit(draws: int = 20_000) -> Measured:
    """Return what helices explain of numbers in which nothing is periodic."""
    rng, terms, line = np.random.default_rng(0), helix(NUMBERS), helix(NUMBERS, [100])
    rank = int(np.linalg.matrix_rank(design(terms, NUMBERS, NUMBERS)))
    white = r_squared(rng.standard_normal((100, draws)), NUMBERS, terms)
    walk = r_squared(rng.standard_normal((100, draws)).cumsum(0), NUMBERS, terms)
    tail = float(np.quantile(white, 0.999))
    found: Measured = {
        "rank": (rank == 9, rank, f"{rank}"),
        "white rows": (True, float(white.mean()), f"{white.mean():.4f}, n = {draws:,} rows"),
        "white rows, 99.9 %": (True, tail, f"{tail:.3f}, n = {draws:,} rows"),
        "random walk": (True, float(walk.mean()), f"{walk.mean():.3f}, n = {draws:,} walks"),
    }
    for name, x in (("logarithm", np.log1p(NUMBERS)), ("square root", np.sqrt(NUMBERS))):
        whole, smooth = (float(r_squared(x[:, None], NUMBERS, each)[0]) for each in (terms, line))
        found[name] = (smooth > 0.99 * whole, whole, f"{whole:.3f}, T = 100 and the line {smooth:.3f}")
    return found


def measured_model(model: str = MAIN) -> Measured:
    """Return what the helix says and does in one model, before block 0."""
    found, planes = run("helix", model).sel(layer=0), run("planes", model)
    forms, last = found.isel(k=-1), {}
    for form in forms.form.values:
        last[str(form)] = [float(forms[f"recovered{end}"].sel(form=form)) for end in ("", "_low", "_high")]
    ours, n = last["helix"], f"n = {int(found.n)} pairs"
    words = {form: f"{v:.2f} [{low:.2f}, {high:.2f}]" for form, (v, low, high) in last.items()}
    p, partial = (found[name].sel(model="all") for name in ("p_corrected", "partial"))
    moved, true = float(abs(found.moved_null.isel(k=-1).mean())), float(found.moved_true)
    out = planes.sel(subspace="all periods, layer 0", mode="mean", control="matched")
    return {
        "numbers are helices": (
            bool(found.significant.all()), None,
            ", ".join(
                f"{s}: partial {float(partial.sel(scheme=s)):.3f}, p = {float(p.sel(scheme=s)):.3f}"
                for s in found.scheme.values
            ) + f"; n = {int(found.n_numbers)} numbers",
        ),
        "close to the layer patch": (ours[0] >= 0.9, ours[0], f"{words['helix']}, activation "
                                     f"{float(found.recovered_true):.2f}, {n}"),
        "helix at least circle": (
            ours[0] >= last["circle"][0] - 0.02, None, f"helix {words['helix']}, circle {words['circle']}, {n}"
        ),
        "helix beats components": (
            ours[1] > last["pca"][2], None, f"helix {words['helix']}, components {words['pca']}, {n}"
        ),
        "helix beats polynomial": (
            ours[1] > last["polynomial"][2], None, f"helix {words['helix']}, polynomial {words['polynomial']}, {n}"
        ),
        "shuffled helix does nothing": (
            moved <= 0.1 * true, moved / true, f"{moved:.1f} of {true:.1f} logits, {n}"
        ),
        "planes are needed": (
            bool(out.p_corrected <= 0.05), None,
            f"accuracy {float(out.accuracy):.2f}, planes of equal variance "
            f"{float(out.accuracy_null.min()):.2f} to {float(out.accuracy_null.max()):.2f}, "
            f"p = {float(out.p_corrected):.2f}",
        ),
    }  # fmt: skip


def verdicts(model: str = MAIN) -> list[Verdict]:
    """Return a verdict on every published claim about helices."""
    found = measured_fit() | measured_model(model)
    return [_judged(claim, found[claim.name], model) for claim in read_claims(PUBLISHED).values()]


def _judged(claim: Claim, found: tuple[bool, float | None, str], model: str) -> Verdict:
    return judge(claim, "fit" if "fit" in claim.models else model, found[0], found[1], found[2])


def patch_table() -> pd.DataFrame:
    """Return what each form brings back before block 0: a line a model, number of periods and form."""
    lines = []
    for model in MODELS:
        found = run("helix", model).sel(layer=0)
        for k in found.k.values:
            for form in found.form.values:
                here = found.sel(k=k, form=form)
                lines.append({
                    "model": model, "scale": scale(model), "periods": int(k), "form": str(form),
                    "rank": int(here["rank"]), "recovered": float(here.recovered), "low": float(here.recovered_low),
                    "high": float(here.recovered_high), "says the answer": float(here.follows),
                    "shuffled helix": float(here.recovered_null.mean()), "mean": float(here.recovered_mean),
                    "true": float(here.recovered_true), "n": int(here.n),
                })  # fmt: skip
    return pd.DataFrame(lines)


def pictures() -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure): codes without a period; fit, patch, circles and planes of three models."""
    yield "helix-nulls", helix_nulls.figure(helix_nulls.table())
    for method in ("helix", "planes"):
        for model in MODELS:
            for drawing in FIGURES[method]:
                yield f"{method}-{model.replace(':', '-')}-{drawing.name}", sized(drawing(run(method, model)), model)


def sized(figure: go.Figure, model: str) -> go.Figure:
    """Return the figure with the model's size in its caption."""
    told = figure.to_dict()["layout"]["title"]["subtitle"]["text"]
    return figure.update_layout(title_subtitle_text=f"{told} · {scale(model)}")


def main(out: Annotated[Path, typer.Option(help="Where files go.")] = Path("experiments/fourier/out")) -> None:
    """Write the figures, the patch table and the verdicts."""
    from interp.cli.output import say

    tables = {"helix-verdicts": frame(verdicts()), "helix-nulls": helix_nulls.table(), "helix-patch": patch_table()}
    n = write(out, tables, pictures())
    say(f"{n} figures, the patch table and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
