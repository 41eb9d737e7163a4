"""What is a model made of? Its norms, linear maps and rotation, read from a bridge of a known architecture.

    Norm(x) = (x - c(x)) / sqrt(mean((x - c(x))^2) + eps) * weight + bias       c = mean (layer norm) or 0 (RMS norm)
    Rotary(x, places)        pairs of dimensions turned by place * frequency

All hold views of the model's own weights, frozen. `Norm.pullback` is the transpose of the Jacobian in closed form: it
carries a gradient from a reader back to the residual stream without autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from interp.errors import InterpError

ARCHITECTURES = {
    "LlamaForCausalLM": "Llama", "MistralForCausalLM": "Mistral", "Qwen2ForCausalLM": "Qwen2",
    "GPT2LMHeadModel": "GPT-2", "GPTNeoXForCausalLM": "GPT-NeoX", "GPTJForCausalLM": "GPT-J",
    "NativeModel": "TransformerLens native",
}  # fmt: skip


@dataclass(frozen=True)
class Norm:
    """A layer norm or RMS norm, or none. `weight` and `bias` are [d_model] or None."""

    kind: str  # "layer" | "rms" | "none"
    eps: float = 0.0
    weight: Tensor | None = None
    bias: Tensor | None = None

    def __call__(self, x: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows d_model"]:
        """Return the normalised rows, computed in float32 at least, in the dtype of `x`."""
        if self.kind == "none":
            return x
        if self.kind == "layer":
            return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)
        wide = _wide(x)  # F.rms_norm is several times slower on few rows
        unit = (wide * (wide.square().mean(-1, keepdim=True) + self.eps).rsqrt()).to(x.dtype)
        return unit if self.weight is None else unit * self.weight

    def pullback(
        self, x: Float[Tensor, "*rows d_model"], g: Float[Tensor, "*rows d_model"]
    ) -> Float[Tensor, "*rows d_model"]:
        """Return J(x)^T g, the gradient at the input `x` of a scalar whose gradient at the output is `g`."""
        if self.kind == "none":
            return g
        g = _wide(g) if self.weight is None else _wide(g) * self.weight
        centred = _wide(x) - (_wide(x).mean(-1, keepdim=True) if self.kind == "layer" else 0.0)
        scale = (centred.square().mean(-1, keepdim=True) + self.eps).rsqrt()
        along = (g * centred).mean(-1, keepdim=True) * scale.square()
        out = scale * (g - centred * along)
        return (out - out.mean(-1, keepdim=True) if self.kind == "layer" else out).to(x.dtype)


@dataclass(frozen=True)
class Linear:
    """y = x @ weight + bias. weight: [d_in, d_out], a view; bias [d_out] or None."""

    weight: Tensor
    bias: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Return x @ weight + bias."""
        return F.linear(x, self.weight.T, self.bias)

    def offset(self) -> Tensor:
        """Return the bias [d_out], zeros where there is none."""
        return self.weight.new_zeros(self.weight.shape[1]) if self.bias is None else self.bias


@dataclass(frozen=True)
class Rotary:
    """Rotary position: the first 2 * len(frequencies) dimensions of a head turn in pairs.

    pairs: "halves" pairs dimension i with i + n (Llama, GPT-NeoX), "neighbours" pairs 2 i with 2 i + 1 (GPT-J, native).
    """

    cos: Float[Tensor, "place n"]
    sin: Float[Tensor, "place n"]
    pairs: str

    def __call__(self, x: Float[Tensor, "prompt row head d_head"], places: Tensor) -> Tensor:
        """Return the rotated heads; `places` int [row] or [prompt, row]."""
        n = self.cos.shape[1]
        cos, sin = (table[places].unsqueeze(-2).to(x.dtype) for table in (self.cos, self.sin))
        turned, rest = x[..., : 2 * n], x[..., 2 * n :]
        halves = self.pairs == "halves"
        a, b = (turned[..., :n], turned[..., n:]) if halves else (turned[..., 0::2], turned[..., 1::2])
        a, b = a * cos - b * sin, b * cos + a * sin
        turned = torch.cat([a, b], dim=-1) if halves else torch.stack([a, b], dim=-1).flatten(-2)
        return torch.cat([turned, rest], dim=-1) if rest.shape[-1] else turned


