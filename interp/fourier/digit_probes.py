"""In which base can a number be read off the stream, digit by digit, and is it more than a number line?

    (cos, sin)(2 pi digit_i(n) / B)  ~  x W + c        ridge, closed form; every digit of n right = the number right

at each layer and role, for every base B at once and numbers n that the probe has not seen: whole numbers are held out
(five folds of the distinct values), so a probe that recites the train numbers scores nothing.

    accuracy           share of prompts whose number is right in every digit
    accuracy_null      the same probes when the numbers change places among each other (each keeps one false value)
    accuracy_line      the same probes on n, n^2, n^3 alone: what a smooth number line gives (base by base)
    accuracy_rounded   n itself by ridge, rounded: what a line gives without any circle

How to read: base 10 says something when it beats other bases of about as many digits *and* both line controls. A digit
that can be read need not be used: `interp.fourier.digit_rotation` turns it and looks at the answer.
Source: Levy & Geva 2024, arXiv:2410.11781 (there by 10,000 steps of Adam; here in closed form, with nulls).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.errors import InterpError, nearest
from interp.fourier.digit_circles import n_places
from interp.fourier.digit_fit import N_FOLDS, Cell, Labels, labels, line, probe
from interp.methods.grid import cells, layer_list, read_stream, role_list, within
from interp.methods.intervals import percentile, resampled_means
from interp.methods.nulls import max_threshold
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

BASES = (*range(2, 20), 20, 25, 50, 100)


def digit_probes(
    model: Any,
    prompts: Prompts,
    *,
    targets: Sequence[str] | None = None,
    bases: Sequence[int] = BASES,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    n_shuffles: int = 19,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return held-out accuracy of circular digit probes for each target, base, layer and role, beside its nulls.

    `accuracy` [target, base, layer, role] with intervals over numbers, `digit_accuracy` [target, base, place, layer,
    role] (nan above the last place), `accuracy_null`, `accuracy_null_high` [base] (what an empty map stays below in
    95 % of studies), `accuracy_line` [target, base], `accuracy_rounded` [target, layer, role] and `right` [target,
    layer, role, prompt] in base 10 or the first base. Targets default to the operands and the result.
    Raises InterpError for an unknown target, layer or role, negative numbers, fewer than 5 of them, or 19 shuffles.
    """
    layers, roles = layer_list(model, layers), role_list(prompts, roles)
    max_threshold(np.zeros(n_shuffles))  # too few shuffles is an error before the work, not after it
    names = _targets(prompts, targets)
    plans = [labels(prompts.variables[name], bases, n_shuffles, seed) for name in names]
    total = 1 + len(layers) * len(roles)
    stream = read_stream(model, prompts, layers, batch_size, within(progress, 0, total, "reading prompts"))
    found: dict[tuple[int, int, int], Cell] = {}
    for done, (i, j, layer, role) in enumerate(cells(layers, roles), 1):
        x = stream.at(layer, role)[:, 0].cpu()
        for t, plan in enumerate(plans):
            progress(done, total, f"digits of {names[t]} at layer {layer}, {role}")
            found[t, i, j] = probe(x, plan)
    progress(total, total, "digit probes")
    coords = {"target": names, "base": list(bases), "layer": layers, "role": roles, "prompt": list(prompts.texts)}
    title = "In which base the digits of a number can be read on a circle, on numbers not seen."
    about = {"n_folds": N_FOLDS, "n_shuffles": n_shuffles, "seed": seed, "right_base": right_base(bases)}
    about = attributes("digit_probes", model, prompts, title, **about)
    return xr.Dataset(_variables(found, plans, bases, (len(layers), len(roles)), seed), coords, about)


def right_base(bases: Sequence[int]) -> int:
    """Return the base whose per-prompt answers are kept: 10, or the first one."""
    return 10 if 10 in bases else int(bases[0])


def _targets(prompts: Prompts, targets: Sequence[str] | None) -> list[str]:
    if targets is None:
        names = [name for name in prompts.roles if name in prompts.variables]
        targets = [*names, *(["result"] if "result" in prompts.variables else [])]
    for name in targets:
        if name not in prompts.variables:
            raise InterpError(f"There is no number {name!r} in these prompts. {nearest(name, prompts.variables)}")
    if not targets:
        raise InterpError("These prompts name no numbers: expected operands or a result; name the targets.")
    return list(targets)


