"""What does the model do at every pair of operands: its answer, its neurons, its heads, and what probes read?

    behaviour [scalar, a, b]     right, probability and logit of the right answer, its logit less the best wrong one,
                                 the number said, and its error (said - truth; nan where no number is said)
    activation [neuron, a, b]    mlp_post at the last position (`operand_maps`)
    attention [head, operand, a, b]   what the last token reads from each operand
    probed [probe, reading, a, b]     what ridge reads of the result, its digits and carry, fitted on other pairs, and
                                 that less the truth; R² of each beside shuffled labels (`operand_probes`)
    added [head, a, b]           what the head writes towards the answer, against the mean of other numbers
                                 (`direct_logits`, the final norm's scale held)

Beside every map stands what a, b, the result, their digits, residues and the carry explain of it, and of the map with
its cells shuffled (`explained`). The maps hold every pair of the task: nothing is sampled, cells have no interval.

Reading: a map that the result explains is late in the computation, one of a or b alone early; stripes are residues.

Source: Nikankin et al. (2025) arXiv 2410.21272; Lindsey et al., On the Biology of a Large Language Model (2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.errors import InterpError
from interp.methods.contrasts import against_numbers
from interp.methods.direct_logits import direct_logits
from interp.methods.explained import explained, properties
from interp.methods.grid import require_prompts, within
from interp.methods.heuristic_neurons import operands_of
from interp.methods.neuron_effects import Neuron
from interp.methods.operand_answers import SCALARS, Said, answers_of, text_of
from interp.methods.operand_maps import activations, as_grid
from interp.methods.operand_probes import READINGS, Probed, probed
from interp.methods.result import attributes, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

SAMPLE = 1000  # cells on which the neurons of a wide layer are chosen


def operands(
    model: Any,
    grid: Prompts,
    *,
    layers: Sequence[int] | None = None,
    n_neurons: int = 512,
    direct: bool = True,
    probes: bool = True,
    n_shuffles: int = 19,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the maps over all pairs of `grid`, and what properties of the pair explain of each beside shuffled maps.

    Of each of `layers` (default: the last) at most `n_neurons` neurons, those that vary most. Without `direct` nothing
    is said of what heads write, without `probes` nothing of what can be read. Raises InterpError for other than two
    operands, layers that are not there, or (with `direct`) a model whose logits are not a sum of what its parts write.
    """
    pair, chosen = _check(model, grid, layers)
    said = answers_of(model, grid, pair, batch_size, within(progress, 0, 6, "answers and attention"))
    neurons = _varying(model, grid, chosen, n_neurons, batch_size)
    maps = {
        "behaviour": said.scalars,
        "activation": activations(model, grid, neurons, batch_size, within(progress, 1, 6, "neurons")),
        "attention": said.attention,
    }
    if direct:
        how: dict[str, Any] = {"batch_size": batch_size, "progress": within(progress, 2, 6, "heads"), "seed": seed}
        terms = direct_logits(model, grid, against_numbers(model, grid), neuron_layers=[], **how)["heads_terms"]
        maps["added"] = terms.to_numpy().reshape(len(grid), -1).T.astype(np.float32)
    read = None
    if probes:
        inner = within(progress, 4, 6, "probes")
        read = probed(model, grid, n_shuffles=n_shuffles, batch_size=batch_size, progress=inner, seed=seed)
        maps["probed"] = read.maps
    progress(5, 6, "variance explained")
    found = _with_probes(_dataset(model, grid, pair, maps, said, neurons), read, n_shuffles)
    found = _with_explained(found, maps, grid, pair, n_shuffles, seed)
    progress(6, 6, "explained")
    return found.assign_attrs(n_shuffles=n_shuffles, seed=seed)


def _with_probes(found: xr.Dataset, read: Probed | None, n_shuffles: int) -> xr.Dataset:
    """Return `found` with how well each probe reads, where there are probes."""
    if read is None:
        return found
    null = f"largest R² of {n_shuffles} fits on shuffled labels"
    return found.assign(
        probe_r2=variable("probe", read.r2, "R²", "of pairs in folds the fit has not seen"),
        probe_r2_null_high=variable("probe", read.r2_null, "R²", null),
    ).assign_coords(probe=read.names, reading=list(READINGS))


