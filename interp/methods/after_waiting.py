"""What may the tokens read once they have waited? The paper's peeking and what stands in its place, as data.

| variant | blocks l_wait .. l_wait + l_transfer - 1 | every block after |
|---|---|---|
| abp (the paper's) | full peek | self peek |
| no_bos | full peek, BOS hidden too | self peek, BOS hidden too |
| zero_attention | full peek | self peek; the last token's attn_out is 0 |
| mean_attention | full peek | self peek; the last token's attn_out is its mean over reference prompts |
| others_free | nothing hidden | the last token sees itself and BOS, the others all before them |
| frozen | full peek | self peek; all along, the others' resid_pre is what it was at block l_wait |

Two variants write what was read in a run (`sources_of`). `mean_attention`: the run of the reference prompts through
the subgraph `abp` of the same l_wait and l_transfer, each with its own CAMA; so what is kept is what that attention
moves whatever the prompt. `frozen`: the run of the prompts themselves up to block l_wait, after waiting. It holds
every token but BOS, which knows nothing of the prompt and is the attention sink, and the last, which computes.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650; the variants are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.engine import Constant, Intervention, Site, Source, Zero, conditional_means, from_run, run
from interp.errors import InterpError, nearest
from interp.methods.masks import peek
from interp.methods.means import Means, waiting_roles
from interp.methods.waiting import References, as_references, wait

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

PEEKS = ("abp", "no_bos", "zero_attention", "mean_attention", "others_free", "frozen")
_SUFFIX = {"no_bos": "_no_bos", "others_free": "_others_free"}


def window(
    prompts: Prompts,
    n_layers: int,
    l_wait: int,
    l_transfer: int,
    variant: str = "abp",
    sources: Mapping[Site, Source] | None = None,
) -> list[Intervention]:
    """Return everything after waiting: the masks of blocks l_wait .. n_layers - 1, and the writes of the variant.

    `sources`: what `sources_of` returns for this window, for the variants that write something read in a run.
    Raises InterpError for a window outside the model, an unknown variant or a source that is missing.
    """
    check_window(n_layers, l_wait, l_transfer)
    if variant not in PEEKS:
        raise InterpError(f"unknown peeking variant {variant!r}. {nearest(variant, PEEKS)}")
    alone, suffix = range(l_wait + l_transfer, n_layers), _SUFFIX.get(variant, "")
    masks = peek(prompts, range(l_wait, alone.start), f"full{suffix}") + peek(prompts, alone, f"self{suffix}")
    if variant == "zero_attention":
        return masks + [Intervention(Site("attn_out", layer), ("last",), Zero()) for layer in alone]
    if variant == "mean_attention":
        sites = [Site("attn_out", layer) for layer in alone]
        return masks + [Intervention(site, ("last",), _given(sources, site, variant)) for site in sites]
    if variant == "frozen" and resting_roles(prompts):
        held = _given(sources, Site("resid_pre", l_wait), variant)
        later = [Site("resid_pre", layer) for layer in range(l_wait + 1, n_layers)]
        return masks + [Intervention(site, resting_roles(prompts), held) for site in later]
    return masks


def check_window(n_layers: int, l_wait: int, l_transfer: int) -> None:
    """Raise InterpError unless l_wait and l_transfer are counts of blocks that the model has."""
    if min(l_wait, l_transfer) < 0 or l_wait + l_transfer > n_layers:
        raise InterpError(
            f"window l_wait {l_wait}, l_transfer {l_transfer} is outside a model of {n_layers} blocks; "
            f"need 0 <= l_wait, 0 <= l_transfer and l_wait + l_transfer <= {n_layers}."
        )


def resting_roles(prompts: Prompts) -> tuple[str, ...]:
    """Return the roles that only lend their keys and values: all but BOS and the last."""
    return tuple(role for role in waiting_roles(prompts) if role != prompts.roles[-1])


def _given(sources: Mapping[Site, Source] | None, site: Site, variant: str) -> Source:
    if sources is None or site not in sources:
        raise InterpError(f"{variant} writes at {site} what was read in a run: pass sources=sources_of(...).")
    return sources[site]


def subgraph(
    model: Any,
    prompts: Prompts,
    references: References | Means,
    l_wait: int,
    l_transfer: int,
    variant: str = "abp",
    *,
    batch_size: int = 512,
) -> list[Intervention]:
    """Return CAMA at the input of block l_wait and everything after it, sources read. Raises InterpError."""
    check_window(model.cfg.n_layers, l_wait, l_transfer)
    sources = sources_of(model, prompts, references, l_wait, l_transfer, variant, batch_size=batch_size)
    return wait(references, prompts, l_wait) + window(prompts, model.cfg.n_layers, l_wait, l_transfer, variant, sources)


def sources_of(
    model: Any,
    prompts: Prompts,
    references: References | Means,
    l_wait: int,
    l_transfer: int,
    variant: str,
    *,
    batch_size: int = 512,
) -> dict[Site, Source]:
    """Return what `window` writes for this variant after CAMA at l_wait, read in the runs the module names; {} for
    most variants. Raises InterpError for `mean_attention` where the references hold no prompts."""
    if variant == "frozen":
        site = Site("resid_pre", l_wait)
        held = run(model, prompts, wait(references, prompts, l_wait), reads=[site], batch_size=batch_size)
        return {site: from_run(held, site)}
    sites = [Site("attn_out", layer) for layer in range(l_wait + l_transfer, model.cfg.n_layers)]
    if variant != "mean_attention" or not sites:
        return {}
    reference = as_references(references).task_prompts
    if reference is None:
        raise InterpError("mean_attention runs the reference prompts: give References that hold task_prompts.")
    edits = wait(references, reference, l_wait) + window(reference, model.cfg.n_layers, l_wait, l_transfer)
    together = {reference.roles[-1]: np.zeros(len(reference), dtype=np.int64)}
    moments = conditional_means(model, reference, sites, together, interventions=edits, batch_size=batch_size)
    return {site: Constant(moments[site][reference.roles[-1]].mean[0].float()) for site in sites}
