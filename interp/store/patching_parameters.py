"""What may be asked of patching: which component, in which direction, with what, judged how?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from interp.store.fields import Name, Sampled

Recipe = Literal["swap_operand", "swap_operator", "flip_carry"]
Stream = Literal["resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "mlp_post"]


class Written(Sampled):
    """What is common to patching a stream and patching heads."""

    n: int = Field(200, ge=2, description="pairs of a clean prompt and its corrupted twin")
    recipe: Recipe = Field(
        "swap_operand", description="how the twin differs from the clean prompt; its answer differs too"
    )
    place: Name | None = Field(
        None, description="the operand (or operator role) that changes; null takes the last operand (op1)"
    )
    direction: Literal["denoising", "noising"] = Field(
        "denoising", description="denoising: clean into the corrupted run; noising: corrupted into the clean run"
    )
    source: Literal["twin", "mean", "resample", "zero"] = Field(
        "twin", description="what is written: the twin's activation, a mean, another prompt's, or zero"
    )
    metric: Literal["logit_diff", "prob_diff", "answer_logit", "answer_logprob"] = Field(
        "logit_diff", description="what the recovered share is a share of"
    )
    n_reference: int = Field(1024, ge=1, description="train-split prompts behind the mean, where that is asked")


class Patching(Written):
    """Which part of the stream, moved from one prompt into its twin, brings the other answer?"""

    component: Stream = Field("resid_pre", description="what is written: the residual stream, or what a block adds")


class HeadPatching(Written):
    """Which heads, each moved alone from one prompt into its twin, bring the other answer?"""

    component: Literal["z", "q", "k", "v", "pattern"] = Field(
        "z", description="what of a head is written: its output, query, key, value or pattern"
    )
