"""How much faster than one neuron at a time is the share of each frequency in many neurons, with equal numbers?

    python -m experiments.benchmarks.fourier_neurons          writes fourier_neurons.json, prints a table
    python -m experiments.benchmarks.fourier_neurons --json   prints the same as JSON

The work: activations [a, b, neuron] of p = 113 and 2,048 neurons, float64, to the share of all 56 frequencies in each.

    loop            for every neuron: centre, F x F^T by two products with the cached basis, square, then for every k
                    the sum over its 3 x 3 block. The neuron is first cut out of [a, b, neuron], as a model gives it.
    loop, copied    the same on a copy [neuron, a, b] that was made for nothing: the best layout for a loop
    loop, no blocks the same copy, and the blocks of all k summed by one reshape instead of a loop over k
    ours            `interp.fourier.neurons.fve`

All take the basis from the same cache. The ratio that is asked for is that of the first loop; the others say how much
of it is layout and how much the loop over k. CPU time of one process and thread, paired and shuffled rounds; before any
timing every number must agree to `SAME`.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from experiments.benchmarks.subject import ratio, rounds
from interp.cli.output import say
from interp.errors import InterpError
from interp.fourier.basis import basis
from interp.fourier.neurons import fve
from interp.models.devices import threads

P, NEURONS = 113, 2048
SAME = 1e-10
AT_LEAST = 8.0
OUT = Path(__file__).with_suffix(".json")


def activations(p: int = P, n: int = NEURONS) -> np.ndarray:
    """Return random ReLU neurons [a, b, neuron] of a sum of two functions, float64, seeded."""
    f, g = np.random.default_rng(0).standard_normal((2, p, n))
    return np.maximum(f[:, None] + g[None], 0)


def one_by_one(x: np.ndarray) -> np.ndarray:
    """Return the shares [frequency, neuron] of x [a, b, neuron], a neuron at a time."""
    return np.stack([_blocks_by_loop(_squares(x[:, :, i])) for i in range(x.shape[2])], 1)


def copied(x: np.ndarray) -> np.ndarray:
    """Return the same of x [neuron, a, b]."""
    return np.stack([_blocks_by_loop(_squares(each)) for each in x], 1)


def copied_without_blocks(x: np.ndarray) -> np.ndarray:
    """Return the same of x [neuron, a, b], the blocks of a neuron by one reshape."""
    return np.stack([_blocks_at_once(_squares(each)) for each in x], 1)


def _squares(neuron: np.ndarray) -> np.ndarray:
    waves = basis(len(neuron))
    return np.square(waves @ (neuron - neuron.mean()) @ waves.T)


def _blocks_by_loop(squares: np.ndarray) -> np.ndarray:
    total, blocks = squares.sum(), [[0, 2 * k - 1, 2 * k] for k in range(1, len(squares) // 2 + 1)]
    return np.array([squares[np.ix_(block, block)].sum() for block in blocks]) / total


def _blocks_at_once(squares: np.ndarray) -> np.ndarray:
    k = len(squares) // 2
    own = squares[1:, 1:].reshape(k, 2, k, 2).sum((1, 3)).diagonal()
    return (own + squares[0, 1:].reshape(k, 2).sum(1) + squares[1:, 0].reshape(k, 2).sum(1)) / squares.sum()


def measure(n_rounds: int, p: int = P, n: int = NEURONS) -> dict[str, Any]:
    """Return times, ratios and the largest difference. Raises InterpError where the numbers are not equal."""
    x = activations(p, n)
    by_neuron = np.ascontiguousarray(x.transpose(2, 0, 1))
    contestants = {
        "loop": lambda: one_by_one(x),
        "loop, copied": lambda: copied(by_neuron),
        "loop, no blocks": lambda: copied_without_blocks(by_neuron),
        "ours": lambda: fve(x),
    }
    found = {name: run() for name, run in contestants.items()}
    gap = max(float(np.abs(found[name] - found["ours"]).max()) for name in contestants)
    if not gap <= SAME:
        raise InterpError(f"The shares differ by {gap:.2g}: expected at most {SAME:g}, so times mean nothing.")
    taken = rounds(contestants, n_rounds)
    rows = []
    for name, seconds in taken.items():
        middle, low, high = ratio(seconds, taken["ours"])
        ends = {"ratio": middle, "ratio_low": low, "ratio_high": high}
        rows.append({"work": name, "seconds": float(np.median(seconds)), **ends})
    return {"p": p, "neurons": n, "rounds": n_rounds, "gap": gap, "at_least": AT_LEAST, "rows": rows}


def table(found: dict[str, Any]) -> str:
    """Return the times as lines of text, with what was asked for."""
    lines = [f"p = {found['p']}, {found['neurons']:,} neurons", f"{'work':18}{'CPU s':>8}{'ratio to ours':>16}"]
    for row in found["rows"]:
        ends = f"{row['ratio']:.1f} [{row['ratio_low']:.1f}, {row['ratio_high']:.1f}]"
        lines.append(f"{row['work']:18}{row['seconds']:8.3f}{ends:>20}")
    lines.append(f"asked: at least {found['at_least']:g} against the loop; largest difference {found['gap']:.1e}")
    return "\n".join(lines)


def main(
    rounds_: Annotated[int, typer.Option("--rounds", min=2)] = 7,
    out: Path = OUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure the share of each frequency in many neurons against one neuron at a time."""
    from threadpoolctl import threadpool_limits

    with threads(1), threadpool_limits(1):
        found = measure(rounds_)
    note = "CPU seconds of one process, one thread, medians of shuffled paired rounds"
    found = {"note": note, "numpy": np.__version__, "python": platform.python_version(), "threads": 1, **found}
    out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found)) if as_json else say(table(found))


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
