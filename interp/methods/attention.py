"""Which token reads which, head by head?

    pattern(l, h, query, key) = mean over prompts of softmax(q · k / √d)[query, key]

Null: `pattern_uniform(query, key)` = 1 / (number of keys the query can see) under the causal mask, what a
head without a preference would do.

Reading: rows (queries) sum to 1. More than uniform means the head prefers that key; it does not say that what
it moves is used (see peeking and ablation). The first token often collects attention that is moved nowhere.
The interval is Student's over prompts, cut to [0, 1].

Source: Vaswani et al. (2017) arXiv 1706.03762; Xiao et al. (2023) arXiv 2309.17453 (attention sinks); Jain &
Wallace (2019) arXiv 1902.10186 (attention is not explanation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr

from interp.engine import Site, conditional_means
from interp.errors import InterpError
from interp.methods.grid import role_list
from interp.methods.intervals import t_about
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def attention(
    model: Any,
    prompts: Prompts,
    *,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the mean attention of every head from each role (query) to each role (key), beside the uniform
    null.

    `pattern` [layer, head, role, key] in [0, 1] with its interval, `pattern_uniform` [role, key]; `layers`
    are blocks 0..L-1, `roles` the queries. Streamed in one pass. Nothing is random, so `seed` changes
    nothing. Raises InterpError on no prompts or an unknown role or layer.
    """
    roles = role_list(prompts, roles)
    n, blocks = len(prompts), _blocks(model, layers)
    sites = [Site("pattern", layer) for layer in blocks]
    together = {role: np.zeros(n, dtype=np.int64) for role in roles}
    moments = conditional_means(model, prompts, sites, together, batch_size=batch_size, progress=progress)
    mean, error = (
        torch.stack([torch.stack([getattr(moments[s][r], what)[0] for r in roles], dim=1) for s in sites])
        for what in ("mean", "standard_error")
    )
    low, high = t_about(mean.cpu().numpy(), error.cpu().numpy(), n)
    units = "attention weight"
    return xr.Dataset(
        {
            **mean_variables(
                "pattern",
                "layer head role key",
                mean,
                (np.clip(low, 0, 1), np.clip(high, 0, 1)),
                units,
                "mean attention from the token at `role` to the token at `key`",
            ),
            "pattern_uniform": variable(
                "role key", _uniform(prompts, roles), units, "1 / number of keys the query can see"
            ),
            "n": variable("", n, "prompts", "number of prompts"),
        },
        coords={"layer": blocks, "head": np.arange(mean.shape[1]), "role": roles, "key": list(prompts.roles)},
        attrs=attributes("attention", model, prompts, "Mean attention between roles, head by head."),
    )


def _uniform(prompts: Prompts, roles: Sequence[str]) -> np.ndarray:
    """Return the causal uniform pattern [role, key]."""
    key = np.arange(len(prompts.roles))
    query = np.array([prompts.position(role) for role in roles])[:, None]
    return (key <= query) / (query + 1)


def _blocks(model: Any, layers: Sequence[int] | None) -> list[int]:
    """Return the blocks asked for (default all). Raises InterpError when one is outside 0..L-1."""
    n_layers = model.cfg.n_layers
    chosen = list(range(n_layers)) if layers is None else [int(layer) for layer in layers]
    if not chosen or any(not 0 <= layer < n_layers for layer in chosen):
        raise InterpError(f"Blocks {chosen} do not fit this model; attention happens in blocks 0..{n_layers - 1}.")
    return chosen
