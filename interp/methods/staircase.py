"""Which digits does each head read when it foretells each answer digit?

    attention[layer, head, column, role] = mean over problems of pattern[query = where c_column is foretold, key = role]

How to read: a staircase of a head is a diagonal: a_k for the digit c_k (its own column), a_{k-1} (the carry), or one
column further. `attention_null` is what a head has that looks at every token alike, and `attention_untrained` (where a
network before training is given) what the architecture has without learning. Attention shows where is read, not what
it is used for: see `head_subtasks`.
Source: Qiu et al. 2024, arXiv:2407.15360, figure 3; Quirke & Barez 2024, arXiv:2310.13121.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from interp.engine import Site
from interp.engine.run import stream
from interp.engine.statistics import Moments
from interp.methods.intervals import t_about
from interp.methods.result import attributes, mean_variables, variable
from interp.tasks.prompts import Prompts
from interp.tasks.written import Form, foretold_at


def staircase(model: Any, form: Form, prompts: Prompts, untrained: Any = None, batch_size: int = 1024) -> xr.Dataset:
    """Return mean attention [layer, head, column, role] in [0, 1] with its interval over problems, and its nulls.

    `prompts` are `interp.tasks.written.prompts`. Raises InterpError as the engine.
    """
    moments = _attention(model, form, prompts, batch_size)
    mean, error = (each[0].cpu().numpy() for each in (moments.mean, moments.standard_error))
    queries, roles = _queries(form, prompts), list(prompts.roles)
    seen = np.tril(np.ones((len(roles), len(roles))))[queries]
    dims = "layer head column role"
    text = "mean attention from the token at which the digit is foretold"
    found = {
        **mean_variables("attention", dims, mean, t_about(mean, error, len(prompts)), "fraction", text),
        "attention_null": variable(
            "column role", seen / seen.sum(1, keepdims=True), "fraction", "attention alike to every visible token"
        ),
        "n": variable("", len(prompts), "problems", "problems"),
    }
    if untrained is not None:
        before = _attention(untrained, form, prompts, batch_size).mean[0].cpu().numpy()
        found["attention_untrained"] = variable(dims, before, "fraction", f"{text}, before any training")
    coords = {
        "layer": range(mean.shape[0]),
        "head": range(mean.shape[1]),
        "column": [f"c{k}" for k in range(form.width)],
        "role": roles,
    }
    title = "Where every head looks when a digit of the answer is foretold."
    return xr.Dataset(found, coords, attributes("staircase", model, prompts, title, order=form.order))


def _queries(form: Form, prompts: Prompts) -> list[int]:
    return [prompts.position(foretold_at(form, k)) for k in range(form.width)]


def _attention(model: Any, form: Form, prompts: Prompts, batch_size: int) -> Moments:
    """Return the moments [1, layer, head, column, role] of attention at the queries."""
    n_layers, heads, queries = model.cfg.n_layers, model.cfg.n_heads, _queries(form, prompts)
    layers = []
    for layer in range(n_layers):
        moments = Moments(1, (heads, form.width, len(prompts.roles)))

        def take(pattern: torch.Tensor, rows: np.ndarray, into: Moments = moments) -> None:
            into.update(pattern[:, :, queries], np.zeros(len(rows), int))

        stream(model, prompts, {Site("pattern", layer): take}, batch_size=batch_size)
        layers.append(moments)
    mean, spread = (torch.stack(each, dim=1) for each in zip(*((m.mean, m.M2) for m in layers), strict=True))
    return Moments.of(layers[0].count, mean, spread)


def diagonal(found: xr.Dataset, lag: int, operand: str = "a") -> xr.DataArray:
    """Return bool [layer, head, column]: is a head's largest attention on `operand`_(column - lag)?

    Columns without such a digit are False.
    """
    columns = range(found.sizes["column"])
    wanted = xr.DataArray([f"{operand}{k - lag}" for k in columns], dims="column", coords={"column": found["column"]})
    return found["role"][found["attention"].argmax("role")] == wanted
