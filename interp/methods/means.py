"""What does a token know of the task when it knows only itself? Means of the residual given the token's own key.

    mean[l, t, x] = E[ h_t^l(x') | key_t(x') = x ]           x' from the same template          h = input of block l

    given "token"     key_t = the token at t                                                   CAMA
    given "context"   ... and every earlier token that is no operand (where a reference mixes operators or wordings)
    given "prefix"    ... and every earlier token: the mean is then the clean activation, a check of the machinery

One streamed pass over the reference gives every layer, role and key at once, with count and M2 behind each mean, so
standard errors travel and shards merge. `exact` means that the reference was the whole distribution: no sampling error.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650; Chan, Golub & LeVeque (1979), merging.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch

from interp.engine import Moments, Site, conditional_means
from interp.errors import InterpError, nearest
from interp.methods.grid import layer_list, require_prompts
from interp.methods.keyed_means import FEWEST_PER_MEAN, Means, waiting_roles
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

Given = Literal["token", "context", "prefix"]


def key_roles(prompts: Prompts, given: Given = "token") -> dict[str, tuple[str, ...]]:
    """Return {role: the roles whose tokens make up its key}. Raises InterpError for an unknown condition."""
    if given not in get_args(Given):
        raise InterpError(f"unknown condition {given!r}. {nearest(given, get_args(Given))}")
    found = {}
    for role in waiting_roles(prompts):
        earlier = prompts.roles[: prompts.position(role)]
        also = {"token": (), "prefix": earlier, "context": [r for r in earlier if r not in prompts.variables]}[given]
        found[role] = (role, *also)
    return found


def reference_means(
    model: Any,
    reference: Prompts,
    layers: Sequence[int] | None = None,
    *,
    given: Given = "token",
    fewest: int = FEWEST_PER_MEAN,
    batch_size: int = 512,
    progress: Progress = silent,
) -> Means:
    """Return the conditional means at the input of `layers` (default 0..L) in one pass over `reference`."""
    require_prompts(reference)
    sites = {layer: Site("resid_pre", layer) for layer in layer_list(model, layers)}
    chosen = key_roles(reference, given)
    tokens, keys = {}, {}
    for role, roles in chosen.items():
        columns = reference.tokens[:, reference.positions(roles)]
        tokens[role], keys[role] = np.unique(columns, axis=0, return_inverse=True)
        keys[role] = keys[role].reshape(-1)
    moments = conditional_means(model, reference, list(sites.values()), keys, batch_size=batch_size, progress=progress)
    constant = (reference.tokens == reference.tokens[0]).all(axis=0)
    different = len(np.unique(reference.tokens, axis=0)) == len(reference)
    return Means(
        tokens,
        counts={role: np.bincount(key) for role, key in keys.items()},
        moments={layer: moments[site] for layer, site in sites.items()},
        fewest=fewest,
        roles=reference.roles,
        given=chosen,
        fixed={r: int(reference.tokens[0, i]) for i, r in enumerate(reference.roles) if constant[i]},
        population=reference.population if different else 0,
    )


def plain_mean(moments: Moments) -> torch.Tensor:
    """Return the unconditional mean [d_model] of all keys together, float32."""
    weight = moments.count.double()[:, None]
    return ((moments.mean.nan_to_num() * weight).sum(0) / weight.sum()).float()


def relative_error(means: Means) -> np.ndarray:
    """Return |standard error| / |mean| at the input of each block, median over roles and keys: [l_wait]; exact: 0."""
    errors = []
    for layer in sorted(means.moments):
        ratios = []
        for moments in means.moments[layer].values():
            ratio = moments.standard_error.norm(dim=-1) / moments.mean.norm(dim=-1)
            ratios.append(ratio[moments.count > 1].cpu().numpy())
        joined = np.concatenate(ratios)
        errors.append(float(np.median(joined)) if len(joined) else np.nan)
    return np.zeros(len(errors)) if means.exact else np.array(errors)
