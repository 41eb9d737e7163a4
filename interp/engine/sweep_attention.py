"""How do jobs that replace few keys attend together? The clean run lends every key and value that no row replaces.

queries of all jobs -> rectangles [job, query from `first` on] of jobs that begin near each other
keys, values        -> the clean ones of every position, a job's own written over them
z                   =  softmax(q k^T / sqrt(d_head)) v;  hidden edges at -inf, writes at the pattern before v
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from interp.engine.lean import Lean
from interp.engine.sweep_cells import Cells, into, write_rows
from interp.engine.sweep_clean import Clean
from interp.engine.sweep_plan import Job

WASTE = {"cpu": 1.5e7, "cuda": 5e9}
"""Multiplications that cost as much as one more call of attention: measured on one CPU core, derived for a GPU."""

Own = tuple[Tensor, Tensor, Cells]
"""Keys and values [prompt, cell, kv_head, d_head], and which cells they are of."""


class StackAttention:
    """Attention of jobs computed together: called with rotated queries [prompt, cell, head, d_head], gives z."""

    def __init__(self, lean: Lean, clean: Clean, jobs: Sequence[Job]) -> None:
        self.lean, self.clean, self.jobs = lean, clean, list(jobs)
        self.n_prompts, self.n_pos = clean.resid_pre[0].shape[:2]

    def __call__(self, layer: int, q: Tensor, out: Cells, new: Own | None) -> Tensor:
        """Return z [prompt, cell, head, d_head] of the queries of `out`; keys and values are clean but for `new`."""
        groups = list(self._alike(sorted(set(out.job.tolist()), key=lambda i: self.jobs[i].first)))
        if len(groups) == 1:
            return self._group(layer, q, out, new, groups[0])
        z = torch.empty_like(q)
        for slots in groups:
            mine = torch.as_tensor(np.flatnonzero(np.isin(out.job, slots)), device=q.device)
            some = out.only(np.isin(out.job, slots))
            z[:, mine] = self._group(layer, q[:, mine], some, new, slots)
        return z

    def _group(self, layer: int, q: Tensor, out: Cells, new: Own | None, slots: list[int]) -> Tensor:
        """Return z of jobs whose queries are padded to one rectangle [job, query from `first` on]."""
        first, rank = int(out.place.min()), np.full(len(self.jobs), -1, dtype=np.int64)
        rank[slots] = np.arange(len(slots))
        n_rows = self.n_pos - first
        rows = torch.as_tensor(rank[out.job] * n_rows + out.place - first, device=q.device)
        full = len(rows) == len(slots) * n_rows and bool((rows.diff() == 1).all())
        padded = q if full else into(q.new_zeros((len(q), len(slots) * n_rows, *q.shape[2:])), rows, q)
        keys, values = (part[layer].repeat(1, len(slots), 1, 1) for part in (self.clean.keys, self.clean.values))
        if new is not None:
            given = np.flatnonzero(rank[new[2].job] >= 0)
            there = rank[new[2].job[given]] * self.n_pos + new[2].place[given]
            there, given = (torch.as_tensor(index, device=q.device) for index in (there, given))
            keys = into(keys, there, new[0].index_select(1, given))
            values = into(values, there, new[1].index_select(1, given))
        q, keys, values = (part.unflatten(1, (len(slots), -1)) for part in (padded, keys, values))
        z = self._mixed(layer, q, keys, values, (slots, first)).flatten(1, 2)
        return z if full else z.index_select(1, rows)

    def _alike(self, slots: list[int]) -> Iterator[list[int]]:
        """Yield the jobs, rising by first position, in groups whose queries fill a rectangle at little waste."""
        a_row = 2 * self.n_pos * self.lean.n_heads * self.lean.d_head * self.n_prompts
        group: list[int] = []
        wasted = 0
        for slot in slots:
            wasted += (self.jobs[slot].first - self.jobs[group[0]].first) * a_row if group else 0
            if wasted > WASTE.get(self.lean.device.type, WASTE["cuda"]):
                yield group
                group, wasted = [], 0
            group = [*group, slot]
        yield group

    def _mixed(self, layer: int, q: Tensor, k: Tensor, v: Tensor, asked: tuple[list[int], int]) -> Tensor:
        """Return z [prompt, job, query, head, d_head] of queries from `first` on, under writes at the attention."""
        slots, first = asked
        shape, (q, k, v) = (self.n_prompts, len(slots)), (part.flatten(0, 1) for part in (q, k, v))
        places = torch.arange(first, self.n_pos, device=q.device)
        writing = [i for i in slots if any((layer, name) in self.jobs[i].writes for name in ("pattern", "attn"))]
        if not writing:
            return self.lean.mix(q, k, v, places).unflatten(0, shape)
        pattern = self.lean.weights(q, k, self._visible(layer, slots, first).repeat(self.n_prompts, 1, 1, 1))
        pattern = pattern.unflatten(0, shape)
        row_of = np.maximum(np.arange(self.n_pos) - first, -1)
        for row, i in enumerate(slots):
            for write in self.jobs[i].writes.get((layer, "pattern"), ()):
                pattern[:, row] = write_rows(pattern[:, row], write, row_of, self.clean.rows)
        return self.lean.weighted(pattern.flatten(0, 1), v).unflatten(0, shape)

    def _visible(self, layer: int, slots: list[int], first: int) -> Tensor:
        """Return bool [job, head, query, key]: causal, less the edges that a job hides."""
        places = torch.arange(self.n_pos, device=self.lean.device)
        seen = (places <= places[first:, None]).expand(len(slots), self.lean.n_heads, -1, -1).clone()
        for row, i in enumerate(slots):
            for write in self.jobs[i].writes.get((layer, "attn"), ()):
                head = slice(None) if write.intervention.site.index is None else write.intervention.site.index
                for query, key in write.positions:
                    if int(query) >= first:
                        seen[row, head, int(query) - first, int(key)] = False
        return seen
