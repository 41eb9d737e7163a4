"""The model opened up: the functions of a block as plain tensors, without hooks.

    n1 = norm1(resid_pre);  q, k, v = n1 W_Q, n1 W_K, n1 W_V;  z = softmax(rot(q) rot(k)^T / sqrt(d_head)) v
    attn_out = sum_h z_h W_O[h] + b_O;      resid_mid = resid_pre + attn_out
    mlp_post = act(norm2(resid_mid) W_in + b_in)  [gated: act(. W_gate) * (. W_in)];   mlp_out = mlp_post W_out + b_out
    resid_post = resid_mid + mlp_out        (parallel blocks: norm2 reads resid_pre, and there is no resid_mid)

A hooked forward calls some fifty modules a block; this calls a dozen functions, can begin at any block with any rows,
lets a query read keys that were computed before, and gives every reader's gradient in one backward. `Lean.of` reads the
weights of a bridge whose architecture is known (no copy), and refuses the model unless `trace` gives its own logits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from interp.engine.hooks import device_of
from interp.engine.lean_parts import require_known
from interp.engine.lean_weights import Weights, has
from interp.engine.run import evaluating
from interp.errors import InterpError

PARITY = {torch.float64: 1e-6, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 6e-2}
"""Largest difference from the model's own logits that is rounding, as a fraction of the largest logit (at least 1)."""


@dataclass
class Trace:
    """One forward. Lists by layer: resid_pre [prompt, pos, d_model] (L + 1 of them: the last is the final residual),
    q [prompt, pos, head, d_head], k and v by key/value head (before rotation), pattern [prompt, head, query, key], z,
    attn_out, resid_mid (empty for parallel blocks), mlp_post [.., d_mlp], mlp_out; logits [prompt, vocab] of the last
    position, float32."""

    resid_pre: list[Tensor] = field(default_factory=list)
    q: list[Tensor] = field(default_factory=list)
    k: list[Tensor] = field(default_factory=list)
    v: list[Tensor] = field(default_factory=list)
    pattern: list[Tensor] = field(default_factory=list)
    z: list[Tensor] = field(default_factory=list)
    attn_out: list[Tensor] = field(default_factory=list)
    resid_mid: list[Tensor] = field(default_factory=list)
    mlp_post: list[Tensor] = field(default_factory=list)
    mlp_out: list[Tensor] = field(default_factory=list)
    logits: Tensor = field(default_factory=lambda: torch.empty(0))


