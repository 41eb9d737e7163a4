"""What does a token know of the task when it knows only itself? Means of the residual given the own token.

    mean[t, l, x] = E[ h_t^l(x') | x'_t = x ]                x' from the same template          h = input of block l

One streamed pass over the reference prompts gives every layer, role and token at once, with count and M2 behind each
mean, so standard errors travel.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.engine import Moments, Site, conditional_means
from interp.errors import InterpError
from interp.methods.grid import layer_list, require_prompts
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

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

    @property
    def n(self) -> int:
        """Return the number of prompts behind the means."""
        return int(next(iter(self.counts.values())).sum())

    def check(self, prompts: Prompts) -> None:
        """Raise InterpError unless `prompts` are some, with the roles that have means here."""
        require_prompts(prompts)
        if waiting_roles(prompts) != tuple(self.tokens):
            raise InterpError(
                f"the means have roles {' '.join(self.tokens)}, the prompts {' '.join(waiting_roles(prompts))}; "
                "means must come from the same task and style."
            )

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
