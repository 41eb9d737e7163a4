"""Does a probe that was fitted on one task, style or template still read the variable on another?

    score[fit, on]      probe of cell `fit`, judged on test prompts of cell `on`; the diagonal is the usual probe
    constant[fit, on]   the best constant of `fit`'s training labels, judged on `on`: a shift of the labels alone
    r[fit, on]          correlation of prediction and truth (regression): blind to a shift and a scale, which R² is not
    cosine[fit, on]     of the two probes' weights, all columns together
    null                the same with shuffled labels; `score_null_high` is one threshold for the whole table

Places are matched by role ("last" is the final token of any template). Train and selection prompts whose operands, in
any order, are in the test set of any cell are left out: no probe has seen the numbers it is judged on, whatever the wording.

Reading: high off the diagonal in both directions is one code for both; high one way only, a code that one of them has
and the other has more of. A correlation without R² is the same direction at another scale or origin.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from torch import Tensor

from interp.errors import InterpError
from interp.methods.gram import Cell, Linear, read_cells
from interp.methods.grid import layer_list, within
from interp.methods.intervals import percentile
from interp.methods.nulls import max_threshold
from interp.methods.probe_kinds import UNITS, Code
from interp.methods.probe_result import drawn_scores, scores
from interp.methods.probe_study import Labels, Sets, codes_of, fitted, told, valued
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

CELL = "fit on layer role"


def operand_keys(prompts: Prompts) -> list[tuple[int, ...]]:
    """Return the operands of each prompt, without zeros, in falling order: what the splits are made by."""
    names = [role for role in prompts.roles if role in prompts.variables]
    values = np.stack([prompts.variables[name] for name in names], axis=1) if names else prompts.tokens
    return [tuple(sorted((v for v in row if v), reverse=True)) for row in values.tolist()]


def strictly_apart(cells: Mapping[str, Sets]) -> dict[str, Sets]:
    """Return the cells without train and selection prompts whose operands are in the test set of any of them."""
    tested = {key for sets in cells.values() for key in operand_keys(sets.test)}
    kept = {}
    for name, sets in cells.items():
        rows = [
            np.array([key not in tested for key in operand_keys(each)], bool) for each in (sets.train, sets.validation)
        ]
        if not all(each.any() for each in rows):
            raise InterpError(f"No train or selection prompts of {name} are apart from all test prompts; use splits.")
        kept[name] = Sets(sets.train[rows[0]], sets.validation[rows[1]], sets.test)
    return kept


def probe_transfer(
    model: Any,
    cells: Mapping[str, Sets],
    target: str,
    *,
    kind: str = "regression",
    period: float = 10.0,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] = ("last",),
    n_shuffles: int = 19,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return how well the probe of each cell does on every cell, at each layer and role.

    `score` [fit, on, layer, role] with intervals and `score_constant`, `score_null`; `cosine` and `cosine_null_high`;
    `r` for regression; `n_test` [on] and the fewest of them, `n`. Raises InterpError for fewer than two cells, an
    unknown target or role, or test prompts that leave nothing to fit on.
    """
    if len(cells) < 2:
        raise InterpError(f"A transfer needs at least two cells (tasks, styles); got {', '.join(cells) or 'none'}.")
    max_threshold(np.zeros(n_shuffles))
    layers, names, cells = layer_list(model, layers), list(cells), strictly_apart(cells)
    places = [(layer, role) for layer in layers for role in roles]
    codes = {name: codes_of(cells[name].train, [target], kind, period) for name in names}
    labels = {name: told(cells[name], [target], n_shuffles, seed, cell=i, tasks=False) for i, name in enumerate(names)}
    solved: dict[str, dict[Cell, Linear]] = {}
    for i, name in enumerate(names):
        inner = within(progress, i, 2 * len(names), f"fitting on {name}")
        solved[name] = fitted(model, cells[name], codes[name], labels[name], places, batch_size=batch_size,
                              progress=inner)  # fmt: skip
    found: dict[str, list[Any]] = {}
    for i, on in enumerate(names):
        inner = within(progress, len(names) + i, 2 * len(names), f"judging on {on}")
        out = _outputs(model, cells[on].test, solved, places, batch_size, inner)
        for fit in names:
            one = _compared(codes[fit], out[fit], labels[on][2], labels[fit][0], n_shuffles, seed)
            for key, value in one.items():
                found.setdefault(key, []).append(value)
    progress(2 * len(names), 2 * len(names), "judged")
    shape = (len(names), len(names))
    # judged cell by cell: [on, fit, ...] -> [fit, on, ...]
    whole = {
        key: np.swapaxes(np.array(value).reshape(*shape, *np.shape(value[0])), 0, 1) for key, value in found.items()
    }
    grid = {"fit": names, "on": names, "layer": layers, "role": list(roles)}
    ds = _dataset(whole, _cosines(solved, names, places, n_shuffles), cells, grid, UNITS[kind])
    title = f"Held-out {UNITS[kind]} of probes of {target} fitted on one cell and judged on another."
    first = cells[names[0]].test
    told_ = attributes(
        "probe_transfer", model, first, title, target=target, kind=kind, n_shuffles=n_shuffles, seed=seed
    )
    return ds.assign_attrs(told_)