def _variables(
    found: dict[tuple[int, int, int], Cell],
    plans: Sequence[Labels],
    bases: Sequence[int],
    shape: tuple[int, int],
    seed: int,
) -> dict[str, xr.Variable]:
    """Return the variables of the map from its cells, keyed (target, layer, role)."""
    here = (len(plans), *shape)
    table = {base: _base_table(found, plans, base, here, seed) for base in bases}
    place = max(len(each["digit"][0]) for each in table.values())
    digit = np.full((len(plans), len(bases), place, *shape), np.nan)
    for b, base in enumerate(bases):
        digit[:, b, : table[base]["digit"].shape[1]] = table[base]["digit"]
    whole = {name: np.stack([each[name] for each in table.values()], axis=1) for name in ("accuracy", "low", "high")}
    shuffled = np.stack([each["null"] for each in table.values()], axis=2)  # [copy, target, base, layer, role]
    threshold = [max_threshold(shuffled[:, :, b].reshape(len(shuffled), -1).max(1)) for b in range(len(bases))]
    right = [_grid(found, t, shape, lambda cell: cell.right[right_base(bases)][0].all(-1)) for t in range(len(plans))]
    rounded = [_grid(found, t, shape, lambda cell: cell.rounded.mean()) for t in range(len(plans))]
    n, part, ends = len(plans[0].numbers), "fraction", (whole["low"], whole["high"])
    dims = "target base layer role"
    return {
        **mean_variables("accuracy", dims, whole["accuracy"], ends, part, "numbers right in every digit, held out"),
        "digit_accuracy": variable("target base place layer role", digit, part, "digits right (nan: no such place)"),
        "accuracy_null": variable(dims, shuffled.mean(0), part, "mean accuracy when the numbers have changed places"),
        "accuracy_null_high": variable("base", threshold, part, "95th percentile of an empty map's largest accuracy"),
        "accuracy_line": variable("target base", _on_line(plans, bases), part, "the same probes on n, n^2, n^3"),
        "accuracy_rounded": variable("target layer role", rounded, part, "n by ridge, rounded to a whole number"),
        "right": variable("target layer role prompt", np.array(right, np.int8), "0 or 1", "right in `right_base`"),
        "n": variable("", n, "prompts", "prompts"),
        "n_numbers": variable("target", [len(np.unique(plan.numbers)) for plan in plans], "numbers", "distinct ones"),
    }


def _base_table(
    found: dict[tuple[int, int, int], Cell], plans: Sequence[Labels], base: int, shape: tuple[int, ...], seed: int
) -> dict[str, np.ndarray]:
    """Return of one base: accuracy and its ends [target, layer, role], null [copy, ...], digit [target, place, ...]."""
    place = max(n_places(int(plan.numbers.max()), base) for plan in plans)
    out = {name: np.empty(shape) for name in ("accuracy", "low", "high")}
    out["null"] = np.empty((len(plans[0].values) - 1, *shape))
    out["digit"] = np.full((shape[0], place, *shape[1:]), np.nan)
    for key, cell in found.items():
        whole = np.asarray(cell.right[base].all(-1))
        out["accuracy"][key], out["null"][(slice(None), *key)] = whole[0].mean(), whole[1:].mean(1)
        out["low"][key], out["high"][key] = _interval(whole[0], plans[key[0]].numbers, seed)
        out["digit"][key[0], : cell.right[base].shape[-1], key[1], key[2]] = cell.right[base][0].mean(0)
    return out


def _grid(
    found: dict[tuple[int, int, int], Cell], target: int, shape: tuple[int, int], of: Callable[[Cell], Any]
) -> list[list[Any]]:
    """Return `of` each cell of one target, [layer][role]."""
    return [[of(found[target, i, j]) for j in range(shape[1])] for i in range(shape[0])]


def _on_line(plans: Sequence[Labels], bases: Sequence[int]) -> list[list[float]]:
    """Return the accuracy [target][base] of the same probes on a number line instead of the stream."""
    rows = []
    for plan in plans:
        cell = probe(line(plan.numbers), plan._replace(values=plan.values[:1], circles=plan.circles[:1]))
        rows.append([float(cell.right[base][0].all(-1).mean()) for base in bases])
    return rows


def _interval(right: np.ndarray, numbers: np.ndarray, seed: int) -> np.ndarray:
    """Return the ends of the bootstrap interval over numbers: prompts of one number stand or fall together."""
    distinct, index = np.unique(numbers, return_inverse=True)
    sums = np.stack([np.bincount(index, right, len(distinct)), np.bincount(index, minlength=len(distinct))], axis=1)
    means = resampled_means(sums, seed=seed)
    return np.array(percentile(means[:, 0] / means[:, 1]))
