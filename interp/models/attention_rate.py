"""How does a transformer add whose attention is partly constant? The network of Zhong et al.

    x_i = embedding_i + W_pos_i                      i = a, b: two tokens, read out at the second
    M   = rate * softmax(q_b . k_i / sqrt(d_head)) + (1 - rate) * 1
    r   = x_b + W_O sum_i M_i v_i,     logits = (r + W_out relu(W_in r + b_in) + b_out) W_U

`rate` 1 is an ordinary one-layer transformer; at 0 every weight is 1, so attention only adds the operands (its rows sum
to 2, not to 1). No layer norm; the only biases are the MLP's. The published weights name their tensors as here.

Zhong et al. 2023, arXiv:2306.17844; the two released networks: repository fjzzq2002/pizza (MIT).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.errors import InterpError
from interp.models.native import read_weights

ACTIVATIONS = {"ReLU": torch.relu, "GeLU": torch.nn.functional.gelu}


@dataclass(frozen=True, eq=False)
class AttentionRate:
    """One such network: `p` classes, its `rate` in [0, 1] and the tensors by their published names, float64."""

    name: str
    p: int
    rate: float
    activation: str
    tensors: dict[str, Tensor]

    @property
    def embed(self) -> Float[Tensor, "p d"]:
        """The embedding of every residue."""
        return self.tensors["embed.W_E"].T

    @property
    def W_L(self) -> Float[Tensor, "d_mlp p"]:
        """The map from neurons to logits."""
        return self._mlp("W_out").T @ self.tensors["unembed.W_U"]

    def patterns(self, x_a: Tensor, x_b: Tensor) -> Float[Tensor, "pair head key"]:
        """Return the weights M of the read-out position on a and b; their sum is 2 - rate."""
        return self._attention(self._placed(x_a, x_b))[0]

    def neurons(self, x_a: Tensor, x_b: Tensor) -> Float[Tensor, "pair d_mlp"]:
        """Return the MLP after its nonlinearity."""
        return self._neurons(self._read(x_a, x_b))

    def logits(self, x_a: Tensor, x_b: Tensor) -> Float[Tensor, "pair p"]:
        """Return the logits over the p classes from the operands' embeddings, each [pair, d]."""
        read = self._read(x_a, x_b)
        out = read + self._neurons(read) @ self._mlp("W_out").T + self._mlp("b_out")
        return out @ self.tensors["unembed.W_U"]

    def _placed(self, x_a: Tensor, x_b: Tensor) -> Float[Tensor, "pair 2 d"]:
        return torch.stack([x_a, x_b], 1) + self.tensors["pos_embed.W_pos"]

    def _attention(self, x: Float[Tensor, "pair 2 d"]) -> tuple[Tensor, Tensor]:
        """Return M and the values, of the read-out position."""
        q, k, v = (self.tensors[f"blocks.0.attn.W_{name}"] for name in "QKV")  # each [head, d_head, d]
        query, keys = torch.einsum("hed,nd->nhe", q, x[:, 1]), torch.einsum("hed,nid->nhie", k, x)
        scores = torch.einsum("nhe,nhie->nhi", query, keys) / math.sqrt(q.shape[1])
        pattern = self.rate * torch.softmax(scores, -1) + (1 - self.rate)
        return pattern, torch.einsum("hed,nid->nhie", v, x)

    def _read(self, x_a: Tensor, x_b: Tensor) -> Float[Tensor, "pair d"]:
        x = self._placed(x_a, x_b)
        pattern, values = self._attention(x)
        mixed = torch.einsum("nhi,nhie->nhe", pattern, values).flatten(1)
        return x[:, 1] + mixed @ self.tensors["blocks.0.attn.W_O"].T

    def _neurons(self, read: Tensor) -> Tensor:
        return ACTIVATIONS[self.activation](read @ self._mlp("W_in").T + self._mlp("b_in"))

    def _mlp(self, name: str) -> Tensor:
        return self.tensors[f"blocks.0.mlp.{name}"]


