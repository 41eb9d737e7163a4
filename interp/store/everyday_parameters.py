"""What may be asked of the everyday methods: direct logit attribution, and answers of several tokens?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from interp.store.fields import Name, Sampled, distinct


class Dla(Sampled):
    """What does each component write, by itself, towards the answer?"""

    n: int = Field(200, ge=4, description="prompts, each with its twin; every other one chooses the neurons")
    against: Literal["twin", "numbers"] = Field(
        "twin", description="what the answer is compared with: the twin's answer, or the mean of the other numbers"
    )
    recipe: Literal["swap_operand", "swap_operator", "flip_carry"] = Field(
        "swap_operand", description="how the twin differs from the prompt; its answer differs too"
    )
    place: Name | None = Field(
        None, description="the operand (or operator role) that changes; null takes the last operand (op1)"
    )
    neuron_layers: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...] | None,
        AfterValidator(distinct),
        Field(description="layers whose neurons are looked at; null takes all"),
    ] = None
    n_neurons: int = Field(10, ge=1, le=1000, description="neurons of each of these layers, the largest first")


class LongAnswers(Sampled):
    """How often is the model right when its answer is several tokens: told the right beginning, and by itself?"""
