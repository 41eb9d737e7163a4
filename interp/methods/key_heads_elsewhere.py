"""What are the key heads of one task worth on other tasks and styles?

accuracy there without the k heads of the first task, beside as many random heads; and the share of the k strongest
heads there that are the same
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.engine import Lean
from interp.methods.head_knockout import head_means, knockout, random_heads
from interp.methods.key_heads import effects_of, ranked_heads
from interp.methods.result import variable

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins


@dataclass(frozen=True)
class Elsewhere:
    """Another task or style: its selection pairs, test prompts and reference prompts."""

    pairs: Twins
    prompts: Prompts
    reference: Prompts


def elsewhere(
    model: Any, found: xr.Dataset, cells: dict[str, Elsewhere], *, k: int, n_random: int = 5, seed: int = 0
) -> dict[str, xr.Variable]:
    """Return what the k strongest heads of `found` are worth on other tasks and styles, [cell] each.

    `elsewhere_accuracy` of the whole model, `elsewhere_without` these heads (their mean there), `elsewhere_null` as
    many random heads, none of these (mean of draws); `overlap` of the k strongest heads there with these, and
    `overlap_null`, its mean for random heads: k / all heads.
    """
    lean, rng = Lean.of(model), np.random.default_rng(seed)
    heads = [(int(layer), int(head)) for layer, head in (str(n).split(".") for n in found["rank"].values[:k])]
    rows = []
    for cell in cells.values():
        effect = effects_of(model, cell.pairs, "mlps_recomputed", seed).heads
        there = ranked_heads(effect.mean(axis=0))[:k]
        draws = [random_heads(heads, lean.n_layers, lean.n_heads, rng, False) for _ in range(n_random)]
        curves, _ = knockout(model, cell.prompts, head_means(model, cell.reference, 256), [heads, *draws], 256)
        right = curves.mean(axis=-1)
        rows.append((right[0, 0], right[0, -1], right[1:, -1].mean(), len(set(heads) & set(there)) / k))
    columns = np.array(rows).T
    chance = np.full(len(cells), k / (lean.n_layers * lean.n_heads))
    said = f"without the {k} strongest heads"
    return {
        "elsewhere_accuracy": variable("cell", columns[0], "fraction", "top token = answer, the whole model"),
        "elsewhere_without": variable("cell", columns[1], "fraction", f"{said}, ranked on the first task"),
        "elsewhere_null": variable("cell", columns[2], "fraction", "without as many random heads, none of these"),
        "overlap": variable(
            "cell", columns[3], "fraction", f"of the {k} strongest heads there, those of the first task"
        ),
        "overlap_null": variable("cell", chance, "fraction", "the same of random heads"),
    }
