"""Which recorded runs tell what computes an answer inside one model?

    python -m experiments.circuits.protocol                   records what is missing, writes experiments/circuits/out
    python -m experiments.circuits.protocol key_heads carry   some parts

Every part is a Spec, asked and kept by `interp.execute.record`: what is recorded already is not computed again. Parts
read the present store; figures go to `out` as HTML and, where there is a Chromium, as pictures.
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

PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "denoising": ("patching", {}),
    "noising": ("patching", {"direction": "noising"}),
    "mlps": ("patching", {"component": "mlp_out"}),
    "heads": ("head_patching", {}),
    "gradient": ("attribution", {}),
    "ig_inputs": ("attribution", {"variant": "ig_inputs"}),
    "circuits": ("circuits", {}),
    "circuits_gradient": ("circuits", {"attribution": "gradient"}),
    "key_heads": ("key_heads", {}),
    "carry": ("interchange", {}),
    "result": ("interchange", {"variable": "result"}),
    "dla": ("dla", {}),
    "mediation": ("mediation", {}),
    "components": ("components", {}),
    "neurons": ("neurons", {}),
}
"""{part: (method, parameters that differ from its defaults)}"""


def follow(
    store: Store,
    progress: Progress,
    *,
    model: str = "mental-math",
    task: str = "a+b",
    only: tuple[str, ...] | None = None,
) -> dict[str, str]:
    """Return {part: run id}, recording what is missing. Raises InterpError for a part that is not known."""
    chosen = only or tuple(PARTS)
    for name in chosen:
        if name not in PARTS:
            raise InterpError(f"there is no part {name!r}. {nearest(name, PARTS)}")
    runs = {}
    for name in chosen:
        method, parameters = PARTS[name]
        spec = Spec.model_validate({"method": method, "model": model, "task": task, "parameters": parameters})
        runs[name] = record(spec, store, progress)
    return runs


def said(store: Store, runs: dict[str, str]) -> list[str]:
    """Return what each part says in words, a line a part."""
    lines = []
    for name, run_id in runs.items():
        dataset = store.open(run_id).load()
        lines.append(f"{name}: {drawing(PARTS[name][0]).summary(dataset)}")
    return lines


def draw(store: Store, run_id: str, figure: str | None = None) -> Any:
    """Return one figure of a recorded run (default: the first of its method)."""
    dataset = store.open(run_id).load()
    return drawing(str(dataset.attrs["method"]), figure)(dataset)


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Parts; all without.")] = None,
    model: str = "mental-math",
    task: str = "a+b",
    out: Path = Path("experiments/circuits/out"),
    store: Annotated[Path | None, typer.Option(help="Where runs are kept.")] = None,
) -> None:
    """Record the circuit analyses of one model and draw their figures."""
    opened = Store(store)
    with bar("circuits") as progress:
        runs = follow(opened, progress, model=model, task=task, only=tuple(names) if names else None)
    figures: dict[str | Path, Any] = {
        out / f"{name}-{found.name}": draw(opened, run_id, found.name)
        for name, run_id in runs.items() for found in FIGURES[PARTS[name][0]]
    }  # fmt: skip
    files = export(figures, possible("html", "png", "svg"))
    for line in said(opened, runs):
        say(line)
    say(f"{len(files)} files are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
