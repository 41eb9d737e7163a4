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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr

from interp.engine import Constant, Intervention, Lean, Site, run, sweep
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.answer_trace import answer_trace, numbers
from interp.methods.intervals import t_interval, wilson
from interp.methods.nulls import derangement
from interp.methods.paths import VARIANTS, to_logits
from interp.methods.result import attributes, mean_variables, token_texts, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins

KEY = -0.05
"""A head whose effect is below this is a key head."""


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
        effects[name] = [_effects(model, pairs, variant, seed) for variant in VARIANTS]
    first = next(iter(effects.values()))[VARIANTS.index("mlps_recomputed")]
    ranked = _ranked(first.heads.mean(axis=0))
    rng = np.random.default_rng(seed)
    draws = [
        _random(ranked[:n_heads], lean.n_layers, lean.n_heads, rng, same)
        for same in (True, False)
        for _ in range(n_random)
    ]
    progress(len(twins), len(twins) + 3, "means of heads")
    means = _head_means(model, reference, batch_size)
    progress(len(twins) + 1, len(twins) + 3, "knockout")
    curves, said = _knockout(model, prompts, means, [ranked[:n_heads], *draws], batch_size)
    progress(len(twins) + 2, len(twins) + 3, "attention")
    reads = _attention(model, prompts, ranked[:n_heads], batch_size)
    progress(len(twins) + 3, len(twins) + 3, "key heads")
    found = _Found(effects, ranked[:n_heads], curves, said, reads, n_random)
    return _dataset(model, twins, prompts, found, {"seed": seed, "n_reference": len(reference)})


@dataclass(frozen=True)
class Elsewhere:
    """Another task or style: its selection pairs, test prompts and reference prompts."""

    pairs: Twins
    prompts: Prompts
    reference: Prompts


def elsewhere(
    model: Any, found: xr.Dataset, cells: dict[str, Elsewhere], *, k: int, n_random: int = 5, seed: int = 0
) -> dict[str, xr.Variable]:
    """Return what the k strongest heads of `found` are worth on other tasks and styles, [cell] each.

    `elsewhere_accuracy` of the whole model, `elsewhere_without` these heads (their mean there), `elsewhere_null` as
    many random heads, none of these (mean of draws); `overlap` of the k strongest heads there with these, and
    `overlap_null`, its mean for random heads: k / all heads.
    """
    lean, rng = Lean.of(model), np.random.default_rng(seed)
    heads = [(int(layer), int(head)) for layer, head in (str(n).split(".") for n in found["rank"].values[:k])]
    rows = []
    for cell in cells.values():
        effect = _effects(model, cell.pairs, "mlps_recomputed", seed).heads
        there = _ranked(effect.mean(axis=0))[:k]
        draws = [_random(heads, lean.n_layers, lean.n_heads, rng, False) for _ in range(n_random)]
        curves, _ = _knockout(model, cell.prompts, _head_means(model, cell.reference, 256), [heads, *draws], 256)
        right = curves.mean(axis=-1)
        rows.append((right[0, 0], right[0, -1], right[1:, -1].mean(), len(set(heads) & set(there)) / k))
    columns = np.array(rows).T
    chance = np.full(len(cells), k / (lean.n_layers * lean.n_heads))
    said = f"without the {k} strongest heads"
    return {
        "elsewhere_accuracy": variable("cell", columns[0], "fraction", "top token = answer, the whole model"),
        "elsewhere_without": variable("cell", columns[1], "fraction", f"{said}, ranked on the first task"),
        "elsewhere_null": variable("cell", columns[2], "fraction", "without as many random heads, none of these"),
        "overlap": variable(
            "cell", columns[3], "fraction", f"of the {k} strongest heads there, those of the first task"
        ),
        "overlap_null": variable("cell", chance, "fraction", "the same of random heads"),
    }


@dataclass(frozen=True)
class _Effects:
    """Relative logit effects of each pair: heads and null [prompt, layer, head], mlps [prompt, layer]."""

    heads: np.ndarray
    mlps: np.ndarray
    null: np.ndarray


@dataclass(frozen=True)
class _Found:
    effects: dict[str, list[_Effects]]
    ranked: list[tuple[int, int]]
    curves: np.ndarray  # [ranked and draws, n_removed, prompt]
    said: list[str]
    reads: np.ndarray
    n_random: int


def _effects(model: Any, pairs: Twins, variant: str, seed: int) -> _Effects:
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
    return _Effects(parts[0][..., :-1], parts[0][..., -1], parts[1][..., :-1])


