"""Which cells does a layer x role map have, what stands in each, and what happens when it is overwritten?

    layer l in 0..L   the residual stream that enters block l (resid_pre); 0 = embeddings, L = final residual
    role r            one position of the prompt by name; "all" stands for every position at once

    logits(l, r) = logits of run( prompts ; resid_l[r] <- source )

Only two kinds of cell are left out, and both are exact: a source equal, bit for bit, to what already stands
there, and a position other than the last at layer L, which nothing reads any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from interp.engine import Intervention, Site, Source, run
from interp.errors import InterpError
from interp.progress import Progress

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def layer_list(model: Any, layers: Sequence[int] | None) -> list[int]:
    """Return the layers asked for (default 0..L). Raises InterpError for none, or one outside 0..L."""
    n_layers = model.cfg.n_layers
    chosen = list(range(n_layers + 1)) if layers is None else [int(layer) for layer in layers]
    if not chosen or any(not 0 <= layer <= n_layers for layer in chosen):
        raise InterpError(
            f"Layers {chosen} do not fit this model; layers run 0..{n_layers} ({n_layers} = final residual)."
        )
    return chosen


def role_list(prompts: Prompts, roles: Sequence[str] | None) -> list[str]:
    """Return the roles asked for (default: all). Raises InterpError for no prompts or an unknown role."""
    require_prompts(prompts)
    chosen = list(prompts.roles if roles is None else roles)
    if not chosen:
        raise InterpError(f"A map needs at least one role; choose from {', '.join(prompts.roles)}.")
    for role in chosen:
        prompts.position(role)
    return chosen


def place_list(prompts: Prompts, roles: Sequence[str] | None) -> list[str]:
    """Return the roles asked for as `role_list` does, but let "all" (every position at once) be one."""
    if roles is None or "all" not in roles:
        return role_list(prompts, roles)
    role_list(prompts, [role for role in roles if role != "all"] or None)
    return list(roles)


def require_prompts(prompts: Prompts) -> None:
    """Raise InterpError when there are no prompts."""
    if len(prompts) == 0:
        raise InterpError("There are no prompts to run; a method needs at least one. Check the split and the filters.")


def positions(prompts: Prompts, role: str) -> list[int]:
    """Return the positions a role of a map stands for: one, or all of them for "all"."""
    return list(range(len(prompts.roles))) if role == "all" else [prompts.position(role)]


def cells(layers: Sequence[int], roles: Sequence[str]) -> Iterator[tuple[int, int, int, str]]:
    """Yield (layer index, role index, layer, role) over the map."""
    for i, layer in enumerate(layers):
        for j, role in enumerate(roles):
            yield i, j, layer, role


def within(progress: Progress, done: int, total: int, message: str) -> Progress:
    """Report a step; return a progress for its inner loop that repeats it, so that a cancel is heard."""
    progress(done, total, message)

    def report(_done: int, _total: int, _message: str) -> None:
        progress(done, total, message)

    return report


@dataclass(frozen=True)
class Stream:
    """A run without edits: its residual stream, {layer: tensor}, and its logits."""

    prompts: Prompts
    resid: dict[int, Float[Tensor, "prompt pos d_model"]]
    logits: Float[Tensor, "prompt vocab"]

    def at(self, layer: int, role: str) -> Float[Tensor, "prompt here d_model"]:
        """Return the residual at one cell, [prompt, positions of the role, d_model]."""
        return self.resid[layer][:, positions(self.prompts, role)]


def read_stream(model: Any, prompts: Prompts, layers: Sequence[int], batch_size: int, progress: Progress) -> Stream:
    """Return the residual stream of `prompts` at `layers`, read in one pass."""
    sites = {layer: Site("resid_pre", layer) for layer in layers}
    result = run(model, prompts, reads=tuple(sites.values()), batch_size=batch_size, progress=progress)
    return Stream(prompts, {layer: result[site] for layer, site in sites.items()}, result.logits)


def overwrite(
    model: Any, stream: Stream, layer: int, role: str, source: Source, batch_size: int, progress: Progress
) -> Float[Tensor, "prompt vocab"]:
    """Return the logits [prompt, vocab] of the stream's prompts with `source` written at one cell."""
    prompts, site, now = stream.prompts, Site("resid_pre", layer), stream.at(layer, role)
    here = positions(prompts, role)
    where = tuple(prompts.roles[p] for p in here)
    unread = layer == model.cfg.n_layers and prompts.position("last") not in here
    if unread or bool((source.at(np.arange(len(prompts)), where, now, site) == now).all()):
        return stream.logits
    edits = (Intervention(site, where, source),)
    return run(model, prompts, edits, batch_size=batch_size, progress=progress).logits
