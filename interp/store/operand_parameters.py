"""What may be asked of maps over all pairs of operands."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from interp.store.fields import Parameters, distinct


class Operands(Parameters):
    """What does the model do at every pair of operands: answers, neurons, heads; and what explains each map?"""

    low: int | None = Field(None, ge=0, description="smallest operand of the grid; null takes the task's")
    high: int | None = Field(None, ge=1, description="largest operand of the grid; null takes the task's")
    layers: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...] | None,
        AfterValidator(distinct),
        Field(description="layers whose neurons are kept; null takes the last"),
    ] = None
    n_neurons: int = Field(512, ge=1, le=4096, description="neurons kept of each layer, those that vary most")
    direct: bool = Field(True, description="whether what each head writes towards the answer is kept")
    probes: bool = Field(True, description="whether what ridge reads of the result at every layer is kept")
    n_shuffles: int = Field(19, ge=19, le=1000, description="shuffles of each map behind the null; 5 % needs 19")

    @model_validator(mode="after")
    def _ordered(self) -> Operands:
        if self.low is not None and self.high is not None and self.high <= self.low:
            raise ValueError("high must be above low")
        return self
