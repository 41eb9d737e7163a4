"""A stack of edits on its way through the blocks: a row for each job and position that differs from the clean run.

inside    x -> writes -> norm -> q, k, v -> writes -> attention -> z -> writes -> ... -> x
          all but attention works on the rows as they are; for attention the clean run lends every query, key and
          value that no row replaces
joining   a job's first block: only the positions it writes have rows; after it, all from its first position on
late      a job whose first writes change nothing but their own positions takes only these through that block
last      of the last block only the last query is computed, for nothing else is read from it
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.engine.lean import Lean
from interp.engine.sweep_plan import Job, Stage, queries
from interp.engine.writes import Write, selection

WASTE = {"cpu": 1.5e7, "cuda": 5e9}
"""Multiplications that cost as much as one more call of attention: measured on one CPU core, derived for a GPU."""


@dataclass
class Clean:
    """The clean run of one batch: resid_pre (L + 1), rotated queries and keys, values by layer, and what is asked for.

    `kept` holds {(layer, site): activation [prompt, pos, ...]}; `rows` are the places of the prompts in the run.
    """

    rows: np.ndarray
    resid_pre: list[Tensor] = field(default_factory=list)
    queries: list[Tensor] = field(default_factory=list)
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    kept: dict[Stage, Tensor] = field(default_factory=dict)
    logits: Tensor = field(default_factory=lambda: torch.empty(0))


def clean_run(lean: Lean, tokens: np.ndarray, rows: np.ndarray, wanted: set[Stage]) -> Clean:
    """Return the run without edits, with the activations `wanted` by (layer, site)."""
    found, x = Clean(rows), lean.embed(tokens)
    places = torch.arange(x.shape[1], device=x.device)
    for layer in range(lean.n_layers):
        found.resid_pre.append(x)
        normed = lean.norm1[layer](x)
        q, k, v = lean.q(layer, normed), lean.k(layer, normed), lean.v(layer, normed)
        found.queries.append(lean.rotate(q, places))
        found.keys.append(lean.rotate(k, places))
        found.values.append(v)
        z = lean.mix(found.queries[layer], found.keys[layer], v, places)
        added = lean.attn_out(layer, z)
        mid = x if lean.parallel else x + added
        post = lean.mlp_post(layer, lean.norm2[layer](mid))
        out = lean.mlp_out(layer, post)
        sites = {"resid_post": x, "resid_pre": x, "q": q, "k": k, "v": v, "z": z, "attn_out": added}
        sites |= {"resid_mid": mid, "mlp_post": post, "mlp_out": out}
        found.kept |= {(layer, name): sites[name] for name in sites if (layer, name) in wanted}
        x = x + added + out
    found.resid_pre.append(x)
    if (lean.n_layers, "resid_post") in wanted:
        found.kept[lean.n_layers, "resid_post"] = x
    found.logits = lean.logits(x[:, -1])
    return found


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


class Stack:
    """Jobs computed together. Tensors are [prompt, cell, ...]."""

    def __init__(self, lean: Lean, clean: Clean, jobs: Sequence[Job]) -> None:
        self.lean, self.clean, self.jobs = lean, clean, list(jobs)
        self.n_prompts, self.n_pos = clean.resid_pre[0].shape[:2]
        self.writes: dict[Stage, list[tuple[int, Write]]] = {}
        for i, job in enumerate(self.jobs):
            for stage, group in job.writes.items():
                self.writes.setdefault(stage, []).extend((i, write) for write in group)
        self.cells, self.x = self._cells([]), clean.resid_pre[0][:, :0]

    def final(self) -> Tensor:
        """Return the final residual of the last position [prompt, job, d_model]."""
        depth, last = self.lean.n_layers, self.n_pos - 1
        for layer in range(depth):
            here = [i for i, job in enumerate(self.jobs) if job.layer == layer]
            self._begin(layer, [i for i in here if not self.jobs[i].late])
            if len(self.cells):
                self._block(layer)
            if late := [i for i in here if self.jobs[i].late]:
                self._late(layer, late)
        self._begin(depth, [i for i, job in enumerate(self.jobs) if job.layer == depth])
        ends = [int(cell) for cell in self.cells.at[:, last]]
        x = self._written(self.x, (depth, "resid_post"), self.cells)
        return x[:, ends]

    def _cells(self, pairs: Sequence[tuple[int, int]]) -> Cells:
        return Cells.of(pairs, len(self.jobs), self.n_pos)

    def _begin(self, layer: int, slots: list[int]) -> None:
        """Let jobs begin with the clean stream before block `layer`, at the positions they touch."""
        if slots:
            cells = self._cells([(i, place) for i in slots for place in self.jobs[i].touched])
            self._join(self.clean.resid_pre[layer][:, cells.place], cells)

    def _join(self, x: Tensor, cells: Cells) -> None:
        self.x = torch.cat([self.x, x], dim=1) if len(self.cells) else x
        self.cells = self.cells.and_(cells) if len(self.cells) else cells

    def _block(self, layer: int) -> None:
        """Take the stack through a block; then every position from a job's first on has a cell."""
        lean, clean, cells, x = self.lean, self.clean, self.cells, self.x
        last = layer == lean.n_layers - 1
        for name in ("resid_post", "resid_pre"):
            x = self._written(x, (layer, name), cells)
        normed = lean.norm1[layer](x)
        k = self._turned(self._written(lean.k(layer, normed), (layer, "k"), cells), cells)
        v = self._written(lean.v(layer, normed), (layer, "v"), cells)
        asking = cells.only(cells.place == self.n_pos - 1) if last else cells
        asked = normed.index_select(1, torch.as_tensor(cells.at[asking.job, asking.place], device=x.device))
        q = self._turned(self._written(lean.q(layer, asked), (layer, "q"), asking), asking)
        slots = list(dict.fromkeys(cells.job.tolist()))
        out = self._cells(
            [(i, p) for i in slots for p in range(self.n_pos - 1 if last else self.jobs[i].first, self.n_pos)]
        )
        q, x = self._over(clean.queries[layer], q, asking, out), self._over(clean.resid_pre[layer], x, cells, out)
        z = self._attend(layer, q, out, (k, v, cells))
        self.x, self.cells = self._after(layer, x, z, None, out), out

    def _late(self, layer: int, slots: list[int]) -> None:
        """Let jobs join after block `layer`, through which only the positions they touch are taken."""
        last = layer == self.lean.n_layers - 1
        wanted = [(i, p) for i in slots for p in self.jobs[i].touched if not last or p == self.n_pos - 1]
        cells, z, added = self._cells(wanted), None, None
        x = self.clean.resid_pre[layer][:, cells.place]
        sites = {name for i in slots for block, name in self.jobs[i].writes if block == layer}
        if sites & {"q", "pattern", "attn"}:
            q = self._written(self.lean.q(layer, self.lean.norm1[layer](x)), (layer, "q"), cells)
            z = self._attend(layer, self._turned(q, cells), cells, None)
        elif "z" in sites:
            z = self.clean.kept[layer, "z"][:, cells.place]
        else:
            added = self.clean.kept[layer, "attn_out"][:, cells.place]
        self._join(self._after(layer, x, z, added, cells), cells)

    def _turned(self, heads: Tensor, cells: Cells) -> Tensor:
        """Return queries or keys rotated to their places."""
        return self.lean.rotate(heads, torch.as_tensor(cells.place, device=heads.device))

    def _over(self, clean: Tensor, own: Tensor, cells: Cells, out: Cells) -> Tensor:
        """Return the values of cells `out`: their own where they have some (`own` at `cells`), else the clean ones."""
        if len(cells) == len(out) and bool((cells.place == out.place).all() and (cells.job == out.job).all()):
            return own
        index = cells.at[out.job, out.place]
        there, given = (
            torch.as_tensor(part, device=own.device) for part in (np.flatnonzero(index >= 0), index[index >= 0])
        )
        return _into(clean[:, out.place], there, own.index_select(1, given))

    def _attend(self, layer: int, q: Tensor, out: Cells, new: tuple[Tensor, Tensor, Cells] | None) -> Tensor:
        """Return z [prompt, cell, head, d_head] of the queries of `out`; keys and values are clean but for `new`."""
        groups = list(self._alike(sorted(set(out.job.tolist()), key=lambda i: self.jobs[i].first)))
        if len(groups) == 1:
            return self._attend_group(layer, q, out, new, groups[0])
        z = torch.empty_like(q)
        for slots in groups:
            mine = torch.as_tensor(np.flatnonzero(np.isin(out.job, slots)), device=q.device)
            some = out.only(np.isin(out.job, slots))
            z[:, mine] = self._attend_group(layer, q[:, mine], some, new, slots)
        return z

    def _attend_group(
        self, layer: int, q: Tensor, out: Cells, new: tuple[Tensor, Tensor, Cells] | None, slots: list[int]
    ) -> Tensor:
        """Return z of jobs whose queries are padded to one rectangle [job, query from `first` on]."""
        first, rank = int(out.place.min()), np.full(len(self.jobs), -1, dtype=np.int64)
        rank[slots] = np.arange(len(slots))
        n_rows = self.n_pos - first
        rows = torch.as_tensor(rank[out.job] * n_rows + out.place - first, device=q.device)
        full = len(rows) == len(slots) * n_rows and bool((rows.diff() == 1).all())
        padded = q if full else _into(q.new_zeros((len(q), len(slots) * n_rows, *q.shape[2:])), rows, q)
        keys, values = (part[layer].repeat(1, len(slots), 1, 1) for part in (self.clean.keys, self.clean.values))
        if new is not None:
            given = np.flatnonzero(rank[new[2].job] >= 0)
            there = rank[new[2].job[given]] * self.n_pos + new[2].place[given]
            there, given = (torch.as_tensor(index, device=q.device) for index in (there, given))
            keys = _into(keys, there, new[0].index_select(1, given))
            values = _into(values, there, new[1].index_select(1, given))
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
        cells = self._cells([(0, place) for place in range(first, self.n_pos)])
        for row, i in enumerate(slots):
            for write in self.jobs[i].writes.get((layer, "pattern"), ()):
                pattern[:, row] = _write(pattern[:, row], write, cells.at[0], self.clean.rows)
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

    def _after(self, layer: int, x: Tensor, z: Tensor | None, added: Tensor | None, cells: Cells) -> Tensor:
        """Return the stream after block `layer`, from z or from what attention added."""
        lean = self.lean
        if z is not None:
            added = lean.attn_out(layer, self._written(z, (layer, "z"), cells))
        assert added is not None
        added = self._written(added, (layer, "attn_out"), cells)
        mid = x if lean.parallel else self._written(x + added, (layer, "resid_mid"), cells)
        post = self._written(lean.mlp_post(layer, lean.norm2[layer](mid)), (layer, "mlp_post"), cells)
        out = self._written(lean.mlp_out(layer, post), (layer, "mlp_out"), cells)
        return mid.add_(out) if not lean.parallel else added.add_(x).add_(out)

    def _written(self, h: Tensor, stage: Stage, cells: Cells) -> Tensor:
        """Return h [prompt, cell, ...] after the writes of its jobs; h itself is overwritten where it is no view."""
        for i, write in self.writes.get(stage, ()):
            h = _write(h, write, cells.at[i], self.clean.rows)
        return h


def _into(h: Tensor, rows: Tensor, values: Tensor) -> Tensor:
    """Return h [prompt, row, ...] with `values` at `rows`, in place."""
    return h.index_copy_(1, rows, values)


def _write(h: Tensor, write: Write, row_of: np.ndarray, rows: np.ndarray) -> Tensor:
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
