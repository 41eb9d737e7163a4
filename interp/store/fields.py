"""What do the parameters of all methods have in common? Frozen models, names without repeats, prompts of a split.

`Sampled` is a method that measures n prompts of one split, `Names` are at least one thing, each once.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Split = Literal["train", "selection", "test", "all"]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def distinct(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return `values` when they are non-empty and without repeats; raises ValueError otherwise."""
    if values is not None and (not values or len(set(values)) < len(values)):
        raise ValueError("must name at least one thing, each once")
    return values


Names = Annotated[tuple[Name, ...], AfterValidator(distinct)]


class Parameters(BaseModel):
    """The common ground of all methods: frozen, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class Sampled(Parameters):
    """A method that measures `n` prompts of one split."""

    n: int = Field(500, ge=1, description="evaluation prompts, drawn without replacement with the seed")
    split: Split = Field("test", description="which operand pairs the evaluation prompts come from")
