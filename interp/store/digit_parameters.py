"""What may be asked of digits and residues: are they read, turned, coded, and told apart by a probe?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from interp.store.fields import Name, Names, Sampled, Split, distinct

Base = Annotated[int, Field(ge=2, le=1000)]
Bases = Annotated[tuple[Base, ...], AfterValidator(distinct)]


class DigitProbes(Sampled):
    """In which base can the digits of a number be read off the stream, on numbers not seen?"""

    targets: Names | None = Field(None, description="whose digits; null takes the operands and the result")
    bases: Bases = Field((*range(2, 20), 20, 25, 50, 100), description="bases that are compared")
    roles: Names | None = Field(None, description="where they are read; null takes every role")
    n_shuffles: int = Field(19, ge=19, description="times the numbers change places, for the null; 5 % needs 19")


class DigitRotation(Sampled):
    """If one digit of a number is turned in the stream, does the answer turn with it?"""

    n: int = Field(200, ge=1, description="prompts on which the turned digit is answered")
    variable: Name | None = Field(None, description="whose digits are turned; null takes the last operand")
    role: Name | None = Field(None, description="where; null takes the number's own token, the last of a result")
    base: int = Field(10, ge=3, le=100, description="base of the digits; base - 1 steps are the doses")
    n_train: int = Field(1000, ge=10, description="train-split prompts behind the planes")
    n_select: int = Field(100, ge=1, description="selection-split prompts that choose the layer")
    n_random: int = Field(5, ge=1, le=100, description="draws of the same turn in random directions")


class DigitCodes(Sampled):
    """Do the ten digits of a model form a pentagonal prism, beyond relabelings and number lines?"""

    draws: int = Field(10_000, ge=19, le=1_000_000, description="random labelings of the ten digits, for the null")
    prefix: Literal["", " "] = Field("", description="written before each digit, for tokenizers that fuse the space")


class Convergence(Sampled):
    """Do spectrum, Fisher ratio and a held-out probe agree on the residues of number embeddings?"""

    n: int = Field(2000, ge=1, description="prompts in which the tokens of each number are counted (log frequency)")
    split: Split = Field("train", description="which operand pairs these prompts come from")
    high: int = Field(99, ge=9, description="largest number; the numbers 0..high must be one token each")
    periods: Annotated[tuple[Annotated[int, Field(ge=2)], ...], AfterValidator(distinct)] = Field(
        (2, 3, 4, 5, 7, 10, 11, 20), description="periods T whose residues n mod T are told apart"
    )
    n_shuffles: int = Field(19, ge=19, description="shuffles of the labels, for the null; 5 % needs 19")
