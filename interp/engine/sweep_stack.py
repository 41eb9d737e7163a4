"""A stack of edits on its way through the blocks: a row for each job and position that differs from the clean run.

inside    x -> writes -> norm -> q, k, v -> writes -> attention -> z -> writes -> ... -> x
          all but attention works on the rows as they are; for attention the clean run lends every query, key and
          value that no row replaces
joining   a job's first block: only the positions it writes have rows; after it, all from its first position on
late      a job whose first writes change nothing but their own positions takes only these through that block
last      of the last block only the last query is computed, for nothing else is read from it
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from interp.engine.lean import Lean
from interp.engine.sweep_attention import StackAttention
from interp.engine.sweep_cells import Cells, into, write_rows
from interp.engine.sweep_clean import Clean
from interp.engine.sweep_plan import Job, Stage
from interp.engine.writes import Write


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
        self._attend = StackAttention(lean, clean, jobs)

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
        return into(clean[:, out.place], there, own.index_select(1, given))

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
            h = write_rows(h, write, cells.at[i], self.clean.rows)
        return h
