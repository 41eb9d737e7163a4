"""Is what a head of a multiplying model writes a sum of one part for each of two digits it looks at?

    out(layer, head, query)  ~  mean + u[a_i] + v[b_j]          i, j: the digits of a and b it looks at most there

For every head and every token from "#" on: R^2 of the two-way fit and of a mean for every cell, the weight alpha that
the fit implies beside the attention share of a_i, and how alike the clusters of b_j are for different a_i
(`interp.fourier.minkowski`). The pair with the most balanced attention is drawn, on its first three components.

Nulls: digits dealt out anew (`_shuffled_null`), the two digits that the head looks at least (`_other_null`; with fixed
attention any digit it does see is additive), and the network before training. How to read: additive near cell and far
above the other pair, clusters parallel, alpha near the attention share: nested copies of one shape, a Minkowski sum. In
the first block a head's values are functions of single tokens, so additive = cell there unless attention itself depends
on the digits; that part is the architecture's doing, and the untrained network shows it too.
Source: Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.engine import Site, run
from interp.fourier.minkowski import TwoWay, shuffled, two_way
from interp.methods.result import attributes, variable
from interp.progress import Progress, silent
from interp.tasks.products import foretold_at

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

SCORES = ("additive", "cell", "alpha", "similarity", "parallel")
DRAWN = 3


class Head(NamedTuple):
    """One head at one query: what it writes [problem, d_model], and its mean attention to the digits of a and b."""

    out: np.ndarray
    a: np.ndarray
    b: np.ndarray


def digit_geometry(
    model: Any,
    prompts: Prompts,
    n: int,
    *,
    untrained: Any = None,
    draws: int = 5,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the two-way fits of every head where each column is foretold, beside their nulls.

    `additive`, `cell`, `alpha`, `similarity`, `parallel` [layer, head, column]; `alpha_attention`, `attention_a`,
    `attention_b`, `digit_a`, `digit_b`; `additive_shuffled_null`, `additive_other_null`, `additive_untrained_null`;
    `component` [problem, axis] of the most balanced head with `component_a`, `component_b` [problem].
    """
    seen = _fits(model, prompts, n, draws, batch_size, progress, seed)
    if untrained is not None:
        pairs = [seen[name].values for name in ("digit_a", "digit_b")]
        blank = _fits(untrained, prompts, n, 0, batch_size, silent, seed, pairs)["additive"].values
    else:
        blank = np.full(seen["additive"].shape, np.nan)
    seen["additive_untrained_null"] = variable(
        "layer head column", blank, "R²", "the same digits in the network before training"
    )
    title = "What heads write as a sum of one part for each of two digits."
    return seen.assign_attrs(attributes("digit_geometry", model, prompts, title, n_digits=n, draws=draws, seed=seed))


def head_at(seen: Any, model: Any, prompts: Prompts, layer: int, head: int, role: str, n: int) -> Head:
    """Return one head of a run that has read `z` and `pattern` of the layer."""
    at, weights = prompts.position(role), model.W_O[layer][head].detach().double().cpu().numpy()
    out = seen[Site("z", layer)][:, at, head].double().cpu().numpy() @ weights
    pattern = seen[Site("pattern", layer)][:, head, at].double().mean(0).cpu().numpy()
    a, b = (np.array([pattern[prompts.position(f"{side}{i}")] for i in range(n)]) for side in "ab")
    return Head(out, a, b)