def _ranked(effect: np.ndarray) -> list[tuple[int, int]]:
    """Heads (layer, head) by effect [layer, head], the most negative first."""
    flat = np.argsort(effect.ravel(), kind="stable")
    return [(int(i) // effect.shape[1], int(i) % effect.shape[1]) for i in flat]


def _random(
    heads: Sequence[tuple[int, int]], n_layers: int, n_heads: int, rng: np.random.Generator, same_layers: bool
) -> list[tuple[int, int]]:
    """As many random heads, in random order: one of the same layer for each, or of any layer and none of these."""
    if not same_layers:
        every = [(layer, head) for layer in range(n_layers) for head in range(n_heads)]
        others = [head for head in every if head not in set(heads)]
        chosen = others if len(others) >= len(heads) else every
        return [chosen[i] for i in rng.permutation(len(chosen))[: len(heads)]]
    orders = {layer: rng.permutation(n_heads).tolist() for layer in range(n_layers)}
    return [(layer, int(orders[layer].pop())) for layer, _ in heads]


def _head_means(model: Any, reference: Prompts, batch_size: int) -> torch.Tensor:
    """The mean of every head at every position [layer, pos, head, d_head]."""
    lean, total = Lean.of(model), torch.zeros(())
    with torch.no_grad():
        for start in range(0, len(reference), batch_size):
            trace = lean.trace(reference.tokens[start : start + batch_size])
            total = total + torch.stack([z.double().sum(0) for z in trace.z])
    return (total / len(reference)).float()


def _knockout(
    model: Any, prompts: Prompts, means: torch.Tensor, orders: Sequence[Sequence[tuple[int, int]]], batch_size: int
) -> tuple[np.ndarray, list[str]]:
    """Whether the answer is given [order, n_removed, prompt], and the most frequent wrong output of the first order."""
    answers, edits = torch.as_tensor(prompts.answer_ids), []
    for order in orders:
        writes = [Intervention(Site("z", layer, head), "all", Constant(means[layer, :, head])) for layer, head in order]  # type: ignore[arg-type]
        edits += [writes[:k] for k in range(len(order) + 1)]

    def top(logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        return logits.argmax(-1)

    outputs = sweep(model, prompts, edits, top, batch_size=batch_size)
    right = (outputs == answers).numpy().reshape(len(orders), -1, len(prompts))
    first, said = outputs.reshape(len(orders), -1, len(prompts))[0], []
    for row in first:
        wrong = row[row != answers]
        most = int(torch.mode(wrong).values) if len(wrong) else -1
        said.append("" if most < 0 else f"{token_texts(model, np.array([most]))[0]} ({int((wrong == most).sum())})")
    return right, said


def _attention(model: Any, prompts: Prompts, heads: Sequence[tuple[int, int]], batch_size: int) -> np.ndarray:
    """Mean attention of heads from the last position [rank, role]."""
    sites = {layer: Site("pattern", layer) for layer, _ in heads}
    read = run(model, prompts, reads=tuple(sites.values()), batch_size=batch_size)
    return np.stack([read[sites[layer]][:, head, -1].mean(0).float().cpu().numpy() for layer, head in heads])


def _dataset(model: Any, twins: dict[str, Twins], prompts: Prompts, found: _Found, about: dict[str, Any]) -> xr.Dataset:
    stacked = {
        name: [[getattr(effect, name) for effect in row] for row in found.effects.values()]
        for name in ("heads", "mlps", "null")
    }  # [counterfactual][variant] of [prompt, ...]: pairs differ in number between counterfactuals
    mean = {name: np.stack([[x.mean(axis=0) for x in row] for row in rows]) for name, rows in stacked.items()}
    ends = {
        name: tuple(np.stack([[t_interval(x)[end] for x in row] for row in rows]) for end in (0, 1))
        for name, rows in stacked.items()
    }
    right = found.curves.sum(axis=-1)
    n, draws = len(prompts), slice(1, 1 + found.n_random)
    accuracy = found.curves.mean(axis=-1)
    dims, primary = "counterfactual variant layer head", mean["heads"][0, VARIANTS.index("mlps_recomputed")]
    unit = "fraction of the clean logit"
    first = next(iter(found.effects.values()))[VARIANTS.index("mlps_recomputed")].heads
    data = {
        **mean_variables("effect", dims, mean["heads"], ends["heads"], unit, "relative logit effect of a head's path"),
        "effect_pair": variable("pair layer head", first, unit, "each pair of the first, MLPs recomputed"),
        **mean_variables("effect_null", dims, mean["null"], ends["null"], unit, "the same of an unrelated pair"),
        **mean_variables(
            "mlp_effect", "counterfactual variant layer", mean["mlps"], ends["mlps"], unit, "the same of an MLP's path"
        ),
        **mean_variables(
            "accuracy", "n_removed", accuracy[0], wilson(right[0], n), "fraction", "top token = answer, heads removed"
        ),
        "accuracy_null_layers": variable("draw n_removed", accuracy[draws], "fraction", "random heads, same layers"),
        "accuracy_null_other": variable(
            "draw n_removed", accuracy[1 + found.n_random :], "fraction", "random heads, none of those removed"
        ),
        "attention": variable("rank role", found.reads, "fraction", "mean attention from the last position"),
        "attention_null": variable("role", np.full(len(prompts.roles), 1 / len(prompts.roles)), "fraction", "even"),
        "n_key": variable("", int((primary < KEY).sum()), "heads", f"heads with an effect below {KEY:.0%}"),
        "n": variable("", n, "prompts", "test prompts of the knockout"),
        "n_pairs": variable(
            "counterfactual", [len(pairs) for pairs in twins.values()], "pairs", "selection pairs of the effects"
        ),
    }  # fmt: skip
    lean = Lean.of(model)
    data |= answer_trace(model, prompts, about["seed"])
    operands, ranked = numbers(prompts)
    names = [f"{layer}.{head}" for layer, head in found.ranked]
    coords = {
        "counterfactual": list(found.effects), "variant": list(VARIANTS), "layer": np.arange(lean.n_layers),
        "head": np.arange(lean.n_heads), "n_removed": np.arange(found.curves.shape[1]), "rank": names,
        "draw": np.arange(found.n_random), "role": list(prompts.roles),
        "wrong": ("n_removed", found.said), "depth": np.arange(lean.n_layers + 1), "operand": operands,
        "number": ranked,
    }  # fmt: skip
    title = "Heads whose path to the logits carries the answer, and the accuracy that is left without them."
    return xr.Dataset(data, coords, attributes("key_heads", model, prompts, title, key=KEY, **about))
