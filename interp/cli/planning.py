"""`interp run METHOD --dry-run`: what a question would cost, with no weights present and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp.cli.output import as_json, table

if TYPE_CHECKING:
    from interp.plan import Plan
    from interp.store import Spec

UNITS = ("B", "kB", "MB", "GB", "TB")


def show_plan(spec: Spec, batch_size: int, json: bool) -> None:
    """Print what would run: prompts, batches, forwards, memory, and the full spec. Raises InterpError."""
    from interp.execute import checked
    from interp.models.shapes import shape_of
    from interp.plan import plan

    shape = shape_of(spec.model)
    spec = checked(spec)
    found = plan(spec, shape, batch_size)
    if json:
        as_json({"spec": spec.model_dump(mode="json"), **found.as_dict()})
        return
    _tables(spec, found)
    print(f"about {found.through:,.0f} prompts through {shape.n_layers} blocks, in about {found.batches:,} batches")
    print(spec.model_dump_json(indent=2))


def _tables(spec: Spec, found: Plan) -> None:
    about = f"{spec.method} of {spec.model} on {spec.task or 'its weights'} ({spec.style}), {found.positions} tokens"
    rows = [(name, _drawn(n, found.asked[name]), f"{found.forwards[name]:.1f}") for name, n in found.prompts.items()]
    table(f"{about} a prompt", ("set", "prompts", "forwards of each"), rows)
    memory = [*found.bytes.items(), ("together", found.memory)] if found.bytes else []
    if found.kept:
        memory.append(("kept with the run (on disk)", found.kept))
    table(f"memory on {spec.device} in {spec.dtype}", ("part", "about"), [(name, size(n)) for name, n in memory])


def _drawn(n: int, asked: int | None) -> str:
    return f"{n:,}" if asked in (None, n) else f"{n:,} (all there are; {asked:,} asked for)"


def size(n: float) -> str:
    """Return a number of bytes for people: "16.06 GB"; a kB is 1,000 bytes."""
    unit = 0
    while n >= 1000 and unit < len(UNITS) - 1:
        n, unit = n / 1000, unit + 1
    return f"{n:.4g} {UNITS[unit]}"
