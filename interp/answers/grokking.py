"""How is the course of a training asked? Of its checkpoints, its split and its recipe, in the model's own directory."""

from __future__ import annotations

from typing import cast

import xarray as xr

from interp.answers.question import Question
from interp.store.grokking_parameters import Grokking


def grokking(question: Question) -> xr.Dataset:
    from interp.fourier.grokking import grokking
    from interp.fourier.training import training_of

    p, seed = cast(Grokking, question.spec.settings), question.spec.seed
    return grokking(training_of(question.model), **p.model_dump(), seed=seed, progress=question.progress)
