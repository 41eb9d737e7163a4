"""Which two runs, which array of them and which place in it are compared, from what the address asks.

What it names and the store does not have is a notice, and the usual choice takes its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import no_update

from apps.dashboard.components.runs_table import BASELINE
from apps.dashboard.library import Library
from apps.dashboard.selection import Selection, parse, selected
from interp.errors import nearest
from interp.figures import FIGURES
from interp.store import Notes, RunSummary
from interp.store.differences import choices, names

if TYPE_CHECKING:
    import xarray as xr


def pick_two(library: Library, asked: Selection) -> tuple[RunSummary | None, RunSummary | None, list[str]]:
    """Return A and B, and notices about what the address names and this store does not have."""
    known = {line.run_id: line for line in library.runs()}
    notices, found = [], []
    for name in (asked.run, asked.against):
        line = known.get(name) if name else None
        if name and line is None:
            notices.append(f"There is no run {name!r} in this store. {nearest(name, list(known))}")
        elif line is not None and line.status != "complete":
            notices.append(f"Run {name} is damaged ({line.problem}). Check it: interp runs verify {name}")
            line = None
        found.append(line)
    one, two = found
    if one is None and two is not None:
        one, two = other_of(library, two), two
    one = one or _first(library, list(known.values()))
    return one, two or (other_of(library, one) if one else None), notices


def _first(library: Library, lines: list[RunSummary]) -> RunSummary | None:
    """Return the newest run beside which another asks the same task of the same model; else one with any other."""
    pairs = ((line, other) for line in lines if line.status == "complete" and (other := other_of(library, line)))
    any_other: RunSummary | None = None
    for line, other in pairs:
        if (other.task, other.model) == (line.task, line.model):
            return line
        any_other = any_other or line
    return any_other


def other_of(library: Library, line: RunSummary) -> RunSummary | None:
    """Return what a run is compared with by itself: the baseline of its method, else the nearest other run."""
    others = [other for other in library.of(line.method) if other.run_id != line.run_id]
    said = library.notes()

    def near(other: RunSummary) -> tuple:
        base = BASELINE in said.get(other.run_id, Notes()).tags
        return (base, other.task == line.task, other.style == line.style, other.model == line.model)

    return max(others, key=near, default=None)  # of equals the newest


def array_of(dataset: xr.Dataset, method: str, asked: str | None) -> tuple[str | None, list[str]]:
    """Return the array of the address, else the one that the first figure of the method shows, and notices."""
    known = names(dataset)
    if asked in known:
        return asked, []
    notices = [f"Run A has no array {asked[:60]!r}. {nearest(asked[:60], known)}"] if asked else []
    usual = next((each.shows for each in FIGURES.get(method, ()) if each.shows in known), None)
    return usual or next(iter(known), None), notices


def places_of(dataset: xr.Dataset, array: str, view: str | None) -> tuple[dict[str, str], list[str]]:
    """Return one label for every dim that is not shown, and notices about what of `view` there is not."""
    known, notices = choices(dataset, array), []
    found = {dim: labels[0] for dim, labels in known.items() if labels}
    for part in (view or "").split(",") if view else []:
        dim, _, label = part.partition("=")
        if dim in known and label in known[dim]:
            found[dim] = label
        elif dim in known:
            notices.append(f"{array} has no {dim} {label[:40]!r}. {nearest(label[:40], known[dim])}")
        else:
            notices.append(f"{array} has no place {part[:60]!r}; it was left out.")
    return found, notices


def view_of(places: dict[str, str]) -> str | None:
    """Return places as the address names them."""
    return ",".join(f"{dim}={label}" for dim, label in places.items()) or None


def chosen(data: Any, *, against: Any = None, array: Any = None, places: dict[str, str] | None = None) -> Any:
    """Return the query of the address for another choice; no update where it is the one shown.

    Another array begins at its first places.
    """
    shown = selected(data)
    after = shown
    if isinstance(against, str):
        after = shown.but(against=against)
    elif isinstance(array, str) and array != shown.metric:
        after = shown.but(metric=array, view=None)
    elif places:
        after = shown.but(view=view_of(places))
    search = parse(after.search)[0].search
    return no_update if search == shown.search else search
