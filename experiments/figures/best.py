"""The four pictures of the README, from recorded runs: what is missing is recorded first.

python -m experiments.figures.best [--out docs/figures] [--store DIR]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.asking import ask, draw
from interp.cli.output import say
from interp.figures.export import export
from interp.store import Store

if TYPE_CHECKING:
    import plotly.graph_objects as go


def pictures(store: Store) -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure): where an operand travels, which windows are enough, grokking, digits of a product."""
    from experiments.af1.protocol import Protocol
    from experiments.multiplication.icot_figures import captioned
    from interp.execute import record
    from interp.figures import drawing

    yield "patching", draw(ask(store, "patching", "mental-math", "a+b"))
    search = store.open(record(Protocol("waits-2-2").search, store)).load()
    yield "window", drawing("af1", "grid")(search)
    yield "grokking", draw(ask(store, "grokking", "modadd-59"), "losses")
    digits = ask(store, "digit_attribution", "multiply-plain")
    yield "digits", captioned(drawing("digit_attribution"), digits)


def main(
    out: Path = Path("docs/figures"),
    store: Annotated[Path | None, typer.Option(help="Where runs are kept.")] = None,
) -> None:
    """Draw the four pictures as PNG."""
    drawn: dict[str | Path, Any] = {out / name: figure for name, figure in pictures(Store(store))}
    for path in export(drawn, ("png",), width=760, png_scale=1.2):
        say(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
