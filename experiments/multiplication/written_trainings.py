"""The trainings behind the tables on written arithmetic: heads, depth, order and the remedies, at the size of a CPU.

    python -m experiments.multiplication.written_trainings [NAME ...] [--out DIR]

Each is a recipe of `interp.models.written` with a few fields changed; a finished one is left
alone, a stopped one goes on.
The remedies are asked of two by two digits (10,000 questions in all), where the paper has five by five.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer

from interp.models.written import ADDER, WRITTEN, complete
from interp.tasks.written import ORDERS

RECIPES = Path(__file__).parent / "recipes"
"""Where recipes of the published size lie: too large for here, `interp train FILE --out DIR`."""
DEEP, SIMPLE = 2, 0.45
SQUARE: dict[str, Any] = {
    **WRITTEN,
    "digits": [2, 2],
    "steps": 1200,
    "learning_rate": [[0, 0], [60, 2e-3], [600, 2e-3], [1200, 0]],
    "measure_every": 50,
}
LONGER = {"steps": 3 * 1200, "learning_rate": [[0, 0], [60, 2e-3], [1800, 2e-3], [3600, 0]]}
"""With every remedy and with none: is 1,200 steps what keeps them low?"""


def shaped(recipe: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return `recipe` with fields of its architecture changed."""
    return {**recipe, "architecture": {**recipe["architecture"], **fields}}


def trainings() -> dict[str, dict[str, Any]]:
    """Return every recipe by name, the ones that matter most first."""
    found = {f"digit-{order}": {**WRITTEN, "order": order} for order in ORDERS} | {"add-5": ADDER}
    for reverse, depth, simple in product((False, True), (1, DEEP), (0.0, SIMPLE)):
        name = "-".join(["square", *("reversed",) * reverse, *("deep",) * (depth > 1), *("simple",) * (simple > 0)])
        asked = {**SQUARE, "order": ORDERS[reverse], "simple": simple}
        found[name] = shaped(asked, n_layer=depth)
    found["add-5-uniform"] = {**ADDER, "nines": 0.0}
    for order in ORDERS:
        for heads in (1, 2):
            found[f"digit-{order}-heads{heads}"] = shaped({**WRITTEN, "order": order}, n_head=heads)
        found[f"digit-{order}-layers2"] = shaped({**WRITTEN, "order": order}, n_layer=2)
    for name in ("add-5", "digit-ordinal"):
        found[f"{name}-seed1"] = {**found[name], "seed": 1}
    for name in ("square", "square-reversed-deep-simple"):
        found[f"{name}-long"] = {**found[name], **LONGER}
    return {name: complete(recipe) for name, recipe in found.items()}


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Trainings; all where none is named.")] = None,
    out: Path = Path("experiments/multiplication/out/written"),
) -> None:
    """Train what is not trained yet."""
    from interp.cli.output import say
    from interp.models.written_training import train_written

    recipes = trainings()
    for name in names or recipes:
        if not (out / name / "SHA256SUMS").is_file():
            say(f"{name}: {train_written(recipes[name], out / name)}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