def _outputs(
    model: Any,
    prompts: Prompts,
    solved: dict[str, dict[Cell, Linear]],
    places: list[Cell],
    batch_size: int,
    how: Progress,
) -> dict[str, np.ndarray]:
    """What the probes of every cell say about these prompts, {cell: [prompt, column, place]}, in one pass."""
    out = {name: np.empty((len(prompts), len(each[places[0]].intercept), len(places))) for name, each in solved.items()}

    def take(cell: Cell, x: Tensor, rows: np.ndarray) -> None:
        for name, each in solved.items():
            out[name][rows, :, places.index(cell)] = each[cell].predict(x).cpu().numpy()

    read_cells(model, prompts, places, take, batch_size=batch_size, progress=how)
    return out


def _compared(
    codes: list[Code], out: np.ndarray, judged: Labels, fitted_: Labels, n_shuffles: int, seed: int
) -> dict[str, np.ndarray]:
    """Scores of one fit on one cell: each [place], null [shuffle, place]."""
    code, truth, places = codes[0], judged.truth[:, 0], range(out.shape[2])
    values = np.stack([valued(codes, out[..., k], judged.truth)[:, :, 0] for k in places], axis=2)  # [prompt, copy, k]
    flat = code.value(code.constant(fitted_.truth[:, 0, 0]), truth[:, 0])
    low, high = percentile(drawn_scores(codes, values[:, None, 0], truth, seed))
    null = [code.score(values[:, 1 + s], truth[:, 0]) for s in range(n_shuffles)]
    found = {"score": scores(codes, values[:, None, 0], truth)[0], "low": low[0], "high": high[0],
             "constant": np.full(len(places), code.score(flat, truth[:, 0])), "null": np.stack(null)}  # fmt: skip
    if code.kind == "regression":
        found["r"] = np.array([_correlation(out[:, 0, k], truth[:, 0]) for k in places])
    return found


def _correlation(said: np.ndarray, y: np.ndarray) -> float:
    spread = said.std() * y.std()
    return float(((said - said.mean()) * (y - y.mean())).mean() / spread) if spread > 1e-12 * abs(said).max() else 0.0


def _cosines(
    solved: dict[str, dict[Cell, Linear]], names: list[str], places: list[Cell], n_shuffles: int
) -> tuple[np.ndarray, float]:
    """Cosines [fit, on, place] of weights, and the 95 % threshold of the largest between probes of shuffled labels."""
    found, null = np.full((len(names), len(names), len(places)), np.nan), np.zeros(n_shuffles)
    for k, place in enumerate(places):
        weights = [solved[name][place].weights for name in names]
        for i, w in enumerate(weights):
            for j, v in enumerate(weights):
                if w.shape != v.shape:
                    continue  # classes differ: the columns are not the same labels
                copies = [each.reshape(len(each), 1 + n_shuffles, -1).permute(1, 0, 2).flatten(1) for each in (w, v)]
                size = copies[0].norm(dim=1) * copies[1].norm(dim=1)
                cosine = ((copies[0] * copies[1]).sum(1) / size.clamp(min=1e-300)).cpu().numpy()
                found[i, j, k] = cosine[0]
                if i != j:
                    null = np.maximum(null, np.abs(cosine[1:]))
    return found, max_threshold(null)


def _dataset(
    found: dict[str, np.ndarray],
    cosines: tuple[np.ndarray, float],
    cells: dict[str, Sets],
    dims: dict[str, Any],
    unit: str,
) -> xr.Dataset:
    names = dims["fit"]

    def shaped(values: np.ndarray) -> np.ndarray:
        return values.reshape(*values.shape[:-1], len(dims["layer"]), len(dims["role"]))

    null = shaped(found["null"])  # [fit, on, shuffle, layer, role]
    ceiling = max_threshold(np.moveaxis(null, 2, 0).reshape(null.shape[2], -1).max(axis=1))
    spread = (shaped(found["low"]), shaped(found["high"]))
    data = {
        **mean_variables("score", CELL, shaped(found["score"]), spread, unit, "on the test prompts of the other cell"),
        "score_constant": variable(CELL, shaped(found["constant"]), unit, "of the fitted cell's best constant"),
        "score_null": variable(CELL, null.mean(axis=2), unit, "mean of probes fitted on shuffled labels"),
        "score_null_high": variable("", ceiling, unit, "95th percentile of the table's largest, shuffled labels"),
        "cosine": variable(CELL, shaped(cosines[0]), "cosine", "of the two probes' weights"),
        "cosine_null_high": variable("", cosines[1], "cosine", "95th percentile of the largest, shuffled labels"),
        "n": variable("", min(len(cells[name].test) for name in names), "prompts", "fewest test prompts of a cell"),
        "n_test": variable("on", [len(cells[name].test) for name in names], "prompts", "number of test prompts"),
        "n_train": variable("fit", [len(cells[name].train) for name in names], "prompts", "number of train prompts"),
    }
    if "r" in found:
        data["r"] = variable(CELL, shaped(found["r"]), "correlation", "of prediction and truth")
    return xr.Dataset(data, dims)
