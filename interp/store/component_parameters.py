"""What may be asked of the components of arithmetic: mediated effects, circuits of heads and MLPs, rules?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from interp.store.fields import Parameters, Sampled, Split, distinct


class Mediation(Sampled):
    """Through which attention and MLP outputs do changed operands reach the answer, and which only know the result?"""

    n: int = Field(200, ge=2, description="pairs of each change")
    changes: Annotated[
        tuple[Literal["operands", "result_kept", "operator"], ...],
        AfterValidator(distinct),
        Field(description="how the two prompts of a pair differ"),
    ] = ("operands", "result_kept")


class Components(Parameters):
    """Which heads, with all MLPs, are enough for the answer?"""

    n_discovery: int = Field(100, ge=2, description="selection-split pairs that rank the components")
    n: int = Field(200, ge=1, description="prompts that the circuits are judged on")
    split: Split = Field("test", description="which operand pairs the judged prompts come from")
    n_reference: int = Field(2000, ge=2, description="train-split prompts of every operator behind the means")
    n_random: int = Field(20, ge=1, le=200, description="random circuits of each size, as many heads in each layer")
    threshold: float = Field(0.95, gt=0, le=1, description="faithfulness that the smallest circuit reaches")


class Neurons(Parameters):
    """Which neurons of the late MLPs matter, and which rule of thumb over the operands does each follow?"""

    layers: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...] | None,
        AfterValidator(distinct),
        Field(description="layers whose neurons are looked at; null takes the late half"),
    ] = None
    n_top: int = Field(50, ge=1, le=1000, description="neurons of largest effect of each layer")
    n_discovery: int = Field(100, ge=2, description="selection-split pairs that rank the neurons")
    n: int = Field(200, ge=1, description="prompts that faithfulness and knockouts are judged on")
    split: Split = Field("test", description="which operand pairs the judged prompts come from")
    n_reference: int = Field(2000, ge=2, description="train-split prompts behind the means of the ablated neurons")
    threshold: float = Field(0.6, gt=0, lt=1, description="overlap from which a neuron counts as following a heuristic")
    n_shuffles: int = Field(30, ge=19, le=1000, description="shuffled activation maps of each neuron behind the null")
    n_random: int = Field(5, ge=1, le=100, description="draws of random neurons of the same layers")
    ends: Literal["both", "top"] = Field(
        "both",
        description="whether a heuristic may be the lowest activations too, as neurons of gated MLPs have both signs",
    )
