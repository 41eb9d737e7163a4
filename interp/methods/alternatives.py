"""Does it have to be CAMA, this peeking, this window? Everything that could stand in their place, side by side.

    AF1(l_wait, l_transfer) = CAMA at the input of block l_wait, full peek for l_transfer blocks, self peek to the end

| kind | alternative | what differs from AF1 |
|---|---|---|
| wait | cama, mean, zero ... (waiting.py) | what the tokens hold at l_wait; `cama` is the proposed subgraph itself |
| peek | abp, no_bos ... (after_waiting.py) | what may be read after; `abp` is the proposed subgraph itself |
| window | shift -4 .. shift +4 (placements.py) | where the transfer begins |
| window | complement | the full model, the last token's reads cut in exactly the transfer blocks: not a subgraph |
| control | random_window 0, 1 ... | a drawn place for a window of the same length |
| control | random_head 0, 1 ... | as many heads may read, drawn among all blocks from l_wait on |

`cama_block` is the block whose input CAMA overwrites (a shift to the left takes it along; -1 for complement, which has
none), `transfer_block` the first block of the transfer (of the cut, for complement; -1 for random_head, which has no
one place). `difference` is faithfulness minus that of the proposed subgraph on the same prompts, with its paired
interval: sharper than two intervals side by side. `reads` shows in which heads of which block the last token sees the
others (blocks before CAMA are overwritten; what they read is lost).

Reading: AF1 is special as far as the alternatives lie below it; where one does not, the claim is weaker by what it
changed. `complement` low = those blocks are necessary in the full model too; its control is `cut_elsewhere`, as many
other blocks. A single block at a time is `peeking`. The rows are many looks at the same prompts: with forty of them,
two intervals miss.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650; the alternatives are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.engine import Intervention, digest
from interp.engine.edges import hidden_edges
from interp.errors import InterpError
from interp.methods import nulls
from interp.methods.after_waiting import check_window
from interp.methods.alternative_rows import Alternative, cuts_elsewhere, rows_of
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import within
from interp.methods.intervals import paired_difference
from interp.methods.masks import last_edges
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.waiting import References, as_references
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.methods.means import Means
    from interp.tasks.prompts import Prompts

COUNTING = "l_wait blocks wait; paper block index = l_wait - 1"
PROPOSED = "cama"
"""The row of the proposed subgraph."""


def alternatives(
    model: Any,
    references: References | Means,
    prompts: Prompts,
    l_wait: int,
    l_transfer: int,
    *,
    n_random: int = 5,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return `faithfulness` [alternative] in [0, 1] with its interval, and `difference` to the proposed subgraph.

    `kind` [alternative] says what is varied; waits and peeks whose reference is not there are left out. `n` counts
    the prompts that the full model answers, `n_uncovered` those left out because a token of theirs has no reference
    mean; with no answered prompt the values are nan. `seed` draws the controls, at most `n_random` of each. Raises
    InterpError for no prompts, references of another template, a window outside the model or n_random below 1.
    """
    held = as_references(references)
    held.check(prompts)
    check_window(model.cfg.n_layers, l_wait, l_transfer)
    if n_random < 1:
        raise InterpError(f"{n_random} draws of each control asked for; ask for at least 1.")
    covered = prompts[held.covers(prompts)]
    kept = answered(model, covered, batch_size=batch_size, progress=progress) if len(covered) else covered
    at = (l_wait, l_transfer)
    rows = rows_of(model, kept, held, at, n_random, seed)
    cuts = cuts_elsewhere(kept, model.cfg.n_layers, at, n_random, seed)
    right, reads = judge(model, kept, rows + cuts, batch_size=batch_size, progress=progress)
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    title = f"AF1({l_wait}, {l_transfer}) and its alternatives, {prompts.task} ({prompts.style}, {prompts.split})."
    return xr.Dataset(
        {
            **_row_variables(rows, right[: len(rows)], reads[: len(rows)]),
            **_cut_variables(right[len(rows) :], reads[len(rows) :]),
            "l_wait": variable("", l_wait, "blocks", "blocks that wait"),
            "l_transfer": variable("", l_transfer, "blocks", "full-peek blocks"),
            "n": variable("", len(kept), "prompts", "prompts that the full model answers correctly"),
            "n_uncovered": variable("", len(prompts) - len(covered), "prompts", "left out: a token without a mean"),
            "n_reference": variable("", held.means.n, "prompts", "prompts behind the means"),
            "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
        },
        coords={
            "alternative": [row.name for row in rows],
            "kind": ("alternative", [row.kind for row in rows]),
            "prompt": list(kept.texts),
            "layer": list(range(model.cfg.n_layers)),
            "head": list(range(model.cfg.n_heads)),
        },
        attrs=attributes("alternatives", model, prompts, title, seed=seed, counting=COUNTING),
    )


