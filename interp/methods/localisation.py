"""Which heads, together with all MLPs, are enough for the answer?

    effect(component, role)   the component's output at one role, from another question's run (mediated.py)
    circuit(k)                all MLPs and the k heads of largest effect, at every position
    outside the circuit       z of a head <- its mean at that position, over prompts of every operator
    faithfulness(k)           share of the normalised logit kept (normalised.py); empty: all heads and MLPs at means

Heads are ranked by the mean over pairs of the log effect (nats), the largest over roles: the raw mean is decided by the
pairs with the smallest probabilities. `rank_agreement` says how the raw mean and the median would rank them. Ranked and
sized on `pairs` (another split), judged on the `prompts` that the full model answers. The control keeps random heads,
as many in every layer as the circuit has there.

Reading: a circuit means something as far as its curve lies above that of the random heads. `smallest` is the fewest
heads whose faithfulness reaches the threshold on the ranking pairs; nan when none does.

Source: Nikankin, Reusch, Mueller & Belinkov (2025) arXiv 2410.21272; there heads are ranked by the raw mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Constant, Intervention, Rows, from_run, run, sweep
from interp.engine.sites import Site
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.grid import require_prompts
from interp.methods.localisation_result import dataset
from interp.methods.mediated import effect, log_effect, mediated, read_sources
from interp.methods.normalised import normalised_logits
from interp.methods.nulls import derangement
from interp.methods.position_means import position_means
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins

Head = tuple[int, int]
EVERY_SIZE = 32
"""Up to so many heads every size is judged; beyond, sizes grow by a quarter."""


class Found(NamedTuple):
    """Effects of components: relative and log [pair, source, cell]; a cell is heads [layer, head, role] then MLPs
    [layer, role]; source 0 is the pair's own, 1 an unrelated one."""

    relative: np.ndarray
    log: np.ndarray


class Judged(NamedTuple):
    """normalised, right: [prompt, circuit]; circuits: full, empty, top heads by size, random ones by draw and size."""

    normalised: np.ndarray
    right: np.ndarray


