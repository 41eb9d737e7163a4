"""Which matrices does a model have, by layer and head? Views of a bridge's weights under the names of the equations.

    W_Q [layer][head, d_model, d_head]   W_O [layer][head, d_head, d_model]   W_in, W_out [layer]   W_U [d_model, vocab]

Nothing is copied and nothing is computed; `interp.engine.lean` computes with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from interp.engine.hooks import device_of
from interp.engine.lean_parts import Rotary, activation, is_parallel, longest, read_linear, read_norm, read_rotary


class Weights:
    """The weights of one model, frozen.

    W_Q [layer][head, d_model, d_head], W_K and W_V [layer][key/value head, d_model, d_head], W_O [layer][head, d_head,
    d_model], with b_Q, b_K, b_V [layer][head, d_head] and b_O [layer][d_model]; W_in, W_gate (or None) [layer][d_model,
    d_mlp], W_out [layer][d_mlp, d_model], b_in, b_out; W_U [d_model, vocab], b_U [vocab].
    """

    W_Q: list[Tensor]
    W_K: list[Tensor]
    W_V: list[Tensor]
    b_Q: list[Tensor]
    b_K: list[Tensor]
    b_V: list[Tensor]

    def __init__(self, model: Any) -> None:
        cfg, blocks = model.cfg, list(model.blocks)
        self.model = model
        self.n_layers, self.n_heads, self.d_head, self.d_model = cfg.n_layers, cfg.n_heads, cfg.d_head, cfg.d_model
        self.n_kv_heads = getattr(cfg, "n_key_value_heads", None) or cfg.n_heads
        self.device, self.dtype = device_of(model), next(model.parameters()).dtype
        self.parallel = is_parallel(model)
        self.n_places = longest(model)
        self.norm1 = [read_norm(block.ln1) for block in blocks]
        own = [getattr(block, "ln2", None) for block in blocks]
        self.norm2 = [n1 if ln2 is None else read_norm(ln2) for n1, ln2 in zip(self.norm1, own, strict=True)]
        self.norm_final = read_norm(model.ln_final)
        self._attn = [{name: read_linear(getattr(block.attn, name)) for name in "qkvo"} for block in blocks]
        self._mlp = [
            {n: read_linear(getattr(b.mlp, n)) for n in ("in", "out", "gate") if has(b.mlp, n)} for b in blocks
        ]
        self._act: list[Callable[[Tensor], Tensor]] = [activation(block.mlp) for block in blocks]
        self._unembed = read_linear(model.unembed)
        self._rotary: Rotary | None = read_rotary(model, self.n_places, self.device)
        self.d_mlp, self.d_vocab = self._mlp[0]["in"].weight.shape[1], self._unembed.weight.shape[1]
        self._read_weights()

    def _read_weights(self) -> None:
        """Name the matrices by head, as views of the model's weights."""
        in_heads = {"W_Q": ("q", self.n_heads), "W_K": ("k", self.n_kv_heads), "W_V": ("v", self.n_kv_heads)}
        for name, (part, n) in in_heads.items():
            maps = [attn[part] for attn in self._attn]
            setattr(self, name, [m.weight.unflatten(1, (n, self.d_head)).permute(1, 0, 2) for m in maps])
            setattr(self, "b" + name[1:], [m.offset().unflatten(0, (n, self.d_head)) for m in maps])
        self.W_O = [attn["o"].weight.unflatten(0, (self.n_heads, self.d_head)) for attn in self._attn]
        self.b_O = [attn["o"].offset() for attn in self._attn]
        self.W_in, self.W_out = ([mlp[n].weight for mlp in self._mlp] for n in ("in", "out"))
        self.b_in, self.b_out = ([mlp[n].offset() for mlp in self._mlp] for n in ("in", "out"))
        self.W_gate = [mlp["gate"].weight if "gate" in mlp else None for mlp in self._mlp]
        self.W_U, self.b_U = self._unembed.weight, self._unembed.offset()


def has(module: Any, name: str) -> bool:
    """Return whether a bridge's module has the part `name`."""
    return getattr(module, name, None) is not None
