"""Filters: table 1, the errors, single-pass filters, and verdicts on what was published.

    python -m experiments.fourier.filters [--out DIR]

The published model (GPT-2-XL, fine-tuned) is not here: verdicts on it are `scaled` at best. What is said of the printed
basis can match.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import typer
import xarray as xr

from experiments.fourier.files import frame, write
from experiments.fourier.helix import sized
from experiments.fourier.number_runs import MAIN, MODULAR, NARROW, PLANTED, run, scale
from interp.figures import FIGURES
from interp.verdicts import Claim, Verdict, judge, read_claims

PUBLISHED = Path(__file__).parent / "published" / "filters.json"
MODELS = {MAIN: NARROW, PLANTED: None, MODULAR: None}
Measured = dict[str, tuple[bool, float | None, str]]


def printed_basis(n: int = 521) -> np.ndarray:
    """Return the basis as it is printed, [n, n]: angles 2 pi k i / (n - 1) on n numbers. It is no basis."""
    turn = 2 * np.pi * np.arange(1, (n - 1) // 2 + 1)[:, None] * np.arange(n) / (n - 1)
    rows = np.full((n, n), 1 / np.sqrt(n))
    rows[1::2], rows[2::2] = np.cos(turn) * np.sqrt(2 / n), np.sin(turn) * np.sqrt(2 / n)
    return rows


def measured_basis() -> Measured:
    """Return what is wrong with the printed basis."""
    F = printed_basis()
    rank, norm = int(np.linalg.matrix_rank(F)), float(np.linalg.norm(F[-2]))
    x = np.random.default_rng(0).standard_normal((len(F), 1000))
    lost = np.linalg.norm(F.T @ (F @ x) - x, axis=0) / np.linalg.norm(x, axis=0)
    error = float(np.sqrt(np.mean(np.square(lost))))
    ends = np.quantile(lost, [0.025, 0.975])
    return {
        "rank of the printed basis": (rank < len(F), rank, f"{rank} of {len(F)}"),
        "last row of the printed basis": (norm > 1.01, norm, f"{norm:.4f}"),
        "printed basis loses": (
            error > 0.01, error, f"{error:.4f} root mean square, single vectors {ends[0]:.3f} to {ends[1]:.3f}"
        ),
    }  # fmt: skip


def measured_model(model: str = MAIN, task: str | None = NARROW) -> Measured:
    """Return what filters take away from one model, and how its answers are wrong then."""
    found = run("filters", model, task)
    accuracy = {
        (side, module): [
            float(found[f"accuracy{end}"].sel(removed=side, module=module)) for end in ("", "_low", "_high")
        ]
        for side in ("low", "high")
        for module in ("attn", "mlp", "both")
    }
    words = {key: f"{v:.3f} [{low:.3f}, {high:.3f}]" for key, (v, low, high) in accuracy.items()}
    n = f"n = {int(found.n)}"

    def fewest(side: str) -> tuple[float, float]:
        null = found.accuracy_null.sel(removed=side, module="both", control="random subspace")
        return float(null.min()), float(null.max())

    p = float(found.p_value.sel(removed="low", module="both", control="shuffled numbers"))
    told: Measured = {}
    for side, most in (("low", 0.2), ("high", 0.5)):
        value, (least, largest) = accuracy[side, "both"][0], fewest(side)
        told[f"{side} from both"] = (
            value <= most and value < least, value,
            f"{words[side, 'both']}, random subspaces {least:.2f} to {largest:.2f}, {n}",
        )  # fmt: skip
    return told | measured_errors(found) | {
        "MLPs carry the low": (
            accuracy["low", "attn"][0] >= 0.9 and accuracy["low", "mlp"][0] <= 0.5, accuracy["low", "mlp"][0],
            f"MLPs {words['low', 'mlp']}, attention {words['low', 'attn']}, {n}",
        ),
        "attention carries the high": (
            accuracy["high", "attn"][2] < accuracy["high", "mlp"][1], accuracy["high", "attn"][0],
            f"attention {words['high', 'attn']}, MLPs {words['high', 'mlp']}, {n}",
        ),
        "more than that much about numbers": (
            p <= 0.05, p,
            f"p = {p:.3f}, shuffled numbers keep "
            f"{float(found.accuracy_null.sel(removed='low', module='both', control='shuffled numbers').mean()):.2f}",
        ),
    }  # fmt: skip


def measured_errors(found: xr.Dataset) -> Measured:
    """Return how filtered answers are wrong, and what single periods keep right."""

    def errors(side: str, module: str, kind: str) -> tuple[float, float, str]:
        here = found.sel(removed=side, module=module)
        share, null = (float(here[name].sel(kind=kind)) for name in ("error_share", "error_share_null"))
        return share, null, f"{share:.2f}, chance {null:.2f}, n = {int(here.n_wrong)} wrong"

    tens, near = errors("low", "mlp", "multiple of 10"), errors("high", "attn", "less than 6")
    kept, alone, n = float(found.kept_same.sel(kept=2)), 1 - float(found.kept_accuracy[-1]), f"n = {int(found.n)}"
    return {
        "errors by tens": (tens[0] >= 0.5 and tens[0] > tens[1], None, tens[2]),
        "errors that are near": (near[0] >= 0.5 and near[0] > near[1], None, near[2]),
        "parity from T = 2": (
            kept >= 0.9, kept, f"{kept:.3f}, chance {float(found.kept_same_chance.sel(kept=2)):.2f}, {n}"
        ),
        "one long wave is not enough": (alone >= 0.9, alone, f"{alone:.3f} wrong, {n}"),
    }  # fmt: skip


def verdicts(model: str = MAIN) -> list[Verdict]:
    """Return a verdict on every published claim about filters."""
    found = measured_basis() | measured_model(model, MODELS.get(model))
    return [_judged(claim, found[claim.name], model) for claim in read_claims(PUBLISHED).values()]


def _judged(claim: Claim, found: tuple[bool, float | None, str], model: str) -> Verdict:
    return judge(claim, "basis" if "basis" in claim.models else model, found[0], found[1], found[2])


def table() -> pd.DataFrame:
    """Return table 1 for each model: loss and accuracy by what is removed from where, beside both controls."""
    lines = []
    for model, task in MODELS.items():
        found = run("filters", model, task)
        about = {"model": model, "scale": scale(model), "task": found.attrs["task"], "n": int(found.n)}
        lines.append(about | {"removed": "-", "from": "-", "accuracy": float(found.accuracy_base),
                              "loss": float(found.loss_base)})  # fmt: skip
        for side in found.removed.values:
            for module in found.module.values:
                here = found.sel(removed=side, module=module)
                null = here.accuracy_null.mean("draw")
                lines.append(about | {
                    "removed": str(side), "from": str(module), "rank": int(here["rank"]),
                    "of": int(found.attrs["d_model"]), "accuracy": float(here.accuracy), "loss": float(here.loss),
                    **{f"accuracy, {c}": float(null.sel(control=c)) for c in here.control.values},
                    **{f"p, {c}": float(here.p_value.sel(control=c)) for c in here.control.values},
                })  # fmt: skip
    return pd.DataFrame(lines)


def pictures() -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure): what filters take away, how answers are wrong, single periods; sizes in the captions."""
    for model, task in MODELS.items():
        for drawing in FIGURES["filters"]:
            yield (
                f"filters-{model.replace(':', '-')}-{drawing.name}",
                sized(drawing(run("filters", model, task)), model),
            )


def main(out: Annotated[Path, typer.Option(help="Where files go.")] = Path("experiments/fourier/out")) -> None:
    """Write the figures, table 1 and the verdicts."""
    from interp.cli.output import say

    n = write(out, {"filters-verdicts": frame(verdicts()), "filters-table1": table()}, pictures())
    say(f"{n} figures, table 1 and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
