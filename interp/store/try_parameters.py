"""What may be tried on one prompt? A question typed or made of operands, and at most one intervention.

    {"operands": [17, 25], "intervention": {"kind": "patch", "layer": 3, "role": "b", "operands": [17, 62]}}
    {"prompt": "12+34=", "intervention": {"kind": "head", "layer": 2, "head": 1}}

The same value comes from the app's form, from `interp try` and from `interp run try --set`, and is recorded when the
answer is kept. An intervention that needs to know what a token holds on its own (CAMA, a window, a plane) reads it on
reference prompts of the task.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from interp.store.fields import Parameters

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Operand = Annotated[int, Field(ge=0, le=10**9)]
Operands = Annotated[tuple[Operand, ...], Field(min_length=1, max_length=8)]
Role = Annotated[str, Field(min_length=1, max_length=40)]
Layer = Annotated[int, Field(ge=0, le=1000)]
REFERENCE = "reference prompts of the task's train split, behind the means; null enumerates the whole task"
MOST_SHOWN = 20


class Patch(Parameters):
    """What a second prompt has at one layer and role is written into the first."""

    kind: Literal["patch"] = "patch"
    component: Literal["resid_pre", "attn_out", "mlp_out"] = Field(
        "resid_pre", description="what is written: the stream before the block, or what one part of the block adds"
    )
    layer: Layer = Field(description="the block, from 0; for resid_pre the number of blocks is the final stream")
    role: Role = Field(description="the role that is written, such as a, op1, eq or last")
    prompt: Text | None = Field(None, description="the second prompt, typed")
    operands: Operands | None = Field(None, description="the second prompt, by its operands")

    @model_validator(mode="after")
    def _one_source(self) -> Patch:
        if (self.prompt is None) == (self.operands is None):
            raise ValueError("a patch needs a second prompt: its text or its operands, one of the two")
        return self


class Waiting(Parameters):
    """What the writes that stand for waiting have in common."""

    n_reference: int | None = Field(2048, ge=2, description=REFERENCE)


class TryCama(Waiting):
    """Every token waits for l_wait blocks, knowing only itself."""

    kind: Literal["cama"] = "cama"
    l_wait: Layer = Field(description="blocks that wait, 0 = the embeddings; a paper's 0-based index is one less")


class TryAbp(Parameters):
    """From block l_wait on the last token sees everything for l_transfer blocks, then itself alone."""

    kind: Literal["abp"] = "abp"
    l_wait: Layer = Field(description="blocks before anything is hidden")
    l_transfer: Layer = Field(description="full-peek blocks after them; self peek in every later block")


class TryWindow(Waiting):
    """The AF1 subgraph: CAMA at l_wait, full peek for l_transfer blocks, self peek to the end."""

    kind: Literal["window"] = "window"
    l_wait: Layer = Field(description="blocks that wait, 0 = the embeddings")
    l_transfer: Layer = Field(description="full-peek blocks after them")


class TryPlane(Waiting):
    """The plane in which the number at one role is written with one period is set to its mean."""

    kind: Literal["plane"] = "plane"
    layer: Layer = Field(description="before which block the plane is fitted and taken out")
    role: Role = Field(description="an operand's role: whose number, and where")
    period: float = Field(10.0, gt=0, le=10**6, description="the period of the plane, e.g. 2, 5, 10 or 100")


class KnockOut(Parameters):
    """One head is knocked out."""

    kind: Literal["head"] = "head"
    layer: Layer = Field(description="the head's block, from 0")
    head: Annotated[int, Field(ge=0, le=1000)] = Field(description="the head, from 0")
    cut: Literal["reads", "output"] = Field(
        "reads", description="reads: the last token no longer sees other tokens by it; output: it adds 0 everywhere"
    )


Trial = Annotated[Patch | TryCama | TryAbp | TryWindow | TryPlane | KnockOut, Field(discriminator="kind")]
KINDS: dict[str, type[Parameters]] = {
    "patch": Patch, "cama": TryCama, "abp": TryAbp, "window": TryWindow, "plane": TryPlane, "head": KnockOut,
}  # fmt: skip


class Try(Parameters):
    """What does the model make of one prompt, and what of the same prompt under one intervention?"""

    prompt: Text | None = Field(None, description="a typed question; numbers are a, b ..., signs op1 ..., = eq")
    operands: Operands | None = Field(None, description="the operands of the task; null with no prompt draws a pair")
    intervention: Trial | None = Field(None, description="what is changed, by kind; null shows the clean run alone")
    top: int = Field(8, ge=1, le=MOST_SHOWN, description="most likely next tokens that are told")

    @model_validator(mode="after")
    def _one_question(self) -> Try:
        if self.prompt is not None and self.operands is not None:
            raise ValueError("give the prompt as text or by its operands, not both")
        return self
