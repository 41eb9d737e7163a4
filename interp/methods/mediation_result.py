"""The labelled result of mediation: effects by layer and role beside their nulls, and the relative importance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from interp.methods import relative_importance as ri
from interp.methods.intervals import Interval, percentile, resampled_means
from interp.methods.result import attributes, variable

if TYPE_CHECKING:
    from interp.methods.mediation import Effects
    from interp.tasks.twins import Twins

AGGREGATES = ("mean", "median")
N_MEDIANS = 200
"""Bootstrap resamples of medians, which are sorted each time."""
CELL = "change component layer role"
SHARE = "change component aggregate floor"


def dataset(
    model: Any,
    pairs: Mapping[str, Twins],
    found: Mapping[str, Effects],
    roles: list[str],
    components: Sequence[str],
    seed: int,
) -> xr.Dataset:
    """Return the Dataset of `found` {change: effects [pair, source, component, layer, role]}."""
    first = next(iter(pairs.values())).clean
    classes = ri.token_classes(first.roles, [role for role in first.roles if role in first.variables])
    here = [classes[first.position(role)] for role in roles]
    shares = {change: _shares(each, here, seed) for change, each in found.items()}
    n_layers = next(iter(found.values())).relative.shape[3]
    cells = n_layers * len(set(here))
    late = ri.late_layers(n_layers)
    texts = {
        side: [t for twins in pairs.values() for t in getattr(twins, side).texts] for side in ("clean", "corrupted")
    }
    title = "Indirect effect of attention and MLP outputs, operands changed beside result kept."
    return xr.Dataset(
        {
            **_cell_variables(found, seed),
            **_share_variables(shares),
            "chance": variable("", len(late) / cells, "fraction", "share of the headline cells among all cells"),
            "rank_agreement": variable(
                "change component", _stacked(found, _rank_agreement), "Spearman", "ranks of cells by mean and by median"
            ),
            "accuracy": variable("change", [f.accuracy for f in found.values()], "fraction", "base prompts answered"),
            "n_pairs": variable("change", [len(f.relative) for f in found.values()], "pairs", "pairs of each change"),
            "n": variable("", min(len(f.relative) for f in found.values()), "pairs", "fewest pairs of a change"),
        },
        coords={
            "change": list(found),
            "component": list(components),
            "layer": np.arange(n_layers),
            "role": roles,
            "aggregate": list(AGGREGATES),
            "floor": list(ri.FLOORS),
            "token_class": ("role", here),
            "prompt": texts["clean"],
            "source": ("prompt", texts["corrupted"]),
            "changed": ("prompt", [change for change, twins in pairs.items() for _ in range(len(twins))]),
        },
        attrs=attributes(
            "mediation", model, first, title, null="the source of an unrelated pair", late=" ".join(map(str, late)),
            dropped=sum(twins.dropped for twins in pairs.values()), seed=seed,
        ),
    )  # fmt: skip


def _stacked(found: Mapping[str, Effects], of: Any) -> np.ndarray:
    return np.stack([of(each) for each in found.values()])


def _cell_variables(found: Mapping[str, Effects], seed: int) -> dict[str, xr.Variable]:
    what = "symmetrised relative change of P(r) and P(r')"
    data = {}
    for suffix, source, whose in (("", 0, ""), ("_null", 1, ", source of an unrelated pair")):
        mean = _stacked(found, lambda f, s=source: f.relative[:, s].mean(axis=0))
        data[f"effect{suffix}"] = variable(CELL, mean, "fraction", f"mean over pairs of the {what}{whose}")
        median = _stacked(found, lambda f, s=source: np.median(f.relative[:, s], axis=0))
        data[f"effect_median{suffix}"] = variable(CELL, median, "fraction", f"median over pairs{whose}")
        nats = _stacked(found, lambda f, s=source: f.log[:, s].mean(axis=0))
        data[f"effect_log{suffix}"] = variable(CELL, nats, "nats", f"mean change of log-probability{whose}")
        ends = _stacked(found, lambda f, s=source: np.stack(percentile(resampled_means(f.relative[:, s], seed=seed))))
        for end, values in zip(("low", "high"), ends.swapaxes(0, 1), strict=True):
            data[f"effect{suffix}_{end}"] = variable(CELL, values, "fraction", f"{end} end of the 95 % interval")
    data["largest_pair"] = variable(
        CELL, _stacked(found, _largest_pair), "fraction", "share of the sum of |effect| that one pair gives"
    )
    every = "prompt component layer role"
    for name, kind, units in (("effects", "relative", "fraction"), ("log_effects", "log", "nats")):
        values = np.concatenate([getattr(f, kind)[:, 0] for f in found.values()])
        data[name] = variable(every, values, units, f"{kind} effect of each pair")
    return data


def _largest_pair(found: Effects) -> np.ndarray:
    size = np.abs(found.relative[:, 0])
    total = size.sum(axis=0)
    return np.divide(size.max(axis=0), total, out=np.zeros_like(total), where=total > 0)


def _rank_agreement(found: Effects) -> np.ndarray:
    """Return Spearman's correlation of the cells by mean and by median [component]; nan where one is constant."""
    own = found.relative[:, 0]
    agreed = []
    for i in range(own.shape[1]):
        ranks = [rankdata(cells(own[:, i], axis=0).ravel()) for cells in (np.mean, np.median)]
        varied = all(rank.std() > 0 for rank in ranks)
        agreed.append(np.corrcoef(*ranks)[0, 1] if varied else np.nan)
    return np.array(agreed)


