"""Through which attention and MLP outputs do changed operands reach the answer, and which know the result alone?

    base run of p' ; attn_out_l[role] or mlp_out_l[role] <- the source p's        for every layer and role
    effect(component, layer, role)    the symmetrised relative change of P(r) and P(r') (mediated.py), mean over pairs

    pairs "operands"      every operand and the result differ          what carries operands or the result shows
    pairs "result_kept"   the operands differ, the result is one       what carries the result alone does not
    pairs "operator"      the operator differs, the operands stay

A part with an effect under the first pairs and none under the second carries the result, not the operands: where the
late MLPs of the last token have most of the first and little of the second, the answer is computed by them or before
them, and stands in them. `relative_importance` puts it in one number (relative_importance.py).

Null: the same write from the source of an unrelated pair. It is not 0 where the answer stands: an unrelated answer
wipes out r', which is half of the effect's formula. The mean is dominated by the few pairs with the smallest
probabilities; the median, the mean in nats and the rank agreement of mean and median stand beside it, and
`largest_pair` says how much of a cell's sum one pair gives.

Source: Stolfo, Belinkov & Sachan (2023) arXiv 2305.15054.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from interp.engine import Intervention, from_run, run
from interp.engine.sites import Site
from interp.errors import InterpError, nearest
from interp.methods import metrics
from interp.methods.mediated import effect, log_effect, mediated, read_sources
from interp.methods.mediation_result import dataset
from interp.methods.nulls import derangement
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.twins import Twins

COMPONENTS = ("attn_out", "mlp_out")
CHANGES = ("operands", "result_kept", "operator")


class Effects(NamedTuple):
    """Of the pairs of one change: effect and log effect [pair, source, component, layer, role]; source 0 is the pair's
    own, 1 an unrelated pair's. accuracy: share of base prompts that the model answers."""

    relative: np.ndarray
    log: np.ndarray
    accuracy: float


def mediation(
    model: Any,
    pairs: Mapping[str, Twins],
    *,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the indirect effect of every attention and MLP output by layer and role, for each kind of pairs.

    pairs: {change: Twins}, the base prompts `clean` and the sources `corrupted`; change is one of CHANGES.
    `effect` [change, component, layer, role] with its interval, median, null and log variant; `relative_importance`
    [change, component, aggregate, floor] of the late layers at the last token; `effects` [prompt, ...] of every pair.
    Raises InterpError for an unknown change, fewer than 2 pairs, or pairs of different roles.
    """
    roles = _check(pairs)
    found = {}
    for i, (change, twins) in enumerate(pairs.items()):

        def told(done: int, total: int, message: str, i: int = i, change: str = change) -> None:
            progress(i * total + done, len(pairs) * total, f"{change}: {message}")

        found[change] = _effects(model, twins, roles, batch_size, told, seed)
    return dataset(model, dict(pairs), found, roles, COMPONENTS, seed)


def _effects(model: Any, twins: Twins, roles: list[str], batch_size: int, progress: Progress, seed: int) -> Effects:
    n_layers, n = model.cfg.n_layers, len(twins)
    sites = [Site(component, layer) for component in COMPONENTS for layer in range(n_layers)]
    sources = read_sources(model, twins, sites, batch_size)
    orders = (None, derangement(n, seed))
    edits = [
        (Intervention(site, (role,), from_run(sources, site, order)),)
        for order in orders
        for site in sites
        for role in roles
    ]
    base, patched = mediated(model, twins, edits, batch_size=batch_size, progress=progress)
    same = bool((twins.clean.answer_ids == twins.corrupted.answer_ids).all())
    shape = (n, len(orders), len(COMPONENTS), n_layers, len(roles))
    relative = effect(base[:, None], patched).reshape(shape)
    return Effects(
        relative, log_effect(base[:, None], patched, same).reshape(shape), _accuracy(model, twins, batch_size)
    )


def _accuracy(model: Any, twins: Twins, batch_size: int) -> float:
    return float(metrics.correct(run(model, twins.clean, batch_size=batch_size).logits, twins.clean).float().mean())


def _check(pairs: Mapping[str, Twins]) -> list[str]:
    if not pairs:
        raise InterpError(f"Mediation needs pairs of at least one change: {', '.join(CHANGES)}.")
    for change, twins in pairs.items():
        if change not in CHANGES:
            raise InterpError(f"unknown change {change!r}. {nearest(change, CHANGES)}")
        if len(twins) < 2:
            raise InterpError(f"Mediation needs at least 2 pairs ({change}), for its null is another pair; add pairs.")
        same = twins.clean.answer_ids == twins.corrupted.answer_ids
        if bool(same.any()) != (change == "result_kept") or bool(same.any()) != bool(same.all()):
            wanted = "one result" if change == "result_kept" else "two results"
            raise InterpError(
                f"{int(same.sum())} of {len(same)} pairs of {change!r} share a result; give {wanted} each."
            )
    first = next(iter(pairs.values())).clean
    if any(twins.clean.roles != first.roles for twins in pairs.values()):
        raise InterpError("The pairs of all changes must have the same roles; use one task and style.")
    return list(first.roles)
