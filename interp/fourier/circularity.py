"""Do the embeddings of the residues lie on circles, each turning at one frequency?

    score_i = share of the power of principal component i that its largest frequency holds  = 2 max_k |F_k v_i|^2
    circularity = mean of score_i over the first four components,   v_i [p] a unit vector, F_k orthonormal

1: each of the four is one pure wave. Runs count as circular from .995 on. Null: the same components with the residues
in random order. Circles of equal radius share their components in any mixture, and then score less than they are.

Definition: Zhong et al. 2023, arXiv:2306.17844, appendix B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from interp.errors import InterpError
from interp.fourier.basis import power, real

COMPONENTS = 4
CIRCULAR = 0.995


@dataclass(frozen=True, eq=False)
class Circularity:
    """`scores` [component] in [0, 1], the `frequencies` that hold them, and `null` [draw]: their means, shuffled."""

    scores: Float[np.ndarray, " component"]
    frequencies: Int[np.ndarray, " component"]
    null: Float[np.ndarray, " draw"]

    @property
    def mean(self) -> float:
        """The circularity."""
        return float(self.scores.mean())


def principal_components(embed: Float[np.ndarray, "p d"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return unit scores [p, component], singular values and directions [component, d] of centred embeddings."""
    embed = real(embed)
    if embed.ndim != 2 or not np.isfinite(embed).all():
        raise InterpError(f"Embeddings of shape {embed.shape}: expected finite numbers [residue, d]; mend the input.")
    return np.linalg.svd(embed - embed.mean(0), full_matrices=False)


def circularity(
    embed: Float[np.ndarray, "p d"], components: int = COMPONENTS, n_null: int = 200, seed: int = 0
) -> Circularity:
    """Return how circular the first principal components are. Raises InterpError where there are not that many."""
    left, values, _ = principal_components(embed)
    if components < 1 or components > np.sum(values > 1e-9 * values.max(initial=0)):
        raise InterpError(
            f"{components} principal components were asked of embeddings of rank "
            f"{int(np.sum(values > 1e-9 * values.max(initial=0)))}: expected fewer; ask for those."
        )
    first = left[:, :components]
    shares = power(first.T[..., None])  # [component, frequency]
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.broadcast_to(first.T, (n_null, *first.T.shape)), axis=-1)
    null = power(shuffled[..., None]).max(-1).mean(-1)
    return Circularity(shares.max(1), 1 + shares.argmax(1), null)
