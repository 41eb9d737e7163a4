"""Where can the running sum of each column be read off a multiplying model, and with what error?

    running_k = sum_{i + j = k} a_i b_j + carry_{k-1}
    said_k = x W_k + median of (running_k - x W_k) over the train pairs      W_k by ridge (ridge.py) on activations x
    mae[k, site, role] = mean |running_k - said_k|                           the model's own, held-out pairs

for every site of the stream and every token. Two of them are read by name: `foretold`, where c_k is the next token, and
`input`, where c_k itself has been read (published probes stand there, where running_k mod 10 is the token).

The offset is fitted to the error that is scored: ridge alone falls back to the mean, which errs up to 6 % more than the
median does where nothing can be read (c0's sums are skewed).

Beside each error
    mae_constant_null    the best constant (median of the train sums): no honest probe does worse than this plus noise
    mae_digits_null      the same ridge on the digits told so far, one-hot, without any model
    mae_untrained_null   the same probes on the network before training
    ratio_null_low, _high    mae / mae_constant that an empty map (shuffled sums) stays above, below, in 95 % of studies

How to read: a model that computes running_k is below all of them at the `foretold` token. Published errors of the
plainly trained model (28 to 113) lie above the constant's (17 to 33): its probe was tested on the activations of
another model.
Source: Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods.grid import within
from interp.methods.intervals import t_interval
from interp.methods.nulls import max_threshold
from interp.methods.probe_labels import apart, grouped_folds
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.ridge import PENALTIES, choose_penalty, standardise
from interp.progress import Progress, silent
from interp.tasks.products import foretold_at

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

N_FOLDS = 5


class Plan(NamedTuple):
    """What all probes share: folds [train], labels [train, (1 + shuffles) * column], the truth [test, column]."""

    fold: np.ndarray
    labels: Tensor
    truth: np.ndarray


def running_sums(
    model: Any,
    train: Prompts,
    test: Prompts,
    n: int,
    *,
    untrained: Any = None,
    n_shuffles: int = 19,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return held-out errors of running-sum probes, [column, site, role], beside their nulls.

    `train` and `test` are `product_prompts`; train pairs that are also test pairs are left out. `mae` with intervals,
    `said` [problem, column, site, role], `truth` [problem, column], `mae_foretold`, `mae_input` [column, site], `worst`
    (the map's largest ratio to the best constant) and the nulls of the module.
    Raises InterpError for fewer than 19 shuffles, or no pair to learn from.
    """
    max_threshold(np.zeros(n_shuffles))
    train, plan = _plan(train, test, n, n_shuffles, seed)
    sites = stream_sites(model)
    seen, held = (_read(model, p, sites, batch_size, progress) for p in (train, test))
    blank = None if untrained is None else [_read(untrained, p, sites, batch_size, progress) for p in (train, test)]
    shape = (2 * n, len(sites), len(test.roles))
    said, null = np.empty((len(test), *shape), np.float32), np.empty((n_shuffles, *shape))
    digits, before = np.empty((2 * n, shape[2])), np.full(shape, np.nan)
    bare = plan._replace(labels=plan.labels[:, : 2 * n])
    for r, role in enumerate(test.roles):
        inner = within(progress, r, len(test.roles), f"running sums at {role}")
        digits[:, r] = _missed(plan, _said(_one_hot(train, r), _one_hot(test, r), bare))[0]
        for s, site in enumerate(sites):
            inner(r, len(test.roles), "")
            found = _said(seen[site][:, r], held[site][:, r], plan)
            said[:, :, s, r], null[:, :, s, r] = found[:, 0], _missed(plan, found)[1:]
            if blank is not None:
                before[:, s, r] = _missed(plan, _said(blank[0][site][:, r], blank[1][site][:, r], bare))[0]
    progress(1, 1, "running sums")
    constant = np.abs(plan.truth - np.median(plan.labels[:, : 2 * n].numpy(), axis=0)).mean(0)
    coords = {
        "column": [f"c{k}" for k in range(2 * n)], "site": [f"{each.name} {each.layer}" for each in sites],
        "role": list(test.roles),
    }  # fmt: skip
    title = "Held-out error of linear probes for the running sum of each column, on the model's own activations."
    about = attributes("running_sums", model, test, title, n_digits=n, n_shuffles=n_shuffles, seed=seed)
    found = _variables(plan.truth, said, null, digits, before, constant) | {
        "n_train": variable("", len(train), "problems", "problems the probes learned from")
    }
    return _at_columns(xr.Dataset(found, coords, about), n)


def stream_sites(model: Any) -> list[Site]:
    """Return the sites of the residual stream in order; `resid_mid` only where attention comes before the MLP."""
    found = [Site("resid_pre", 0)]
    for layer in range(model.cfg.n_layers):
        for site in (Site("resid_mid", layer), Site("resid_post", layer)):
            try:
                site.hook_name(model)
            except InterpError:
                continue  # attention and MLP in parallel have no stream between them
            found.append(site)
    return found


