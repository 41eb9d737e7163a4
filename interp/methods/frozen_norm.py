"""What is the final norm when its scale is held at what it was? A linear map, and a logit difference a linear form.

norm(x) = s centre(x) weight + bias,   s = 1 / sqrt(mean(centre(x)^2) + eps) frozen
direction . norm(x) = x . u + constant,   u = s centre(weight direction)      (centre is its own transpose)
"""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from interp.engine.lean import Lean
from interp.methods.contrasts import Contrast, wide


class Functional(NamedTuple):
    """What a logit difference is of a final residual x, with the scale frozen: u . x + constant, for each prompt."""

    u: Float[Tensor, "prompt d_model"]
    constant: Float[Tensor, " prompt"]


def frozen(lean: Lean, x: Float[Tensor, "prompt d_model"], contrast: Contrast) -> Functional:
    """Return the linear form of the contrast at final residuals `x`, in float32 at least."""
    norm, x = lean.norm_final, wide(x)
    direction = contrast.columns(lean.W_U)
    constant = contrast.columns(lean.b_U)
    if norm.bias is not None:
        constant = constant + direction @ wide(norm.bias)
    if norm.kind == "none":
        return Functional(direction, constant)
    if norm.weight is not None:
        direction = direction * wide(norm.weight)
    if norm.kind == "layer":
        x, direction = (part - part.mean(dim=-1, keepdim=True) for part in (x, direction))
    scale = (x.square().mean(dim=-1, keepdim=True) + norm.eps).rsqrt()
    return Functional(direction * scale, constant)
