"""The whole protocol of "All for One" on one model, in one command, with a verdict on each published finding.

    python -m experiments.af1.reproduce                                        mental-math, about four minutes
    python -m experiments.af1.reproduce --model meta-llama/Meta-Llama-3-8B --device cuda --dtype bfloat16
    python -m experiments.af1.reproduce --model meta-llama/Meta-Llama-3-8B --dry-run      the plan; needs no weights

Stopped anywhere, it goes on from what is recorded. `--window 15,2` judges a given window in place of the one found, as
when a window of one model is tried on another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.af1.figures import NAMES, frames, write
from experiments.af1.protocol import Protocol, follow
from interp.cli.output import say, table
from interp.errors import InterpError
from interp.models.shapes import shape_of
from interp.plan import Plan, plan
from interp.progress import bar
from interp.store import Store


def main(
    model: Annotated[str, typer.Option(help="Zoo name, checkpoint directory or hub name.")] = "mental-math",
    device: str = "cpu",
    dtype: str = "float32",
    operands: Annotated[str | None, typer.Option(help="Narrow every task, e.g. 0..49.")] = None,
    n: Annotated[int, typer.Option(min=20, help="Test prompts a part.")] = 1000,
    n_reference: Annotated[int, typer.Option(min=2, help="Prompts behind the means.")] = 4096,
    batch_size: Annotated[int, typer.Option(min=1, help="Prompts a forward pass.")] = 512,
    window: Annotated[str | None, typer.Option(help="L_WAIT,L_TRANSFER to judge instead of the one found.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures here too.")] = None,
    store: Annotated[Path | None, typer.Option(help="Where runs are kept.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; load nothing.")] = False,
) -> None:
    """Run the protocol on MODEL, print its tables and the verdict on each published finding."""
    protocol = Protocol(model, device, dtype, operands, n=n, n_reference=n_reference)
    given = _window(window)
    if dry_run:
        _plan(protocol, given, batch_size)
        return
    opened = Store(store)
    with bar("All for One") as progress:
        runs = follow(protocol, opened, progress, given=given, batch_size=batch_size)
    for frame, title in frames(opened, runs, NAMES).values():
        table(title, list(frame.columns), frame.itertuples(index=False))
    if out is not None:
        say(f"{len(write(opened, runs, NAMES, out))} files are in {out}")
    say(f"{len(runs)} runs are in {opened.root}; look at them with: interp app")


def _plan(protocol: Protocol, given: tuple[int, int] | None, batch_size: int) -> None:
    """Print what each part costs; where no window is given, as if it were the published one, scaled to the model."""
    shape = shape_of(protocol.model)
    l_wait, l_transfer = given or (shape.n_layers * 15 // 32, max(1, shape.n_layers * 2 // 32))
    parts = {"search": protocol.search, **protocol.parts(l_wait, l_transfer)}
    plans = {name: plan(spec, shape, batch_size) for name, spec in parts.items()}
    rows: dict[tuple[str, ...], list[Plan]] = {}
    for name, each in plans.items():
        method = parts[name].method
        rows.setdefault((name if " " not in name else name.split()[0], method), []).append(each)
    title = f"{protocol.model}: {shape.n_layers} blocks, {shape.parameters / 1e9:.2f} B parameters, {protocol.dtype}"
    columns = ("part", "method", "runs", "prompts each", "batches", "forwards of a batch", "memory GB")
    table(title, columns, [_line(part, method, found) for (part, method), found in rows.items()])
    memory = max(each.memory for each in plans.values())
    through, batches = sum(each.through for each in plans.values()), sum(each.batches for each in plans.values())
    print(
        f"{len(plans)} runs, {batches:,} batches of up to {batch_size} prompts, about {through:,.0f} prompts through "
        f"{shape.n_layers} blocks (an upper estimate). Most memory at once on {protocol.device}: {memory / 1e9:.1f} GB."
    )
    if given is None:
        print(f"The window is not known yet; the plan takes l_wait {l_wait}, l_transfer {l_transfer}.")


def _line(part: str, method: str, found: list[Plan]) -> tuple[str, ...]:
    sets = ", ".join(f"{name} {n:,}" for name, n in found[0].prompts.items())
    forwards = ", ".join(f"{name} {count:.0f}" for name, count in found[0].forwards.items())
    batches, memory = sum(each.batches for each in found), max(each.memory for each in found)
    return part, method, str(len(found)), sets, f"{batches:,}", forwards, f"{memory / 1e9:.2f}"


def _window(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        l_wait, l_transfer = (int(part) for part in text.split(","))
    except ValueError:
        raise InterpError(f"--window {text!r} cannot be read; write L_WAIT,L_TRANSFER, e.g. 15,2.") from None
    return l_wait, l_transfer


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
