"""Is what a probe reads more than chance, than the architecture, than the input and than the text?

    score[t, l, r]      of ridge probes of any kind of label (probe_kinds.py) on test prompts
    constant            the best constant of the training rows
    shuffled labels     the same fits, mean; `score_null_high`: the corrected 95th percentile of the map's maximum
    untrained           the same probe on the same architecture with fresh weights
    embedding           the same probe on the input of block 0 at the same role
    tokens, last digit  the same probe on the text alone (probe_surface.py)
    control task        labels dealt to tokens at random: a memory;    selectivity = score - control task's
    margin              score - the largest of these but the control task's, whose labels are others

Penalties are chosen on the selection split, and so is the place at which a target is reported (`score_selection`);
prompts that share their operands with the test split are left out. `score_by`: the score among prompts of each carry
class, so that an average cannot hide that only the easy ones are read. Its reference (mean, median) is the class's own.
`confusion`: of a label whose values are among 0 .. 9, how often each is said for each (probe_confusion.py).

Reading: a positive margin whose interval excludes 0 says that the network adds something linear to what it is given at
that place. It does not say that anything downstream uses it (probe_causal).

Sources: Hewitt & Liang (2019) arXiv 1909.03368 (control tasks, selectivity); Nichols & Holmes (2002) (max statistic).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.errors import InterpError, nearest
from interp.methods.grid import layer_list, role_list, within
from interp.methods.nulls import max_threshold
from interp.methods.probe_kinds import UNITS, label
from interp.methods.probe_labels import apart, check_splits
from interp.methods.probe_result import Found, dataset, first_columns, true_columns
from interp.methods.probe_study import Labels, Sets, codes_of, fitted, judged, told
from interp.methods.probe_surface import surface_values
from interp.methods.result import attributes
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


@dataclass(frozen=True)
class Asked:
    """What is probed: the kind of label, its period where it is circular, how many units may be read (None: all), and
    the variable whose values are the classes of `score_by` (None: the number of carries where there is one)."""

    kind: str = "classification"
    period: float = 10.0
    n_units: int | None = None
    by: str | None = None


def probe_controls(
    model: Any,
    sets: Sets,
    asked: Asked | None = None,
    *,
    blank: Any = None,
    targets: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    n_shuffles: int = 19,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return held-out scores of probes at each place beside every control; `blank` is the model before training.

    `score` and `score_<control>` [target, layer, role] (in the unit of the kind, 1 = exact), `margin`, `selectivity`,
    `score_by` [target, layer, role, class], `value` [prompt, target, layer, role], `confusion` [counted, layer, role,
    level, said], `right` [counted, layer, role, level]. `targets` defaults to all variables that vary. Raises
    InterpError on an unknown target, role, layer or kind, too few shuffles, or sets that share all their operands.
    """
    asked = asked or Asked()
    max_threshold(np.zeros(n_shuffles))  # too few shuffles is an error before the work, not after it
    check_splits(sets.train, sets.test)
    sets, n_before = separated(sets), len(sets.train)
    names, constant = varying(sets, targets)
    roles = role_list(sets.train, roles)
    layers = list(dict.fromkeys([0, *layer_list(model, layers)]))  # the embeddings are a control
    codes = codes_of(sets.train, names, asked.kind, asked.period)
    cells = [(layer, role) for layer in layers for role in roles]
    labels = told(sets, names, n_shuffles, seed)
    own = [Labels(each.truth[:, :1]) for each in labels]
    how: dict[str, Any] = {"batch_size": batch_size}
    steps = iter(
        within(progress, i, 4, what) for i, what in enumerate(("fitting probes", "judging", "untrained model"))
    )
    solved = fitted(model, sets, codes, labels, cells, n_units=asked.n_units, progress=next(steps), **how)
    inner = next(steps)
    test = judged(model, sets.test, codes, labels[2], solved, n_shuffles=n_shuffles, progress=inner, **how)
    true = {cell: true_columns(codes, each, labels[0].truth.shape[1]) for cell, each in solved.items()}
    chosen = judged(model, sets.validation, codes, own[1], true, n_shuffles=0, progress=inner, **how).values[:, 0]
    empty, inner = None, next(steps)
    if blank is not None:
        drawn = fitted(blank, sets, codes, own, cells, n_units=asked.n_units, progress=inner, **how)
        empty = judged(blank, sets.test, codes, own[2], drawn, n_shuffles=0, progress=inner, **how).values[:, 0]
    progress(3, 4, "probing the text alone")
    found = Found(
        codes, labels, test, chosen, surface_values(sets, codes, labels, roles), empty,
        np.stack([true[cell].alpha.cpu().numpy()[first_columns(codes, 1)] for cell in cells], axis=1),
        {"target": names, "layer": layers, "role": roles},
    )  # fmt: skip
    progress(4, 4, "probed")
    ds = dataset(found, sets, UNITS[asked.kind], carry_variable(sets.test, asked.by), seed)
    settings: dict[str, Any] = {"kind": asked.kind, "n_shuffles": n_shuffles, "seed": seed}
    settings |= {"period": asked.period} if asked.kind == "circular" else {}
    left_out = {"n_left_out": n_before - len(sets.train), "constant_targets": ", ".join(constant)}
    title = f"Held-out {UNITS[asked.kind]} of probes for each variable, beside every control."
    told_ = attributes("probe_controls", model, sets.test, title, n_units=asked.n_units or 0, **settings, **left_out)
    return ds.assign_attrs(told_)


def separated(sets: Sets) -> Sets:
    """Return the sets without train and validation prompts whose operands are in the test set, nor train prompts whose
    operands are in the validation set. Raises InterpError when nothing is left."""
    train, validation = apart(sets.train, sets.test)[0], apart(sets.validation, sets.test)[0]
    return replace(sets, train=apart(train, validation)[0], validation=validation)


def varying(sets: Sets, targets: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the targets that vary in the three sets, and those that do not. Raises InterpError when none does."""
    names = list(sets.train.variables if targets is None else targets)
    constant = [
        name for name in names if min(np.ptp(label(p, name)) for p in (sets.train, sets.validation, sets.test)) == 0
    ]
    kept = [name for name in names if name not in constant]
    if not kept:
        raise InterpError(f"Nothing to probe: none of {', '.join(names) or 'no targets'} varies in all three sets.")
    return kept, constant


def carry_variable(prompts: Prompts, asked: str | None) -> str | None:
    """Return the variable whose values are the classes of errors: the one asked for, else the number of carries or
    borrows of the result, None where the task has none. Raises InterpError on an unknown one."""
    if asked is not None and asked not in prompts.variables:
        raise InterpError(
            f"There is no variable {asked!r} to tell errors apart by. {nearest(asked, prompts.variables)}"
        )
    known = [name for name in prompts.variables if re.fullmatch(r"result_(carries|borrows)", name)]
    return asked or next(iter(known), None)
