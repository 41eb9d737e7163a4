"""How long can every token wait, knowing only itself, before the answer is lost? Context-aware mean ablation.

    CAMA_t^l(x_t) = E[ h_t^l(x') | x'_t = x_t ],   x' from the same template          h = input of block l
    faithfulness(l_wait) = accuracy with h_t^{l_wait} <- CAMA_t at every position but BOS, on prompts the full
                           model answers correctly

Counting: `l_wait` blocks wait, so the write is at resid_pre of block `l_wait`; 0 means the embeddings (where CAMA is
the identity) and L the final residual. A paper's 0-based block index is l_wait - 1. Variants at the same place:
`cama` keeps each token's own identity, `mean` forgets it (one mean a position), `zero` writes zeros.

Reading: while `cama` stays near 1 the tokens have not needed each other; where it falls, information has moved
before that block. `mean` and `zero` are the nulls: they must fall wherever the operands matter. The means come from
reference prompts of another split, in one streamed pass; `reference_standard_error` is their sampling error, as
|standard error| / |mean|, median over roles and tokens.

For "-" the task's own constraint (every step >= 0) makes E[ . | x_t] carry what x_t says about the other operands:
that is part of conditioning on the task. l_wait 0 is the identity by construction and no evidence of waiting.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr

from interp.engine import Intervention, Lookup, Moments, Site, Zero, conditional_means
from interp.errors import InterpError, nearest
from interp.methods import nulls
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import layer_list, require_prompts, within
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

VARIANTS = ("cama", "mean", "zero")
FEWEST_PER_MEAN = 10
"""A mean over fewer prompts is a resample rather than a mean; prompts that would need one are left out and counted."""


@dataclass(frozen=True)
class Means:
    """Streamed means of the residual at the input of each block, by role and by the token that stands there.

    tokens: {role: sorted token ids seen}; counts: {role: int [token]}, prompts behind each mean;
    moments: {l_wait: {role: Moments [token, d_model]}}; `fewest`: prompts a mean needs to count as one.
    """

    tokens: dict[str, np.ndarray]
    counts: dict[str, np.ndarray]
    moments: dict[int, dict[str, Moments]]
    fewest: int

    def covers(self, prompts: Prompts) -> np.ndarray:
        """Return which prompts have only tokens with a mean of at least `fewest` prompts: bool [prompt]."""
        known = {role: seen[self.counts[role] >= self.fewest] for role, seen in self.tokens.items()}
        return np.all([np.isin(prompts.tokens[:, prompts.position(r)], seen) for r, seen in known.items()], axis=0)

    def keys(self, prompts: Prompts) -> dict[str, np.ndarray]:
        """Return the row of each prompt's own token in the tables: {role: int [prompt]}; -1 where it has none."""
        keys = {}
        for role, seen in self.tokens.items():
            own = prompts.tokens[:, prompts.position(role)]
            row = np.searchsorted(seen, own).clip(max=len(seen) - 1)
            keys[role] = np.where(seen[row] == own, row, -1)
        return keys


def waiting_roles(prompts: Prompts) -> tuple[str, ...]:
    """Return the roles that wait: every one but BOS, the attention sink."""
    return tuple(role for role in prompts.roles if role != "bos")


def reference_means(
    model: Any,
    reference: Prompts,
    layers: Sequence[int] | None = None,
    *,
    fewest: int = FEWEST_PER_MEAN,
    batch_size: int = 512,
    progress: Progress = silent,
) -> Means:
    """Return the conditional means at the input of `layers` (default 0..L) in one pass over `reference`."""
    require_prompts(reference)
    chosen = layer_list(model, layers)
    columns = {r: reference.tokens[:, reference.position(r)] for r in waiting_roles(reference)}
    found = {r: np.unique(column, return_counts=True) for r, column in columns.items()}
    tokens, counts = ({r: pair[i] for r, pair in found.items()} for i in (0, 1))
    keys = Means(tokens, counts, {}, fewest).keys(reference)
    sites = {layer: Site("resid_pre", layer) for layer in chosen}
    moments = conditional_means(model, reference, list(sites.values()), keys, batch_size=batch_size, progress=progress)
    return Means(tokens, counts, {layer: moments[site] for layer, site in sites.items()}, fewest)


