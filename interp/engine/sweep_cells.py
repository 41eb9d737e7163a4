"""Which row of a stack is which job's position, and how are rows written?

cells.at[job, position] -> row, -1 for none        h[prompt, row, ...] <- write.update(h, source)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from interp.engine.sweep_plan import queries
from interp.engine.writes import Write, selection


class Cells(NamedTuple):
    """Rows of a stack: the job and the position of each, int [cell]; `at[job, position]` is the cell, -1 for none."""

    job: np.ndarray
    place: np.ndarray
    at: np.ndarray

    @classmethod
    def of(cls, pairs: Sequence[tuple[int, int]], n_jobs: int, n_pos: int) -> Cells:
        """Return the cells of (job, position) pairs."""
        job, place = (np.array(part, dtype=np.int64) for part in (zip(*pairs, strict=True) if pairs else ((), ())))
        at = np.full((n_jobs, n_pos), -1, dtype=np.int64)
        at[job, place] = np.arange(len(pairs))
        return cls(job, place, at)

    def __len__(self) -> int:
        return len(self.job)

    def and_(self, other: Cells) -> Cells:
        """Return these cells followed by the others."""
        pairs = [*zip(self.job, self.place, strict=True), *zip(other.job, other.place, strict=True)]
        return Cells.of(pairs, *self.at.shape)

    def only(self, mask: np.ndarray) -> Cells:
        """Return the cells where `mask` [cell] holds."""
        return Cells.of(list(zip(self.job[mask], self.place[mask], strict=True)), *self.at.shape)


def into(h: Tensor, rows: Tensor, values: Tensor) -> Tensor:
    """Return h [prompt, row, ...] with `values` at `rows`, in place."""
    return h.index_copy_(1, rows, values)


def write_rows(h: Tensor, write: Write, row_of: np.ndarray, rows: np.ndarray) -> Tensor:
    """Return h [prompt, row, ...] (pattern: [prompt, head, row, key]) written where a place has a row, in place."""
    wanted = queries(write)
    own = row_of[wanted]
    kept = np.flatnonzero(own >= 0)
    if not len(kept):
        return h
    at = own[kept] if write.positions.ndim == 1 else np.column_stack([own[kept], write.positions[kept, 1]])
    site = write.intervention.site
    index, axis = selection(site, at, h.device)
    current = h[index].movedim(axis, 1)
    whole = current[:, :1].expand(-1, len(wanted), *current.shape[2:])
    source = write.intervention.source.at(rows, write.labels, whole, site).to(current.dtype).expand_as(whole)
    source = source if len(kept) == len(wanted) else source[:, kept]
    h[index] = write.update(current, source).to(h.dtype).movedim(1, axis)
    return h
