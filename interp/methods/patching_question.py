"""What may be patched, from where, and at which sites of this model? Checked before anything runs.

Asked(component, direction, source, metric) -> layers_of, sites_of -> [Site]        one a layer, or one a head
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interp.engine import Site
from interp.errors import InterpError, nearest
from interp.methods.grid import layer_list

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins

STREAM = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "mlp_post")
HEADS = ("z", "q", "k", "v", "pattern")
COMPONENTS = (*STREAM, *HEADS)
DIRECTIONS = ("denoising", "noising")
SOURCES = ("twin", "mean", "resample", "zero")
METRICS = ("logit_diff", "prob_diff", "answer_logit", "answer_logprob")


@dataclass(frozen=True)
class Asked:
    """What is written where: a component, the direction and source, and the metric that `recovered` is of.

    Raises InterpError for a name that is not known.
    """

    component: str = "resid_pre"
    direction: str = "denoising"
    source: str = "twin"
    metric: str = "logit_diff"

    def __post_init__(self) -> None:
        known = {"component": COMPONENTS, "direction": DIRECTIONS, "source": SOURCES, "metric": METRICS}
        for name, options in known.items():
            if getattr(self, name) not in options:
                raise InterpError(f"unknown {name} {getattr(self, name)!r}. {nearest(getattr(self, name), options)}")


def sites_of(model: Any, component: str, layer: int) -> list[Site]:
    """Return the sites of one layer: one, or one a head. Raises InterpError for a component that is not there."""
    site = Site(component, layer)
    site.hook_name(model)
    if component not in HEADS:
        return [site]
    kv = getattr(model.cfg, "n_key_value_heads", None) or model.cfg.n_heads
    return [Site(component, layer, head) for head in range(kv if component in "kv" else model.cfg.n_heads)]


def layers_of(model: Any, component: str, layers: Sequence[int] | None) -> list[int]:
    """Return the layers of a component: 0..L for what enters a block, 0..L-1 for what is inside one.

    Raises InterpError for a layer that is not there.
    """
    if component == "resid_pre":
        return layer_list(model, layers)
    inside = list(range(model.cfg.n_layers)) if layers is None else list(layers)
    if any(layer == model.cfg.n_layers for layer in inside):
        raise InterpError(f"{component} is inside a block; layers run 0..{model.cfg.n_layers - 1}.")
    return layer_list(model, inside)


def check(twins: Twins, asked: Asked, reference: Prompts | None) -> None:
    """Raise InterpError for fewer than 2 pairs, pairs that share one answer, or a mean without fitting prompts."""
    clean, corrupted = twins.clean, twins.corrupted
    if len(clean) < 2:
        raise InterpError(
            f"Patching needs at least 2 pairs, for its null is another pair; got {len(clean)}. Add pairs."
        )
    same = int((clean.answer_ids == corrupted.answer_ids).sum())
    if same:
        raise InterpError(
            f"{same} of {len(clean)} pairs have one answer for both prompts, so no logit difference. "
            "Choose a twin recipe that changes the answer, such as swap_operand."
        )
    if asked.source == "mean" and (reference is None or len(reference) == 0):
        raise InterpError("Patching the mean needs reference prompts; give some of the train split.")
    if asked.source == "mean" and reference is not None and reference.roles != clean.roles:
        raise InterpError(
            "The reference prompts have other roles than the pairs; take them from the same task and style."
        )
