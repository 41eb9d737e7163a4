"""Where does an edit begin to matter, and which edits are run together?

An edit (a list of interventions) changes nothing before its first written block, nor at positions before its first
written one. So a `Job` knows where it begins:

    layer    the block in which it enters the stack
    first    the first position at which anything can differ from the clean run
    late     its first writes change only their own positions in that block (q, pattern, edges, all after attention);
             the others (the stream, k, v) change what every later position reads
    touched  the positions written in that block, and, of a late job, where the next block begins

Jobs are run in stacks of a bounded number of rows, those that begin at one position next to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interp.engine.interventions import Intervention
from interp.engine.sites import Site
from interp.engine.writes import Write, bind

LATE = ("q", "pattern", "attn", "z", "attn_out", "resid_mid", "mlp_post", "mlp_out")
"""Sites whose writes change, of their block's output, only the written positions."""
BEGINNING = ("resid_post", "resid_pre", "q", "k", "v")
"""Sites before attention."""
READ_LATER = ("resid_post", "resid_pre", "k", "v")
"""Sites of the last block that the last position reads at other positions too."""

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


def jobs(edits: Sequence[Sequence[Intervention]], prompts: Any, n_layers: int) -> tuple[list[Job], list[int]]:
    """Return the jobs of the edits, and the edits that cannot change the logits of the last position.

    Raises InterpError for roles or sources that do not fit the prompts.
    """
    last = prompts.tokens.shape[1] - 1
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
    after_keys = layer == n_layers or (layer == n_layers - 1 and name not in READ_LATER)
    return not after_keys or bool((queries(write) == last).any())


def _job(index: int, writes: dict[Stage, tuple[Write, ...]]) -> Job:
    layer = min(stage[0] for stage in writes)
    late = all(name in LATE for block, name in writes if block == layer)
    beginning = layer + 1 if late else layer
    here = [stage for stage in writes if stage[0] == layer or (stage[0] == beginning and stage[1] in BEGINNING)]
    touched = {int(place) for stage in here for write in writes[stage] for place in queries(write)}
    first = min(int(queries(write).min()) for group in writes.values() for write in group)
    return Job(index, writes, layer, first, late, tuple(sorted(touched)))


def stacks(found: Sequence[Job], n_prompts: int, n_pos: int, most_rows: int) -> Iterator[list[Job]]:
    """Yield the jobs in stacks of at most `most_rows` rows (prompts x positions that can differ), or of one job."""
    stack: list[Job] = []
    rows = 0
    for job in sorted(found, key=lambda job: (job.first, job.layer)):
        own = n_prompts * (n_pos - job.first)
        if stack and rows + own > most_rows:
            yield stack
            stack, rows = [], 0
        stack, rows = [*stack, job], rows + own
    if stack:
        yield stack