def judge(
    model: Any,
    prompts: Prompts,
    rows: Sequence[Alternative],
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which of `prompts` each row answers, bool [row, prompt], and where its last token reads the others, bool
    [row, layer, head]. Rows with the same interventions are run once."""
    seen: dict[str, np.ndarray] = {}
    right = np.zeros((len(rows), len(prompts)), dtype=bool)
    reads = np.zeros((len(rows), model.cfg.n_layers, model.cfg.n_heads), dtype=bool)
    for i, row in enumerate(rows if len(prompts) else ()):
        report = within(progress, i, len(rows), row.name)
        edits = row.edits()
        name = digest(edits)
        if name not in seen:
            seen[name] = faithful(model, prompts, edits, batch_size=batch_size, progress=report)
        right[i], reads[i] = seen[name], reads_of(model, prompts, edits)
    return right, reads


def reads_of(model: Any, prompts: Prompts, edits: Sequence[Intervention]) -> np.ndarray:
    """Return the heads in which the last token sees any other token but BOS: bool [layer, head]."""
    others = [prompts.position(key) for _, key in last_edges(prompts)]
    reads = np.ones((model.cfg.n_layers, model.cfg.n_heads), dtype=bool)
    for layer, hidden in hidden_edges(model, prompts, edits).items():
        reads[layer] = ~hidden[:, -1, others].all(axis=-1)
    return reads


def _row_variables(rows: list[Alternative], right: np.ndarray, reads: np.ndarray) -> dict[str, xr.Variable]:
    proposed = right[[row.name for row in rows].index(PROPOSED)]
    nothing = np.full(len(rows), np.nan)
    gap = paired_difference(right, proposed) if right.shape[-1] else (nothing, (nothing, nothing))
    what = "accuracy on prompts the full model answers"
    than = "faithfulness minus that of the proposed subgraph, on the same prompts"
    ints = np.int8
    return {
        **mean_variables("faithfulness", "alternative", *share(right), "fraction", what),
        **mean_variables("difference", "alternative", *gap, "fraction", than),
        "correct": variable("alternative prompt", right.astype(ints), "0 or 1", "still answered"),
        "reads": variable(
            "alternative layer head", reads.astype(ints), "0 or 1", "the last token sees the others in this head"
        ),
        "cama_block": variable(
            "alternative", [row.cama_block for row in rows], "block", "the block whose input CAMA overwrites; -1 = none"
        ),
        "transfer_block": variable(
            "alternative",
            [row.transfer_block for row in rows],
            "block",
            "first block of the transfer or cut; -1 = none",
        ),
    }


def _cut_variables(right: np.ndarray, reads: np.ndarray) -> dict[str, xr.Variable]:
    what = "control of complement: as many other blocks cut in the full model"
    blocks = ~reads.any(axis=-1)
    return {
        **mean_variables("cut_elsewhere", "draw", *share(right), "fraction", what),
        "cut_elsewhere_correct": variable("draw prompt", right.astype(np.int8), "0 or 1", "still answered"),
        "cut_elsewhere_blocks": variable("draw layer", blocks.astype(np.int8), "0 or 1", "cut in this draw"),
    }
