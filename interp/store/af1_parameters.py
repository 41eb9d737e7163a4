"""What may be asked of the methods around "All for One": CAMA, peeking, the subgraph, and what stands in its place?

    window = (l_wait, l_transfer): l_wait blocks wait (0 = the embeddings), then l_transfer full-peek blocks

A window that is left open (null) is the one that the search finds on the selection split with `threshold`, or the
best cell of its grid where none passes; the result says which. Whether a window lies inside the model is checked when
the model is known.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from interp.store.fields import Parameters, Sampled, distinct

Wait = Literal["cama", "mean", "zero", "resample", "early", "isolated", "other_operator", "unfiltered", "noise"]
Peek = Literal["abp", "no_bos", "zero_attention", "mean_attention", "others_free", "frozen"]
Cut = Literal["last", "others", "random_head", "random_edges"]
Given = Literal["token", "context"]

REFERENCE = "reference prompts behind the means, of the train split; null enumerates the whole task (exact)"
GIVEN = "what a mean is conditioned on: the own token, or the token and the constants before it (context)"
THRESHOLD = "faithfulness a window must reach on the selection split"
SELECTION = "selection-split prompts that choose the window"
L_WAIT = "blocks that wait, 0 = the embeddings; a paper's 0-based block index is one less"
SEARCHED = "; null searches the window on the selection split"
L_TRANSFER = "full-peek blocks after the waiting ones"


class Cama(Sampled):
    """How long can every token wait, knowing only itself, before the answer is lost?"""

    variants: Annotated[
        tuple[Wait, ...] | None,
        AfterValidator(distinct),
        Field(description="what a token holds while it waits; null takes every one that the task has"),
    ] = ("cama", "mean", "zero")
    n_reference: int | None = Field(4096, ge=2, description=REFERENCE)
    given: Given = Field("token", description=GIVEN)


class Searched(Sampled):
    """A method that looks at one window: a given one, or the one that the search finds on the selection split."""

    l_wait: int | None = Field(None, ge=0, description=L_WAIT + SEARCHED)
    n_reference: int | None = Field(4096, ge=2, description=REFERENCE)
    n_selection: int = Field(500, ge=1, description=SELECTION)
    threshold: float = Field(0.95, gt=0, le=1, description=THRESHOLD)


class Abp(Searched):
    """How many blocks must the last token see the others in, once all have waited?"""

    variants: Annotated[
        tuple[Peek, ...],
        AfterValidator(distinct),
        Field(description="what follows the waiting blocks: ABP, or one of its alternatives"),
    ] = ("abp", "no_bos", "zero_attention", "mean_attention", "others_free", "frozen")


class Peeking(Sampled):
    """In which layers must a token see the others?"""

    variants: Annotated[
        tuple[Cut, ...] | None,
        AfterValidator(distinct),
        Field(description="whose attention to non-BOS others is cut; null takes all that the prompts have edges for"),
    ] = None
    heads: bool = Field(False, description="also cut the last token's reads one head at a time, in every block")


class Af1(Parameters):
    """Which smallest wait-transfer-compute subgraph still answers?"""

    threshold: float = Field(0.95, gt=0, le=1, description=THRESHOLD)
    n_reference: int | None = Field(4096, ge=2, description=REFERENCE)
    n_selection: int = Field(500, ge=1, description=SELECTION)
    n_test: int = Field(1000, ge=1, description="test-split prompts that the chosen window is reported on")
    given: Given = Field("token", description=GIVEN)


class Window(Sampled):
    """Does a window found elsewhere hold here: on another task, another style, another model?"""

    l_wait: int = Field(ge=0, description=L_WAIT)
    l_transfer: int = Field(ge=0, description=L_TRANSFER)
    n_reference: int | None = Field(4096, ge=2, description=REFERENCE)


class Located(Searched):
    """A method that needs both numbers of the window, or neither."""

    l_transfer: int | None = Field(None, ge=0, description=L_TRANSFER + SEARCHED)

    @model_validator(mode="after")
    def _both_or_neither(self) -> Located:
        if (self.l_wait is None) != (self.l_transfer is None):
            raise ValueError("give both l_wait and l_transfer, or neither (then the window is searched)")
        return self


class Alternatives(Located):
    """What else could stand in the place of CAMA, of peeking, and of this window?"""

    n_random: int = Field(5, ge=1, le=100, description="draws of the random windows and of the random heads")


class Heads(Located):
    """Which heads carry the operands to the last token, and what do they look at?"""

    l_transfer: int | None = Field(None, ge=1, description=L_TRANSFER + SEARCHED)
    n_search: int = Field(150, ge=1, description="selection-split prompts of the greedy elimination")
    n_random: int = Field(5, ge=1, le=100, description="random orders of removal beside the greedy one")
