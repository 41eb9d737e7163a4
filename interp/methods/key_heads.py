"""Which heads does arithmetic need, and what is lost without them?

    effect(h)    mean over pairs of (logit_C(patched) - logit_C(clean)) / |logit_C(clean)|, C the clean answer:
                 path patching of head h at the last position to the logits, other heads frozen, other run = the twin
    key head     effect < -5 %, in the variant with MLPs recomputed
    knockout(k)  accuracy with the k strongest heads set to their mean over reference prompts, at every position

Heads are ranked on the selection pairs, knocked out on the test prompts. Nulls: the effect of an unrelated pair; k
random heads of the same layers (which may be the same heads), and k random heads of any layer, none of those that are
removed; several draws. Effects of MLPs on the same path
stand beside those of heads; `attention` is what the strongest heads read from the last position, beside even attention.

A twin with another operand moves what the head says about that operand; a twin with another operator moves that it
should add. Both are asked for by name; the two need not agree on what they localise.

An unrelated pair's output takes the answer away just as well as the twin's: a large null says that the head carries the
answer, not that it carries this twin's difference.

Source: Zhang et al. (2024), Interpreting and improving large language models in arithmetic calculation, arXiv
2409.01659 (notes on it leave open whether MLPs are recomputed: both variants are here).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr

from interp.engine import Lean, Site, run
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.head_knockout import head_means, knockout, random_heads
from interp.methods.key_heads_result import Effects, Found, dataset
from interp.methods.nulls import derangement
from interp.methods.paths import VARIANTS, to_logits
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins


def key_heads(
    model: Any,
    twins: dict[str, Twins],
    prompts: Prompts,
    reference: Prompts,
    *,
    n_heads: int = 12,
    n_random: int = 5,
    batch_size: int = 256,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return effects of heads and MLPs by counterfactual, the knockout curve beside random heads, and what heads read.

    twins: {name of the counterfactual: selection pairs}; the first ranks the heads. `effect`, `effect_null`
    [counterfactual, variant, layer, head] and `mlp_effect` [counterfactual, variant, layer] in fractions of the clean
    logit; `accuracy` [n_removed] with Wilson intervals, `accuracy_null_layers` and `accuracy_null_other` [draw,
    n_removed]; `attention` [rank, role]; `effect_pair` [pair, layer, head] of the first; the curves of `answer_trace`;
    `n_key`. Raises InterpError for no twins, or n_heads outside 1..heads of the model.
    """
    lean = Lean.of(model)
    if not twins or not 1 <= n_heads <= lean.n_layers * lean.n_heads:
        raise InterpError(
            f"Key heads need twins and between 1 and {lean.n_layers * lean.n_heads} heads to remove; got {n_heads}."
        )
    effects = {}
    for i, (name, pairs) in enumerate(twins.items()):
        progress(i, len(twins) + 3, f"path patching, {name}")
        effects[name] = [effects_of(model, pairs, variant, seed) for variant in VARIANTS]
    first = next(iter(effects.values()))[VARIANTS.index("mlps_recomputed")]
    ranked = ranked_heads(first.heads.mean(axis=0))
    rng = np.random.default_rng(seed)
    draws = [
        random_heads(ranked[:n_heads], lean.n_layers, lean.n_heads, rng, same)
        for same in (True, False)
        for _ in range(n_random)
    ]
    progress(len(twins), len(twins) + 3, "means of heads")
    means = head_means(model, reference, batch_size)
    progress(len(twins) + 1, len(twins) + 3, "knockout")
    curves, said = knockout(model, prompts, means, [ranked[:n_heads], *draws], batch_size)
    progress(len(twins) + 2, len(twins) + 3, "attention")
    reads = _attention(model, prompts, ranked[:n_heads], batch_size)
    progress(len(twins) + 3, len(twins) + 3, "key heads")
    found = Found(effects, ranked[:n_heads], curves, said, reads, n_random)
    return dataset(model, twins, prompts, found, {"seed": seed, "n_reference": len(reference)})


def effects_of(model: Any, pairs: Twins, variant: str, seed: int) -> Effects:
    """Return the relative logit effect of every head and MLP on each pair, and of an unrelated pair.

    Raises InterpError where fewer than two pairs have a clean logit to be relative to.
    """
    lean, answer = Lean.of(model), torch.as_tensor(pairs.clean.answer_ids)

    def logit(logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        return logits.gather(-1, answer[rows].to(logits.device)[:, None])[:, 0]

    parts = []
    for other in (pairs.corrupted, pairs.corrupted[derangement(len(pairs), seed)]):
        _, plain, moved = to_logits(model, pairs.clean, other, logit, variant=variant)
        relative = metrics.relative_logit_effect(moved.T, plain)[:, 1:]  # without the embedding
        defined = np.isfinite(relative).all(axis=1)  # a clean logit near 0 has no relative change
        if defined.sum() < 2:
            raise InterpError(
                f"Only {int(defined.sum())} of {len(pairs)} pairs have a clean logit that is not about 0."
            )
        parts.append(relative[defined].reshape(-1, lean.n_layers, lean.n_heads + 1))
    return Effects(parts[0][..., :-1], parts[0][..., -1], parts[1][..., :-1])


def ranked_heads(effect: np.ndarray) -> list[tuple[int, int]]:
    """Return heads (layer, head) by effect [layer, head], the most negative first."""
    flat = np.argsort(effect.ravel(), kind="stable")
    return [(int(i) // effect.shape[1], int(i) % effect.shape[1]) for i in flat]


def _attention(model: Any, prompts: Prompts, heads: Sequence[tuple[int, int]], batch_size: int) -> np.ndarray:
    """Mean attention of heads from the last position [rank, role]."""
    sites = {layer: Site("pattern", layer) for layer, _ in heads}
    read = run(model, prompts, reads=tuple(sites.values()), batch_size=batch_size)
    return np.stack([read[sites[layer]][:, head, -1].mean(0).float().cpu().numpy() for layer, head in heads])
