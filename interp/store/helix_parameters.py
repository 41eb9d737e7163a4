"""What may be asked of number codes: how a number is written, what filters take away, what a plane carries?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from interp.store.fields import Name, Names, Sampled, distinct

Period = Annotated[float, Field(gt=0)]
Periods = Annotated[tuple[Period, ...], AfterValidator(distinct), Field(min_length=1, max_length=8)]
Layers = Annotated[tuple[Annotated[int, Field(ge=0)], ...], AfterValidator(distinct)]


class Helix(Sampled):
    """Is a number written as a helix, and does writing that helix bring the answer back?"""

    n: int = Field(200, ge=2, description="pairs on which the helix is written in place of the number")
    n_selection: int = Field(100, ge=2, description="pairs of another split that choose the periods")
    n_train: int = Field(2000, ge=2, description="train-split prompts behind the mean activation of each number")
    number: Name | None = Field(None, description="whose value: an operand, or result; null takes the first operand")
    role: Name | None = Field(None, description="where it is read and written; null takes the operand's own token")
    periods: Periods | None = Field(
        None, description="of the helix; null takes 2, 5, 10, 100, or a toy model's four strongest"
    )
    targets: Periods | None = Field(
        None, description="whose gain over a number line is tested; null takes 2, 5, 10, or all periods of a toy model"
    )
    layers: Layers | None = Field(None, description="blocks before which the stream is read; null takes all")
    n_null: int = Field(199, ge=19, description="draws behind each null of the fit; 5 % needs 19")
    n_random: int = Field(5, ge=1, le=100, description="helices of shuffled numbers, the null of the patch")


class Filters(Sampled):
    """What is lost when the low, or the high, frequencies of the number logits are taken out of each module?"""

    n: int = Field(300, ge=1, description="prompts that are answered under each filter")
    numbers: int | None = Field(
        None, ge=4, description="filter the logits of 0 .. numbers - 1; null: up to the next ten above the answers"
    )
    cut: int | None = Field(
        None, ge=1, description="where high begins; null: the component of period 10.4, as published"
    )
    by: Literal["component", "row"] = Field("component", description="whether the cut counts frequencies or basis rows")
    reading: Literal["read", "unembedding"] = Field(
        "read", description="the numbers' rows of the unembedding with the final norm's gain, or as they are"
    )
    where: Literal["last", "all"] = Field("last", description="positions whose module outputs are filtered")
    modules: Names = Field(("attn", "mlp", "both"), description="outputs that are filtered, in every layer")
    keep: Periods | None = Field(
        None, description="single-pass filters: keep one of these periods; null takes 2, 5, 10 and all numbers"
    )
    n_random: int = Field(20, ge=1, le=500, description="draws of each control: random subspaces, shuffled numbers")


class Planes(Sampled):
    """What does the answer lose with the plane of one period, beside other planes as large?"""

    n: int = Field(200, ge=2, description="prompts that are answered without the plane")
    n_train: int = Field(1000, ge=2, description="train-split prompts behind the planes and the means")
    number: Name | None = Field(None, description="whose value: an operand, or result; null takes every operand")
    layers: Layers = Field((0,), description="blocks before which the planes are taken out, one at a time")
    periods: Periods | None = Field(
        None, description="one plane each; null takes 2, 5, 10, 100, or a toy model's eight strongest"
    )
    n_random: int = Field(20, ge=19, le=1000, description="draws of each control; 5 % needs 19")