class Lean(Weights):
    """The functions of one model. Made by `Lean.of`; gradients flow through activations, the weights are frozen."""

    @classmethod
    def of(cls, model: Any) -> Lean:
        """Return the opened model, made once a model.

        Raises InterpError for an architecture that is not known here, and where the functions do not give the model's
        own logits on random tokens. Costs one small forward.
        """
        known = model.__dict__.get("_arithmoscope_lean")
        if known is None or known.device != device_of(model) or known.dtype != next(model.parameters()).dtype:
            require_known(model)
            known = cls(model)
            _require_parity(known)
            model.__dict__["_arithmoscope_lean"] = known
        return known

    def embed(self, tokens: Int[Tensor, "prompt pos"] | Any) -> Float[Tensor, "prompt pos d_model"]:
        """Return the residual stream before block 0 (token, and position where the model learns one)."""
        ids = torch.as_tensor(tokens, device=self.device)
        if ids.ndim != 2 or not 1 <= ids.shape[1] <= self.n_places:
            raise InterpError(
                f"Tokens are int [prompt, pos] with 1..{self.n_places} positions; got {tuple(ids.shape)}."
            )
        resid = F.embedding(ids, self.model.embed.original_component.weight.detach())
        if has(self.model, "pos_embed"):
            resid = resid + self.model.pos_embed.original_component.weight.detach()[: ids.shape[1]]
        return resid

    def q(self, layer: int, x: Tensor) -> Float[Tensor, "prompt row head d_head"]:
        """Return the queries of normed rows, before rotation."""
        return self._attn[layer]["q"](x).unflatten(-1, (self.n_heads, self.d_head))

    def k(self, layer: int, x: Tensor) -> Float[Tensor, "prompt row kv_head d_head"]:
        """Return the keys of normed rows, before rotation."""
        return self._attn[layer]["k"](x).unflatten(-1, (self.n_kv_heads, self.d_head))

    def v(self, layer: int, x: Tensor) -> Float[Tensor, "prompt row kv_head d_head"]:
        """Return the values of normed rows."""
        return self._attn[layer]["v"](x).unflatten(-1, (self.n_kv_heads, self.d_head))

    def rotate(self, x: Tensor, places: Tensor) -> Tensor:
        """Return queries or keys turned by their places int [row]; as they are where positions are learned."""
        return x if self._rotary is None else self._rotary(x, places)

    def attention(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        places: Tensor | None = None,
        key_places: Tensor | None = None,
        visible: Tensor | None = None,
    ) -> tuple[Float[Tensor, "prompt query head d_head"], Float[Tensor, "prompt head query key"]]:
        """Return z and the pattern of unrotated queries and keys.

        places int [query] and key_places int [key] default to 0..n-1; visible, bool broadcastable to [prompt, head,
        query, key], defaults to keys at or before the query's place.
        """
        places = torch.arange(q.shape[1], device=q.device) if places is None else places
        key_places = torch.arange(k.shape[1], device=q.device) if key_places is None else key_places
        seen = key_places[None, :] <= places[:, None] if visible is None else visible
        pattern = self.weights(self.rotate(q, places), self.rotate(k, key_places), seen)
        return self.weighted(pattern, v), pattern

    def weights(self, q: Tensor, k: Tensor, visible: Tensor) -> Float[Tensor, "prompt head query key"]:
        """Return the attention pattern of rotated queries and keys, `visible` as in `attention`."""
        k = k.repeat_interleave(self.n_heads // self.n_kv_heads, dim=2)
        scores = torch.einsum("nqhe,nkhe->nhqk", q, k) / math.sqrt(self.d_head)
        scores = scores if scores.dtype == torch.float64 else scores.float()
        return scores.masked_fill(~visible, -torch.inf).softmax(dim=-1).to(q.dtype)

    def weighted(self, pattern: Tensor, v: Tensor) -> Float[Tensor, "prompt query head d_head"]:
        """Return z, the values mixed by a pattern."""
        return torch.einsum("nhqk,nkhe->nqhe", pattern, v.repeat_interleave(self.n_heads // self.n_kv_heads, dim=2))

    def mix(self, q: Tensor, k: Tensor, v: Tensor, places: Tensor) -> Float[Tensor, "prompt query head d_head"]:
        """Return z of rotated queries at `places` and rotated keys of all places 0..n-1, without the pattern.

        The query heads of one key/value head stand as rows of one attention, so keys are never repeated.
        """
        n, n_queries, group = len(q), q.shape[1], self.n_heads // self.n_kv_heads
        q = q.unflatten(2, (self.n_kv_heads, group)).permute(0, 2, 3, 1, 4).flatten(2, 3)
        k, v, n_keys = k.transpose(1, 2), v.transpose(1, 2), k.shape[1]
        if n_queries == 1 and n_keys == int(places[0]) + 1:
            mixed = F.scaled_dot_product_attention(q, k, v)  # the last query sees every key
        elif group == 1 and n_queries == n_keys:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            seen = (torch.arange(n_keys, device=q.device) <= places[:, None]).repeat(group, 1)
            mixed = F.scaled_dot_product_attention(q, k, v, seen)
        return mixed.view(n, self.n_heads, n_queries, self.d_head).transpose(1, 2)

    def attn_out(self, layer: int, z: Tensor) -> Float[Tensor, "prompt row d_model"]:
        """Return what attention adds: the sum over heads, and the bias b_O."""
        return self._attn[layer]["o"](z.flatten(-2))

    def head_out(self, layer: int, z: Tensor) -> Float[Tensor, "prompt row head d_model"]:
        """Return what each head adds, without b_O."""
        return torch.einsum("...he,hed->...hd", z, self.W_O[layer])

    def mlp_post(self, layer: int, x: Tensor) -> Float[Tensor, "prompt row d_mlp"]:
        """Return the neurons of normed rows after the activation (times the linear part where gated)."""
        mlp, act = self._mlp[layer], self._act[layer]
        if "gate" not in mlp:
            return act(mlp["in"](x))
        gate, linear = act(mlp["gate"](x)), mlp["in"](x)
        return gate * linear if torch.is_grad_enabled() else gate.mul_(linear)

    def mlp_out(self, layer: int, post: Tensor) -> Float[Tensor, "prompt row d_model"]:
        """Return what the MLP adds, with its bias."""
        return self._mlp[layer]["out"](post)

    def logits(self, resid: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """Return the logits of final residuals, in float32 at least."""
        logits = self._unembed(self.norm_final(resid))
        return logits if logits.dtype == torch.float64 else logits.float()

    def trace(self, tokens: Any = None, resid: Tensor | None = None) -> Trace:
        """Return one forward of tokens [prompt, pos], or of the residual before block 0 (for gradients)."""
        x, kept = self.embed(tokens) if resid is None else resid, Trace()
        for layer in range(self.n_layers):
            kept.resid_pre.append(x)
            normed = self.norm1[layer](x)
            q, k, v = self.q(layer, normed), self.k(layer, normed), self.v(layer, normed)
            z, pattern = self.attention(q, k, v)
            added = self.attn_out(layer, z)
            mid = x if self.parallel else x + added
            post = self.mlp_post(layer, self.norm2[layer](mid))
            out = self.mlp_out(layer, post)
            kept.resid_mid.extend([] if self.parallel else [mid])
            parts = (kept.q, kept.k, kept.v, kept.pattern, kept.z, kept.attn_out, kept.mlp_post, kept.mlp_out)
            for part, value in zip(parts, (q, k, v, pattern, z, added, post, out), strict=True):
                part.append(value)
            x = x + added + out
        kept.resid_pre.append(x)
        kept.logits = self.logits(x[:, -1])
        return kept


def _require_parity(lean: Lean) -> None:
    """Raise InterpError unless the functions give the model's logits on two rows of random tokens."""
    drawn = torch.Generator().manual_seed(0)
    n_pos = min(7, lean.n_places)
    tokens = torch.randint(lean.d_vocab, (2, n_pos), generator=drawn).to(lean.device)
    with torch.no_grad(), evaluating(lean.model):
        own = lean.model(tokens, attention_mask=torch.ones_like(tokens))[:, -1].float()
        gap = float((lean.trace(tokens).logits.float() - own).abs().max())
    rounding = PARITY.get(lean.dtype, 0.0) * max(1.0, float(own.abs().max()))
    if not gap <= rounding:  # nan must fail too
        raise InterpError(
            f"{type(lean.model.original_model).__name__} is not what its architecture says: opened up, its logits "
            f"differ by {gap:.2g} from its own (rounding would be {rounding:.2g}). Use `run` with interventions."
        )
