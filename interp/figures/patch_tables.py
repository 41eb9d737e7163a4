"""The maps of patching as rows: a row a place with its value, interval and null; of many places a column a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp.figures import places, schema
from interp.figures.patch_maps import measure, rows
from interp.figures.twin import INTERVAL, LONGEST, Twin

if TYPE_CHECKING:
    import xarray as xr


def table(datasets: dict[str, xr.Dataset], metric: str) -> Twin:
    """Return the maps (name -> result) as one table, the name in front where there are several."""
    first, lone = next(iter(datasets.values())), len(datasets) == 1
    head = (*(() if lone else ("component",)), "head" if places.of_heads(first) else "layer")
    caption = f"{measure(metric)}, {schema.count_text(first)} pairs"
    found = {name: places.measured(dataset, metric) for name, dataset in datasets.items()}
    if sum(value.value.size for value, _ in found.values()) > LONGEST:
        return _wide(datasets, found, (caption, *head))
    body = []
    for name, (value, null) in found.items():
        for i, label in enumerate(rows(datasets[name]).labels):
            for j, role in enumerate(places.roles_of(datasets[name])):
                one = value[i, j]
                ends = (None if end is None else float(end) for end in (one.value, one.low, one.high))
                numbers = (*(schema.number(end) for end in ends), null[i, j].text())
                body.append((*(() if lone else (name,)), label, role, *numbers))
    return Twin(caption, (*head, "role", measure(metric), *INTERVAL, "null"), tuple(body), len(head) + 1)


def _wide(
    datasets: dict[str, xr.Dataset],
    found: dict[str, tuple[schema.Estimates, schema.Estimates]],
    words: tuple[str, ...],
) -> Twin:
    """Return a row a layer or head, a column a role; the null is left to the file."""
    roles = list(dict.fromkeys(role for dataset in datasets.values() for role in places.roles_of(dataset)))
    body, (caption, *head) = [], words
    for name, (value, _) in found.items():
        known = places.roles_of(datasets[name])
        for i, label in enumerate(rows(datasets[name]).labels):
            cells = (value[i, known.index(role)].text() if role in known else "" for role in roles)
            body.append((*(() if len(datasets) == 1 else (name,)), label, *cells))
    said = f"{caption}, 95 % interval in brackets; the null is in the CSV"
    return Twin(said, (*head, *roles), tuple(body), len(head))