Share = tuple[np.ndarray, Interval]


def _shares(found: Effects, classes: list[str], seed: int) -> dict[str, Share]:
    """Return {name: share and interval} of one change: [component, aggregate, floor], for nats [component]."""
    shares: dict[str, Share] = {}
    for suffix, source in (("", 0), ("_null", 1)):
        drawn = {"mean": resampled_means(found.relative[:, source], seed=seed)}
        drawn["median"] = _medians(found.relative[:, source], seed)
        cells = {"mean": found.relative[:, source].mean(axis=0), "median": np.median(found.relative[:, source], axis=0)}
        value = np.stack([_share(cells[name], classes) for name in AGGREGATES], axis=1)
        ends = [np.stack(percentile(_share(drawn[name], classes)), axis=0) for name in AGGREGATES]
        shares[f"relative_importance{suffix}"] = value, Interval(*np.stack(ends, axis=2))
        logs = found.log[:, source]
        log_drawn = _log_share(resampled_means(logs, seed=seed), classes)
        shares[f"relative_importance_log{suffix}"] = _log_share(logs.mean(axis=0), classes), percentile(log_drawn)
    return shares


def _medians(values: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(values), size=(N_MEDIANS, len(values)))
    return np.stack([np.median(values[row], axis=0) for row in rows])


def _share(cells: np.ndarray, classes: list[str]) -> np.ndarray:
    """Return RI [..., component, floor] of cells [..., component, layer, role]."""
    grid, names = ri.by_class(cells, classes)
    late = ri.late_layers(grid.shape[-2])
    column = names.index("last") if "last" in names else -1
    return np.stack([ri.share(ri.weights(grid, floor), late, column) for floor in ri.FLOORS], axis=-1)


def _log_share(cells: np.ndarray, classes: list[str]) -> np.ndarray:
    """Return the share [..., component] of effects in nats, those below 0 counted as none."""
    grid, names = ri.by_class(cells, classes)
    column = names.index("last") if "last" in names else -1
    return ri.share(np.maximum(grid, 0.0), ri.late_layers(grid.shape[-2]), column)


def _share_variables(shares: Mapping[str, dict[str, Share]]) -> dict[str, xr.Variable]:
    data = {}
    for name in next(iter(shares.values())):
        dims = "change component" if "_log" in name else SHARE
        what = "share of the effect in the late layers of the last token" + (", null" if name.endswith("_null") else "")
        each = [shares[change][name] for change in shares]
        for end, values in (
            ("", [value for value, _ in each]),
            ("_low", [interval.low for _, interval in each]),
            ("_high", [interval.high for _, interval in each]),
        ):
            data[name + end] = variable(dims, np.stack(values), "fraction", what)
    return data
