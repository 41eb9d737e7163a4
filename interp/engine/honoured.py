"""Does the model honour a write? Architectures drop some silently; a dropped write must be an error.

The probe writes nan over a site on one prompt and looks whether anything downstream notices: nan passes through
zero weights (0 * nan = nan), so an unused head of a planted model does not look like a dropped write. Queries and
keys are watched at the attention pattern, everything else at the logits. GPT-J, for one, shows its pattern only
after using it. `resid_mid` must also reach the skip connection: with the MLP's output at 0, resid_post must be what
was written. Once for each (model, kind of site).
"""

from __future__ import annotations

import warnings
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from interp.engine.sites import Site
from interp.errors import InterpError

_HONOURED: WeakKeyDictionary[Any, set[tuple]] = WeakKeyDictionary()


def require_honoured(model: Any, site: Site, tokens: Tensor) -> None:
    """Raise InterpError if a write at this kind of site does not reach the model's output.

    tokens: [prompt, pos]; one prompt is run, and only the first time this kind of site is asked for.
    """
    known = _HONOURED.setdefault(model, set())
    key = (site.name, bool(getattr(model, "compatibility_mode", False)))
    if key in known:
        return
    name = site.hook_name(model)
    honoured = reaches(model, name, tokens, through_pattern=site.name in ("q", "k"))
    if site.name == "resid_mid":
        honoured = honoured and _skips(model, site, tokens)
    if not honoured:
        kind = getattr(model.cfg, "architecture", None) or type(model).__name__
        raise InterpError(
            f"A write at {site} is dropped by {kind}: the model uses that activation before it shows it. "
            "Write at another site (attn_out, mlp_out, z), or hide attention edges."
        )
    known.add(key)


def reaches(model: Any, name: str, tokens: Tensor, through_pattern: bool = False) -> bool:
    """Return whether nan written at hook `name` changes the logits (or that layer's attention pattern)."""
    seen: dict[str, Tensor] = {}

    def keep(h: Tensor, hook: Any) -> None:
        seen["pattern"] = h.detach().clone()

    reads = []
    if through_pattern:
        layer = int(name.split(".")[1])
        reads = [(Site("pattern", layer).hook_name(model), keep)]
    write = (name, lambda h, hook: torch.full_like(h, torch.nan))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TransformerLens warns of the dropped write that this function reports
        with model.hooks(fwd_hooks=reads):
            model(tokens[:1])
        before = seen.get("pattern")
        with model.hooks(fwd_hooks=[write, *reads]):
            logits = model(tokens[:1])
    if before is not None and not torch.equal(before, seen["pattern"]):
        return True
    return bool(logits.isnan().any())


def _skips(model: Any, site: Site, tokens: Tensor) -> bool:
    """Return whether a write at resid_mid, in place, is what the block's skip connection carries on."""
    seen: dict[str, Tensor] = {}

    def shift(h: Tensor, hook: Any) -> Tensor:
        seen["written"] = h + 1
        return h.copy_(seen["written"])

    def keep(h: Tensor, hook: Any) -> None:
        seen["post"] = h.detach().clone()

    hooks = [
        (site.hook_name(model), shift),
        (Site("mlp_out", site.layer).hook_name(model), lambda h, hook: torch.zeros_like(h)),
        (Site("resid_post", site.layer).hook_name(model), keep),
    ]
    with torch.no_grad(), model.hooks(fwd_hooks=hooks):
        model(tokens[:1])
    return torch.equal(seen["post"], seen["written"])
