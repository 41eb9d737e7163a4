"""What does every window (l_wait, l_transfer) answer? All AF1 subgraphs at once, each block run on what is new in it.

    AF1(l_wait, l_transfer)   CAMA at the input of block l_wait, full peek for l_transfer blocks, self peek to the end

All windows of one l_wait are one model until their transfer ends, and then differ in the last token alone: the others
see themselves and BOS in either peek. So one trunk of full-peek blocks starts from CAMA at l_wait, and before every
block a copy of its last token branches off that from there on sees BOS and itself. The copies (tails) stand behind
their trunk in one sequence, at the place of the last token:

    rows       BOS a + b =  = =             before block l_wait + 2: two windows have ended, the trunk still reads
    transfer                all 1 2

Without any transfer the last token knows its own token only: those tails (l_transfer 0) are run once for each token
that stands there, all of them in one sequence. Cost in forwards of S tokens through L blocks, counting (token, block):

    trunks (L + 1) / 2  +  tails (L^2 - 1) / 6S  +  the clean stream 1             51.6 at L = 32, S = 5

instead of one for each of the (L + 1)(L + 2) / 2 = 561 windows. Slow twin: `run` with `subgraph` (after_waiting.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

    A block takes no more rows in a call than it does in a plain run of `batch_size` prompts.
    """
    means.check(prompts)
    packed = _Packed(Blocks.of(model, prompts), prompts, batch_size * len(prompts.roles))
    alike = _alike(means, prompts)
    for start in range(0, len(prompts), batch_size):
        rows = np.arange(start, min(start + batch_size, len(prompts)))

        def waiting(clean: Tensor, l_wait: int, rows: np.ndarray = rows) -> Tensor:
            progress(int(rows[0]), len(prompts), f"grid of windows, l_wait {l_wait}")
            for each in wait(means, prompts, l_wait):
                clean = bind(each, prompts)(clean, rows)
            return clean

        clean = packed.blocks.embed(prompts.tokens[rows])
        for l_wait, l_transfer, logits in _batch(packed, clean, waiting, alike[rows]):
            yield Window(l_wait, l_transfer, rows, logits)
    progress(len(prompts), len(prompts), "grid of windows")


class _Packed:
    """The blocks for rows that are a prompt, its tokens in full peek, and tails in self peek behind it.

    A call of a block takes at most `most` rows of all prompts together (those of one prompt at least).
    """

    def __init__(self, blocks: Blocks, prompts: Prompts, most: int) -> None:
        self.blocks, self.n_pos, self.most = blocks, len(prompts.roles), most
        self.places, self.visible = places_and_sight(prompts, len(blocks))

    def through(self, layer: int, resid: Tensor) -> Tensor:
        """Return the residual stream [prompt, row, d_model] after a block."""
        n_rows = resid.shape[1]
        places, visible = self.places[:n_rows], self.visible[:n_rows, :n_rows]
        parts = resid.split(max(1, self.most // n_rows))
        return torch.cat([self.blocks.through(layer, part, places, visible) for part in parts])


def _batch(
    packed: _Packed, clean: Tensor, waiting: Callable[[Tensor, int], Tensor], alike: np.ndarray
) -> Iterator[tuple[int, int, Tensor]]:
    """Yield (l_wait, l_transfer, logits) of every window for the prompts whose embeddings are `clean`."""
    blocks, n_pos = packed.blocks, packed.n_pos
    causal = np.tril(np.ones((n_pos, n_pos), dtype=bool))
    first, group = (torch.as_tensor(x) for x in np.unique(alike, return_index=True, return_inverse=True)[1:])
    tails = clean[first, :0]  # one for each l_wait: the last token that waits and then reads nothing
    for l_wait in range(len(blocks) + 1):
        held = waiting(clean, l_wait)
        yield from ((l_wait, *each) for each in _transfers(packed, held, l_wait))
        if l_wait < len(blocks):
            tails = torch.cat([clean[first], tails, held[first, -1:]], dim=1)
            tails = packed.through(l_wait, tails)[:, n_pos:]
            clean = blocks.through(l_wait, clean, range(n_pos), causal)
    for l_wait in range(len(blocks)):
        yield l_wait, 0, blocks.logits(tails[:, l_wait])[group]


def _transfers(packed: _Packed, resid: Tensor, l_wait: int) -> Iterator[tuple[int, Tensor]]:
    """Yield (l_transfer, logits) of the windows whose trunk starts from `resid` [prompt, pos, d_model] before l_wait.

    They are l_transfer 1 and more; 0 only where no block is left.
    """
    n_pos, longest = packed.n_pos, len(packed.blocks) - l_wait
    for l_transfer in range(longest):
        if l_transfer:
            resid = torch.cat([resid, resid[:, n_pos - 1 : n_pos]], dim=1)
        resid = packed.through(l_wait + l_transfer, resid)
    for l_transfer in range(min(1, longest), longest + 1):
        tail = n_pos + l_transfer - 1 if l_transfer < longest else n_pos - 1  # the trunk itself never stops reading
        yield l_transfer, packed.blocks.logits(resid[:, tail])


def _alike(means: Means, prompts: Prompts) -> np.ndarray:
    """Return a number for each prompt, the same where nothing that the last token knows without transfer differs."""
    known = [*means.given[prompts.roles[-1]], *(role for role in prompts.roles if role == "bos")]
    return np.unique(prompts.tokens[:, prompts.positions(known)], axis=0, return_inverse=True)[1].reshape(-1)


def places_and_sight(prompts: Prompts, n_tails: int) -> tuple[np.ndarray, np.ndarray]:
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
