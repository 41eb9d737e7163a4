"""What may be asked of the spectra of every place inside a model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from interp.store.fields import Parameters, Split


class Spectra(Parameters):
    """At which layers and tokens does the model hold numbers in periods?"""

    place: Literal["resid", "attn_out", "mlp_out", "mlp_post", "z", "pattern", "logits"] = Field(
        "resid",
        description="what is read: the stream (layer 0: embeddings), a block's parts, neurons, heads, the output",
    )
    n: int | None = Field(5000, ge=8, description="prompts behind the means; null takes the whole split")
    split: Split = Field("all", description="which operand pairs the prompts come from")
    n_numbers: int | None = Field(
        None, ge=4, description="consecutive numbers; null takes 100, or p for a toy model (a multiple of 10 fits best)"
    )
    n_null: int = Field(199, ge=19, description="draws behind each null; ten times as many where a place stands out")
