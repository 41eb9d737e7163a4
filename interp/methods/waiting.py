"""What may a token hold while it waits? CAMA, and what could stand in its place.

    h_t^{l_wait} <- s_t        at every position but BOS; l_wait blocks wait (0 = embeddings)

    cama             E[ h_t | own token ] over the task's prompts
    unfiltered       the same over prompts whose operands are drawn independently, whatever the result
    other_operator   the same over the task with + and - swapped; the plain mean there where the token does not occur
    resample         h_t of one task prompt with the same own token, drawn for each role: nothing is averaged
    mean             E[ h_t ]: the own token is forgotten
    noise            Gaussian with the mean and covariance of h_t
    zero             0
    early            the input of block 0 carried forward: the own embedding, without the work of the waiting blocks
    isolated         no write: in the waiting blocks every token sees itself and BOS alone

Reading: cama, unfiltered, resample, early and isolated all let a token keep itself and nothing of the others, so they
differ in what else they spoil; mean, noise and zero lose the operands and must fail wherever these matter. The sign
itself does not occur in the task of the other operator, so other_operator turns it into the other one: from l_wait 0 on
it asks the other question, and stays up only where the sign has been read, or is not needed.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650, for CAMA; the alternatives are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from interp.engine import Intervention, Lookup, Rows, Site, Source, Zero, stream
from interp.errors import InterpError, nearest
from interp.methods.draws import noisy, resampled
from interp.methods.masks import peek
from interp.methods.means import Means, plain_mean, waiting_roles
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

WAITS = ("cama", "mean", "zero", "resample", "early", "isolated", "other_operator", "unfiltered", "noise")
VARIANTS = WAITS[:3]
"""Those that need nothing but the means."""
HELD = 1 << 28
"""Numbers that a draw may hold at once (1 GiB of float32): so many layers are read in one pass."""


@dataclass(frozen=True)
class References:
    """What the variants read. Means alone serve cama, mean, zero and isolated.

    task_prompts: the reference prompts behind `means`; other: means over the task with its operators swapped;
    unfiltered: means over operands drawn independently. `seed` draws resample and noise.
    """

    model: Any
    task_prompts: Prompts | None
    means: Means
    other: Means | None = None
    unfiltered: Means | None = None
    seed: int = 0
    batch_size: int = 512

    @property
    def variants(self) -> tuple[str, ...]:
        """Return the variants that these references can serve."""
        drawn = None if self.model is None else self.task_prompts
        needs = {"early": self.model, "resample": drawn, "noise": drawn}
        needs |= {"other_operator": self.other, "unfiltered": self.unfiltered}
        return tuple(variant for variant in WAITS if needs.get(variant, self.means) is not None)

    def check(self, prompts: Prompts, variants: Sequence[str] = VARIANTS) -> None:
        """Raise InterpError unless every mean is of the prompts' template and every variant is served."""
        for means in (self.means, self.other, self.unfiltered):
            if means is not None:
                means.check(prompts)
        for variant in variants:
            self.serve(variant)

    def serve(self, variant: str) -> None:
        """Raise InterpError for an unknown variant, or one without its reference."""
        if variant not in WAITS:
            raise InterpError(f"unknown CAMA variant {variant!r}. {nearest(variant, WAITS)}")
        if variant not in self.variants:
            have = ", ".join(self.variants)
            raise InterpError(f"the variant {variant} needs a reference that is not given; these serve {have}.")

    def covers(self, prompts: Prompts) -> np.ndarray:
        """Return which prompts have a mean wherever a variant needs that of their own token: bool [prompt]."""
        covered = self.means.covers(prompts)
        return covered if self.unfiltered is None else covered & self.unfiltered.covers(prompts)


def wait(references: References | Means, prompts: Prompts, l_wait: int, variant: str = "cama") -> list[Intervention]:
    """Return what makes every token but BOS wait for `l_wait` blocks.

    Means may stand for references that serve cama, mean, zero and isolated. Raises InterpError for an unknown variant,
    one whose reference is not there, or a layer without means.
    """
    return next(waits(references, prompts, [l_wait], variant))


