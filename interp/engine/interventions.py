"""One write as data:

    h  <-  h + alpha * 1[where] * U U^T (s - h)

`Intervention(site, where, source, basis, alpha)` says which activation h, at which roles of the prompt, takes which
value s, within which subspace U, at which dose alpha. It is a value: it can be printed, compared, hashed (`digest`)
and put in a list; lists concatenate, and the order of a list is the order of application at each site. With alpha 1
and no basis the write is a select (h is replaced, never multiplied), so -inf and nan pass through unharmed.

For attention edges, Site("attn", layer, head), `where` holds (query role, key role) pairs and the source is Hidden.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from interp.engine.basis import Basis
from interp.engine.digests import Hashed, digest_of
from interp.engine.sites import Site
from interp.engine.sources import Hidden, Source
from interp.errors import InterpError

Place = str | tuple[str, str]


@dataclass(frozen=True, eq=False)
class Intervention(Hashed):
    """One write. `where` is a role, several roles, "all", or (query, key) pairs of roles for attention (none at all
    hides nothing).

    Raises InterpError when the parts do not belong together (Hidden anywhere but at attention edges, a basis or
    a dose on a hidden edge, a single role where an edge is meant, a dose that is not finite).
    """

    site: Site
    where: tuple[Place, ...]
    source: Source
    basis: Basis | None = None
    alpha: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", _places(self.where))
        object.__setattr__(self, "alpha", float(self.alpha))
        if not isinstance(self.site, Site) or not isinstance(self.source, Source):
            raise InterpError("An intervention is Intervention(Site(...), where, source): a site and a source.")
        if self.basis is not None and not isinstance(self.basis, Basis):
            raise InterpError("The basis of an intervention is a Basis: wrap the matrix, Basis(U).")
        if not math.isfinite(self.alpha):
            raise InterpError(f"The dose alpha must be finite, got {self.alpha}.")
        self._check_edges()

    def _check_edges(self) -> None:
        edges = [isinstance(place, tuple) for place in self.where]
        if isinstance(self.source, Hidden) != (self.site.name == "attn"):
            raise InterpError(
                f"{self.site} takes {type(self.source).__name__}: Hidden() belongs to attention edges, "
                'Site("attn", layer, head), and these take nothing else.'
            )
        if self.site.name == "attn":
            if not all(edges):
                raise InterpError(
                    f'{self.site}: name edges as (query role, key role), for example (("eq", "a"),); '
                    f"got {self.where!r}."
                )
            if self.basis is not None or self.alpha != 1:
                raise InterpError("A hidden edge is all or nothing: it takes no basis and no dose.")
        elif not edges:
            raise InterpError(f"{self.site}: `where` names no role; an empty list is meant for edges alone.")
        elif any(edges) and self.site.name != "pattern":
            raise InterpError(f"{self.site} is written at roles, not at (query, key) edges; got {self.where!r}.")
        elif any(edges) and not all(edges):
            raise InterpError(f"{self.site}: name roles or edges, not both; got {self.where!r}.")
        elif self.basis is not None and (any(edges) or self._is_scalar()):
            raise InterpError(f"{self.site}: a single number has no subspace; drop the basis.")

    def _is_scalar(self) -> bool:
        return self.site.name == "mlp_post" and self.site.index is not None

    @cached_property
    def digest(self) -> str:
        """Return the content hash of the whole write."""
        site = (self.site.name, self.site.layer, self.site.index)
        basis = None if self.basis is None else self.basis.digest
        return digest_of("Intervention", site, self.where, self.source.digest, basis, self.alpha)

    def __str__(self) -> str:
        places = " ".join(place if isinstance(place, str) else "<-".join(place) for place in self.where)
        extra = "" if self.basis is None else f" in {self.basis!r}"
        extra += "" if self.alpha == 1 else f" x {self.alpha:g}"
        return f"{self.site} @ {places} <- {self.source!r}{extra}"


def digest(interventions: Sequence[Intervention]) -> str:
    """Return the content hash of a list of interventions; its order counts."""
    return digest_of("interventions", tuple(each.digest for each in interventions))


def _places(where: Any) -> tuple[Place, ...]:
    """Return `where` as a non-empty tuple of roles and (query, key) pairs."""
    given = where if isinstance(where, (tuple, list)) else (where,)
    places = [_place(place) for place in given]
    good = [place for place in places if place is not None]
    if len(good) < len(places):
        raise InterpError(f'`where` names roles ("a", ("a", "eq"), "all") or edges (("eq", "a"),); got {where!r}.')
    return tuple(good)


def _place(place: Any) -> Place | None:
    if isinstance(place, str):
        return place
    if isinstance(place, (tuple, list)) and len(place) == 2 and all(isinstance(role, str) for role in place):
        return place[0], place[1]
    return None
