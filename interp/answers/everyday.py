"""How are the everyday methods asked: direct logit attribution, and answers of several tokens?"""

from __future__ import annotations

from typing import Any, cast

import xarray as xr

from interp.answers.question import Question
from interp.store.everyday_parameters import Dla


def dla(question: Question) -> xr.Dataset:
    from interp.methods.contrasts import against_numbers, against_twin
    from interp.methods.direct_logits import direct_logits

    p = cast(Dla, question.spec.settings)
    if p.against == "twin":
        twins = question.pairs(cast(Any, p))
        prompts, contrast = twins.clean, against_twin(twins)
    else:
        prompts = question.prompts(p.split, p.n)
        contrast = against_numbers(question.model, prompts)
    sizes: dict[str, Any] = {"neuron_layers": p.neuron_layers, "n_neurons": p.n_neurons}
    return direct_logits(question.model, prompts, contrast, **sizes, **question.how)
