"""How is a model asked where it holds numbers in periods? With prompts that show every number several times."""

from __future__ import annotations

from typing import cast

import xarray as xr

from interp.answers.question import Question
from interp.store.spectra_parameters import Spectra

USUAL = 100
"""The operands of the built-in tasks are 0..99."""


def spectra(question: Question) -> xr.Dataset:
    from interp.fourier.readings import usual_readings
    from interp.fourier.spectra import spectra
    from interp.fourier.spectrum import DECIMAL

    p, toy = cast(Spectra, question.spec.settings), question.model.arith.task is not None
    prompts = question.prompts(p.split, p.n)
    readings = usual_readings(prompts)
    if p.place == "logits":
        readings = [reading for reading in readings if reading.role == prompts.roles[-1]]
    return spectra(
        question.model,
        prompts,
        p.place,
        readings=readings,
        n_numbers=p.n_numbers or (question.model.arith.config["p"] if toy else USUAL),
        target_periods=() if toy else DECIMAL,
        n_null=p.n_null,
        **question.how,
    )
