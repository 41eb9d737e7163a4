"""What does a component write on average at each position, over prompts of every operator?

    mean[site][role] = E over reference prompts of the activation at `role`

The means that stand outside a circuit: they know the template and the position, not the operands and not the operator.
One pass over each set of reference prompts; the sets must have the same roles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp.engine import Site, conditional_means
from interp.errors import InterpError
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def position_means(
    model: Any,
    references: Sequence[Prompts],
    sites: Sequence[Site],
    roles: Sequence[str] | None = None,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> dict[Site, Tensor]:
    """Return {site: mean [role, ...]} over all prompts of all references, each prompt counted once.

    `roles` defaults to all. Raises InterpError without references, and for references of different roles.
    """
    if not references:
        raise InterpError("Means need at least one set of reference prompts; got none.")
    first = references[0].roles
    if any(reference.roles != first for reference in references):
        raise InterpError("The reference prompts of all operators must have the same roles; use one style.")
    wanted = tuple(first if roles is None else roles)
    total: dict[Site, dict[str, Any]] = {}
    for reference in references:
        keys = {role: np.zeros(len(reference), dtype=np.int64) for role in wanted}
        found = conditional_means(model, reference, sites, keys, batch_size=batch_size, progress=progress)
        for site, moments in found.items():
            there = total.setdefault(site, {})
            for role in wanted:
                there[role] = there[role].merge(moments[role]) if role in there else moments[role]
    dtype = next(model.parameters()).dtype
    return {site: torch.stack([there[role].mean[0] for role in wanted]).to(dtype) for site, there in total.items()}