def _plan(train: Prompts, test: Prompts, n: int, n_shuffles: int, seed: int) -> tuple[Prompts, Plan]:
    train, groups = apart(train, test)
    names = [f"running{k}" for k in range(2 * n)]
    labels = np.stack([train.variables[name] for name in names], axis=1).astype(float)
    rng = np.random.default_rng(seed)
    copies = [labels, *(labels[rng.permutation(len(labels))] for _ in range(n_shuffles))]
    truth = np.stack([test.variables[name] for name in names], axis=1).astype(float)
    fold = grouped_folds(groups, N_FOLDS, seed)
    return train, Plan(fold, torch.from_numpy(np.concatenate(copies, axis=1)), truth)


def _read(model: Any, prompts: Prompts, sites: Sequence[Site], batch_size: int, progress: Progress) -> dict:
    found = run(model, prompts, reads=sites, batch_size=batch_size, progress=progress)
    return {site: found[site].float().cpu() for site in sites}


def _one_hot(prompts: Prompts, position: int) -> Tensor:
    """Return the digits told up to a position, one-hot: float32 [problem, 10 (position + 1)]."""
    told = prompts.tokens[:, : position + 1, None] == np.arange(10)
    return torch.from_numpy(told.reshape(len(prompts), -1).astype(np.float32))


def _said(x: Tensor, held: Tensor, plan: Plan) -> np.ndarray:
    """Return what the probes of one place say of held-out pairs: [test, 1 + shuffles, column]."""
    x, held = standardise(x, held)
    path, alpha = choose_penalty(x, plan.labels, plan.fold, sorted(PENALTIES, reverse=True))
    offset = (plan.labels - path.predict(x, alpha)).quantile(0.5, dim=0)
    return (path.predict(held, alpha) + offset).numpy().reshape(len(held), -1, plan.truth.shape[1])


def _missed(plan: Plan, said: np.ndarray) -> np.ndarray:
    """Return the mean |truth - said| [1 + shuffles, column]."""
    return np.abs(plan.truth[:, None] - said).mean(0)


def _variables(
    truth: np.ndarray,
    said: np.ndarray,
    null: np.ndarray,
    digits: np.ndarray,
    before: np.ndarray,
    constant: np.ndarray,
) -> dict[str, xr.Variable]:
    error, dims, units = np.abs(truth[:, :, None, None] - said), "column site role", "units of the sum"
    mean = error.mean(0, dtype=float)
    ratio, empty = mean / constant[:, None, None], (null / constant[:, None, None]).reshape(len(null), -1)
    lowest, highest = -max_threshold(-empty.min(1)), max_threshold(empty.max(1))
    return {
        **mean_variables("mae", dims, mean, t_interval(error), units, "mean error on held-out pairs"),
        "said": variable(f"problem {dims}", said, units, "what the probe says, by problem"),
        "truth": variable("problem column", truth, units, "the running sum"),
        "ratio": variable(dims, ratio, "fraction", "error over that of the best constant"),
        "worst": variable("", ratio.max(), "fraction", "the map's largest ratio: 1 and noise for an honest probe"),
        "ratio_null_low": variable("", lowest, "fraction", "5 % of studies with shuffled sums: the map's least ratio"),
        "ratio_null_high": variable("", highest, "fraction", "95 % of them: the map's largest ratio"),
        "mae_shuffled_null": variable(dims, null.mean(0), units, "mean error of probes of shuffled sums"),
        "mae_constant_null": variable("column", constant, units, "error of the best constant, the train median"),
        "mae_digits_null": variable("column role", digits, units, "the same ridge on the digits told so far"),
        "mae_untrained_null": variable(dims, before, units, "the same probes on the network before training"),
        "n": variable("", len(error), "problems", "held-out problems"),
    }


def _at_columns(found: xr.Dataset, n: int) -> xr.Dataset:
    """Add the errors read where each column is foretold and where its digit is the input."""
    places = {"foretold": [foretold_at(k) for k in range(2 * n)], "input": [f"c{k}" for k in range(2 * n)]}
    columns = found.column.values.tolist()
    for name, roles in places.items():
        for part in ("", "_low", "_high", "_untrained_null"):
            here = np.stack([found[f"mae{part}"].sel(column=c, role=r) for c, r in zip(columns, roles, strict=True)])
            what = f"mae{part} where the digit is {'the next token' if name == 'foretold' else 'read'}"
            found[f"mae_{name}{part}"] = variable("column site", here, "units of the sum", what)
        digits = [float(found["mae_digits_null"].sel(column=c, role=r)) for c, r in zip(columns, roles, strict=True)]
        found[f"mae_{name}_digits_null"] = variable("column", digits, "units of the sum", "the same ridge on digits")
    return found
