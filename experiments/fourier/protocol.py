"""Which recorded runs tell whether a model computes in periods? Of one that must, one that learned to, and one asked.

    python -m experiments.fourier.protocol                   records what is missing, writes experiments/fourier/out
    python -m experiments.fourier.protocol mental-filters    some parts

The planted model is the positive control of every method: what it does not find there, it cannot find elsewhere.
`planted:helix` adds on circles of the periods 2, 5, 10 and 200; `modadd-59` grokked addition modulo 59; `mental-math`
is a small Llama trained on sums. Every part is a Spec, asked and kept by `interp.execute.record`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from interp.cli.output import say
from interp.errors import InterpError, nearest
from interp.execute import record
from interp.figures import FIGURES, drawing
from interp.figures.export import export, possible
from interp.progress import Progress, bar
from interp.store import Spec, Store

PLANTED, LEARNED, ASKED = "planted:helix", "modadd-59", "mental-math"


def _asked(method: str, model: str, task: str | None = "a+b", **parameters: Any) -> Spec:
    given = {"method": method, "model": model, "parameters": parameters}
    return Spec.model_validate(given if task is None else {**given, "task": task})


PARTS: dict[str, Spec] = {
    "planted-spectra": _asked("spectra", PLANTED),
    "planted-helix": _asked("helix", PLANTED),
    "planted-planes": _asked("planes", PLANTED),
    "planted-filters": _asked("filters", PLANTED),
    "planted-digits": _asked("digit_probes", PLANTED),
    "planted-rotation": _asked("digit_rotation", PLANTED),
    "learned-spectrum": _asked("spectrum", LEARNED, None),
    "learned-grokking": _asked("grokking", LEARNED, None),
    "learned-algorithm": _asked("clock_pizza", LEARNED, None),
    "mental-spectrum": _asked("spectrum", ASKED, None),
    "mental-unembedding": _asked("spectrum", ASKED, None, of="unembed"),
    "mental-spectra": _asked("spectra", ASKED),
    "mental-helix": _asked("helix", ASKED),
    "mental-planes": _asked("planes", ASKED),
    "mental-filters": _asked("filters", ASKED),
    "mental-digits": _asked("digit_probes", ASKED),
    "mental-rotation": _asked("digit_rotation", ASKED),
    "mental-codes": _asked("digit_codes", ASKED),
    "mental-convergence": _asked("convergence", ASKED),
}
"""Each part is the Spec that answers it."""


def follow(store: Store, progress: Progress, only: tuple[str, ...] | None = None) -> dict[str, str]:
    """Return {part: run id}, recording what is missing. Raises InterpError for a part that is not known."""
    runs = {}
    for name in only or tuple(PARTS):
        if name not in PARTS:
            raise InterpError(f"there is no part {name!r}. {nearest(name, PARTS)}")
        runs[name] = record(PARTS[name], store, progress)
    return runs


def said(store: Store, runs: dict[str, str]) -> list[str]:
    """Return what each part says in words, a line a part."""
    return [f"{name}: {drawing(PARTS[name].method).summary(store.open(run).load())}" for name, run in runs.items()]


def draw(store: Store, run_id: str, figure: str | None = None) -> Any:
    """Return one figure of a recorded run (default: the first of its method)."""
    dataset = store.open(run_id).load()
    return drawing(str(dataset.attrs["method"]), figure)(dataset)


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Parts; all without.")] = None,
    out: Path = Path("experiments/fourier/out"),
    store: Annotated[Path | None, typer.Option(help="Where runs are kept.")] = None,
) -> None:
    """Record the Fourier analyses of the three models and draw their figures."""
    opened = Store(store)
    with bar("fourier") as progress:
        runs = follow(opened, progress, only=tuple(names) if names else None)
    figures: dict[str | Path, Any] = {
        out / f"{name}-{found.name}": draw(opened, run_id, found.name)
        for name, run_id in runs.items() for found in FIGURES[PARTS[name].method]
    }  # fmt: skip
    files = export(figures, possible("html", "png"))
    for line in said(opened, runs):
        say(line)
    say(f"{len(files)} files are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
