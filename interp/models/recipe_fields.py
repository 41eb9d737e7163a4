"""Is every field of a recipe known, every missing one filled in, and what is counted a count?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from interp.errors import InterpError, nearest


def filled(recipe: dict[str, Any], usual: dict[str, Any], counts: Iterable[str] = ()) -> dict[str, Any]:
    """Return `recipe` with every missing field from `usual`.

    Raises InterpError for a field that `usual` has not, and for a field of `counts` that is no integer >= 1.
    """
    for field in recipe.keys() - usual.keys():
        raise InterpError(f"unknown field {field!r} in the recipe. {nearest(field, usual)}")
    whole = {**usual, **recipe}
    for field in counts:
        if type(whole[field]) is not int or whole[field] < 1:
            raise InterpError(f"the recipe has {field} = {whole[field]!r}: expected an integer >= 1; change it.")
    return whole
