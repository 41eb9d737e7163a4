"""Which models compute a sum with circles, and how, is known beforehand? Hand-built ones of one block.

    planted:clock     a + b mod p: one head brings a's circles, one b's; the MLP multiplies them (angle addition)
    planted:pizza     a + b mod p: one head averages the circles of a and b; the MLP takes absolute values
    planted:helix     the task a+b of whole numbers, plain style: a clock on circles of the periods 2, 5, 10 and 200

`p=59`, `keys=5` (how many frequencies) and `seed=0` can follow clock and pizza, `seed=0` helix.

    clock   logit_c = sum_k A_k cos w_k(a + b - c)                                    x y = ((x + y)^2 - (x - y)^2) / 4
    pizza   logit_c = sum_k A_k sum_j |m . u_j| cos(2 phi_j - w_k c),   m = (E_a + E_b) / 2,  u_j at the angle phi_j
                    ~ |cos w_k(a - b)/2| cos w_k(a + b - c)

The clock's squares are piecewise linear (ReLU), exact at KNOTS points, so its logits are those of the formula to a few
thousandths of A. Embeddings of helix also hold a line in n, which nothing reads, and decoys of larger size than any
circle, so that a fit of the right shape and the largest principal directions are different things.

    truth("planted:clock,seed=1")  ->  algorithm, p, the keys (frequencies k of Z_p) and their periods p / k

A clock has gradients by a and b that differ; a pizza's are the same (gradient symmetricity 1): Zhong et al. 2023,
arXiv:2306.17844. A number line with circles: Kantamneni & Tegmark 2025, arXiv:2502.00873.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interp.errors import InterpError
from interp.models.planted_fields import PREFIX, is_kind, read_fields, split_kind

KINDS = ("clock", "pizza", "helix")
P, KEYS, DRAWS = 59, 5, 500
HELIX_P, HELIX_KEYS = 200, (100, 40, 20, 1)
"""Numbers 0..199, so that sums of two numbers below 100 do not wrap; periods 2, 5, 10 and 200."""
FIELDS = {"clock": ("p", "keys", "seed"), "pizza": ("p", "keys", "seed"), "helix": ("seed",)}


@dataclass(frozen=True)
class PlantedWaves:
    """What a name asks for: the algorithm, the modulus, how many key frequencies, and the seed that draws them."""

    kind: str
    p: int = P
    keys: int = KEYS
    seed: int = 0

    def __post_init__(self) -> None:
        if not 7 <= self.p <= 199 or self.p % 2 == 0 or not 1 <= self.keys <= self.p // 2 or not 0 <= self.seed < 2**32:
            raise InterpError(f"{self.name}: need an odd p from 7 to 199, 1 <= keys <= p / 2 and 0 <= seed < 2^32.")

    @property
    def tokenized(self) -> bool:
        """Whether the model reads text: helix does, the others are asked with residues."""
        return self.kind == "helix"

    @property
    def name(self) -> str:
        """Return the full name, defaults written out."""
        fields = ",".join(f"{field}={getattr(self, field)}" for field in FIELDS[self.kind])
        return f"{PREFIX}{self.kind},{fields}"


@dataclass(frozen=True)
class Truth:
    """How the sum is computed: `algorithm` clock or pizza, on the frequencies `keys` of Z_p, periods p / key."""

    algorithm: str
    p: int
    keys: tuple[int, ...]

    @property
    def periods(self) -> tuple[float, ...]:
        """The periods of the circles, in the order of the keys."""
        return tuple(self.p / key for key in self.keys)


def is_waves(name: str) -> bool:
    """Return whether `name` asks for one of these, well spelled or not."""
    return is_kind(name, KINDS)


def read_waves(name: str) -> PlantedWaves:
    """Return what a name such as `planted:clock,p=31` means. Raises InterpError, in one line, for a bad one."""
    kind, parts = split_kind(name, KINDS)
    return PlantedWaves(kind, **read_fields(name, parts, FIELDS[kind], f"{PREFIX}{kind},seed=1"))


def truth(name: str) -> Truth:
    """Return how a planted model computes its sum. Raises InterpError for another name."""
    planted = read_waves(name)
    if planted.tokenized:
        return Truth("clock", HELIX_P, HELIX_KEYS)
    return Truth(planted.kind, planted.p, draw_keys(planted))


def draw_keys(planted: PlantedWaves) -> tuple[int, ...]:
    """Return distinct frequencies, no two of them k and 2k, the set of DRAWS with the largest margin.

    margin = 1 - max over d != 0 of mean_k cos w_k d: how far the right answer stands above the next.
    """
    rng, p = np.random.default_rng((planted.seed, p_seed(planted))), planted.p
    cosines = np.cos(2 * np.pi * (np.outer(np.arange(1, p // 2 + 1), np.arange(1, p)) % p) / p)
    best, found = -np.inf, ()
    for _ in range(DRAWS):
        keys = tuple(sorted(int(k) for k in 1 + rng.permutation(p // 2)[: planted.keys]))
        doubled = {min(2 * k % p, -2 * k % p) for k in keys}
        margin = 1 - cosines[np.array(keys) - 1].mean(0).max()
        if margin > best and (not doubled & set(keys) or planted.keys > p // 6):
            best, found = margin, keys
    return found


def p_seed(planted: PlantedWaves) -> int:
    """Return the number that tells the draws of one kind and size from those of another."""
    return 1000 * planted.p + 10 * planted.keys + KINDS.index(planted.kind)
