"""A stack of edits on its way through the blocks: rows [job, prompt, position >= first, d_model].

block l   jobs that begin here join;  K and V of positions before `first` are the clean ones
          x -> writes -> norm -> q, k, v -> writes -> attention -> z -> writes -> ... -> x
late      a job whose first write comes after attention joins after block l: in block l it computes only the
          positions it writes, the other rows are those of the clean run
last      of the last block only the last query is computed, for nothing else is read from it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from interp.engine.lean import Lean
from interp.engine.sweep_plan import Job, Stage, queries
from interp.engine.writes import Write, selection


@dataclass
class Clean:
    """The clean run of one batch: resid_pre (L + 1), rotated keys and values by layer, and what else is asked for.

    `kept` holds {(layer, site): activation [prompt, pos, ...]}; `rows` are the places of the prompts in the run.
    """

    rows: np.ndarray
    resid_pre: list[Tensor] = field(default_factory=list)
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
        found.keys.append(lean.rotate(k, places))
        found.values.append(v)
        z = lean.mix(lean.rotate(q, places), found.keys[layer], v, places)
        added = lean.attn_out(layer, z)
        mid = x if lean.parallel else x + added
        post = lean.mlp_post(layer, lean.norm2[layer](mid))
        out = lean.mlp_out(layer, post)
        sites = {"resid_pre": x, "q": q, "k": k, "v": v, "z": z, "attn_out": added, "resid_mid": mid}
        sites |= {"mlp_post": post, "mlp_out": out, "resid_post": found.resid_pre[layer]}
        found.kept |= {(layer, name): sites[name] for name in sites if (layer, name) in wanted}
        x = x + added + out
    found.resid_pre.append(x)
    if (lean.n_layers, "resid_post") in wanted:
        found.kept[lean.n_layers, "resid_post"] = x
    found.logits = lean.logits(x[:, -1])
    return found


class Stack:
    """Jobs that begin at one position, computed together."""

    def __init__(self, lean: Lean, clean: Clean, jobs: Sequence[Job]) -> None:
        self.lean, self.clean, self.first = lean, clean, min(job.first for job in jobs)
        self.waiting, self.jobs = sorted(jobs, key=lambda job: (job.layer, job.late)), list[Job]()
        self.n_prompts, self.n_pos = clean.resid_pre[0].shape[:2]
        self.x = clean.resid_pre[0].new_empty((0, self.n_prompts, self.n_pos - self.first, lean.d_model))

    def final(self) -> Tensor:
        """Return the final residual of the last position [job, prompt, d_model], in the order of `self.jobs`."""
        for layer in range(self.lean.n_layers):
            self._join([job for job in self.waiting if job.layer == layer and not job.late], layer)
            if self.jobs:
                self._block(layer)
            self._join_late([job for job in self.waiting if job.layer == layer and job.late], layer)
        depth = self.lean.n_layers
        self._join([job for job in self.waiting if job.layer == depth], depth)
        return self._written(self.x[:, :, -1:], (depth, "resid_post"), [self.n_pos - 1])[:, :, 0]

    def _join(self, jobs: list[Job], layer: int) -> None:
        """Let jobs begin with the clean stream before block `layer`."""
        if jobs:
            own = self.clean.resid_pre[layer][None, :, self.n_pos - self.x.shape[2] :]
            self.x = torch.cat([self.x, own.expand(len(jobs), -1, -1, -1)])
            self.jobs += jobs

    def _block(self, layer: int) -> None:
        lean, clean, first = self.lean, self.clean, self.n_pos - self.x.shape[2]
        here = list(range(first, self.n_pos))
        asking = here[-1:] if layer == lean.n_layers - 1 else here
        x = self._written(self.x, (layer, "resid_post"), here)
        x = self._written(x, (layer, "resid_pre"), here)
        normed = lean.norm1[layer](x)
        q = self._written(lean.q(layer, normed[:, :, -len(asking) :]), (layer, "q"), asking)
        k = self._written(lean.k(layer, normed), (layer, "k"), here)
        v = self._written(lean.v(layer, normed), (layer, "v"), here)
        places = torch.arange(self.n_pos, device=x.device)
        q, k = lean.rotate(q.flatten(0, 1), places[-len(asking) :]), lean.rotate(k.flatten(0, 1), places[first:])
        keys, values = (
            torch.cat([part[layer][None, :, :first].expand(len(x), -1, -1, -1, -1).flatten(0, 1), own], dim=1)
            for part, own in ((clean.keys, k), (clean.values, v.flatten(0, 1)))
        )
        z = self._mixed(layer, q, keys, values, asking)
        self.x = self._after(layer, x[:, :, -len(asking) :], z, None, asking, self.jobs)

    def _mixed(self, layer: int, q: Tensor, k: Tensor, v: Tensor, asking: list[int]) -> Tensor:
        """Return z [job, prompt, query, head, d_head], under writes at the pattern and hidden edges."""
        places = torch.as_tensor(asking, device=q.device)
        shape = (len(self.jobs), self.n_prompts)
        if not any((layer, name) in job.writes for job in self.jobs for name in ("pattern", "attn")):
            return self.lean.mix(q, k, v, places).unflatten(0, shape)
        pattern = self.lean.weights(q, k, self._visible(layer, asking, q.device)).unflatten(0, shape)
        pattern = self._written(pattern, (layer, "pattern"), asking)
        return self.lean.weighted(pattern.flatten(0, 1), v).unflatten(0, shape)

    def _visible(self, layer: int, asking: list[int], device: torch.device) -> Tensor:
        """Return bool [job x prompt, head, query, key]: causal, less the edges that a job hides."""
        places = torch.as_tensor(asking, device=device)
        causal = torch.arange(self.n_pos, device=device) <= places[:, None]
        seen = causal.expand(len(self.jobs), self.lean.n_heads, -1, -1).clone()
        for i, job in enumerate(self.jobs):
            for write in job.writes.get((layer, "attn"), ()):
                head = slice(None) if write.intervention.site.index is None else write.intervention.site.index
                for query, key in write.positions:
                    if query in asking:
                        seen[i, head, asking.index(query), key] = False
        return seen.repeat_interleave(self.n_prompts, dim=0)

    def _after(
        self, layer: int, x: Tensor, z: Tensor | None, added: Tensor | None, places: list, jobs: list[Job]
    ) -> Tensor:
        """Return the stream after block `layer` of rows at `places`, from z, or from what attention added."""
        lean = self.lean
        if z is not None:
            added = lean.attn_out(layer, self._written(z, (layer, "z"), places, jobs))
        assert added is not None
        added = self._written(added, (layer, "attn_out"), places, jobs)
        mid = x if lean.parallel else self._written(x + added, (layer, "resid_mid"), places, jobs)
        post = self._written(lean.mlp_post(layer, lean.norm2[layer](mid)), (layer, "mlp_post"), places, jobs)
        out = self._written(lean.mlp_out(layer, post), (layer, "mlp_out"), places, jobs)
        return x + added + out if lean.parallel else mid + out

    def _join_late(self, jobs: list[Job], layer: int) -> None:
        """Let jobs begin after block `layer`, of which they compute only the positions they write."""
        for _, group in groupby(sorted(jobs, key=lambda job: len(job.touched)), key=lambda job: len(job.touched)):
            same = list(group)
            at = torch.tensor([job.touched for job in same], device=self.x.device)  # [job, touched]
            places = [list(job.touched) for job in same]
            has_z = any((layer, "z") in job.writes for job in same)
            part = self.clean.kept[layer, "z" if has_z else "attn_out"][:, at].transpose(0, 1)
            x = self.clean.resid_pre[layer][:, at].transpose(0, 1)
            after = self._after(layer, x, part if has_z else None, None if has_z else part, places, same)
            first = self.n_pos - 1 if layer == self.lean.n_layers - 1 else self.first
            if not self.jobs:
                self.x = self.x.new_empty((0, self.n_prompts, self.n_pos - first, self.lean.d_model))
            rows = self.clean.resid_pre[layer + 1][None, :, first:].repeat(len(same), 1, 1, 1)
            inside = at - first
            for i in range(len(same)):
                keep = inside[i] >= 0
                rows[i, :, inside[i][keep]] = after[i][:, keep]
            self.x = torch.cat([self.x, rows])
            self.jobs += same

    def _written(self, h: Tensor, stage: Stage, places: list, jobs: list[Job] | None = None) -> Tensor:
        """Return h [job, prompt, place, ...] (pattern: [job, prompt, head, query, key]) after the jobs' writes.

        `places` are the positions of the rows: one list for all jobs, or one list a job.
        """
        jobs = self.jobs if jobs is None else jobs
        writing = [(i, write) for i, job in enumerate(jobs) for write in job.writes.get(stage, ())]
        if not writing:
            return h
        h = h.clone()
        for i, write in writing:
            _write(h[i], write, places[i] if isinstance(places[0], list) else places, self.clean.rows)
        return h


def _write(h: Tensor, write: Write, places: list[int], rows: np.ndarray) -> None:
    """Write into h [prompt, place, ...] where the write's positions are among `places`."""
    wanted, at, kept = queries(write), write.positions, slice(None)
    if len(places) < write.n_pos:
        row_of = {place: row for row, place in enumerate(places)}
        kept = np.array([i for i, place in enumerate(wanted) if int(place) in row_of], dtype=np.int64)
        if not len(kept):
            return
        at = at[kept].copy()
        own = [row_of[int(place)] for place in wanted[kept]]
        at[:] = np.column_stack([own, at[:, 1]]) if at.ndim == 2 else own
    site = write.intervention.site
    index, axis = selection(site, at, h.device)
    current = h[index].movedim(axis, 1)
    whole = current[:, :1].expand(-1, len(wanted), *current.shape[2:])
    source = write.intervention.source.at(rows, write.labels, whole, site).to(current.dtype)
    source = source.expand_as(whole)[:, kept]
    h[index] = write.update(current, source).to(h.dtype).movedim(1, axis)
