"""In what order are many edits of the same prompts run, so that they share all that they have in common?

An edit (a list of interventions) changes nothing before its first written layer, nor at positions before its first
written one. So a `Job` knows where it begins:

    layer    the block in which it enters the stack
    first    the first position at which anything can differ from the clean run
    late     its first writes come after attention (z, attn_out, resid_mid, mlp_post, mlp_out): in that block only the
             written positions differ, `touched`

and jobs go together in one stack when they begin at the same position, or nearly so: rows before its own `first` are
computed for nothing, which is cheaper than another call as long as they are few (`WASTE`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from interp.engine.interventions import Intervention
from interp.engine.sites import Site
from interp.engine.writes import Write, bind

EARLY = ("resid_post", "resid_pre", "q", "k", "v", "pattern", "attn")
"""Sites at or before attention, in the order of the block; `resid_post` of a block is where the next one begins."""
LATE = ("z", "attn_out", "resid_mid", "mlp_post", "mlp_out")
FROM_KEYS = ("resid_post", "resid_pre", "k", "v")
"""Sites of the last block that other positions than the last are read from."""
WASTE = {"cpu": 1.5e7, "cuda": 5e9}
"""Multiplications that cost as much as the calls of one more block: measured on one CPU core, derived for a GPU."""

Stage = tuple[int, str]
"""(block, site name); `resid_post` counts as a stage of the block after it, so L is after the last block."""


@dataclass(frozen=True)
class Job:
    """One edit: its place in the list, its writes by stage, and where it begins."""

    index: int
    writes: dict[Stage, tuple[Write, ...]]
    layer: int
    first: int
    late: bool
    touched: tuple[int, ...]


def jobs(edits: Sequence[Sequence[Intervention]], prompts: object, n_layers: int) -> tuple[list[Job], list[int]]:
    """Return the jobs of the edits, and the edits that cannot change the logits of the last position.

    Raises InterpError for roles or sources that do not fit the prompts.
    """
    last = prompts.tokens.shape[1] - 1  # type: ignore[attr-defined]
    found, without = [], []
    for index, edit in enumerate(edits):
        writes: dict[Stage, list[Write]] = {}
        for each in edit:
            write, stage = bind(each, prompts), stage_of(each.site, n_layers)
            if _matters(stage, write, n_layers, last):
                writes.setdefault(stage, []).append(write)
        if writes:
            found.append(_job(index, {stage: tuple(group) for stage, group in writes.items()}))
        else:
            without.append(index)
    return found, without


def stage_of(site: Site, n_layers: int) -> Stage:
    """Return the block and site name at which a write is applied."""
    layer = site.layer or 0
    if site.name == "resid_post" or (site.name == "resid_pre" and layer == n_layers):
        return layer + (site.name == "resid_post"), "resid_post"
    return layer, site.name


def queries(write: Write) -> np.ndarray:
    """Return the positions [place] that a write changes: of edges, the asking ones."""
    return write.positions[:, 0] if write.positions.ndim == 2 else write.positions


def _matters(stage: Stage, write: Write, n_layers: int, last: int) -> bool:
    """Whether the logits of the last position can feel the write: from the last block on, only what they read."""
    layer, name = stage
    if not len(write.positions):
        return False
    after_keys = layer == n_layers or (layer == n_layers - 1 and name not in FROM_KEYS)
    return not after_keys or bool((queries(write) == last).any())


def _job(index: int, writes: dict[Stage, tuple[Write, ...]]) -> Job:
    layer = min(stage[0] for stage in writes)
    here = {name: group for (block, name), group in writes.items() if block == layer}
    late = all(name in LATE for name in here)
    touched = {int(p) for group in here.values() for write in group for p in queries(write)}
    first = min(int(queries(write).min()) for group in writes.values() for write in group)
    return Job(index, writes, layer, first, late, tuple(sorted(touched)) if late else ())


def stacks(found: Sequence[Job], n_prompts: int, n_pos: int, per_block: float, most_rows: int) -> Iterator[list[Job]]:
    """Yield the jobs in stacks that begin together, each of at most `most_rows` rows (prompts x positions x jobs).

    `per_block` is how many weights a row meets in a block, in multiples of what `WASTE` allows.
    """
    by_first: dict[int, list[Job]] = {}
    for job in found:
        by_first.setdefault(job.first, []).append(job)
    cluster: list[Job] = []
    for first in sorted(by_first):
        wasted = 0 if not cluster else (first - cluster[0].first) * n_prompts * len(by_first[first])
        if cluster and wasted * per_block > 1:
            yield from _cut(cluster, n_prompts, n_pos, most_rows)
            cluster = []
        cluster += by_first[first]
    yield from _cut(cluster, n_prompts, n_pos, most_rows)


def _cut(cluster: list[Job], n_prompts: int, n_pos: int, most_rows: int) -> Iterator[list[Job]]:
    if not cluster:
        return
    rows = n_prompts * (n_pos - cluster[0].first)
    size = max(1, most_rows // rows)
    ordered = sorted(cluster, key=lambda job: (job.layer, job.late, len(job.touched), job.first))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