def shapes(p: int, d: int, heads: int, d_mlp: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor by its published name."""
    attention = {f"blocks.0.attn.W_{name}": (heads, d // heads, d) for name in "KQV"}
    mlp = {"W_in": (d_mlp, d), "b_in": (d_mlp,), "W_out": (d, d_mlp), "b_out": (d,)}
    return {
        "embed.W_E": (d, p),
        "pos_embed.W_pos": (2, d),
        **attention,
        "blocks.0.attn.W_O": (d, d),
        **{f"blocks.0.mlp.{name}": shape for name, shape in mlp.items()},
        "unembed.W_U": (d, p),
    }


def initial(config: dict[str, Any], seed: int) -> AttentionRate:
    """Return an untrained network of a published configuration: N(0, 1 / d), W_in N(0, 1 / d_mlp), W_U N(0, 1 / p)."""
    checked = _checked(config, "the configuration")
    p, d, heads = (checked[name] for name in ("C", "d_model", "n_heads"))
    generator, tensors = torch.Generator().manual_seed(seed), {}
    for name, shape in shapes(p, d, heads, 4 * d).items():
        variance = {"unembed.W_U": p, "blocks.0.mlp.W_in": 4 * d}.get(name, d)
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64) / math.sqrt(variance)
        tensors[name] = torch.zeros_like(drawn) if ".b_" in name else drawn
    return AttentionRate(f"untrained, seed {seed}", p, float(checked["attn_coeff"]), checked["act_fn"], tensors)


def read_attention_rate(weights: str | Path, config: str | Path) -> AttentionRate:
    """Return the network of a .safetensors file and its .config.json.

    Raises InterpError for a file that is missing, truncated or damaged, for tensors that do not fit the configuration,
    and for a configuration with an '=' token, two vocabularies or several layers.
    """
    weights, told = Path(weights), _checked(read_configuration(config), str(config))
    found = read_weights(weights.parent, weights.name, None)
    expected = shapes(told["C"], told["d_model"], told["n_heads"], 4 * told["d_model"])
    wrong = [name for name, shape in expected.items() if name not in found or tuple(found[name].shape) != shape]
    if wrong:
        raise InterpError(
            f"{weights} does not fit {Path(config).name}: {wrong[0]} is missing or has another shape than "
            f"{expected[wrong[0]]}; restore the files, which belong together."
        )
    tensors = {name: found[name].double() for name in expected}
    name = weights.name.removesuffix(".safetensors")
    return AttentionRate(name, told["C"], float(told["attn_coeff"]), told["act_fn"], tensors)


def read_configuration(path: str | Path) -> dict[str, Any]:
    """Return a published run configuration. Raises InterpError when the file is no JSON object."""
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise InterpError(
            f"{path} cannot be read as a configuration ({error.__class__.__name__}): expected JSON; restore the file."
        ) from None
    if not isinstance(found, dict):
        raise InterpError(f"{path} holds no JSON object: expected the configuration of a run; restore the file.")
    return found


def _checked(config: dict[str, Any], where: str) -> dict[str, Any]:
    fits = (
        isinstance(config.get("C"), int)
        and isinstance(config.get("d_model"), int)
        and isinstance(config.get("n_heads"), int)
        and config["C"] >= 2
        and config["n_heads"] >= 1
        and config["d_model"] % config["n_heads"] == 0
        and isinstance(config.get("attn_coeff"), int | float)
        and 0 <= config["attn_coeff"] <= 1
        and config.get("act_fn") in ACTIVATIONS
        and config.get("n_layers", 1) == 1
        and not config.get("diff_vocab")
        and not config.get("eqn_sign")
    )
    if not fits:
        raise InterpError(
            f"{where} is no network of this kind: expected C, d_model, n_heads that divides it, attn_coeff in [0, 1], "
            f"act_fn among {', '.join(ACTIVATIONS)}, one layer, one vocabulary and no '='; give such a configuration."
        )
    return config
