"""In which blocks must a token see the others? One block at a time is cut in the otherwise full model.

    last           the last token is reduced to itself and BOS
    others         every other token is
    random_head    control: the last token is, in one head, drawn by the seed
    random_edges   control of equal size: as many (query, key) edges as `last` loses, drawn among those of `others`

Faithfulness is accuracy on prompts that the full model answers; the softmax renormalises over the keys that are left.

Reading: a dip of `last` marks the blocks in which the answer's ingredients are fetched; a dip of `others` marks
operands that mix before the last token. `random_edges` says what any cut of that size costs: a dip of `last` counts
as far as it goes below it. With five tokens there are no more edges to draw from than are drawn, so it is `others`
again; with fewer there is no such control. `random_head` is one head, not all of them: no control of equal size.
A block where all lines stay at 1 is not needed for transport.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650 (figure 4 is the line `last`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from interp.engine import Intervention
from interp.errors import InterpError, nearest
from interp.methods import nulls
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import require_prompts, within
from interp.methods.knockout import head_variables, knocked_out
from interp.methods.masks import Edges, cut, last_edges, others_edges
from interp.methods.masks import peek as peek
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

VARIANTS = ("last", "others", "random_head", "random_edges")


def peeking(
    model: Any,
    prompts: Prompts,
    *,
    variants: Sequence[str] | None = None,
    heads: bool = False,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return `faithfulness` [variant, layer] of cutting one block at a time, with its interval.

    `variants` None takes all that the prompts have edges for. `n` is the number of prompts that the full model
    answers; with none the values are nan. `cut_head` [layer] is the head of `random_head`, `cut_edges`
    [layer, role, key] the edges of `random_edges`. `heads` adds the single heads, `head_faithfulness` [layer, head]
    (knockout.py). Raises InterpError for no prompts, an unknown variant, or too few edges for `random_edges`.
    """
    require_prompts(prompts)
    n_layers = model.cfg.n_layers
    chosen = _variants(prompts, variants)
    draws = _draw(prompts, n_layers, model.cfg.n_heads, seed)
    kept = answered(model, prompts, batch_size=batch_size, progress=progress)
    right = np.zeros((len(chosen), n_layers, len(kept)), dtype=bool)
    for v, layer in np.ndindex(right.shape[:2]):
        report = within(progress, v * n_layers + layer, len(chosen) * n_layers, f"cut {chosen[v]} in block {layer}")
        edits = _cut(prompts, chosen[v], layer, draws)
        right[v, layer] = faithful(model, kept, edits, batch_size=batch_size, progress=report)
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    title = f"Faithfulness with attention to other tokens cut in one block, {prompts.task} ({prompts.style})."
    what = "accuracy on prompts the full model answers"
    one_head = head_variables(knocked_out(model, kept, batch_size=batch_size, progress=progress)) if heads else {}
    return xr.Dataset(
        {
            **mean_variables("faithfulness", "variant layer", *share(right), "fraction", what),
            **one_head,
            **_draw_variables(prompts, draws, "random_edges" in chosen),
            "correct": variable("variant layer prompt", right.astype(np.int8), "0 or 1", "still answered with the cut"),
            "n": variable("", len(kept), "prompts", "prompts that the full model answers correctly"),
            "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
        },
        coords=_coords(model, kept, chosen, heads),
        attrs=attributes("peeking", model, prompts, title, seed=seed),
    )


def _coords(model: Any, kept: Prompts, variants: list[str], heads: bool) -> dict[str, list]:
    roles = {"role": list(kept.roles), "key": list(kept.roles)} if "random_edges" in variants else {}
    head = {"head": list(range(model.cfg.n_heads))} if heads else {}
    return {"variant": variants, "layer": list(range(model.cfg.n_layers)), "prompt": list(kept.texts)} | roles | head


class Draws(NamedTuple):
    """What the controls cut in each block: `heads` int [layer], `edges` as many a block as the last token loses."""

    heads: np.ndarray
    edges: list[Edges]


def _variants(prompts: Prompts, asked: Sequence[str] | None) -> list[str]:
    possible = [v for v in VARIANTS if v != "random_edges" or _enough(prompts)]
    for variant in possible if asked is None else asked:
        if variant not in VARIANTS:
            raise InterpError(f"unknown peeking variant {variant!r}. {nearest(variant, VARIANTS)}")
        if variant not in possible:
            raise InterpError(
                f"random_edges needs {len(last_edges(prompts))} edges among the tokens before the last; prompts of "
                f"roles {' '.join(prompts.roles)} have {len(others_edges(prompts))}: leave this control out."
            )
    return possible if asked is None else list(asked)


def _enough(prompts: Prompts) -> bool:
    return len(others_edges(prompts)) >= len(last_edges(prompts))


def _draw(prompts: Prompts, n_layers: int, n_heads: int, seed: int) -> Draws:
    heads = np.random.default_rng(seed).integers(n_heads, size=n_layers)
    pool, size = others_edges(prompts), len(last_edges(prompts)) if _enough(prompts) else 0
    rng = np.random.default_rng([seed, 1])  # a stream of its own: the heads do not depend on the length of prompts
    picked = [np.sort(rng.choice(len(pool), size, replace=False)) if size else [] for _ in range(n_layers)]
    return Draws(heads, [tuple(pool[i] for i in rows) for rows in picked])


def _cut(prompts: Prompts, variant: str, layer: int, draws: Draws) -> list[Intervention]:
    if variant == "random_head":
        return cut(last_edges(prompts), [layer], [int(draws.heads[layer])])
    edges = {"last": last_edges(prompts), "others": others_edges(prompts), "random_edges": draws.edges[layer]}
    return cut(edges[variant], [layer])


def _draw_variables(prompts: Prompts, draws: Draws, edges: bool) -> dict[str, Any]:
    table = {"cut_head": variable("layer", draws.heads, "index", "the head cut by the control random_head")}
    if edges:
        hidden = np.zeros((len(draws.edges), len(prompts.roles), len(prompts.roles)), dtype=np.int8)
        for layer, pairs in enumerate(draws.edges):
            for query, key in pairs:
                hidden[layer, prompts.position(query), prompts.position(key)] = 1
        what = "1 = the edge from the token at `role` (the query) to `key` is cut by the control random_edges"
        table["cut_edges"] = variable("layer role key", hidden, "0 or 1", what)
    return table
