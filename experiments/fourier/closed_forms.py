"""Closed forms: margins against their bound, random phases, ideal neurons, energy without a probe. Seconds on a CPU.

    python -m experiments.fourier.closed_forms [--out DIR]

Nothing here is trained but small quadratic networks (p <= 23); the rest is exact to rounding.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.fourier.closed_forms_figures import pictures
from experiments.fourier.files import frame, write
from interp.fourier import ideal
from interp.fourier.basis import basis, rows, transform_2d
from interp.fourier.class_probe import folds, held_out
from interp.fourier.separation import counterexample, phi, scatter
from interp.models.quadratic import gamma_star, max_margin, random_phase
from interp.models.quadratic_training import Trained, train_quadratic
from interp.verdicts import Verdict, judge, read_claims

PUBLISHED = Path(__file__).parent / "published" / "closed_forms.json"
PAIRS, TRIPLES, FOURS = (5, 7, 11, 23, 59, 113), (5, 7), (5,)
WIDTHS, DRAWS = (0.5, 1, 2, 4, 8), 20
TRAINED, SEEDS, NEURONS = (11, 17, 23), 3, 6  # neurons a class
NANDA = (14, 35, 41, 42, 52)
DRIFTS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.3, 30.3, 100.3)
Measured = dict[str, tuple[bool, float | None, str]]


@functools.cache
def margins() -> pd.DataFrame:
    """Return a line a closed form: k, p, neurons, gamma_star, lowest and highest margin / gamma_star - 1."""
    lines = []
    for k, moduli in ((2, PAIRS), (3, TRIPLES), (4, FOURS)):
        for p in moduli:
            network = max_margin(p, k)
            off = network.margins() / gamma_star(p, k) - 1
            told = {"k": k, "p": p, "neurons": len(network.outputs), "gamma_star": gamma_star(p, k)}
            lines.append({**told, "lowest": off.min(), "highest": off.max(), "accuracy": network.accuracy()})
    return pd.DataFrame(lines)


@functools.cache
def widths() -> pd.DataFrame:
    """Return a line a draw of random phases: p, N / p, accuracy."""
    lines = [
        {"p": p, "width": width, "draw": draw, "accuracy": random_phase(p, int(width * p), draw).accuracy()}
        for p in (23, 97)
        for width in WIDTHS
        for draw in range(DRAWS)
    ]
    return pd.DataFrame(lines)


@functools.cache
def trained() -> dict[tuple[int, int], Trained]:
    """Return {(p, seed): a trained network}."""
    return {(p, seed): train_quadratic(p, NEURONS * p, seed=seed) for p in TRAINED for seed in range(SEEDS)}


@functools.cache
def drifts() -> pd.DataFrame:
    """Return a line a drift of the counterexample (N = 1000, T = 10): Phi / N and the held-out accuracy of a probe."""
    labels, noise, lines = np.arange(1000) % 10, np.random.default_rng(0).standard_normal((1000, 1)), []
    for drift in DRIFTS:
        points = counterexample(1000, 10, 1.0, drift)
        told = held_out(points + 1e-3 * noise, labels, folds(1000, 10, "interleaved"))
        right = float(np.mean(told.truth == told.predicted))
        lines.append({"drift": drift, "phi": phi(points, 10) / 1000, "accuracy": right})
    return pd.DataFrame(lines)


def one_frequency(network: Any) -> tuple[float, int]:
    """Return the median over neurons of the share of power in one frequency, and how many frequencies lead a neuron."""
    both = np.concatenate([*network.inputs, network.outputs], axis=0)
    power = np.stack([((both @ basis(network.p)[rows(network.p, k)].T) ** 2).sum(1)
                      for k in range(1, network.p // 2 + 1)])  # fmt: skip
    large = power.sum(0) > 1e-3 * power.sum(0).max()  # neurons that the penalty has put out say nothing
    return float(np.median((power.max(0) / power.sum(0))[large])), len(np.unique(power.argmax(0)[large]))


def measured() -> Measured:
    """Return what each claim came to: does it hold, the number, in words."""
    found: Measured = {}
    for k, lines in margins().groupby("k"):
        off = float(lines[["lowest", "highest"]].abs().to_numpy().max())
        found[f"margin, k = {k}"] = (off < 1e-12, off, f"{off:.1e}, p = {', '.join(map(str, lines.p))}")
    logits = max_margin(23).logits()
    outside = _outside(logits)
    found["sum directions"] = (outside < 1e-12, outside, f"{outside:.1e}")
    best = max(float(each.efficiency.max()) for each in trained().values())
    last = [float(each.efficiency[-1]) for each in trained().values()]
    words = f"largest {best:.5f}; at the end {min(last):.3f} to {max(last):.3f}, {len(last)} networks"
    found["nothing exceeds gamma_star"] = (best <= 1 + 1e-9, None, words)
    pure = {key: one_frequency(each.network) for key, each in trained().items()}
    every = all(count == p // 2 for (p, _), (_, count) in pure.items())
    least = min(share for share, _ in pure.values())
    words = f"every frequency in {sum(c == p // 2 for (p, _), (_, c) in pure.items())} of {len(pure)}; median share of "
    words += f"a neuron's power in one frequency at least {least:.3f}"
    found["trained networks use every frequency"] = (every and least > 0.95, None, words)
    return found | _phases() | _ideals() | _energies()


def _outside(logits: np.ndarray) -> float:
    """Return the share of centred logit energy that does not depend on a + b alone."""
    p, rest = len(logits), logits - logits.mean((0, 1))
    total = (np.arange(p)[:, None] + np.arange(p)) % p
    means = np.stack([rest[total == s].mean(0) for s in range(p)])
    return float(((rest - means[total]) ** 2).sum() / (rest**2).sum())


def _phases() -> Measured:
    table = widths().groupby(["p", "width"]).accuracy.agg(["min", "mean", "max"])
    wide = table.loc[(97, 2)]
    found: Measured = {"random phases, p = 97": (wide["min"] == 1, float(wide["min"]), f"{wide['min']:.4f}")}
    for width, name in ((1, "N = p"), (2, "N = 2p"), (4, "N = 4p"), (8, "N = 8p")):
        low, mean, high = table.loc[(23, width)]
        grows = mean > 1 / 23 and (width == 1 or mean >= table.loc[(23, width / 2), "mean"])
        words = f"{mean:.4f} ({low:.3f} to {high:.3f}), {DRAWS} draws"
        found[f"random phases, p = 23, {name}"] = (bool(grows), float(mean), words)
    return found


def _ideals() -> Measured:
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (40, 2))
    shares = {}
    for name, make, k in (("ReLU neuron", ideal.relu_neuron, 14), ("abs neuron", ideal.abs_neuron, 14),
                          ("abs neuron, double", ideal.abs_neuron, 28)):  # fmt: skip
        shares[name] = float(np.mean([_block(make(113, 14, *each), k) for each in phases]))
    found: Measured = {name: (True, value, f"{value:.4f}, 40 phases") for name, value in shares.items()}
    for name, keys in (("margin of five cosines", NANDA), ("margin of all cosines", range(1, 57))):
        profile = np.mean([np.cos(2 * np.pi * k * np.arange(1, 113) / 113) for k in keys], axis=0)
        value = float(1 - profile.max())
        found[name] = (value > 0, value, f"{value:.4f}")
    return found


def _block(grid: np.ndarray, k: int) -> float:
    squares = transform_2d(grid - grid.mean()) ** 2
    block = np.concatenate([[0], rows(len(grid), k)])
    return float(squares[np.ix_(block, block)].sum() / squares.sum())


def _energies() -> Measured:
    rng, off = np.random.default_rng(0), 0.0
    for n, period in ((100, 10), (100, 2), (60, 3), (35, 5)) * 10:
        points = rng.standard_normal((n, 8))
        trace = np.trace(scatter(points, np.arange(n) % period).between)
        off = max(off, abs(phi(points, period) / n / trace - 1))
    table = drifts()
    far = float(table.phi.iloc[int((table.phi - 8.25).abs().argmax())])
    last = float(table.accuracy.iloc[-1])
    return {
        "energy is scatter": (off < 1e-12, off, f"{off:.1e}"),
        "energy of the counterexample": (abs(far - 8.25) < 1e-9, far, f"{far:.12f}, {len(table)} drifts"),
        "probe of the counterexample": (last < 0.15, last, f"{last:.3f} (drift 0: {table.accuracy.iloc[0]:.3f})"),
    }


def verdicts() -> list[Verdict]:
    """Return a verdict on every claim."""
    found = measured()
    return [judge(claim, claim.models[0], *found[claim.name]) for claim in read_claims(PUBLISHED).values()]


def main(out: Path = Path("experiments/fourier/out")) -> None:
    """Write the tables, figures and verdicts."""
    from interp.cli.output import say

    tables = {"margins": margins(), "random-phases": widths(), "energy-without-probe": drifts()}
    tables |= {"closed-forms-verdicts": frame(verdicts())}
    n = write(out, tables, pictures(widths(), trained(), drifts()))
    say(f"{n} figures, three tables and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
