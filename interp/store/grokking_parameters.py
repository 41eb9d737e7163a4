"""What may be asked of the course of a training: which rule finds the keys, how many draws stand behind the nulls?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from interp.store.fields import Parameters


class Grokking(Parameters):
    """How did a model come to add modulo p: restricted and excluded loss, structure, phases?"""

    rule: Literal["W_L", "W_E", "neurons"] = Field(
        "W_L", description="how key frequencies are found at the last checkpoint: by weights, or by neurons"
    )
    fraction: float = Field(0.25, gt=0, lt=1, description="share of the largest norm from which a frequency is a key")
    n_random: int = Field(20, ge=1, description="random sets of as many frequencies behind the null of the losses")
    n_untrained: int = Field(8, ge=1, le=100, description="untrained nets behind the null of neurons and weights")
