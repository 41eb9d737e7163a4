"""What do our modular-addition models say about each claim of Nanda et al.? Measured model by model, judged on all.

evidence(name)   course of the training, parts of the last checkpoint, ablations, read directions, cosines
RULES[claim]     evidence -> (holds, number, words), as the claim's text says after "here:"
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from interp.fourier.neuron_edits import ablation_table
from interp.fourier.one_layer import OneLayer, one_layer
from interp.fourier.readout import Readout, attention_waves, cosine_readout, direction_table, residual_share


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything about one model; `edits` is indexed by the name of the edit."""

    name: str
    course: xr.Dataset
    one: OneLayer
    edits: pd.DataFrame
    read: pd.DataFrame
    cosines: Readout
    attention: pd.DataFrame
    rest: float

    @property
    def keys(self) -> list[int]:
        """The key frequencies, by W_L at the last checkpoint."""
        return list(self.course.attrs["keys"])

    def loss(self, edit: str, column: str = "all") -> float:
        """Return the mean loss over all pairs under an edit, or another column of its line."""
        return float(self.edits[column].to_dict()[edit])

    def times(self, edit: str) -> float:
        """Return the loss under an edit over the loss of the model."""
        return self.loss(edit) / self.loss("original")


@functools.lru_cache(maxsize=8)
def evidence(name: str) -> Evidence:
    """Return what is known of the model `name` with its checkpoints. Raises InterpError where it has none."""
    from interp.fourier.grokking import grokking
    from interp.fourier.training import training_of
    from interp.models import load

    model = load(name)
    training = training_of(model)
    course, one = grokking(training), one_layer(model, name)
    keys = list(course.attrs["keys"])
    return Evidence(
        name,
        course,
        one,
        ablation_table(one, keys, training.train).set_index("edit"),
        direction_table(one, keys),
        cosine_readout(one.logits, keys),
        attention_waves(one),
        residual_share(one, keys),
    )
