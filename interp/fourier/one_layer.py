"""What does each part of a one-layer model compute on all pairs (a, b)? Its answer, part by part, at '='.

    stream = equals + attention,    neurons = f(stream),    logits = stream W_U + neurons W_L + bias,    W_L = W_out W_U

`equals` is the residual stream of '=' before attention, the same for every pair; `attention` what attention adds to it.
Without a final norm this sum is exact, so an edit of the neurons changes the logits by (neurons' - neurons) W_L, and
one of the stream by (stream' - stream) W_U besides. Activations are read by the engine in the model's dtype, then
float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from interp.engine.lean import Lean
from interp.engine.run import run
from interp.engine.sites import Site
from interp.errors import InterpError
from interp.fourier.two_operand import two_operand
from interp.tasks.modular import modular_prompts

READS = (Site("resid_pre", 0), Site("attn_out", 0), Site("mlp_post", 0), Site("pattern", 0))


@dataclass(frozen=True, eq=False)
class OneLayer:
    """The parts of a model on its p x p pairs, float64; `neurons_of` [..., d_model] -> [..., d_mlp] is the MLP's f."""

    p: int
    equals: Float[np.ndarray, " d_model"]
    attention: Float[np.ndarray, "p p d_model"]
    neurons: Float[np.ndarray, "p p d_mlp"]
    logits: Float[np.ndarray, "p p p"]
    pattern: Float[np.ndarray, "p p head key"]
    W_L: Float[np.ndarray, "d_mlp p"]
    W_U: Float[np.ndarray, "d_model p"]
    neurons_of: Callable[[np.ndarray], np.ndarray]

    @property
    def skipped(self) -> Float[np.ndarray, "p p p"]:
        """What reaches the logits without passing the MLP."""
        return self.logits - self.neurons @ self.W_L

    def answered(self, neurons: Float[np.ndarray, "p p d_mlp"]) -> Float[np.ndarray, "p p p"]:
        """Return the logits with other neurons in place of the model's."""
        return self.logits + (neurons - self.neurons) @ self.W_L

    def streamed(self, stream: Float[np.ndarray, "p p d_model"]) -> Float[np.ndarray, "p p p"]:
        """Return the logits with another residual stream after attention, for the MLP and for the logits alike."""
        return self.answered(self.neurons_of(stream)) + (stream - self.equals - self.attention) @ self.W_U


def one_layer(model: Any, name: str = "") -> OneLayer:
    """Return the parts of a native modular-addition model. Raises InterpError as `two_operand`, and for norms."""
    net, lean = two_operand(model, name), Lean.of(model)
    p = net.p
    if getattr(model.cfg, "normalization_type", None) is not None:
        raise InterpError(f"{net.name} has norms: expected a model without them, whose logits are a sum of its parts.")
    found = run(model, modular_prompts(p, "all"), reads=READS, batch_size=4096)
    pre, attention, neurons = (found[site][:, -1].double().cpu().numpy() for site in READS[:3])
    pattern = found[READS[3]][:, :, -1].double().cpu().numpy()

    def neurons_of(resid: np.ndarray) -> np.ndarray:
        rows = torch.tensor(resid.reshape(-1, 1, resid.shape[-1]), dtype=lean.dtype, device=lean.device)
        with torch.no_grad():
            post = lean.mlp_post(0, lean.norm2[0](rows))
        return post.double().cpu().numpy().reshape(*resid.shape[:-1], -1)

    return OneLayer(
        p,
        pre[0],
        attention.reshape(p, p, -1),
        neurons.reshape(p, p, -1),
        found.logits.double().cpu().numpy().reshape(p, p, -1),
        pattern.reshape(p, p, *pattern.shape[1:]),
        net.W_L.detach().double().cpu().numpy(),
        lean.W_U.detach().double().cpu().numpy(),
        neurons_of,
    )
