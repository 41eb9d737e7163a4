"""A synthetic result of clock or pizza: a clock with one small pizza, and its training."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_parts import attributes, interval

P = 7


def clock_pizza() -> xr.Dataset:
    """Return a clock of two circles whose third is a pizza, with four checkpoints."""
    rng = np.random.default_rng(4)
    explained = np.array([[0.98, 0.80, 0.80, -1.0], [0.97, 0.79, 0.79, -1.0], [0.77, 0.97, 0.97, -0.99]])
    steps = np.array([0, 500, 1000, 4000])
    return xr.Dataset(
        {
            **interval("symmetricity", (), 0.4, 0.01, -1),
            "symmetricity_null": (("draw",), np.array([0.998, 0.997])),
            **interval("q", ("variant",), np.array([0.82, 0.79]), 0.02),
            "q_null": (("draw", "variant"), np.full((2, 2), 0.99)),
            "score": (("algorithm",), np.array([0.93, 0.83])),
            "score_null": (("draw", "algorithm"), np.zeros((2, 2))),
            "accuracy": ((), 1.0), "n": ((), 5000),
            "circularity": ((), 0.98), "circularity_null": (("shuffle",), rng.uniform(0.1, 0.2, 20)),
            "circularity_component": (("component",), np.full(4, 0.98)),
            "circularity_frequency": (("component",), np.array([2, 2, 3, 3])),
            **interval("explained", ("circle", "formula"), explained, 0.005, -1),
            "explained_null": (("circle", "formula"), np.full((3, 4), -0.99)),
            "embedding_share": (("circle",), np.array([0.5, 0.3, 0.2])),
            "logit_share": (("circle",), np.array([0.7, 0.25, 0.05])),
            "cosine": (("triple",), rng.uniform(-1, 1, 6)),
            "logit_map": (("sum", "difference"), rng.normal(20, 1, (P, P))),
            "logit_map_null": (("sum", "difference"), rng.normal(0, 0.1, (P, P))),
            **interval("symmetricity_step", ("step",), np.array([0.998, 0.1, 0.3, 0.4]), 0.01, -1),
            "q_step": (("step", "variant"), np.array([[0.99, 0.99], [0.98, 0.98], [0.9, 0.95], [0.82, 0.79]])),
            "score_step": (("step", "algorithm"), np.array([[0, 0], [0.3, 0.35], [0.6, 0.7], [0.93, 0.83]])),
            "accuracy_step": (("step",), np.array([0.02, 0.7, 0.9, 1])),
            "n_step": ((), 2000),
            "label_step": (("step",), np.array(["undecided", "undecided", "undecided", "clock"])),
        },
        coords={
            "variant": ["correct", "margin"], "algorithm": ["clock", "pizza"], "circle": [2, 3, 1], "step": steps,
            "formula": ["clock", "pizza", "finite_pizza", "accompanying"],
        },
        attrs={**attributes("clock_pizza"), "model": "modadd-59", "label": "clock"},
    )  # fmt: skip
