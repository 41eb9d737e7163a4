"""Where else could the transfer be? The window at other blocks, in other heads, and its complement, as data.

placed(at)        CAMA at block min(l_wait, at), self peek up to block at, full peek in the l_transfer blocks from
                  there, self peek after: CAMA stays where it was when the transfer begins later, and moves with it
                  when it begins earlier, for a token cannot wait longer than until it is read
complement        the full model, where the last token does not see the others in exactly the l_transfer blocks
cut_elsewhere     its control: the same in as many blocks drawn among all the others
random_windows    placed(at) for `at` drawn among all the places but the window's own
random_heads      CAMA at l_wait; in every block after, the last token reads in the drawn heads alone: as many as
                  the window has (n_heads * l_transfer), drawn among all of the blocks from l_wait on
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from interp.engine import Intervention
from interp.methods.masks import cut, last_edges, peek
from interp.methods.waiting import References, wait

if TYPE_CHECKING:
    from interp.methods.means import Means
    from interp.tasks.prompts import Prompts

LARGEST_SHIFT = 4


def placed(
    references: References | Means, prompts: Prompts, n_layers: int, l_wait: int, l_transfer: int, at: int
) -> list[Intervention]:
    """Return the subgraph whose transfer begins at block `at` instead of l_wait."""
    start = min(l_wait, at)
    masks = peek(prompts, range(start, at), "self") + peek(prompts, range(at, at + l_transfer), "full")
    return wait(references, prompts, start) + masks + peek(prompts, range(at + l_transfer, n_layers), "self")


def shifted(n_layers: int, l_wait: int, l_transfer: int) -> dict[int, int]:
    """Return {shift: block where the transfer begins} for shifts of 1 to 4 blocks either way inside the model."""
    shifts = [shift for shift in range(-LARGEST_SHIFT, LARGEST_SHIFT + 1) if shift]
    return {shift: l_wait + shift for shift in shifts if 0 <= l_wait + shift <= n_layers - l_transfer}


def random_windows(n_layers: int, l_wait: int, l_transfer: int, n_random: int, seed: int) -> list[int]:
    """Return the blocks where up to `n_random` different windows elsewhere begin."""
    places = [at for at in range(n_layers - l_transfer + 1) if at != l_wait]
    return np.random.default_rng([seed, 0]).permutation(places)[:n_random].astype(int).tolist()


def random_heads(shape: tuple[int, int], l_wait: int, l_transfer: int, n_random: int, seed: int) -> np.ndarray:
    """Return `n_random` draws of the heads that may read: bool [draw, layer, head], `shape` = (n_layers, n_heads)."""
    n_layers, n_heads = shape
    drawn = np.zeros((n_random, n_layers, n_heads), dtype=bool)
    rng = np.random.default_rng([seed, 1])
    for each in drawn:
        flat = each[l_wait:].reshape(-1)  # a view: these are heads of `drawn`
        flat[rng.permutation(flat.size)[: n_heads * l_transfer]] = True
    return drawn


def reading(references: References | Means, prompts: Prompts, l_wait: int, heads: np.ndarray) -> list[Intervention]:
    """Return CAMA at l_wait with the last token reading in `heads`, bool [layer, head], alone from there on."""
    n_layers = len(heads)
    masks = peek(prompts, range(l_wait, n_layers), "full")
    for layer in range(l_wait, n_layers):
        masks += peek(prompts, [layer], "self", heads=np.flatnonzero(~heads[layer]).tolist())
    return wait(references, prompts, l_wait) + masks


def complement(prompts: Prompts, blocks: Sequence[int]) -> list[Intervention]:
    """Return the full model without the last token's reads of the others in `blocks`."""
    return cut(last_edges(prompts), blocks)


def cut_elsewhere(n_layers: int, blocks: range, n_random: int, seed: int) -> list[tuple[int, ...]]:
    """Return up to `n_random` different sets of as many blocks outside `blocks`; none where there are not as many."""
    others, rng = [layer for layer in range(n_layers) if layer not in blocks], np.random.default_rng([seed, 2])
    if not blocks or len(others) < len(blocks):
        return []
    drawn = [tuple(sorted(rng.choice(others, len(blocks), replace=False).tolist())) for _ in range(n_random)]
    return list(dict.fromkeys(drawn))