def read_norm(bridge: Any) -> Norm:
    """Return the norm that a bridge's component holds. Raises InterpError for one of another form."""
    module = getattr(bridge, "original_component", bridge)
    name = type(module).__name__
    if isinstance(module, torch.nn.Identity):
        return Norm("none")
    eps = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    if eps is None or "Norm" not in name or "Gemma" in name:
        raise InterpError(f"The norm {name} is of no form that is known here; use `run` with interventions.")
    weight, bias = (None if p is None else p.detach() for p in (getattr(module, k, None) for k in ("weight", "bias")))
    return Norm("rms" if "RMS" in name else "layer", float(eps), weight, bias)


def read_linear(bridge: Any) -> Linear:
    """Return the linear map that a bridge's component holds, as [d_in, d_out] whichever way it is stored."""
    module = getattr(bridge, "original_component", bridge)
    weight = module.weight.detach()
    bias = getattr(module, "bias", None)
    stored_in_out = type(module).__name__ == "Conv1D"
    return Linear(weight if stored_in_out else weight.T, None if bias is None else bias.detach())


def read_rotary(model: Any, n_places: int, device: torch.device) -> Rotary | None:
    """Return the rotation of queries and keys, None for a model with learned positions."""
    plain, config = model.original_model, getattr(model.original_model, "config", model.cfg)
    native = getattr(plain, "rotary", None)
    if native is not None:
        return Rotary(native.cos_cached[:, ::2].float(), native.sin_cached[:, ::2].float(), "neighbours")
    if type(plain).__name__ == "GPTJForCausalLM":
        width = config.rotary_dim or config.n_embd // config.n_head
        frequencies = 1.0 / (10000 ** (torch.arange(0, width, 2, device=device).float() / width))
        return _tables(frequencies, 1.0, n_places, "neighbours")
    module = next((m for m in plain.modules() if hasattr(m, "inv_freq")), None)
    if module is None:
        return None
    return _tables(module.inv_freq.float(), float(module.attention_scaling), n_places, "halves")


def is_known(model: Any) -> bool:
    """Return whether `Lean` knows the architecture of a bridge."""
    cfg = model.cfg
    plain = getattr(cfg, "attn_only", False) or getattr(cfg, "attention_dir", "causal") != "causal"
    return type(model.original_model).__name__ in ARCHITECTURES and not plain


def require_known(model: Any) -> None:
    """Raise InterpError for an architecture that is not known here."""
    name = type(model.original_model).__name__
    if name not in ARCHITECTURES:
        known = ", ".join(sorted(set(ARCHITECTURES.values())))
        raise InterpError(f"{name} cannot be opened up here; this needs one of {known}. Use `run` with interventions.")
    cfg = model.cfg
    if getattr(cfg, "attn_only", False) or getattr(cfg, "attention_dir", "causal") != "causal":
        raise InterpError(f"{name}: only causal attention with an MLP in each block can be opened up here.")


def longest(model: Any) -> int:
    """Return the number of positions up to which attention is causal without a limit: context or sliding window."""
    config = getattr(model.original_model, "config", None)
    context, window = getattr(model.cfg, "n_ctx", None) or 2048, getattr(config, "sliding_window", None)
    return int(min(context, window or context))


def is_parallel(model: Any) -> bool:
    """Return whether attention and MLP of a block read the same residual."""
    name, config = type(model.original_model).__name__, getattr(model.original_model, "config", None)
    return name == "GPTJForCausalLM" or bool(getattr(config, "use_parallel_residual", False))


def activation(mlp: Any) -> Callable[[Tensor], Tensor]:
    """Return the activation function of an MLP."""
    module = mlp.original_component
    return getattr(module, "act_fn", None) or module.act


def _tables(frequencies: Tensor, scaling: float, n_places: int, pairs: str) -> Rotary:
    angles = torch.outer(torch.arange(n_places, device=frequencies.device).float(), frequencies)
    return Rotary(angles.cos() * scaling, angles.sin() * scaling, pairs)


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype in (torch.float32, torch.float64) else x.float()
