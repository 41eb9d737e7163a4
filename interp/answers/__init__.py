"""How is each method asked? A Spec's prompts, its reference prompts and its parameters, as the method wants them.

    METHODS[method](Question(model, spec)) -> xr.Dataset, or (xr.Dataset, {name: tensor}) where a run keeps tensors

The tensors of `cama` and `af1` are the means they used: `Means.from_tensors` reads them back.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from interp.answers import (
    circuits,
    clock_pizza,
    components,
    digits,
    everyday,
    grokking,
    measured,
    number_codes,
    operands,
    probes,
    products,
    spectra,
    trying,
    windows,
)
from interp.answers.question import Question, shortfall
from interp.store import Spec

__all__ = ["METHODS", "NEED_SPLITS", "NEED_SPLITS_FOR_MEANS", "Question", "needs_splits", "shortfall"]

Answer = xr.Dataset | tuple[xr.Dataset, dict[str, np.ndarray]]

METHODS: dict[str, Callable[[Question], Answer]] = {
    "try": trying.one_prompt,
    "accuracy": measured.accuracy,
    "patching": measured.patching,
    "head_patching": measured.patching,
    "ablation": measured.ablation,
    "cama": windows.cama,
    "abp": windows.abp,
    "peeking": windows.peeking,
    "af1": windows.af1,
    "window": windows.window,
    "alternatives": windows.alternatives,
    "heads": windows.heads,
    "lens": measured.lens,
    "probing": measured.probing,
    "probe_controls": probes.probe_controls,
    "probe_learning": probes.probe_learning,
    "probe_transfer": probes.probe_transfer,
    "probe_directions": probes.probe_directions,
    "probe_causal": probes.probe_causal,
    "attention": measured.attention,
    "spectrum": measured.spectrum,
    "spectra": spectra.spectra,
    "operands": operands.operands,
    "dla": everyday.dla,
    "long_answers": everyday.long_answers,
    "mediation": components.mediation,
    "components": components.components,
    "neurons": components.neurons,
    "attribution": circuits.attribution,
    "circuits": circuits.circuits,
    "interchange": circuits.interchange,
    "key_heads": circuits.key_heads,
    "steering": circuits.steering,
    "helix": number_codes.helix,
    "digit_probes": digits.digit_probes,
    "digit_rotation": digits.digit_rotation,
    "digit_codes": digits.digit_codes,
    "convergence": digits.convergence,
    "filters": number_codes.filters,
    "planes": number_codes.planes,
    "clock_pizza": clock_pizza.clock_pizza,
    "grokking": grokking.grokking,
    "product_accuracy": products.product_accuracy,
    "digit_attribution": products.digit_attribution,
    "running_sums": products.running_sums,
    "attention_tree": products.attention_tree,
    "digit_geometry": products.digit_geometry,
    "product_digits": products.product_digits,
    "learning_order": products.learning_order,
}

NEED_SPLITS = (
    "ablation",
    "cama",
    "abp",
    "af1",
    "window",
    "alternatives",
    "heads",
    "probing",
    "probe_controls",
    "probe_learning",
    "probe_transfer",
    "probe_directions",
    "probe_causal",
    "components",
    "neurons",
    "circuits",
    "interchange",
    "key_heads",
    "steering",
    "helix",
    "planes",
    "digit_rotation",
    "running_sums",
)
"""Methods that need reference prompts of another split than those they measure."""
NEED_SPLITS_FOR_MEANS = ("patching", "head_patching")
"""Methods that do so where a mean is asked for."""


def needs_splits(spec: Spec) -> bool:
    """Return whether a question needs prompts of another split than those it measures."""
    asks_mean = spec.method in NEED_SPLITS_FOR_MEANS and spec.parameters["source"] == "mean"
    return asks_mean or spec.method in NEED_SPLITS
