"""Does a sweep cost what must be computed, and no more, as models, prompts and batches grow?

    python -m experiments.benchmarks.sweep_growth       writes sweep_growth.json and .png beside this file

    bound(L, S) = 1 + sum over layers l, positions p of ((L - 1 - l) (S - p) + 1) / (L S)    in forwards

One forward for the clean run; then for the residual of every layer and position patched alone: every later block but
the last at every position from p on, and of the last block one query. The forward is the sweep's own, without hooks,
on the same prompts. A flat ratio time / bound says that nothing is computed twice and nothing grows that should not;
values below 1 are possible where a plain forward is short of work and the stacked sweep is not.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

from experiments.benchmarks.subject import llama, pair, rounds
from interp.cli.output import say
from interp.engine import Intervention, Lean, Rows, Site, sweep
from interp.figures.export import browser, export
from interp.models.devices import threads

OUT = Path(__file__).with_suffix(".json")
USUAL = {"layers": 4, "positions": 12, "pairs": 16}
GROWTH = {"layers": (2, 4, 8, 16), "positions": (4, 8, 16, 32), "pairs": (1, 4, 16, 64, 128)}


def bound(n_layers: int, n_pos: int) -> float:
    """Return the forwards that an exhaustive sweep over the residual needs at least."""
    later = sum((n_layers - 1 - layer) * (n_pos - place) + 1 for layer in range(n_layers) for place in range(n_pos))
    return 1 + later / (n_layers * n_pos)


def residual_edits(lean: Lean, clean: Any) -> list[list[Intervention]]:
    """Return one edit a layer and position: the residual of the clean prompts."""
    with torch.no_grad():
        resid = lean.trace(clean.tokens).resid_pre
    return [
        [Intervention(Site("resid_pre", layer), (role,), Rows(resid[layer][:, [place]]))]
        for layer in range(lean.n_layers) for place, role in enumerate(clean.roles)
    ]  # fmt: skip


def answer(logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    """Return a logit difference; random models have no answer, so of two tokens."""
    return logits[:, 3] - logits[:, 4]


def point(layers: int, positions: int, pairs: int, n_rounds: int) -> dict[str, Any]:
    """Return what one size costs."""
    model = llama(layers)
    lean = Lean.of(model)
    clean, corrupted = pair(pairs, positions)
    edits = residual_edits(lean, clean)

    def forward() -> None:
        with torch.no_grad():
            lean.trace(corrupted.tokens)

    taken = rounds({"forward": forward, "sweep": lambda: sweep(model, corrupted, edits, answer)}, n_rounds)
    forwards = float(np.median(taken["sweep"] / taken["forward"]))
    return {
        "layers": layers, "positions": positions, "pairs": pairs, "patches": len(edits),
        "forward_ms": 1e3 * float(np.median(taken["forward"])), "sweep_ms": 1e3 * float(np.median(taken["sweep"])),
        "forwards": forwards, "bound": bound(layers, positions), "over_bound": forwards / bound(layers, positions),
    }  # fmt: skip


def table(points: list[dict[str, Any]]) -> str:
    """Return the sizes as lines of text."""
    lines = ["layers positions pairs  patches  forward ms   sweep ms  forwards    bound  time/bound"]
    for p in points:
        lines.append(
            f"{p['layers']:6}{p['positions']:10}{p['pairs']:6}{p['patches']:9}{p['forward_ms']:12.2f}"
            f"{p['sweep_ms']:11.1f}{p['forwards']:10.1f}{p['bound']:9.1f}{p['over_bound']:12.2f}"
        )
    ratios = [p["over_bound"] for p in points]
    lines.append(f"time/bound {min(ratios):.2f} to {max(ratios):.2f}: a factor of {max(ratios) / min(ratios):.2f}")
    return "\n".join(lines)


def figure(points: list[dict[str, Any]]) -> Any:
    """Return time / bound against each size, the others at their usual value."""
    from plotly.subplots import make_subplots

    from interp.figures import theme as look

    fig = make_subplots(1, len(GROWTH), shared_yaxes=True, subplot_titles=list(GROWTH), horizontal_spacing=0.04)
    for column, (name, sizes) in enumerate(GROWTH.items(), start=1):
        own = [p for p in points if all(p[other] == USUAL[other] for other in GROWTH if other != name)]
        own = sorted(own, key=lambda p: p[name])
        fig.add_scatter(
            x=[p[name] for p in own], y=[p["over_bound"] for p in own], mode="lines+markers", row=1, col=column,
            showlegend=False, hovertemplate=f"{name} %{{x}}<br>time / bound %{{y:.2f}}<extra></extra>",
        )  # fmt: skip
        fig.update_xaxes(type="log", tickvals=list(sizes), ticktext=[str(size) for size in sizes], row=1, col=column)
        fig.add_hline(y=1, line_dash="dot", line_width=1, row=1, col=column)  # type: ignore[arg-type]
    fig.update_yaxes(title_text="time / bound", range=[0, 2], row=1, col=1)
    usual = ", ".join(f"{size} {name}" for name, size in USUAL.items())
    fig.update_layout(
        title=f"Exhaustive residual patching against its lower bound<br><sup>others fixed at {usual}; "
        "CPU time, one thread, median of shuffled rounds</sup>",
        template=look.template("light"), height=400,
    )  # fmt: skip
    return fig


def main(out: Path = OUT, n_rounds: int = 5) -> None:
    """Measure sweeps of many sizes against their lower bound."""
    sizes = [{**USUAL, name: size} for name, values in GROWTH.items() for size in values]
    with threads(1):
        points = [point(**size, n_rounds=n_rounds) for size in {tuple(s.items()): s for s in sizes}.values()]
    note = "CPU seconds of one process, one thread, median of shuffled rounds; forwards are of the sweep's own forward"
    versions = {"torch": torch.__version__, "python": platform.python_version(), "threads": 1, "rounds": n_rounds}
    out.write_text(json.dumps({"note": note, **versions, "points": points}, indent=2) + "\n", encoding="utf-8")
    if browser() is not None:
        export({out.with_suffix(""): figure(points)}, ("png",), width=1000)
    say(table(points))


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
