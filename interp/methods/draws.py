"""What would one prompt of the reference, or noise like it, put in a waiting token's place?

    resample   h_t(x'),  x' one reference prompt with the same key at t, drawn for each role and prompt
    noise      m_t + sum_j g_j (h_t(x'_j) - m_t) / sqrt(n - 1),   g_j standard normal, m_t the plain mean

The noise is Gaussian with the reference's own covariance at that layer and role, without a matrix of d_model x d_model:
it is a random mix of centred reference rows, added up while they stream by. One draw serves all layers, so that a curve
over layers differs by layer alone; nothing is kept of the reference but what is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp.engine import Rows, Site, stream
from interp.engine.sources import normals
from interp.errors import InterpError
from interp.methods.means import Means, plain_mean

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

MIXED = 4096
"""Reference prompts behind the noise at most: a covariance from so many is close enough, and a pass costs time."""


def resampled(
    model: Any, reference: Prompts, means: Means, prompts: Prompts, layers: Sequence[int], **how: Any
) -> dict[int, Rows]:
    """Return {layer: the activation of a drawn reference prompt at each role that does not keep its clean one}.

    how: seed, batch_size, progress. Raises InterpError where no reference prompt has the key of a prompt.
    """
    roles = [role for role in means.tokens if role not in means.clean_roles(prompts)]
    picks = np.stack(
        [draw_same_key(means.keys(reference)[r], means.keys(prompts)[r], r, how["seed"]) for r in roles], axis=1
    )
    needed, picks = np.unique(picks, return_inverse=True)
    picks = picks.reshape(len(prompts), len(roles))
    drawn, kept = reference[needed], {}

    def take(layer: int) -> Any:
        def consume(h: Tensor, rows: np.ndarray) -> None:
            values = kept.setdefault(layer, h.new_empty((len(prompts), len(roles), h.shape[-1])))
            for j, role in enumerate(roles):
                here = np.flatnonzero((picks[:, j] >= rows[0]) & (picks[:, j] <= rows[-1]))
                values[here, j] = h[picks[here, j] - rows[0], reference.position(role)]

        return consume

    consume = {Site("resid_pre", layer): take(layer) for layer in layers}
    stream(model, drawn, consume, batch_size=how["batch_size"], progress=how["progress"])
    return {layer: Rows(values, roles, note="same token, another prompt") for layer, values in kept.items()}


def noisy(
    model: Any, reference: Prompts, means: Means, prompts: Prompts, layers: Sequence[int], **how: Any
) -> dict[int, Rows]:
    """Return {layer: Gaussian noise around the plain mean at every role that waits}, a draw for each prompt.

    how: seed, batch_size, progress. Raises InterpError for fewer than two reference prompts.
    """
    if len(reference) < 2:
        raise InterpError(f"noise needs a covariance, and so two reference prompts at least; got {len(reference)}.")
    mixed, roles = reference.sample(MIXED, how["seed"]), tuple(means.tokens)
    centre = {layer: torch.stack([plain_mean(means.moments[layer][role]) for role in roles]) for layer in layers}
    total: dict[int, Tensor] = {}
    weights: dict[int, Tensor] = {}  # of the present batch, by its first row

    def add(layer: int) -> Any:
        def consume(h: Tensor, rows: np.ndarray) -> None:
            if int(rows[0]) not in weights:
                weights.clear()
                drawn = normals(rows, (len(prompts), len(roles)), f"mix {how['seed']}")
                weights[int(rows[0])] = torch.from_numpy(drawn).to(h.device)
            apart = h[:, reference.positions(roles)].float() - centre[layer].to(h.device)
            part = torch.einsum("bpr,brd->prd", weights[int(rows[0])], apart)
            total[layer] = total[layer] + part if layer in total else part

        return consume

    consume = {Site("resid_pre", layer): add(layer) for layer in layers}
    stream(model, mixed, consume, batch_size=how["batch_size"], progress=how["progress"])
    scale = (len(mixed) - 1) ** -0.5
    return {
        layer: Rows(centre[layer].to(sums.device) + scale * sums, roles, note="noise") for layer, sums in total.items()
    }


def draw_same_key(reference: np.ndarray, wanted: np.ndarray, role: str, seed: int) -> np.ndarray:
    """Return for each key of `wanted` a random place in `reference` with that key: int [prompt].

    Raises InterpError where there is none.
    """
    order = np.argsort(reference, kind="stable")
    start, end = (np.searchsorted(reference[order], wanted, side) for side in ("left", "right"))
    missing = (start == end) | (wanted < 0)
    if missing.any():
        raise InterpError(
            f"{int(missing.sum())} of {len(wanted)} prompts have a token at {role!r} that no reference prompt has; "
            "take more reference prompts, or leave those out (Means.covers)."
        )
    key = int.from_bytes(role.encode(), "little")
    u = np.random.default_rng((seed, key)).random(len(wanted))
    return order[start + (u * (end - start)).astype(np.int64)]
