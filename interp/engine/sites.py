"""Where in the network an activation is read or written.

`Site("resid_post", 14)` is the residual stream after block 14; `Site("z", 3, 2)` is head 2 of block 3. Names are
TransformerLens's; layers, heads and neurons count from 0. `Site("resid_pre", n_layers)` means the residual stream
after the last block, so a sweep over 0..n_layers needs no special case.

| name | activation [prompt, pos, ...] | index |
|---|---|---|
| embed | token embedding [d_model] | |
| resid_pre, resid_mid, resid_post, attn_out, mlp_out | [d_model] | |
| z, q | head mix and query [head, d_head] | head |
| k, v | [key/value head, d_head]; under grouped-query attention fewer heads than z | key/value head |
| mlp_post | [d_mlp] | neuron |
| pattern | attention weights [prompt, head, query, key] | head |
| attn | attention edges (query, key): written only | query head |
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from interp.errors import InterpError, nearest

STREAM = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")
HEADS = ("z", "q", "k", "v", "pattern", "attn")
NAMES = ("embed", *STREAM, "mlp_post", *HEADS)

_TEMPLATES = {
    "embed": "hook_embed",
    **{name: f"blocks.{{layer}}.hook_{name}" for name in STREAM},
    "mlp_post": "blocks.{layer}.mlp.hook_post",
    **{name: f"blocks.{{layer}}.attn.hook_{name}" for name in ("z", "q", "k", "v", "pattern")},
    "attn": "blocks.{layer}.attn.hook_pattern",  # where a hidden edge is seen to read 0
}


@dataclass(frozen=True)
class Site:
    """A place in the network: a name, a layer (0-based) and, where there are several, one head or neuron.

    Raises InterpError at once for an unknown name, a missing layer or an index where there is none;
    `check(model)` and `hook_name(model)` raise for what a particular model does not have.
    """

    name: str
    layer: int | None = None
    index: int | None = None

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise InterpError(f"Unknown site {self.name!r}. {nearest(self.name, NAMES)}")
        object.__setattr__(self, "layer", _count(self.layer, "layer", self.name))
        object.__setattr__(self, "index", _count(self.index, "index", self.name))
        if (self.layer is None) != (self.name == "embed"):
            wanted = "takes no layer" if self.name == "embed" else f"needs a layer: Site({self.name!r}, 0)"
            raise InterpError(f"Site {self.name!r} {wanted}.")
        if self.index is not None and self.name not in (*HEADS, "mlp_post"):
            raise InterpError(
                f"Site {self.name!r} has no heads or neurons, so no index (got {self.index}); "
                f"index belongs to {', '.join((*HEADS, 'mlp_post'))}."
            )

    def __str__(self) -> str:
        parts = [self.name] + [str(part) for part in (self.layer, self.index) if part is not None]
        return ".".join(parts)

    def check(self, model: Any) -> None:
        """Raise InterpError if this model has no such layer, head or neuron; run no forward."""
        if self.layer is not None:
            last = model.cfg.n_layers - (0 if self.name == "resid_pre" else 1)
            if self.layer > last:
                raise InterpError(
                    f"{self}: layer {self.layer} is out of range; this model has {model.cfg.n_layers} "
                    f"layers, so use 0..{last} (layers count from 0)."
                )
        size, what = _indexed(self.name, model)
        if self.index is not None and size is not None and self.index >= size:
            raise InterpError(f"{self}: {what} {self.index} is out of range; use 0..{size - 1}.")

    def hook_name(self, model: Any) -> str:
        """Return TransformerLens's canonical hook name of this site on this model.

        Raises InterpError when the model has no such layer, head or neuron, or no such place: `resid_mid`
        does not exist where attention and MLP run in parallel (GPT-J, GPT-NeoX).
        """
        self.check(model)
        name, layer = self.name, self.layer
        if name == "resid_pre" and layer == model.cfg.n_layers:
            name, layer = "resid_post", model.cfg.n_layers - 1
        points = model.hook_dict
        point = points.get(_TEMPLATES[name].format(layer=layer))
        if point is None:
            present = [other for other in NAMES if _TEMPLATES[other].format(layer=layer) in points]
            why = " because attention and MLP of a block run in parallel" if name == "resid_mid" else ""
            kind = getattr(model.cfg, "architecture", None) or type(model).__name__
            raise InterpError(f"{self} does not exist in {kind}{why}. It has: {', '.join(present)}.")
        return point.name


def _count(value: Any, what: str, name: str) -> int | None:
    """Return a non-negative int (numpy integers welcome) or None."""
    if value is None:
        return None
    try:
        count = operator.index(value)
    except TypeError:
        count = -1
    if count < 0 or isinstance(value, bool):
        raise InterpError(f"Site {name!r}: {what} must be an integer from 0 up, got {value!r}.")
    return count


def _indexed(name: str, model: Any) -> tuple[int | None, str]:
    """Return how many entries `index` can pick from (None: unknown before a forward) and what they are."""
    if name == "mlp_post":
        return getattr(model.cfg, "d_mlp", None), "neuron"
    if name in ("k", "v"):
        return getattr(model.cfg, "n_key_value_heads", None) or model.cfg.n_heads, "key/value head"
    return model.cfg.n_heads, "head"
