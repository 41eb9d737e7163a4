"""Patching runs of one question: which components were run, and the place that a pinned name means.

A name of a place is `component row role`, such as `resid_pre 4 eq` or `z 3.1 eq`; it stays true when the reader goes
from the map of one component to that of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.dashboard.kin import same_question
from apps.dashboard.library import Library
from interp.errors import InterpError
from interp.figures import places
from interp.figures.places import Cell
from interp.store import RunSummary

if TYPE_CHECKING:
    import xarray as xr

METHODS = ("patching", "head_patching")
STREAM = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "mlp_post")
HEADS = ("z", "q", "k", "v", "pattern")
USUAL = {"recipe": "swap_operand", "place": None, "direction": "denoising", "source": "twin"}


def component_of(line: RunSummary) -> str:
    """Return what a patching run wrote."""
    return str(_parameters(line).get("component") or ("z" if line.method == "head_patching" else "resid_pre"))


def label_of(line: RunSummary) -> str:
    """Return what sets a run apart among those of its task and model: `attn_out`, `resid_pre, noising`."""
    found = _parameters(line)
    asked = [
        str(found[name]) for name in ("direction", "source", "place") if found.get(name, USUAL[name]) != USUAL[name]
    ]
    return ", ".join([component_of(line), *asked])


def siblings(library: Library, line: RunSummary) -> dict[str, RunSummary]:
    """Return the newest run of each component that asks the question of `line`, which stands for its own component."""
    found: dict[str, RunSummary] = {}
    for run in same_question(library, line, METHODS):
        if _question(run) == _question(line):
            found.setdefault(component_of(run), run)
    found[component_of(line)] = line
    return {name: found[name] for name in (*STREAM, *HEADS) if name in found}


def name_of(line: RunSummary, cell: Cell) -> str:
    """Return the name of a place."""
    return f"{component_of(line)} {cell.row} {cell.role}"


def place_of(library: Library, line: RunSummary, name: str) -> tuple[xr.Dataset, Cell]:
    """Return the result and the cell that a name means. Raises InterpError for one that is not there."""
    component, row, role = ([*name.split(" ", 2), "", ""])[:3]
    layer, _, head = row.partition(".")
    if not (role and layer.isascii() and layer.isdigit() and (head == "" or (head.isascii() and head.isdigit()))):
        raise InterpError(f"{name[:60]!r} is no place; places are named like 'resid_pre 4 eq' or 'z 3.1 eq'.")
    run, cell = line, Cell(int(layer), role, int(head) if head else None)
    if component != component_of(line):
        known = siblings(library, line)
        if component not in known:
            raise InterpError(f"There is no run of {component[:40]} for this question (there is {', '.join(known)}).")
        run = known[component]
    dataset = library.dataset(run.run_id)
    places.index_of(dataset, cell)
    return dataset, cell


def _parameters(line: RunSummary) -> dict:
    return line.spec.get("parameters") or {}


def _question(line: RunSummary) -> tuple:
    found = _parameters(line)
    return tuple(found.get(name, usual) for name, usual in USUAL.items())
