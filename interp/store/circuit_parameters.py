"""What may be asked of attribution and circuits: which estimate, what stands outside, how many pairs?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from interp.store.fields import Name, Sampled, distinct

Recipe = Literal["swap_operand", "swap_operator", "flip_carry"]
Estimate = Literal["gradient", "ig_inputs", "ig_activations"]


class Paired(Sampled):
    """A method that compares clean prompts with their twins."""

    n: int = Field(200, ge=2, description="pairs of a clean prompt and its corrupted twin")
    recipe: Recipe = Field("swap_operand", description="how the twin differs from the clean prompt; its answer too")
    place: Name | None = Field(
        None, description="the operand (or operator role) that changes; null takes the last operand (op1)"
    )


class Attribution(Paired):
    """Which heads and MLPs would bring the clean answer back, by gradient and exactly?"""

    variant: Estimate = Field("gradient", description="gradient at the corrupted run, or integrated on the way")
    steps: int = Field(5, ge=1, le=1000, description="points on the way, of the integrated variants")
    k: int = Field(10, ge=1, description="largest effects whose misses are named")


class Circuits(Paired):
    """How few edges keep the logit difference of the whole model?"""

    n_discovery: int = Field(100, ge=2, description="train-split pairs that edges are ranked on")
    attribution: Estimate = Field("ig_inputs", description="what edges are ranked by")
    steps: int = Field(5, ge=1, le=1000, description="points on the way, of the integrated variants")
    ablation: Literal["counterfactual", "mean", "resample"] = Field(
        "counterfactual", description="what edges outside the circuit carry"
    )
    n_reference: int = Field(512, ge=1, description="train-split prompts behind the mean, where that is asked")
    n_random: int = Field(5, ge=1, le=100, description="random circuits of each size")


class Interchange(Sampled):
    """Where does the model keep a causal variable, and does the answer follow when it is exchanged?"""

    n: int = Field(200, ge=2, description="informative pairs, and as many in which the variable is the same")
    variable: Literal["carry", "ones", "units", "tens", "result"] = Field(
        "carry", description="what is exchanged: the carry of the units column, its digit, both, the rest, everything"
    )
    n_train: int = Field(400, ge=2, description="informative train-split pairs of the learned subspaces")
    rank: int = Field(16, ge=1, description="dimensions of the learned and of the random subspace")
    steps: int = Field(300, ge=1, description="optimiser steps of a learned subspace")


class KeyHeads(Sampled):
    """Which heads carry the answer to the logits, and what is lost without them?"""

    n: int = Field(500, ge=1, description="test prompts of the knockout")
    n_pairs: int = Field(200, ge=2, description="selection-split pairs that heads are ranked on")
    n_reference: int = Field(1024, ge=1, description="train-split prompts behind the mean of a removed head")
    counterfactuals: Annotated[
        tuple[Recipe, ...],
        AfterValidator(distinct),
        Field(description="how the twins of the effects differ; the first one ranks the heads"),
    ] = ("swap_operand", "swap_operator")
    n_heads: int = Field(12, ge=1, description="heads removed, the strongest first")
    n_random: int = Field(5, ge=1, le=100, description="draws of random heads, of the same layers and of any")
    elsewhere: tuple[Name, ...] = Field(
        ("a-b", "a+b verbal"),
        description="other tasks, and after a space styles, on which the key heads are removed too",
    )


class Steering(Sampled):
    """How much of a direction must be added before the answer follows?"""

    n: int = Field(200, ge=2, description="informative prompts that are steered")
    variable: Literal["carry", "ones", "units", "tens", "result"] = Field(
        "carry", description="whose direction: the difference of means between prompts with a high and a low value"
    )
    layer: int = Field(1, ge=0, description="the block before which the direction is added")
    role: Name | None = Field(None, description="where it is added; null takes the last position")
    n_train: int = Field(1000, ge=2, description="train-split prompts behind the direction")
    n_random: int = Field(10, ge=1, le=100, description="random directions of equal length")
