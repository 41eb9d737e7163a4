"""Which writes does a trial make, and which control stands beside each?

| edit | writes | control |
|---|---|---|
| patch | what the second prompt has at one site and role | a random change of the same length |
| cama | each token's mean given itself, at the input of block l_wait | each place's mean, whatever the token |
| abp | full peek for l_transfer blocks from l_wait, then self peek | self peek from l_wait on: nothing is read |
| window | cama and abp together (AF1) | the same peeks, and each place's mean |
| plane | the plane of a period, set to its mean | a random plane of the same dimension and variance |
| head | the last token's reads by one head hidden, or its output 0 | another head of the same block |

Sources: Mamidanna et al., arXiv 2509.09650 (CAMA, ABP); Geva et al. 2023, arXiv 2304.14767 (knockout).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from interp.engine import Constant, Intervention, Run, Site, Zero, from_run
from interp.errors import InterpError
from interp.methods import after_waiting
from interp.methods.masks import cut, last_edges
from interp.methods.means import Means
from interp.methods.waiting import wait
from interp.methods.window import af1_interventions

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


@dataclass(frozen=True)
class Edit:
    """The writes of an intervention and of its control, each said in words; no control writes where there is none."""

    kind: str
    words: str
    writes: Sequence[Intervention]
    control_words: str
    control: Sequence[Intervention]


def patch(clean: Run, other: Run, site: Site, role: str, words: str, seed: int = 0) -> Edit:
    """Return the write of `other` at a site and role; both runs have read the site."""
    at = len(clean.roles) - 1 if role == "last" else clean.roles.index(role)
    here, there = clean[site][0, at].float(), other[site][0, at].float()
    drawn = torch.from_numpy(np.random.default_rng(seed).standard_normal(here.shape[0])).float().to(here.device)
    moved = here + (there - here).norm() * drawn / drawn.norm()
    return Edit(
        "patch",
        words,
        [Intervention(site, (role,), from_run(other, site))],
        "a random change of the same length there",
        [Intervention(site, (role,), Constant(moved))],
    )


def cama(means: Means, prompt: Prompts, n_layers: int, l_wait: int) -> Edit:
    """Return waiting to the input of block l_wait. Raises InterpError where a token has no mean."""
    _covered(means, prompt, n_layers, l_wait)
    return Edit(
        "cama",
        f"every token waits for {l_wait} blocks (CAMA)",
        wait(means, prompt, l_wait),
        "every place's plain mean instead",
        wait(means, prompt, l_wait, "mean"),
    )


def abp(prompt: Prompts, n_layers: int, l_wait: int, l_transfer: int) -> Edit:
    """Return the peeks of a window without waiting. Raises InterpError for a window outside the model."""
    return Edit(
        "abp",
        f"from block {l_wait} on the last token sees the others for {l_transfer} blocks, then itself (ABP)",
        after_waiting.window(prompt, n_layers, l_wait, l_transfer),
        f"it sees itself alone from block {l_wait} on",
        after_waiting.window(prompt, n_layers, l_wait, 0) if l_transfer else [],
    )


def window(means: Means, prompt: Prompts, n_layers: int, l_wait: int, l_transfer: int) -> Edit:
    """Return the AF1 subgraph. Raises InterpError for a window outside the model or a token without a mean."""
    _covered(means, prompt, n_layers, l_wait)
    return Edit(
        "window",
        f"AF1: {l_wait} blocks wait, {l_transfer} transfer, the rest compute alone",
        af1_interventions(means, prompt, n_layers, l_wait, l_transfer),
        "the same with every place's plain mean",
        af1_interventions(means, prompt, n_layers, l_wait, l_transfer, "mean"),
    )


def head(model: Any, prompt: Prompts, layer: int, index: int, how: str = "reads", seed: int = 0) -> Edit:
    """Return one head knocked out, and another of its block. Raises InterpError for a head that is not there."""
    Site("z", layer, index).check(model)
    others = [other for other in range(model.cfg.n_heads) if other != index]
    other = int(np.random.default_rng(seed).choice(others)) if others else None
    what = "no longer reads for the last token" if how == "reads" else "adds nothing"
    return Edit(
        "head",
        f"head {index} of block {layer} {what}",
        _without(prompt, layer, index, how),
        "no other head in this block" if other is None else f"head {other} of the same block instead",
        [] if other is None else _without(prompt, layer, other, how),
    )


def _without(prompt: Prompts, layer: int, index: int, how: str) -> list[Intervention]:
    if how == "reads":
        return cut(last_edges(prompt), [layer], [index])
    return [Intervention(Site("z", layer, index), ("all",), Zero())]


def _covered(means: Means, prompt: Prompts, n_layers: int, l_wait: int) -> None:
    """Raise InterpError, naming the token, unless every token of the prompt has a mean over enough prompts."""
    if l_wait > n_layers:
        raise InterpError(f"l_wait {l_wait} is more than the {n_layers} blocks of this model; use 0..{n_layers}.")
    means.check(prompt)
    if not bool(means.covers(prompt)[0]):
        clean, keys = means.clean_roles(prompt), means.keys(prompt)
        short = [
            role
            for role, key in keys.items()
            if role not in clean and (key[0] < 0 or means.counts[role][key[0]] < means.fewest)
        ]
        raise InterpError(
            f"the token at role {short[0]} of {prompt.texts[0]!r} is in fewer than {means.fewest} of {means.n} "
            "reference prompts, too few for a mean; take more reference prompts, or other operands."
        )
