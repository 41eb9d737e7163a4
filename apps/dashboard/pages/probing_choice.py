"""Which label, which kind of probe: the choices above the Probing page, and a click in the figure of all labels."""

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.choice import choice
from apps.dashboard.kin import same_question
from apps.dashboard.library import Library
from apps.dashboard.pages.probing_cell import Cell
from interp.errors import InterpError
from interp.figures.probe_map import best_cell
from interp.figures.probing import main_targets
from interp.store import RunSummary

METHODS = ("probe_controls", "probing")


def choices(library: Library, line: RunSummary, cell: Cell) -> list[Component]:
    """Return the choice of a label, and of a kind: one run a kind on the same model, task and style."""
    names = [str(name) for name in library.dataset(line.run_id)["target"].to_numpy()]
    kinds: dict[str, str] = {kind_of(library, line): line.run_id}
    for run in same_question(library, line, METHODS):
        try:
            kinds.setdefault(kind_of(library, run), run.run_id)
        except InterpError:
            continue  # a damaged run is offered by no choice
    return [
        choice(ids.PROBING_TARGET, "Label", [(name, name) for name in names], cell[0], 170),
        choice(ids.PROBING_KIND, "Kind", [(run, kind) for kind, run in sorted(kinds.items())], line.run_id, None),
    ]


def kind_of(library: Library, line: RunSummary) -> str:
    """Return what a label is to the probes of a run, e.g. `classification`."""
    attrs = library.dataset(line.run_id).attrs
    if line.method == "probing":
        return "regression, shuffled only"
    period = f" mod {attrs['period']:g}" if "period" in attrs else ""
    few = f", {attrs['n_units']} units" if attrs.get("n_units") else ""
    return f"{attrs.get('kind', 'probes')}{period}{few}"


def label_of(library: Library, run_id: str, click: Any) -> Cell | None:
    """Return the place of a label that was clicked in the figure of all labels; None for a click elsewhere."""
    if not isinstance(click, dict) or click.get("graph") not in ("beside", "readable"):
        return None
    dataset = library.dataset(run_id)
    names = [str(name) for name in dataset["target"].to_numpy()]
    if click["graph"] == "readable":
        names = [str(name) for name in main_targets(dataset)["target"].to_numpy()]
    row = click.get("y")
    return best_cell(dataset, names[row]) if isinstance(row, int) and 0 <= row < len(names) else None
