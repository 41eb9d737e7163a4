"""In which blocks must a token see the others? Attention-based peeking: attention edges set to -inf before softmax.

    self peek   every token sees itself and BOS
    full peek   the last token sees everything, every other token itself and BOS
    cut         in one block of the otherwise full model, one kind of token is reduced to itself and BOS

`peeking` cuts one block at a time: `last` the last token, `others` every other token, and as the control
`random_head` the last token in one head of that block, drawn by the seed. Faithfulness is accuracy on prompts that
the full model answers; the softmax renormalises over the keys that are left.

Reading: a dip of `last` marks the blocks in which the answer's ingredients are fetched; a dip of `others` marks
operands that mix before the last token. `random_head` is one head, not all of them: it says how much one head carries,
and is no control of equal size. A layer where all lines stay at 1 is not needed for transport.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650 (figure 4 is the line `last`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.engine import Hidden, Intervention, Site
from interp.errors import InterpError, nearest
from interp.methods import nulls
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import require_prompts, within
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

VARIANTS = ("last", "others", "random_head")
MODES = ("full", "self")


def others_edges(prompts: Prompts) -> tuple[tuple[str, str], ...]:
    """Return the (query, key) edges that keep every token but the last to itself and BOS."""
    return tuple(edge for query in prompts.roles[:-1] for edge in _edges_of(prompts, query))


def last_edges(prompts: Prompts) -> tuple[tuple[str, str], ...]:
    """Return the (query, key) edges that keep the last token to itself and BOS."""
    return _edges_of(prompts, prompts.roles[-1])


def _edges_of(prompts: Prompts, query: str) -> tuple[tuple[str, str], ...]:
    """The edges of one query to earlier keys, BOS apart."""
    return tuple((query, key) for key in prompts.roles[: prompts.position(query)] if key != "bos")


def peek(prompts: Prompts, layers: Iterable[int], mode: str) -> list[Intervention]:
    """Return the attention masks of `mode` ("full" or "self") for `layers`. Raises InterpError for another mode."""
    if mode not in MODES:
        raise InterpError(f"unknown peek {mode!r}. {nearest(mode, MODES)}")
    edges = others_edges(prompts) + (last_edges(prompts) if mode == "self" else ())
    return [Intervention(Site("attn", layer), edges, Hidden()) for layer in layers]


def peeking(
    model: Any,
    prompts: Prompts,
    *,
    variants: Sequence[str] = VARIANTS,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return `faithfulness` [variant, layer] of cutting one block at a time, with its interval.

    `n` is the number of prompts that the full model answers; with none the values are nan. `head` [layer] is the
    head cut by `random_head`. Raises InterpError for no prompts or an unknown variant.
    """
    require_prompts(prompts)
    n_layers, n_heads = model.cfg.n_layers, model.cfg.n_heads
    heads = np.random.default_rng(seed).integers(n_heads, size=n_layers)
    kept = answered(model, prompts, batch_size=batch_size, progress=progress)
    right = np.zeros((len(variants), n_layers, len(kept)), dtype=bool)
    for v, variant in enumerate(variants):
        for layer in range(n_layers):
            report = within(progress, v * n_layers + layer, len(variants) * n_layers, f"cut {variant} in block {layer}")
            edits = [_cut(prompts, variant, layer, int(heads[layer]))]
            right[v, layer] = faithful(model, kept, edits, batch_size=batch_size, progress=report)
    mean, interval = share(right)
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    title = f"Faithfulness with attention to other tokens cut in one block, {prompts.task} ({prompts.style})."
    what = "accuracy on prompts the full model answers"
    return xr.Dataset(
        {
            **mean_variables("faithfulness", "variant layer", mean, interval, "fraction", what),
            "head": variable("layer", heads, "index", "the head cut by the control random_head"),
            "correct": variable("variant layer prompt", right.astype(np.int8), "0 or 1", "still answered with the cut"),
            "n": variable("", len(kept), "prompts", "prompts that the full model answers correctly"),
            "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
        },
        coords={"variant": list(variants), "layer": list(range(n_layers)), "prompt": list(kept.texts)},
        attrs=attributes("peeking", model, prompts, title, seed=seed),
    )


def _cut(prompts: Prompts, variant: str, layer: int, head: int) -> Intervention:
    if variant not in VARIANTS:
        raise InterpError(f"unknown peeking variant {variant!r}. {nearest(variant, VARIANTS)}")
    edges = others_edges(prompts) if variant == "others" else last_edges(prompts)
    return Intervention(Site("attn", layer, head if variant == "random_head" else None), edges, Hidden())
