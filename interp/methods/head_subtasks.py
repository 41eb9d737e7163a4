"""Which subtask is lost without a head?

    rise[kind, layer, head, subtask] = mean over the cells of the subtask of (nats without the head - nats)

Without a head: what it writes (z) at every token from "#" on, where digits are foretold, is zero (`zero`) or its mean
over reference problems at that token (`mean`). Cells are those of `interp.tasks.written.cells`.

How to read: a head that owns a subtask raises the loss there and leaves the others. The null `rise_null` takes away as
many directions of the same layer, but a random share of each head instead of one head: a head that hurts no more than
those is nothing special. Intervals are bootstrapped over problems (cells of one problem are not independent);
they are nan where cells are so few that a draw may miss them.
Source: Qiu et al. 2024, arXiv:2407.15360, section 4 (ablation of single heads).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from interp.engine import Basis, Intervention, Site, Zero, run
from interp.engine.sources import Constant
from interp.errors import InterpError
from interp.methods.intervals import percentile, resampled_means
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.written_answers import foretold
from interp.progress import Progress, silent
from interp.tasks.prompts import Prompts
from interp.tasks.written import Form

KINDS = ("zero", "mean")


def head_subtasks(
    model: Any,
    form: Form,
    prompts: Prompts,
    reference: Prompts,
    masks: dict[str, np.ndarray],
    *,
    n_random: int = 5,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Return the rise in loss of every subtask without every head, its interval and its null, in nats.

    `prompts` and `reference` are `interp.tasks.written.prompts` of two splits, `masks` bool [problem, column] by name.
    Raises InterpError where no mask has a cell, and as the engine.
    """
    masks = {name: mask for name, mask in masks.items() if mask.any()}
    if not masks:
        raise InterpError("These questions have no cells of any subtask: ask a product with one digit, or a sum.")
    clean, shape = foretold(model, form, prompts), (model.cfg.n_layers, model.cfg.n_heads)
    rise, wrong = (np.zeros((len(KINDS), *shape, *clean.nats.shape), np.float32) for _ in range(2))
    null = np.zeros((len(KINDS), shape[0], n_random, len(masks)))
    total, done = len(KINDS) * shape[0] * (shape[1] + n_random), 0
    for layer in range(shape[0]):
        means = _means(model, form, reference, layer)
        for k, kind in enumerate(KINDS):
            for head in range(shape[1] + n_random):
                parts = [(head, None)] if head < shape[1] else _parts(model, (seed, layer, head))
                edits = [_without(form, prompts, layer, h, means if kind == "mean" else None, u) for h, u in parts]
                found = foretold(model, form, prompts, edits)
                if head < shape[1]:
                    rise[k, layer, head], wrong[k, layer, head] = found.nats - clean.nats, ~found.right
                else:
                    cells = [(found.nats - clean.nats)[mask].mean() for mask in masks.values()]
                    null[k, layer, head - shape[1]] = cells
                done += 1
                progress(done, total, "heads")
    return _dataset(model, form, prompts, masks, {"rise": rise, "wrong": wrong, "clean": ~clean.right}, null)


def _parts(model: Any, seed: tuple[int, ...]) -> list[tuple[int, Basis | None]]:
    """Return random directions of every head, together as many as one head has."""
    rng, heads, width = np.random.default_rng(seed), model.cfg.n_heads, model.cfg.d_head
    ranks = [(width + i) // heads for i in range(heads)]  # they differ by one at most and sum to d_head
    return [(h, Basis(rng.normal(size=(width, rank)))) for h, rank in enumerate(ranks) if rank]


def _without(
    form: Form, prompts: Prompts, layer: int, head: int, means: torch.Tensor | None, basis: Basis | None
) -> Intervention:
    source = Zero() if means is None else Constant(means[:, head])
    return Intervention(Site("z", layer, head), prompts.roles[form.start :], source, basis)


def _means(model: Any, form: Form, reference: Prompts, layer: int) -> torch.Tensor:
    """Return the mean of z [role from "#" on, head, d_head] over the reference."""
    site = Site("z", layer)
    return run(model, reference, reads=[site])[site][:, form.start :].double().mean(0).float()


def _by_cell(values: np.ndarray, masks: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, low and high [..., subtask] of values [..., problem, column] over the cells of each."""
    found = []
    flat = values.reshape(-1, *values.shape[-2:]).astype(float)
    for mask in masks.values():
        sums = np.concatenate([(flat * mask).sum(-1), mask.sum(-1)[None]]).T  # [problem, edit and, last, the count]
        resampled = resampled_means(sums)
        counts = np.where(resampled[:, -1:] > 0, resampled[:, -1:], np.nan)  # a draw without the cell says nothing
        low, high = percentile(resampled[:, :-1] / counts)
        found.append(np.stack([sums[:, :-1].sum(0) / sums[:, -1].sum(), low, high]))
    whole = np.stack(found, axis=-1).reshape(3, *values.shape[:-2], len(masks))
    return whole[0], whole[1], whole[2]


def _dataset(
    model: Any,
    form: Form,
    prompts: Prompts,
    masks: dict[str, np.ndarray],
    measured: dict[str, np.ndarray],
    null: np.ndarray,
) -> xr.Dataset:
    dims = "kind layer head subtask"
    (rise, *rise_ends), (wrong, *wrong_ends), (clean, *clean_ends) = (
        _by_cell(measured[name], masks) for name in ("rise", "wrong", "clean")
    )
    found = {
        **mean_variables("rise", dims, rise, rise_ends, "nats", "rise in loss over the cells, without the head"),
        **mean_variables("wrong", dims, wrong, wrong_ends, "fraction", "digits of the cells wrong without the head"),
        **mean_variables("wrong_clean", "subtask", clean, clean_ends, "fraction", "digits of the cells that are wrong"),
        "rise_null": variable(
            "kind layer draw subtask", null, "nats", "rise without as many random directions of all heads"
        ),
        "rise_by_digit": variable("kind layer head problem column", measured["rise"], "nats", "rise of every digit"),
        "cells": variable("subtask", [mask.sum() for mask in masks.values()], "cells", "digits of the subtask"),
        "n": variable("", len(prompts), "problems", "problems"),
    }
    coords = {
        "kind": list(KINDS),
        "layer": range(rise.shape[1]),
        "head": range(rise.shape[2]),
        "subtask": list(masks),
        "column": [f"c{k}" for k in range(form.width)],
    }
    title = "What the loss of every subtask rises by without every head, beside random directions."
    return xr.Dataset(found, coords, attributes("head_subtasks", model, prompts, title, order=form.order))
