"""How does a metric change when one reader alone sees its input a little differently? Every reader from one backward.

    dm(sender u -> reader r) = delta_u . J_r(x)^T W_r g_r

x is the residual stream before the reader's norm, J_r the norm's Jacobian in closed form, W_r the reader's own matrix
(of one query, key or value head) and g_r the gradient at its output, which one backward gives for all readers; the
MLPs and the logits read the stream themselves. With unit rows x^ = (x - c) s (c the mean, or 0 for an RMS norm; s the
scale; d = d_model) and g' = weight * (W_r g_r) a product costs no Jacobian at all:

    delta . J^T W g  =  s (delta . g'  -  (delta . x^)(g' . x^) / d  [ - sum(delta) sum(g') / d  for a layer norm ])

No input is split by reader and no output by head, which is what makes a forward with such flags many times slower.

Source: Syed, Rager & Conmy (2023), Attribution patching outperforms automated circuit discovery, arXiv 2310.10348.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from interp.engine.lean import Lean
from interp.engine.lean_parts import Norm

Replace = Callable[[str, int, Tensor], Tensor]
"""(site, layer, activation) -> the activation to go on with, or the same."""


@dataclass
class Gradients:
    """What one backward gave, lists by layer: at q [prompt, pos, head, d_head], k and v (by key/value head), z, at what
    the MLP reads and adds [prompt, pos, d_model]; `final` at the last row of the final residual [prompt, d_model],
    `embed` [prompt, pos, d_model]. `resid_pre`: the streams that the norms before q, k, v saw; `own_z` and
    `own_mlp`: what heads and MLPs gave; `metric` [prompt]."""

    metric: Tensor
    final: Tensor
    embed: Tensor
    q: list[Tensor] = field(default_factory=list)
    k: list[Tensor] = field(default_factory=list)
    v: list[Tensor] = field(default_factory=list)
    z: list[Tensor] = field(default_factory=list)
    mlp_in: list[Tensor] = field(default_factory=list)
    mlp_out: list[Tensor] = field(default_factory=list)
    resid_pre: list[Tensor] = field(default_factory=list)
    own_z: list[Tensor] = field(default_factory=list)
    own_mlp: list[Tensor] = field(default_factory=list)


def _same(site: str, layer: int, activation: Tensor) -> Tensor:
    return activation


def gradients(lean: Lean, embedded: Tensor, metric: Callable[[Tensor], Tensor], replace: Replace = _same) -> Gradients:
    """Return the gradient of the summed metric at every reader's output and every sender's, in one backward.

    embedded: the residual before block 0 [prompt, pos, d_model]; metric: float32 logits [prompt, vocab] -> [prompt].
    """
    with torch.enable_grad():
        x = start = embedded.detach().requires_grad_()
        parts: dict[str, list[Tensor]] = {name: [] for name in ("q", "k", "v", "z", "mlp_in", "mlp_out")}
        streams = []
        for layer in range(lean.n_layers):
            streams.append(x)
            normed = lean.norm1[layer](x)
            q, k, v = lean.q(layer, normed), lean.k(layer, normed), lean.v(layer, normed)
            z = replace("z", layer, lean.attention(q, k, v)[0])
            added = lean.attn_out(layer, z)
            read = (x if lean.parallel else x + added).clone()  # the MLP's own reading of the stream
            out = replace("mlp_out", layer, lean.mlp_out(layer, lean.mlp_post(layer, lean.norm2[layer](read))))
            x = x + added + out
            for name, tensor in zip(parts, (q, k, v, z, read, out), strict=True):
                parts[name].append(tensor)
        last = x[:, -1].clone()
        value = metric(lean.logits(last))
        wanted = [tensor for group in parts.values() for tensor in group]
        found = torch.autograd.grad(value.sum(), [last, start, *wanted], allow_unused=True)
    filled = [torch.zeros_like(a) if g is None else g for g, a in zip(found, [last, start, *wanted], strict=True)]
    n = lean.n_layers
    lists = {name: filled[2 + i * n : 2 + (i + 1) * n] for i, name in enumerate(parts)}
    own = {name: [t.detach() for t in kept] for name, kept in (("own_z", parts["z"]), ("own_mlp", parts["mlp_out"]))}
    return Gradients(value.detach(), filled[0], filled[1], **lists, resid_pre=[s.detach() for s in streams], **own)


def unit_rows(norm: Norm, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return x^ and s of the norm: the centred rows times their scale, and the scale [..., 1]."""
    if norm.kind == "none":
        return torch.zeros_like(x), torch.ones_like(x[..., :1])
    centred = x - x.mean(-1, keepdim=True) if norm.kind == "layer" else x
    scale = (centred.square().mean(-1, keepdim=True) + norm.eps).rsqrt()
    return centred * scale, scale


def products(
    norm: Norm,
    x: Float[Tensor, "prompt pos d_model"],
    deltas: Float[Tensor, "prompt pos sender d_model"],
    readers: Float[Tensor, "prompt pos reader d_model"],
) -> Float[Tensor, "prompt pos sender reader"]:
    """Return deltas . J(x)^T for every sender and reader, where `readers` are the norm's weight times W_r g_r."""
    unit, scale = unit_rows(norm, x)
    found = deltas @ readers.transpose(-1, -2)
    if norm.kind == "none":
        return found
    along = (deltas @ unit[..., None]) @ (readers @ unit[..., None]).transpose(-1, -2)
    if norm.kind == "layer":
        along = along + deltas.sum(-1)[..., None] * readers.sum(-1)[..., None, :]
    return (found - along / x.shape[-1]).mul_(scale[..., None])


def head_readers(lean: Lean, layer: int, found: Gradients) -> Float[Tensor, "prompt pos reader d_model"]:
    """Return weight * (W_r g_r) of the query heads, key heads and value heads of a block, in this order."""
    weight = lean.norm1[layer].weight
    g = torch.cat([part[layer] for part in (found.q, found.k, found.v)], dim=2)
    W = torch.cat([part[layer] for part in (lean.W_Q, lean.W_K, lean.W_V)])
    return torch.einsum("nphe,hde->nphd", g, W if weight is None else W * weight[:, None])
