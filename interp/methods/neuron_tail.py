"""What does the model answer when many neurons of the last token's late MLPs are ablated at once?

    from block `first` on, at the last position alone:
    mlp_post_l[ablated_l] <- value_l[ablated_l];     earlier positions cannot feel it and lend their keys and values

The prompts run once up to `first`; every set of neurons then costs one token through the later blocks. A set may differ
from prompt to prompt. It is `run` with one intervention a neuron, at the cost of none (the tests hold them equal).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.engine import Lean
from interp.engine.run import evaluating

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


class Tail:
    """Prompts stopped before block `first`: the last position's residual, and the other positions' keys and values.

    post: {layer: mlp_post of the last position [prompt, d_mlp]} of the run without edits; logits [prompt, vocab].
    """

    def __init__(self, model: Any, prompts: Prompts, first: int, batch_size: int = 512) -> None:
        self.lean, self.first = Lean.of(model), first
        self.layers = range(first, self.lean.n_layers)
        parts: list[dict[Any, Tensor]] = []
        with torch.no_grad(), evaluating(model):
            for start in range(0, len(prompts), batch_size):
                trace = self.lean.trace(prompts.tokens[start : start + batch_size])
                kept: dict[Any, Tensor] = {"resid": trace.resid_pre[first][:, -1:], "logits": trace.logits}
                for layer in self.layers:
                    kept["k", layer], kept["v", layer] = trace.k[layer][:, :-1], trace.v[layer][:, :-1]
                    kept["post", layer] = trace.mlp_post[layer][:, -1]
                parts.append({name: value.clone() for name, value in kept.items()})
        self._kept = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        self.post = {layer: self._kept["post", layer] for layer in self.layers}
        self.logits = self._kept["logits"]

    @torch.no_grad()
    def run(self, ablated: Mapping[int, Tensor], values: Mapping[int, Tensor]) -> Float[Tensor, "prompt vocab"]:
        """Return the logits with the neurons `ablated` {layer: bool [d_mlp] or [prompt, d_mlp]} at `values` {layer:
        [d_mlp]}."""
        lean, x = self.lean, self._kept["resid"]
        for layer in self.layers:
            normed = lean.norm1[layer](x)
            k = torch.cat([self._kept["k", layer], lean.k(layer, normed)], dim=1)
            v = torch.cat([self._kept["v", layer], lean.v(layer, normed)], dim=1)
            place = torch.tensor([k.shape[1] - 1], device=k.device)
            z, _ = lean.attention(lean.q(layer, normed), k, v, places=place)
            added = lean.attn_out(layer, z)
            post = lean.mlp_post(layer, lean.norm2[layer](x if lean.parallel else x + added))
            if layer in ablated:
                gone = ablated[layer].to(post.device)
                gone = gone[:, None] if gone.ndim == 2 else gone
                post = torch.where(gone, values[layer].to(post), post)
            x = x + added + lean.mlp_out(layer, post)
        return lean.logits(x[:, -1])