def wait(means: Means, prompts: Prompts, l_wait: int, variant: str = "cama") -> list[Intervention]:
    """Return the write that makes every token but BOS wait for `l_wait` blocks. Raises InterpError."""
    if variant not in VARIANTS:
        raise InterpError(f"unknown CAMA variant {variant!r}. {nearest(variant, VARIANTS)}")
    site, roles = Site("resid_pre", l_wait), waiting_roles(prompts)
    if variant == "zero":
        return [Intervention(site, roles, Zero())]
    moments = means.moments[l_wait]
    if variant == "cama":
        return [Intervention(site, roles, Lookup.from_moments(moments, means.keys(prompts)))]
    table = {role: _total(moments[role])[None] for role in roles}
    everyone = {role: np.zeros(len(prompts), dtype=np.int64) for role in roles}
    return [Intervention(site, roles, Lookup(table, everyone))]


def _total(moments: Moments) -> torch.Tensor:
    """The unconditional mean [d_model] of all groups together."""
    weight = moments.count.double()[:, None]
    return ((moments.mean.nan_to_num() * weight).sum(0) / weight.sum()).float()


def wait_sweep(
    model: Any,
    means: Means,
    prompts: Prompts,
    variants: Sequence[str] = VARIANTS,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> np.ndarray:
    """Return which of `prompts` survive waiting: bool [variant, l_wait, prompt], later blocks unrestricted."""
    layers = sorted(means.moments)
    right = np.zeros((len(variants), len(layers), len(prompts)), dtype=bool)
    for v, variant in enumerate(variants):
        for i, layer in enumerate(layers):
            report = within(progress, v * len(layers) + i, len(variants) * len(layers), f"{variant} l_wait {layer}")
            right[v, i] = faithful(
                model, prompts, wait(means, prompts, layer, variant), batch_size=batch_size, progress=report
            )
    return right


def relative_error(means: Means) -> np.ndarray:
    """Return |standard error| / |mean| at the input of each block, median over roles and tokens: [l_wait]."""
    errors = []
    for layer in sorted(means.moments):
        ratios = []
        for moments in means.moments[layer].values():
            ratio = moments.standard_error.norm(dim=-1) / moments.mean.norm(dim=-1)
            ratios.append(ratio[moments.count > 1].cpu().numpy())
        joined = np.concatenate(ratios)
        errors.append(float(np.median(joined)) if len(joined) else np.nan)
    return np.array(errors)


def cama(
    model: Any,
    prompts: Prompts,
    reference: Prompts,
    *,
    variants: Sequence[str] = VARIANTS,
    fewest: int = FEWEST_PER_MEAN,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return `faithfulness` [variant, l_wait] with its interval, over the prompts the full model answers.

    `n` counts them, `n_uncovered` the prompts left out because a token of theirs has no reference mean. With no
    answered prompt the values are nan. Nothing is random, so `seed` changes nothing. Raises InterpError for no
    prompts, other roles in the reference, or an unknown variant.
    """
    check_reference(prompts, reference)
    means = reference_means(model, reference, fewest=fewest, batch_size=batch_size, progress=progress)
    covered = prompts[means.covers(prompts)]
    kept = answered(model, covered, batch_size=batch_size, progress=progress) if len(covered) else covered
    right = wait_sweep(model, means, kept, variants, batch_size=batch_size, progress=progress)
    mean, interval = share(right)
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    title = f"Faithfulness when every token waits, {prompts.task} ({prompts.style}, {prompts.split})."
    what = "accuracy on prompts the full model answers"
    return xr.Dataset(
        {
            **mean_variables("faithfulness", "variant l_wait", mean, interval, "fraction", what),
            "correct": variable(
                "variant l_wait prompt", right.astype(np.int8), "0 or 1", "still answered while waiting"
            ),
            "n": variable("", len(kept), "prompts", "prompts that the full model answers correctly"),
            "n_uncovered": variable("", len(prompts) - len(covered), "prompts", "left out: a token without a mean"),
            "n_reference": variable("", len(reference), "prompts", "prompts behind the means"),
            "reference_standard_error": variable(
                "l_wait", relative_error(means), "fraction of |mean|", "sampling error of the conditional means"
            ),
            "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
        },
        coords={"variant": list(variants), "l_wait": sorted(means.moments), "prompt": list(kept.texts)},
        attrs=attributes("cama", model, prompts, title),
    )


def check_reference(prompts: Prompts, reference: Prompts) -> None:
    """Raise InterpError unless both are non-empty prompts of one template."""
    require_prompts(prompts)
    require_prompts(reference)
    if prompts.roles != reference.roles:
        raise InterpError(
            f"reference prompts have roles {' '.join(reference.roles)}, the prompts {' '.join(prompts.roles)}; "
            "means must come from the same task and style."
        )
