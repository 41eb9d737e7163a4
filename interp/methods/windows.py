"""What does every window (l_wait, l_transfer) answer? All AF1 subgraphs at once, each block run on what is new in it.

    AF1(l_wait, l_transfer)   CAMA at the input of block l_wait, full peek for l_transfer blocks, self peek to the end

All windows of one l_wait are one model until their transfer ends, and then differ in the last token alone: the others
see themselves and BOS in either peek. So one trunk of full-peek blocks starts from CAMA at l_wait, and before every
block a copy of its last token branches off that from there on sees BOS and itself. The copies (tails) stand behind
their trunk in one sequence, at the place of the last token:

    rows       BOS a + b =  = =             before block l_wait + 1: two windows ended, the trunk still reads
    transfer                all 0 1

Cost in forwards of S tokens through L blocks, counting (token, block) pairs:

    trunks (L + 1) / 2  +  tails (L + 1)(L + 2) / 6S  +  the clean stream 1        55 at L = 32, S = 5

instead of one for each of the (L + 1)(L + 2) / 2 = 561 windows. Slow twin: `run` with `subgraph` (after_waiting.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.engine import Blocks
from interp.engine.writes import bind
from interp.methods import metrics
from interp.methods.masks import peek
from interp.methods.waiting import wait
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.methods.means import Means
    from interp.tasks.prompts import Prompts


class Window(NamedTuple):
    """What one window gave for some of the prompts: their rows int [prompt] and logits [prompt, vocab]."""

    l_wait: int
    l_transfer: int
    rows: np.ndarray
    logits: Tensor


def grid(
    model: Any, means: Means, prompts: Prompts, *, batch_size: int = 512, progress: Progress = silent
) -> np.ndarray:
    """Return which of `prompts` each window answers: bool [l_wait, l_transfer, prompt], both 0 .. n_layers.

    Windows that end outside the model are False (`inside`). Raises InterpError for means of another template or
    without a layer, and for a model that cannot be run block by block.
    """
    size = model.cfg.n_layers + 1
    right = np.zeros((size, size, len(prompts)), dtype=bool)
    if len(prompts):
        for each in windows(model, means, prompts, batch_size=batch_size, progress=progress):
            right[each.l_wait, each.l_transfer, each.rows] = metrics.correct(each.logits, prompts[each.rows]).cpu()
    return right


def inside(n_layers: int) -> np.ndarray:
    """Return which windows end inside a model of `n_layers` blocks: bool [l_wait, l_transfer]."""
    return np.add.outer(np.arange(n_layers + 1), np.arange(n_layers + 1)) <= n_layers


def windows(
    model: Any, means: Means, prompts: Prompts, *, batch_size: int = 512, progress: Progress = silent
) -> Iterator[Window]:
    """Yield every window inside the model, for one batch of prompts after the other; raises like `grid`.

    A batch has as many prompts as make the rows of `batch_size` prompts in a plain run, so memory is no larger.
    """
    means.check(prompts)
    blocks, n_pos = Blocks.of(model, prompts), len(prompts.roles)
    places, visible = packed(prompts, len(blocks))
    causal = np.tril(np.ones((n_pos, n_pos), dtype=bool))
    step = max(1, batch_size * n_pos // (n_pos + len(blocks)))
    for start in range(0, len(prompts), step):
        rows = np.arange(start, min(start + step, len(prompts)))
        clean = blocks.embed(prompts.tokens[rows])
        for l_wait in range(len(blocks) + 1):
            progress(start, len(prompts), f"grid of windows, l_wait {l_wait}")
            waiting = clean
            for each in wait(means, prompts, l_wait):
                waiting = bind(each, prompts)(waiting, rows)
            for l_transfer, logits in _transfers(blocks, waiting, l_wait, places, visible):
                yield Window(l_wait, l_transfer, rows, logits)
            if l_wait < len(blocks):
                clean = blocks.through(l_wait, clean, places[:n_pos], causal)
    progress(len(prompts), len(prompts), "grid of windows")


def packed(prompts: Prompts, n_tails: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places [row] and visible [query, key] of the prompt in full peek with tails in self peek behind it."""
    n_pos = len(prompts.roles)
    full, alone = (_sight(prompts, mode) for mode in ("full", "self"))
    visible = np.eye(n_pos + n_tails, dtype=bool)
    visible[:n_pos, :n_pos] = full
    visible[n_pos:, : n_pos - 1] = alone[-1, :-1]
    return np.array([*range(n_pos), *[n_pos - 1] * n_tails]), visible


def _sight(prompts: Prompts, mode: str) -> np.ndarray:
    """Return what each token sees in a peek: bool [query, key]."""
    visible = np.tril(np.ones((len(prompts.roles),) * 2, dtype=bool))
    for each in peek(prompts, [0], mode):
        for query, key in each.where:
            visible[prompts.position(query), prompts.position(key)] = False
    return visible


def _transfers(
    blocks: Blocks, resid: Tensor, l_wait: int, places: np.ndarray, visible: np.ndarray
) -> Iterator[tuple[int, Tensor]]:
    """Yield (l_transfer, logits) of every window whose trunk starts from `resid` [prompt, pos, d] before l_wait."""
    n_pos, longest = resid.shape[1], len(blocks) - l_wait
    for layer in range(l_wait, len(blocks)):
        resid = torch.cat([resid, resid[:, n_pos - 1 : n_pos]], dim=1)
        n_rows = resid.shape[1]
        resid = blocks.through(layer, resid, places[:n_rows], visible[:n_rows, :n_rows])
    for l_transfer in range(longest + 1):
        row = n_pos + l_transfer if l_transfer < longest else n_pos - 1  # the trunk itself never stops reading
        yield l_transfer, blocks.logits(resid[:, row])
