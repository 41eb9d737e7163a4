"""What does a model do with the embeddings of its two operands? A network of (a, b) as a plain function.

    embed_a [p, d], embed_b [p, d]  ->  logits(x_a, x_b) [pair, p] at the read-out,     neurons(x_a, x_b) [pair, d_mlp]

Everything about modular addition that asks for gradients by the operands, for other embeddings (one circle only), or
for the whole grid of p x p inputs goes through this; the functions are differentiable and weights are frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp.engine.lean import Lean
from interp.errors import InterpError

Pairs = Callable[[Tensor, Tensor], Tensor]
CHUNK = 4096


@dataclass(frozen=True, eq=False)
class TwoOperand:
    """A model of a + b mod p as functions of the operands' embeddings.

    embed_a and embed_b [p, d] (the same tensor where both operands share a vocabulary); logits, neurons and patterns
    take x_a and x_b [pair, d] and return [pair, p], [pair, d_mlp] and [pair, head, key] (None where attention is not
    softmax); W_L [d_mlp, p] is the map from neurons to logits.
    """

    name: str
    p: int
    embed_a: Float[Tensor, "p d"]
    embed_b: Float[Tensor, "p d"]
    logits: Pairs
    neurons: Pairs
    W_L: Float[Tensor, "d_mlp p"]
    patterns: Pairs | None = None

    def grid(self, embed_a: Tensor | None = None, embed_b: Tensor | None = None) -> Float[np.ndarray, "p p p"]:
        """Return the logits of every pair, float64 [a, b, c]; other embeddings [p, d] may be put in."""
        return self._everywhere(self.logits, embed_a, embed_b)

    def neuron_grid(self, embed_a: Tensor | None = None, embed_b: Tensor | None = None) -> np.ndarray:
        """Return the neurons of every pair, float64 [a, b, neuron]."""
        return self._everywhere(self.neurons, embed_a, embed_b)

    def pattern_grid(self) -> Float[np.ndarray, "p p head key"]:
        """Return the attention of the read-out for every pair. Raises InterpError where there is no softmax."""
        if self.patterns is None:
            raise InterpError(
                f"{self.name} has no attention pattern: its attention is not a softmax; ask another model."
            )
        return self._everywhere(self.patterns, None, None)

    @torch.no_grad()
    def _everywhere(self, function: Pairs, embed_a: Tensor | None, embed_b: Tensor | None) -> np.ndarray:
        x_a, x_b = self.embed_a if embed_a is None else embed_a, self.embed_b if embed_b is None else embed_b
        a, b = torch.arange(self.p).repeat_interleave(self.p), torch.arange(self.p).repeat(self.p)
        parts = [function(x_a[i], x_b[j]) for i, j in zip(a.split(CHUNK), b.split(CHUNK), strict=True)]
        found = torch.cat(parts).double().cpu().numpy()
        return found.reshape(self.p, self.p, *found.shape[1:])


def two_operand(model: Any, name: str = "") -> TwoOperand:
    """Return a native modular-addition model (tokens a, b, '=') as functions of the embeddings of a and b.

    Raises InterpError for a model of several layers, or whose vocabulary is not p residues, '=' and p classes.
    """
    lean = Lean.of(model)
    p = int(lean.W_U.shape[-1])
    config = getattr(getattr(model, "arith", None), "config", {})
    name = name or getattr(getattr(model, "arith", None), "name", "") or "this model"
    if config.get("p", p) != p or int(model.W_E.shape[0]) != p + 1 or lean.n_layers != 1:
        raise InterpError(
            f"{name} is no modular-addition model: expected one layer, p + 1 tokens (residues and '=') and p classes; "
            "give a model trained by `interp train modadd-59` or its like."
        )
    weights = model.W_E.detach()
    embed, places = weights[:p], lean.embed(torch.full((1, 3), p, device=weights.device)) - weights[p]
    equals = weights[p] + places[0, 2]

    def at_equals(x_a: Tensor, x_b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return pattern, neurons and final residual of the last position; the others are only keys and values."""
        resid = torch.stack([x_a + places[0, 0], x_b + places[0, 1], equals.expand(len(x_a), -1)], 1)
        normed = lean.norm1[0](resid)
        q, k, v = lean.q(0, normed[:, -1:]), lean.k(0, normed), lean.v(0, normed)
        z, pattern = lean.attention(q, k, v, places=torch.tensor([2], device=resid.device))
        added = lean.attn_out(0, z)[:, 0]
        read = resid[:, -1] if lean.parallel else resid[:, -1] + added
        neurons = lean.mlp_post(0, lean.norm2[0](read))
        return pattern[:, :, 0], neurons, resid[:, -1] + added + lean.mlp_out(0, neurons)

    return TwoOperand(
        name=name,
        p=p,
        embed_a=embed,
        embed_b=embed,
        logits=lambda x_a, x_b: lean.logits(at_equals(x_a, x_b)[2]),
        neurons=lambda x_a, x_b: at_equals(x_a, x_b)[1],
        W_L=lean.W_out[0] @ lean.W_U,
        patterns=lambda x_a, x_b: at_equals(x_a, x_b)[0],
    )
