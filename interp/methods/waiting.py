"""What may a token hold while it waits? CAMA and what stands in its place.

    h_t^{l_wait} <- s_t       at every position but BOS, l_wait blocks wait (0 = embeddings)

`cama` keeps each token's own identity, `mean` forgets it (one mean a position), `zero` writes zeros.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from interp.engine import Intervention, Lookup, Moments, Site, Zero
from interp.errors import InterpError, nearest
from interp.methods.means import Means, waiting_roles

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

VARIANTS = ("cama", "mean", "zero")


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
