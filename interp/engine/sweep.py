"""What does each of many edits do to the same prompts? All of them together, at the cost of what they change.

    sweep(model, prompts, edits, measure)[e] = measure( run(model, prompts, edits[e]).logits )

The clean run is computed once. An edit then costs the blocks after its layer, at the positions from its first one on:

    cost(edit at layer l, position p) ~ (1 - l / L) (1 - p / S) forwards, and of the last block one query

since nothing before can change: earlier blocks are resumed from the clean stream, earlier positions lend their keys and
values, edits that begin together are one batch (`sweep_plan`, `sweep_stack`). A write of what already stands there, and
one that nothing reads, cost nothing. The result is that of one `run` an edit, to float rounding.

Memory: the clean stream, keys and values of one batch of prompts and one stack of at most ROWS rows; the batch shrinks
until both fit in HALF of what is free. A model that `Lean` does not know is run edit by edit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from interp.engine.honoured import require_honoured
from interp.engine.hooks import device_of
from interp.engine.interventions import Intervention
from interp.engine.lean import Lean
from interp.engine.lean_parts import is_known
from interp.engine.run import run
from interp.engine.sweep_clean import Clean, clean_run
from interp.engine.sweep_plan import Job, Stage, jobs, queries, stacks
from interp.engine.sweep_stack import Stack
from interp.errors import InterpError
from interp.progress import Progress, silent

Measure = Callable[[Tensor, np.ndarray], Tensor]
ROWS = {"cpu": 1024, "cuda": 65536}
"""Rows of a stack: enough to fill the machine, few enough for its caches."""
LOGITS = 2**28
"""Bytes of logits at once."""
HALF = 0.5
COMPARED = ("resid_pre", "resid_post", "q", "k", "v", "z", "attn_out", "resid_mid", "mlp_post", "mlp_out")
"""Sites at which a write is compared with what stands there."""


def sweep(
    model: Any,
    prompts: Any,
    edits: Sequence[Sequence[Intervention]],
    measure: Measure,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> Tensor:
    """Return measure(logits of each edit) as [edit, prompt, ...], on the CPU.

    measure: (logits [row, vocab] float32 of the last position, places int [row] of their prompts) -> [row, ...], each
    row on its own. Raises InterpError, before any forward, as `run` does, and where not even one prompt fits in memory.
    """
    if len(prompts) == 0 or batch_size < 1 or not len(edits):
        raise InterpError(f"Nothing to sweep: {len(edits)} edits of {len(prompts)} prompts in batches of {batch_size}.")
    _check(model, prompts, edits)
    if not is_known(model) or any(each.site.name == "embed" for edit in edits for each in edit):
        return _one_by_one(model, prompts, edits, measure, batch_size, progress)
    lean = Lean.of(model)
    found, without = jobs(edits, prompts, lean.n_layers)
    size = _batch(lean, prompts, found, batch_size)
    parts = []
    with torch.no_grad():
        for start in range(0, len(prompts), size):
            rows = np.arange(start, min(start + size, len(prompts)))
            parts.append(_swept(lean, prompts, (found, without), measure, rows, progress))
    return torch.cat(parts, dim=1)


def _swept(
    lean: Lean, prompts: Any, plan: tuple[list[Job], list[int]], measure: Measure, rows: np.ndarray, progress: Progress
) -> Tensor:
    """Return [edit, row, ...] for one batch of prompts."""
    found, without = plan
    clean = clean_run(lean, prompts.tokens[rows], rows, _wanted(found))
    unchanged = [job for job in found if _says_what_stands(job, clean)]
    running = [job for job in found if job not in unchanged]
    base = measure(clean.logits, rows).cpu()
    out = base.expand(len(found) + len(without), *base.shape).clone()
    n_pos, at_once = prompts.tokens.shape[1], max(1, LOGITS // (4 * lean.d_vocab * len(rows)))
    done, total = int(rows[0]) * len(found), len(prompts) * len(found)
    progress(done, total, "sweep")
    for stack in stacks(running, len(rows), n_pos, ROWS.get(lean.device.type, ROWS["cuda"])):
        final = Stack(lean, clean, stack).final()
        for start in range(0, len(stack), at_once):
            part = final[:, start : start + at_once]
            measured = measure(lean.logits(part.flatten(0, 1)), np.repeat(rows, part.shape[1])).cpu()
            index = [job.index for job in stack[start : start + at_once]]
            out[index] = measured.unflatten(0, part.shape[:2]).transpose(0, 1)
        done += len(stack) * len(rows)
        progress(done, total, "sweep")
    progress((int(rows[-1]) + 1) * len(found), total, "sweep")
    return out


def _check(model: Any, prompts: Any, edits: Sequence[Sequence[Intervention]]) -> None:
    """Raise what `run` would, for the first edit that this model or these prompts do not take."""
    tokens = torch.tensor(prompts.tokens[:1], device=device_of(model))
    sites = dict.fromkeys(each.site for edit in edits for each in edit)
    for site in sites:
        site.check(model)
    for site in {(site.name, site.layer): site for site in sites}.values():
        site.hook_name(model)
        if not is_known(model):
            require_honoured(model, site, tokens)


def _one_by_one(
    model: Any, prompts: Any, edits: Sequence[Sequence[Intervention]], measure: Measure, size: int, progress: Progress
) -> Tensor:
    """The same by one run an edit."""
    rows, out = np.arange(len(prompts)), []
    for i, edit in enumerate(edits):
        progress(i, len(edits), "sweep, one run an edit")
        out.append(measure(run(model, prompts, edit, batch_size=size).logits, rows).cpu())
    progress(len(edits), len(edits), "sweep, one run an edit")
    return torch.stack(out)


def _wanted(found: Sequence[Job]) -> set[Stage]:
    """Return the clean activations that late jobs begin from, and those that single writes are compared with."""
    late = {(job.layer, "z" if (job.layer, "z") in job.writes else "attn_out") for job in found if job.late}
    single = {next(iter(job.writes)) for job in found if _single(job)}
    return late | {stage for stage in single if stage[1] in COMPARED}


def _single(job: Job) -> bool:
    return sum(map(len, job.writes.values())) == 1


def _says_what_stands(job: Job, clean: Clean) -> bool:
    """Whether the job's only write puts there, bit for bit, what already stands there."""
    if not _single(job):
        return False
    (stage, (write,)) = next(iter(job.writes.items()))
    if stage not in clean.kept:
        return False
    here = clean.kept[stage][:, queries(write)]
    site = write.intervention.site
    here = here if site.index is None else here.select(2, site.index)
    source = write.intervention.source.at(clean.rows, write.labels, here, site)
    return bool((write.update(here, source).to(here.dtype) == here).all())