def _fits(
    model: Any,
    prompts: Prompts,
    n: int,
    draws: int,
    batch_size: int,
    progress: Progress,
    seed: int,
    pairs: list[np.ndarray] | None = None,
) -> xr.Dataset:
    """Return the fits; of given `pairs` of digits, or of those each head looks at most."""
    layers, heads, columns = range(model.cfg.n_layers), range(model.cfg.n_heads), range(2 * n)
    reads = [Site(name, layer) for layer in layers for name in ("z", "pattern")]
    seen = run(model, prompts, reads=reads, batch_size=batch_size)
    shape, best = (len(layers), len(heads), len(columns)), (-1.0, None)
    table = {name: np.full(shape, np.nan) for name in (*SCORES, "digit_a", "digit_b", "attention_a", "attention_b",
                                                       "additive_shuffled_null", "additive_other_null")}  # fmt: skip
    for cell in np.ndindex(shape):
        progress(int(np.ravel_multi_index(cell, shape)), int(np.prod(shape)), "two-way fits")
        head = head_at(seen, model, prompts, cell[0], cell[1], foretold_at(cell[2]), n)
        i, j = (int(each[cell]) for each in pairs) if pairs else (int(head.a.argmax()), int(head.b.argmax()))
        found = _fit(head, prompts, i, j)
        values = {name: getattr(found, name) for name in SCORES}
        values |= {"digit_a": i, "digit_b": j, "attention_a": head.a[i], "attention_b": head.b[j]}
        if draws:
            a, b = prompts.variables[f"a{i}"], prompts.variables[f"b{j}"]
            values["additive_shuffled_null"] = np.mean([d.additive for d in shuffled(head.out, a, b, draws, seed)])
            values["additive_other_null"] = _fit(head, prompts, int(head.a.argmin()), int(head.b.argmin())).additive
        for name, value in values.items():
            table[name][cell] = value
        balance = min(head.a[i], head.b[j])
        if balance > best[0]:
            best = (balance, (cell, head.out, i, j))
    progress(1, 1, "two-way fits")
    return _dataset(table, best[1], prompts)


def _fit(head: Head, prompts: Prompts, i: int, j: int) -> TwoWay:
    return two_way(head.out, prompts.variables[f"a{i}"], prompts.variables[f"b{j}"])


def components(out: Float[np.ndarray, "problem d"], count: int = DRAWN) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading principal components [problem, axis] and the shares of variance [axis] they hold."""
    rest = out - out.mean(0)
    left, values, _ = np.linalg.svd(rest, full_matrices=False)
    return left[:, :count] * values[:count], values[:count] ** 2 / (values**2).sum()


def _dataset(table: dict[str, np.ndarray], best: Any, prompts: Prompts) -> xr.Dataset:
    dims, share = "layer head column", "attention weight"
    words = {
        "additive": ("R²", "two-way fit on the two digits"),
        "cell": ("R²", "a mean for every pair of digits, the most any fit can have"),
        "alpha": ("fraction", "weight of the digit of a that the fit implies"),
        "similarity": ("fraction", "likeness of clusters, best rotated"),
        "parallel": ("fraction", "likeness of clusters as they lie"),
        "digit_a": ("place", "digit of a that the head looks at most"),
        "digit_b": ("place", "digit of b that the head looks at most"),
        "attention_a": (share, "mean attention to that digit of a"),
        "attention_b": (share, "mean attention to that digit of b"),
        "additive_shuffled_null": ("R²", "two-way fit with digits dealt out anew"),
        "additive_other_null": ("R²", "two-way fit on the digits that the head looks at least"),
    }
    found = {name: variable(dims, table[name], *words[name]) for name in words}
    both = np.maximum(table["attention_a"] + table["attention_b"], np.finfo(float).tiny)
    found["alpha_attention"] = variable(dims, table["attention_a"] / both, "fraction", "share of a in its attention")
    (layer, head, column), out, i, j = best
    place, held = components(out)
    found["component"] = variable("problem axis", place, "activation", "most balanced head, principal components")
    found["component_held"] = variable("axis", held, "fraction", "variance of that head's output by component")
    for side, digit in (("a", i), ("b", j)):
        values = prompts.variables[f"{side}{digit}"]
        found[f"component_{side}"] = variable("problem", values, "digit", f"the digit of {side} that it looks at")
    found["n"] = variable("", len(prompts), "problems", "problems")
    sizes = table["additive"].shape
    coords = {"layer": list(range(sizes[0])), "head": list(range(sizes[1])),
              "column": [f"c{k}" for k in range(sizes[2])], "axis": list(range(1, place.shape[1] + 1))}  # fmt: skip
    drawn = f"head {layer}.{head} at {foretold_at(column)}, a{i} and b{j}"
    return xr.Dataset(found, coords, {"drawn": drawn})