def waits(
    references: References | Means,
    prompts: Prompts,
    layers: Sequence[int],
    variant: str = "cama",
    *,
    progress: Progress = silent,
) -> Iterator[list[Intervention]]:
    """Yield `wait` for each of `layers`, with few passes over the reference, which report; raises like it."""
    held = as_references(references)
    held.serve(variant)
    taken = sorted(held.means.moments)
    for layer in layers:
        if layer not in taken:
            raise InterpError(f"there are no means at l_wait {layer}; they were taken at {', '.join(map(str, taken))}.")
    if variant in ("resample", "noise"):
        yield from _drawn_waits(held, prompts, layers, variant, progress)
    elif variant == "early":
        source = embedded(held.model, prompts, held.batch_size)
        yield from ([Intervention(Site("resid_pre", layer), waiting_roles(prompts), source)] for layer in layers)
    elif variant == "isolated":
        yield from (peek(prompts, range(layer), "self") for layer in layers)
    else:
        yield from (_mean_wait(held, prompts, layer, variant) for layer in layers)


def as_references(references: References | Means) -> References:
    """Return References that hold just these means, or the references themselves."""
    return References(None, None, references) if isinstance(references, Means) else references


def _mean_wait(references: References, prompts: Prompts, l_wait: int, variant: str) -> list[Intervention]:
    site, roles, means = Site("resid_pre", l_wait), waiting_roles(prompts), references.means
    if variant == "zero":
        return [Intervention(site, roles, Zero())]
    if variant == "mean":
        table = {role: plain_mean(means.moments[l_wait][role])[None] for role in roles}
        return [Intervention(site, roles, Lookup(table, {r: np.zeros(len(prompts), dtype=np.int64) for r in roles}))]
    if variant == "other_operator" and references.other is not None:
        return _write(references.other, prompts, l_wait, own_or_plain(references.other, prompts, l_wait))
    if variant == "unfiltered" and references.unfiltered is not None:
        means = references.unfiltered
    return _write(means, prompts, l_wait, Lookup.from_moments(means.moments[l_wait], means.keys(prompts)))


def _write(means: Means, prompts: Prompts, l_wait: int, source: Source) -> list[Intervention]:
    """The write at every role that does not keep its clean activation anyway."""
    clean = means.clean_roles(prompts)
    roles = tuple(role for role in waiting_roles(prompts) if role not in clean)
    return [Intervention(Site("resid_pre", l_wait), roles, source)] if roles else []


def _drawn_waits(
    references: References, prompts: Prompts, layers: Sequence[int], variant: str, progress: Progress
) -> Iterator[list[Intervention]]:
    draw, reference = {"resample": resampled, "noise": noisy}[variant], cast("Prompts", references.task_prompts)
    size = len(prompts) * len(references.means.tokens) * references.model.cfg.d_model
    step = max(1, HELD // max(size, 1))
    for start in range(0, len(layers), step):
        some = layers[start : start + step]
        inputs = references.model, reference, references.means, prompts, some
        rows = draw(*inputs, seed=references.seed, batch_size=references.batch_size, progress=progress)
        for layer in some:
            source = rows[layer]
            yield [Intervention(Site("resid_pre", layer), tuple(source.roles or ()), source)] if source.roles else []


def own_or_plain(means: Means, prompts: Prompts, layer: int) -> Lookup:
    """Return the means by own key, and the role's plain mean for a key with fewer prompts than a mean needs."""
    table, keys = {}, {}
    for role, key in means.keys(prompts).items():
        own = means.moments[layer][role]
        table[role] = torch.cat([own.mean.float(), plain_mean(own)[None]])
        known = (key >= 0) & (means.counts[role][key] >= means.fewest)
        keys[role] = np.where(known, key, len(own.mean))
    return Lookup(table, keys)


def embedded(model: Any, prompts: Prompts, batch_size: int = 512) -> Rows:
    """Return the input of block 0 of the prompts themselves."""
    parts: list[torch.Tensor] = []
    stream(model, prompts, {Site("resid_pre", 0): lambda h, rows: parts.append(h)}, batch_size=batch_size)
    return Rows(torch.cat(parts), prompts.roles, note="embeddings")
