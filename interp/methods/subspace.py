"""Which directions of the residual stream carry a causal variable? The subspace learned from interchanges (DAS).

    h  <-  h + U U^T (h_source - h)       at one layer and role;   U [d_model, rank] orthonormal
    minimise over U    - log P(expected answer)        on training pairs, the model frozen

U is the Q factor of a free matrix, so it stays orthonormal; the gradient runs through the blocks from that layer on.
A learned subspace can also *make* an answer that no variable stands behind: `shuffled` learns on pairs whose expected
answers were dealt out anew, and its held-out score says how much of that there is.

Source: Geiger et al. (2024), Finding alignments between interpretable causal variables and distributed neural
representations (DAS), arXiv 2303.02536; Makelov et al. (2024) arXiv 2311.17030 (illusory subspaces).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interp.engine.basis import Basis
from interp.engine.lean import Lean
from interp.errors import InterpError


def resumed(lean: Lean, layer: int, x: Tensor) -> Tensor:
    """Return the logits [prompt, vocab] of the last position from the residual before block `layer`."""
    for here in range(layer, lean.n_layers):
        normed = lean.norm1[here](x)
        added = lean.attn_out(here, lean.attention(lean.q(here, normed), lean.k(here, normed), lean.v(here, normed))[0])
        mid = x if lean.parallel else x + added
        x = x + added + lean.mlp_out(here, lean.mlp_post(here, lean.norm2[here](mid)))
    return lean.logits(x[:, -1])


def learn(
    lean: Lean,
    layer: int,
    place: int,
    streams: tuple[Tensor, Tensor],
    expected: np.ndarray,
    *,
    rank: int = 16,
    steps: int = 300,
    batch_size: int = 128,
    learning_rate: float = 0.05,
    seed: int = 0,
) -> Basis:
    """Return the subspace of `rank` at block `layer`'s input, position `place`, learned from interchanges.

    streams: the residual of base and source [pair, pos, d_model] there; expected: token ids [pair]. Raises InterpError
    for a rank outside 1..d_model.
    """
    if not 1 <= rank <= lean.d_model:
        raise InterpError(f"A subspace of rank {rank} does not fit a stream of {lean.d_model} dimensions.")
    drawn = torch.Generator(device="cpu").manual_seed(seed)
    free = torch.randn(lean.d_model, rank, generator=drawn).to(lean.device).requires_grad_()
    optimiser = torch.optim.Adam([free], lr=learning_rate)
    base, source = (stream.float() for stream in streams)
    wanted = torch.as_tensor(expected, device=lean.device)
    for _ in range(steps):
        rows = torch.randint(len(base), (min(batch_size, len(base)),), generator=drawn).to(lean.device)
        with torch.enable_grad():
            U = torch.linalg.qr(free)[0]
            x = base[rows]
            change = (source[rows, place] - x[:, place]) @ U @ U.T
            x = torch.cat([x[:, :place], (x[:, place] + change)[:, None], x[:, place + 1 :]], dim=1)
            loss = torch.nn.functional.cross_entropy(resumed(lean, layer, x.to(lean.dtype)), wanted[rows])
            optimiser.zero_grad()
            loss.backward()
        optimiser.step()
    return Basis(free.detach().cpu())
