"""Which questions is a study made of? Accuracy on every task and style, then each method on a few cells.

    parts(study) = accuracy x tasks x styles  +  methods x cells (plain style)

Each part is a Spec of its own: it is recorded, found again and reused as if it had been asked alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from interp.errors import InterpError
from interp.store.parameters import Study
from interp.store.product_parameters import OF_PRODUCTS
from interp.store.specs import Spec

WEIGHTS_ONLY = ("spectrum", "grokking", *OF_PRODUCTS)
"""Methods that take no task by name: they read the weights, or ask the questions of the model's own recipe."""


def parts(study: Spec, tasks: Sequence[str], styles: Sequence[str]) -> list[Spec]:
    """Return the Specs of `study`, in the order they should run.

    `tasks` and `styles` fill in what the study leaves open (null). Model, seed, device and dtype are the study's.
    """
    if study.method != "study":
        raise InterpError(f"only a study has parts, not {study.method!r}; run it as it is")
    wanted = cast(Study, study.settings)
    accuracy = [
        study.but(method="accuracy", task=task, style=style, parameters={"n": wanted.n_accuracy})
        for task in wanted.tasks or tasks
        for style in wanted.styles or styles
    ]
    causal = [
        study.but(method=method, task=cell, style="plain")
        for cell in wanted.cells
        for method in wanted.methods
        if method not in WEIGHTS_ONLY
    ]
    weights = [study.but(method=m, task=None, style="plain") for m in wanted.methods if m in WEIGHTS_ONLY]
    return accuracy + causal + weights