def _batch(lean: Lean, prompts: Any, found: Sequence[Job], batch_size: int) -> int:
    """Return how many prompts of at most `batch_size` fit. Raises InterpError when one does not."""
    item, n_pos = torch.empty((), dtype=lean.dtype).element_size(), prompts.tokens.shape[1]
    widths = {"z": lean.n_heads * lean.d_head, "q": lean.n_heads * lean.d_head, "mlp_post": lean.d_mlp}
    kept = sum(widths.get(name, lean.d_model) for _, name in _wanted(found))
    a_place = (
        (lean.n_layers + 1) * lean.d_model + lean.n_layers * (2 * lean.n_kv_heads + lean.n_heads) * lean.d_head + kept
    )
    a_row = 8 * lean.d_model + 4 * lean.d_mlp + 2 * n_pos * lean.n_kv_heads * lean.d_head
    stack = min(ROWS.get(lean.device.type, ROWS["cuda"]), n_pos * len(prompts) * max(1, len(found))) * a_row * item
    free = HALF * _free(lean.device) - stack
    a_prompt = n_pos * (a_place + a_row) * item + 8 * lean.d_vocab
    if free < a_prompt:
        raise InterpError(
            f"The sweep does not fit: one prompt of {n_pos} tokens needs {(a_prompt + stack) / 2**30:.2f} GiB and "
            f"{HALF * _free(lean.device) / 2**30:.2f} GiB may be used. Use a smaller dtype, or fewer layers at a time."
        )
    return int(min(batch_size, free // a_prompt))


def _free(device: torch.device) -> int:
    """Return the bytes of memory that are free where the model is."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available


__all__ = ["ROWS", "Measure", "sweep"]
