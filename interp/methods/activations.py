"""What stands at these sites and roles? Activations as labelled arrays, or handed on batch by batch.

    activations(model, prompts, [Site("resid_post", 3), Site("z", 2)], ["a", "last"])
        "resid_post.3" [prompt, role, d_model], "z.2" [prompt, role, head, d_head], and the prompts' variables

`pattern` is read at query roles, [prompt, role, head, key]. Values are the model's own; bfloat16, which numpy does not
know, is widened to float32, which holds it exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Site, stream
from interp.errors import InterpError
from interp.methods.grid import role_list
from interp.methods.result import attributes, variable
from interp.progress import Progress, silent

DIMS = {
    "mlp_post": ("neuron",), "z": ("head", "d_head"), "q": ("head", "d_head"), "k": ("kv_head", "d_head"),
    "v": ("kv_head", "d_head"), "pattern": ("head", "key"),
}  # fmt: skip

Taker = Callable[[Site, np.ndarray, np.ndarray], None]


def activations(
    model: Any,
    prompts: Any,
    sites: Sequence[Site],
    roles: Sequence[str] | None = None,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> xr.Dataset:
    """Return what is read at `sites` and `roles` (default: all), one variable a site, named as the site prints.

    [prompt, role, ...] in the model's dtype; the exact variables of the prompts are coordinates `variable_<name>`. All
    of it is held in memory. Raises InterpError on no prompts, no site, and for a site or role that does not exist.
    """
    kept: dict[Site, np.ndarray] = {}

    def keep(site: Site, values: np.ndarray, rows: np.ndarray) -> None:
        if site not in kept:
            kept[site] = np.empty((len(prompts), *values.shape[1:]), dtype=values.dtype)
        kept[site][rows] = values

    names = read_at(model, prompts, sites, keep, roles, batch_size=batch_size, progress=progress)
    data = {
        str(site): variable(dims(site), kept[site], "activation", f"{site} of each prompt at each role")
        for site in dict.fromkeys(sites)
    }
    columns = {f"variable_{name}": ("prompt", column) for name, column in prompts.variables.items()}
    keys = {"key": list(prompts.roles)} if any(site.name == "pattern" for site in sites) else {}
    title = f"Activations of {len(prompts)} prompts at {', '.join(data)}."
    return xr.Dataset(
        data,
        coords={"prompt": list(prompts.texts), "role": names, **keys, **columns},
        attrs=attributes("activations", model, prompts, title),
    )


def read_at(
    model: Any,
    prompts: Any,
    sites: Sequence[Site],
    take: Taker,
    roles: Sequence[str] | None = None,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> list[str]:
    """Hand each site's activation at `roles` (default: all) to `take(site, values [batch, role, ...], rows)`, batch by
    batch, keeping nothing, and return the roles. Raises as `activations`."""
    names = role_list(prompts, roles)
    if not sites:
        raise InterpError('No site to read; name at least one, such as Site("resid_post", 3).')
    places = [prompts.position(role) for role in names]
    consume = {site: _taker(site, places, take) for site in dict.fromkeys(sites)}
    stream(model, prompts, consume, batch_size=batch_size, progress=progress)
    return names


def dims(site: Site) -> tuple[str, ...]:
    """Return the names of the axes of what is read at `site`."""
    own = DIMS.get(site.name, ("d_model",))
    return ("prompt", "role", *(own if site.index is None else own[1:]))


def table(prompts: Any) -> Mapping[str, Any]:
    """Return what is known of the prompts besides their activations, as plain lists."""
    return {
        "prompts": list(prompts.texts),
        "answers": list(prompts.answers),
        "tokens": prompts.tokens.tolist(),
        "variables": {name: column.tolist() for name, column in prompts.variables.items()},
    }


def _taker(site: Site, places: list[int], take: Taker) -> Callable[[Tensor, np.ndarray], None]:
    def consumer(h: Tensor, rows: np.ndarray) -> None:
        if site.name == "pattern":
            h = h.movedim(-2, 1)  # [prompt, query, head, key]
        picked = h[:, places]
        picked = picked.float() if picked.dtype == torch.bfloat16 else picked
        take(site, picked.cpu().numpy(), rows)

    return consumer