def localisation(
    model: Any,
    pairs: Twins,
    prompts: Prompts,
    reference: Sequence[Prompts],
    *,
    n_random: int = 20,
    threshold: float = 0.95,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the effect of every head and MLP by role, and the faithfulness of circuits of the top heads.

    `head_effect` [layer, head, role], `mlp_effect` [layer, role] (mean log effect, nats) with `_null`; `faithfulness`
    [size] with its interval beside `faithfulness_random`, `accuracy` beside `accuracy_random`; `added` [size] names the
    head that each size adds; `smallest`. Raises InterpError on fewer than 2 pairs, no prompts, or other roles.
    """
    _check(pairs, prompts, reference, n_random)
    found = _effects(model, pairs, batch_size, progress, seed)
    n_layers, n_heads = model.cfg.n_layers, model.cfg.n_heads
    means = position_means(model, reference, _sites(n_layers), batch_size=batch_size)
    order = ranked(found.log[:, 0], n_layers, n_heads, len(pairs.clean.roles))
    sizes = sizes_of(len(order))
    orders = [order, *random_orders(order, n_heads, n_random, seed)]
    answered = metrics.correct(run(model, prompts, batch_size=batch_size).logits, prompts).cpu().numpy()
    kept = prompts[np.flatnonzero(answered)]
    how: dict[str, Any] = {"batch_size": batch_size, "progress": progress}
    judged = [
        judge(model, each, means, chosen, sizes, **how) if len(each) else None
        for each, chosen in ((pairs.clean, orders[:1]), (kept, orders))
    ]
    facts = {"n": len(kept), "n_asked": len(prompts), "n_pairs": len(pairs), "n_reference": sum(map(len, reference))}
    return dataset(model, prompts, found, judged, (order, sizes), facts | {"threshold": threshold, "seed": seed})


def _effects(model: Any, pairs: Twins, batch_size: int, progress: Progress, seed: int) -> Found:
    sites = [Site("z", layer) for layer in range(model.cfg.n_layers)]
    sites += [Site("mlp_out", layer) for layer in range(model.cfg.n_layers)]
    sources, roles = read_sources(model, pairs, sites, batch_size), pairs.clean.roles
    orders = (None, derangement(len(pairs), seed))
    edits = []
    for order in orders:
        for site in sites:
            rows = from_run(sources, site, order)
            parts = range(model.cfg.n_heads) if site.name == "z" else (None,)
            for part in parts:
                here = rows if part is None else _one_head(sources, site, part, order)
                edits += [(Intervention(Site(site.name, site.layer, part), (role,), here),) for role in roles]
    base, patched = mediated(model, pairs, edits, batch_size=batch_size, progress=progress)
    shape = (len(pairs), len(orders), -1)
    return Found(effect(base[:, None], patched).reshape(shape), log_effect(base[:, None], patched).reshape(shape))


def _one_head(sources: Any, site: Site, head: int, order: np.ndarray | None) -> Any:
    roles = {role: place for place, role in enumerate(sources.roles)}
    return Rows(sources[site][:, :, head], {**roles, "last": len(roles) - 1}, order)


def ranked(log: np.ndarray, n_layers: int, n_heads: int, n_roles: int) -> list[Head]:
    """Return every head, the one of largest mean log effect at any role first; log: [pair, cell], heads first."""
    heads = log.mean(axis=0)[: n_layers * n_heads * n_roles].reshape(n_layers * n_heads, n_roles).max(axis=1)
    return [(int(i) // n_heads, int(i) % n_heads) for i in np.argsort(-heads, kind="stable")]


def sizes_of(n_heads: int) -> list[int]:
    """Return the circuit sizes that are judged, 0 and all heads included."""
    sizes = list(range(min(n_heads, EVERY_SIZE) + 1))
    while sizes[-1] < n_heads:
        sizes.append(min(n_heads, sizes[-1] + sizes[-1] // 4))
    return sizes


def random_orders(order: list[Head], n_heads: int, n_random: int, seed: int) -> list[list[Head]]:
    """Return orders in which every head is exchanged within its layer, so that each size has as many in each layer."""
    rng = np.random.default_rng((seed, 3))
    drawn = []
    for _ in range(n_random):
        other = {layer: rng.permutation(n_heads) for layer in {layer for layer, _ in order}}
        drawn.append([(layer, int(other[layer][head])) for layer, head in order])
    return drawn


def outside(means: dict[Site, Tensor], roles: tuple[str, ...], heads: Sequence[Head]) -> tuple[Intervention, ...]:
    """Return the writes that put `heads` at their means at every position."""
    return tuple(
        Intervention(Site("z", layer, head), roles, Constant(means[Site("z", layer)][:, head])) for layer, head in heads
    )


def judge(
    model: Any,
    prompts: Prompts,
    means: dict[Site, Tensor],
    orders: Sequence[list[Head]],
    sizes: Sequence[int],
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> Judged:
    """Return normalised logit and correctness of the full model, the empty circuit, and the first `size` heads of each
    order, order by order: [prompt, 2 + orders * sizes]."""
    every, roles = sorted(orders[0]), prompts.roles
    mlps = tuple(Intervention(site, roles, Constant(mean)) for site, mean in means.items() if site.name == "mlp_out")
    edits: list[tuple[Intervention, ...]] = [(), (*outside(means, roles, every), *mlps)]
    for order in orders:
        edits += [outside(means, roles, sorted(order[size:])) for size in sizes]
    answers = torch.as_tensor(prompts.answer_ids)

    def measure(logits: Tensor, rows: np.ndarray) -> Tensor:
        wanted = answers[torch.as_tensor(rows)].to(logits.device)
        right = (logits.argmax(dim=-1) == wanted).double()
        return torch.stack([normalised_logits(logits, wanted).double(), right], dim=-1)

    swept = sweep(model, prompts, edits, measure, batch_size=batch_size, progress=progress).numpy()
    return Judged(swept[..., 0].T, swept[..., 1].T.astype(bool))


def _sites(n_layers: int) -> list[Site]:
    return [Site(name, layer) for name in ("z", "mlp_out") for layer in range(n_layers)]


def _check(pairs: Twins, prompts: Prompts, reference: Sequence[Prompts], n_random: int) -> None:
    require_prompts(prompts)
    if len(pairs) < 2:
        raise InterpError(
            f"Components need at least 2 pairs, for their null is another pair; got {len(pairs)}. Add pairs."
        )
    if n_random < 1:
        raise InterpError(f"{n_random} random circuits asked for; use at least 1, for a curve alone says nothing.")
    if any(other.roles != prompts.roles for other in (pairs.clean, *reference)):
        raise InterpError("Pairs, prompts and reference prompts must have the same roles; use one style.")