def _with_explained(
    found: xr.Dataset, maps: dict[str, np.ndarray], grid: Prompts, pair: tuple[str, str], n_shuffles: int, seed: int
) -> xr.Dataset:
    """Return `found` with what properties of the pair explain of every map, and of its shuffles."""
    groups, added = properties(grid.variables, pair), {}
    for name, values in maps.items():
        share = explained(values.reshape(-1, len(grid)), groups, n_shuffles=n_shuffles, seed=seed)
        dims = [str(dim) for dim in found[name].dims[:-2]]
        for suffix, numbers in (("", share.share), ("_null_high", share.null_high)):
            shape = (*(found.sizes[dim] for dim in dims), len(groups))
            what = f"largest share of {n_shuffles} shuffled maps" if suffix else "share of the map's variance"
            added[f"explained_{name}{suffix}"] = variable([*dims, "by"], numbers.reshape(shape), "fraction", what)
        added["explained_null"] = variable("by", share.null, "fraction", "mean share of shuffled maps (exact)")
    where = as_grid(np.stack([column.astype(np.float32) for column in groups.values()]), *_places(grid, pair))[0]
    added["group"] = variable("by operand_a operand_b", where, "value", "the property of each pair")
    return found.assign(added).assign_coords(by=list(groups))


def _varying(model: Any, grid: Prompts, layers: list[int], most: int, batch_size: int) -> list[Neuron]:
    """Return at most `most` neurons of each layer, those whose activation varies most over the grid."""
    every = [[(layer, i) for i in range(model.cfg.d_mlp)] for layer in layers]
    if model.cfg.d_mlp <= most:
        return [neuron for layer in every for neuron in layer]
    sample = grid[:: max(1, len(grid) // SAMPLE)]
    found: list[Neuron] = []
    for layer in every:
        spread = activations(model, sample, layer, batch_size).std(axis=1)
        found += [layer[i] for i in np.sort(np.argsort(-spread, kind="stable")[:most])]
    return found


def _dataset(
    model: Any, grid: Prompts, pair: tuple[str, str], maps: dict[str, np.ndarray], said: Said, neurons: list[Neuron]
) -> xr.Dataset:
    x, y = _places(grid, pair)
    heads = [f"{layer}.{head}" for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
    what = {
        "behaviour": ("scalar", "of each scalar", "what the model answers at each pair"),
        "activation": ("neuron", "activation", "mlp_post at the last position"),
        "attention": ("head operand", "attention weight", "what the last token reads from an operand"),
        "added": ("head", "logits", "what the head writes towards the answer, against other numbers"),
        "probed": ("probe reading", "value", "what a probe of the last token reads, and that less the truth"),
    }
    data = {}
    xs, ys = np.unique(x), np.unique(y)
    for name, values in maps.items():
        placed = as_grid(values.reshape(-1, len(grid)), x, y)[0].reshape(*values.shape[:-1], len(xs), len(ys))
        dims, units, means = what[name]
        data[name] = variable(f"{dims} operand_a operand_b", placed, units, means)
    texts = {token: text_of(model, token) for token in set(said.tokens.tolist())}
    words = {"text": grid.texts, "answer": grid.answers, "answered": [texts[t] for t in said.tokens.tolist()]}
    for name, column in words.items():
        table = np.full((len(xs), len(ys)), "", dtype=np.asarray(column).dtype)
        table[np.searchsorted(xs, x), np.searchsorted(ys, y)] = column
        data[name] = variable("operand_a operand_b", table, "text", f"{name} at each pair")
    data["n"] = variable("", len(grid), "pairs", "number of pairs of operands")
    coords = {"scalar": list(SCALARS), "scalar_units": ("scalar", list(SCALARS.values())), "head": heads,
              "neuron": [f"{layer}.{i}" for layer, i in neurons], "operand": list(pair),
              "operand_a": xs, "operand_b": ys}  # fmt: skip
    title = "Answers, neurons and heads at every pair of operands, and what explains them."
    attrs = attributes("operands", model, grid, title, operands=" ".join(pair), null="the map with its cells shuffled")
    return xr.Dataset(data, coords=coords, attrs=attrs)


def _places(grid: Prompts, pair: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    return grid.variables[pair[0]], grid.variables[pair[1]]


def _check(model: Any, grid: Prompts, layers: Sequence[int] | None) -> tuple[tuple[str, str], list[int]]:
    require_prompts(grid)
    found, n_layers = operands_of(grid), model.cfg.n_layers
    if len(found) != 2 or "result" not in grid.variables:
        raise InterpError(
            f"Operand maps are over two operands of one token each and a result; these prompts have "
            f"{', '.join(found) or 'none'}. Choose a task such as a+b."
        )
    if min(len(np.unique(grid.variables[name])) for name in found) < 2:
        raise InterpError("Each operand must take at least two values. Widen low..high.")
    chosen = [n_layers - 1] if layers is None else sorted(int(layer) for layer in layers)
    if not chosen or any(not 0 <= layer < n_layers for layer in chosen) or len(set(chosen)) < len(chosen):
        raise InterpError(f"MLPs of layers {chosen} are not all in this model; use each of 0..{n_layers - 1} once.")
    return (found[0], found[1]), chosen
