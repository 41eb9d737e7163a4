"""The places of a patching result, and what it keeps of each: layer x role, or head x role, for several metrics.

A row of its maps is a layer, or a head (`layer.head`) where heads were patched one by one; a column is a role. A metric
is offered where the result keeps it together with its null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp.errors import InterpError
from interp.figures import schema

if TYPE_CHECKING:
    import xarray as xr

SHARES = {
    "logit_diff": "logit difference",
    "prob_diff": "difference of probabilities",
    "answer_logit": "logit of the clean answer",
    "answer_logprob": "log-probability of the clean answer",
}
"""Metrics of which the share recovered is shown."""
LEVELS = {"accuracy": "top token = clean answer", "mean_kl": "divergence from the base run"}
"""Metrics that are shown as they are."""
UNITS = {"accuracy": "accuracy", "mean_kl": "nats"}
NAMES = {"accuracy": "accuracy", "mean_kl": "divergence"}
"""What the mean of a level is called."""


@dataclass(frozen=True)
class Cell:
    """One place that was written: a layer (or one head of it) at a role."""

    layer: int
    role: str
    head: int | None = None

    @property
    def row(self) -> str:
        """Return its row of the map: `4`, or `3.1` for head 1 of layer 3."""
        return str(self.layer) if self.head is None else f"{self.layer}.{self.head}"

    @property
    def text(self) -> str:
        """Return it in words: `layer 4, role eq` or `head 3.1, role eq`."""
        return f"{'layer' if self.head is None else 'head'} {self.row}, role {self.role}"


def of_heads(dataset: xr.Dataset) -> bool:
    """Return whether heads were patched one by one."""
    return "head" in dataset["recovered"].dims


def rows_of(dataset: xr.Dataset) -> list[tuple[int, int | None]]:
    """Return the (layer, head) of each row of the map, head None where whole layers were patched."""
    layers = [int(layer) for layer in schema.labels(dataset, "layer")]
    heads = [int(head) for head in schema.labels(dataset, "head")] if of_heads(dataset) else [None]
    return [(layer, head) for layer in layers for head in heads]


def roles_of(dataset: xr.Dataset) -> list[str]:
    """Return the roles, the columns of the map."""
    return [str(role) for role in schema.labels(dataset, "role")]


def kept(dataset: xr.Dataset) -> list[str]:
    """Return the metrics that the result keeps beside their null, the one it was asked for first."""
    asked = str(dataset.attrs.get("metric", "logit_diff"))
    others = [name for name in SHARES if name != asked] if "recovered_by_metric_null" in dataset.variables else []
    return [asked, *others, *(name for name in LEVELS if f"{name}_null" in dataset.variables)]


def measured(dataset: xr.Dataset, metric: str) -> tuple[schema.Estimates, schema.Estimates]:
    """Return the estimates [row, role] of a metric and of its null. Raises InterpError where it was not kept."""
    known = kept(dataset)
    if metric not in known:
        raise InterpError(f"This run does not keep {metric!r} beside its null (it has {', '.join(known)}).")
    name, part = metric, dataset
    if metric in SHARES:
        name, part = "recovered", dataset
        if metric != known[0]:
            name, part = "recovered_by_metric", dataset.sel(metric=metric)
    dims = ("layer", "head", "role") if of_heads(dataset) else ("layer", "role")
    return tuple(flat(schema.estimates(part, each, *dims)) for each in (name, f"{name}_null"))  # type: ignore[return-value]


def cell_at(dataset: xr.Dataset, x: object, y: object) -> Cell | None:
    """Return the cell in a column and row of the map, None beside it."""
    if not all(isinstance(each, int | float) and np.isfinite(each) for each in (x, y)):
        return None
    rows, roles = rows_of(dataset), roles_of(dataset)
    i, j = round(float(y)), round(float(x))  # type: ignore[arg-type]
    return Cell(rows[i][0], roles[j], rows[i][1]) if 0 <= i < len(rows) and 0 <= j < len(roles) else None


def index_of(dataset: xr.Dataset, cell: Cell) -> tuple[int, int]:
    """Return the row and column of a cell. Raises InterpError for one that is not in the map."""
    rows, roles = rows_of(dataset), roles_of(dataset)
    if (cell.layer, cell.head) not in rows or cell.role not in roles:
        first, last = (Cell(*place[:1], "", place[1]).row for place in (rows[0], rows[-1]))
        raise InterpError(f"There is no {cell.text} in this run: rows {first} to {last}, roles {', '.join(roles)}.")
    return rows.index((cell.layer, cell.head)), roles.index(cell.role)


def pair_values(dataset: xr.Dataset, cell: Cell, metric: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a metric of each pair [prompt]: written at the cell, and of the clean and the corrupted run."""
    name = {"accuracy": "correct", "mean_kl": "kl"}.get(metric, metric)
    schema.need(dataset, name, f"{name}_clean", f"{name}_corrupted", "prompt")
    index_of(dataset, cell)
    place = {"layer": cell.layer, "role": cell.role, **({} if cell.head is None else {"head": cell.head})}
    patched = dataset[name].sel(place).to_dataset(name="m").drop_vars("prompt_corrupted", errors="ignore")
    return (
        schema.values(patched, "m", "prompt"),
        *(schema.values(dataset, f"{name}_{side}", "prompt") for side in ("clean", "corrupted")),
    )  # type: ignore[return-value]


def noising(dataset: xr.Dataset) -> bool:
    """Return whether the corrupted run was written into the clean one."""
    return dataset.attrs.get("direction") == "noising"


def flat(found: schema.Estimates) -> schema.Estimates:
    """Return estimates [layer, (head,) role] as [row, role]."""
    columns = found.value.shape[-1]
    ends = (None if end is None else end.reshape(-1, columns) for end in (found.low, found.high))
    return schema.Estimates(found.value.reshape(-1, columns), *ends)
