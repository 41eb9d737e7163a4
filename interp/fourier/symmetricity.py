"""Does the model treat its operands alike, logit by logit? Gradient symmetricity.

    value[a, b, c] = cos( dQ_abc / dE_a ,  dQ_abc / dE_b ),      symmetricity = mean over triples, c uniform

Near 1: both operands push a logit in the same direction of the embedding space, as a network does that first adds the
embeddings (a pizza). Well below 1: they enter differently, as where products are taken (a clock). An untrained network
that reads out at '=' is near 1 too, so the number alone names no algorithm. Values of a clock spread by about .4: a
hundred triples leave a standard error of .04, ten thousand .004.

Definition: Zhong et al. 2023, arXiv:2306.17844, section 4.1; `published_triples` are the hundred of their repository.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from interp.errors import InterpError
from interp.fourier.two_operand import TwoOperand

CHUNK = 4096


@dataclass(frozen=True, eq=False)
class Symmetricity:
    """`values` [triple] in [-1, 1] of `triples` [triple, 3] whose two gradients are not 0; `undefined` others."""

    triples: Int[np.ndarray, "triple 3"]
    values: Float[np.ndarray, " triple"]
    undefined: int

    @property
    def mean(self) -> float:
        """The gradient symmetricity."""
        return float(self.values.mean())

    @property
    def n(self) -> int:
        """How many triples it is the mean of."""
        return len(self.values)

    @property
    def standard_error(self) -> float:
        """The standard error of the mean over triples; nan for one triple."""
        return float(self.values.std(ddof=1)) / math.sqrt(self.n) if self.n > 1 else float("nan")


def random_triples(p: int, n: int, seed: int = 0) -> Int[np.ndarray, "triple 3"]:
    """Return `n` different triples (a, b, c) of 0..p-1, uniformly drawn; all p^3 when n is at least that."""
    if n < 1:
        raise InterpError(f"{n} triples were asked for: expected at least 1; ask for some thousands.")
    chosen = np.random.default_rng(seed).choice(p**3, size=min(n, p**3), replace=False)
    return np.stack(np.unravel_index(chosen, (p, p, p)), axis=1)


def published_triples(p: int = 59, n: int = 100, seed: int = 42) -> Int[np.ndarray, "triple 3"]:
    """Return the triples of the authors' evaluation: the first of all p^3, in order, shuffled by Python's generator."""
    triples = list(itertools.product(range(p), repeat=3))
    random.Random(seed).shuffle(triples)
    return np.array(triples[:n])


def symmetricity(net: TwoOperand, triples: Int[np.ndarray, "triple 3"]) -> Symmetricity:
    """Return the cosine of the two operand gradients of every triple, from one backward pass a chunk.

    Raises InterpError for triples outside 0..p-1 and when every gradient is zero.
    """
    triples = np.asarray(triples)
    if triples.ndim != 2 or triples.shape[1:] != (3,) or not len(triples) or not _inside(triples, net.p):
        raise InterpError(f"Triples of shape {triples.shape}: expected rows (a, b, c) in 0..{net.p - 1}; mend them.")
    values = np.concatenate([_cosines(net, part) for part in np.array_split(triples, -(-len(triples) // CHUNK))])
    defined = np.isfinite(values)
    if not defined.any():
        raise InterpError(f"{net.name} has no gradient at any triple: its logits do not depend on the operands.")
    return Symmetricity(triples[defined], values[defined], int((~defined).sum()))


def _cosines(net: TwoOperand, triples: np.ndarray) -> np.ndarray:
    """The rows are independent, so the gradient of the sum holds every row's own gradient."""
    a, b, c = torch.as_tensor(triples).unbind(1)
    x_a, x_b = (embed[i].detach().requires_grad_() for embed, i in ((net.embed_a, a), (net.embed_b, b)))
    chosen = net.logits(x_a, x_b)[torch.arange(len(c)), c]
    by_a, by_b = (found.double() for found in torch.autograd.grad(chosen.sum(), (x_a, x_b)))
    lengths = by_a.norm(dim=1) * by_b.norm(dim=1)
    cosines = (by_a * by_b).sum(1) / lengths  # 0 / 0 is nan: no direction, no cosine
    return cosines.clamp(-1, 1).cpu().numpy()


def _inside(triples: np.ndarray, p: int) -> bool:
    return bool(np.issubdtype(triples.dtype, np.integer) and triples.min() >= 0 and triples.max() < p)
