"""What does every stack of edits borrow? One run without edits, with its queries, keys and values by layer.

    clean_run(lean, tokens, rows, wanted) -> Clean        once a batch; `interp.engine.sweep_stack` reads it

Queries and keys are kept rotated, as attention wants them; `wanted` sites are kept as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from interp.engine.lean import Lean
from interp.engine.sweep_plan import Stage


@dataclass
class Clean:
    """The clean run of one batch: resid_pre (L + 1), rotated queries and keys, values by layer, and what is asked for.

    `kept` holds {(layer, site): activation [prompt, pos, ...]}; `rows` are the places of the prompts in the run.
    """

    rows: np.ndarray
    resid_pre: list[Tensor] = field(default_factory=list)
    queries: list[Tensor] = field(default_factory=list)
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    kept: dict[Stage, Tensor] = field(default_factory=dict)
    logits: Tensor = field(default_factory=lambda: torch.empty(0))


def clean_run(lean: Lean, tokens: np.ndarray, rows: np.ndarray, wanted: set[Stage]) -> Clean:
    """Return the run without edits, with the activations `wanted` by (layer, site)."""
    found, x = Clean(rows), lean.embed(tokens)
    places = torch.arange(x.shape[1], device=x.device)
    for layer in range(lean.n_layers):
        found.resid_pre.append(x)
        normed = lean.norm1[layer](x)
        q, k, v = lean.q(layer, normed), lean.k(layer, normed), lean.v(layer, normed)
        found.queries.append(lean.rotate(q, places))
        found.keys.append(lean.rotate(k, places))
        found.values.append(v)
        z = lean.mix(found.queries[layer], found.keys[layer], v, places)
        added = lean.attn_out(layer, z)
        mid = x if lean.parallel else x + added
        post = lean.mlp_post(layer, lean.norm2[layer](mid))
        out = lean.mlp_out(layer, post)
        sites = {"resid_post": x, "resid_pre": x, "q": q, "k": k, "v": v, "z": z, "attn_out": added}
        sites |= {"resid_mid": mid, "mlp_post": post, "mlp_out": out}
        found.kept |= {(layer, name): sites[name] for name in sites if (layer, name) in wanted}
        x = x + added + out
    found.resid_pre.append(x)
    if (lean.n_layers, "resid_post") in wanted:
        found.kept[lean.n_layers, "resid_post"] = x
    found.logits = lean.logits(x[:, -1])
    return found
