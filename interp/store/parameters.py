"""What may be asked of each method: one frozen model of parameters a method, defaults and bounds included.

    PARAMETERS[method](**given) -> validated parameters, every default filled in

The science that changes a result is here; what only changes the speed (batch size, worker) is not, so that
two runs of one question share a hash. Read a description with `PARAMETERS["cama"].model_fields["n"]`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Split = Literal["train", "selection", "test", "all"]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _distinct(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return `values` when they are non-empty and without repeats."""
    if values is not None and (not values or len(set(values)) < len(values)):
        raise ValueError("must name at least one thing, each once")
    return values


Names = Annotated[tuple[Name, ...], AfterValidator(_distinct)]


class Parameters(BaseModel):
    """The common ground of all methods: frozen, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class Sampled(Parameters):
    """A method that measures `n` prompts of one split."""

    n: int = Field(500, ge=1, description="evaluation prompts, drawn without replacement with the seed")
    split: Split = Field("test", description="which operand pairs the evaluation prompts come from")


class Accuracy(Parameters):
    """How often is the most likely next token the answer?"""

    n: int | None = Field(None, ge=1, description="evaluation prompts; null takes the whole split")
    split: Split = Field("test", description="which operand pairs the evaluation prompts come from")


class Patching(Sampled):
    """Which residual, moved from the clean prompt into its twin, brings the clean answer back?"""

    n: int = Field(200, ge=1, description="pairs of a clean prompt and its corrupted twin")
    recipe: Literal["swap_operand", "swap_operator", "keep_result", "flip_carry"] = Field(
        "swap_operand", description="how the twin differs from the clean prompt"
    )
    place: Name | None = Field(
        None, description="the operand (or operator role) that changes; null takes the last operand (op1)"
    )


class Ablation(Sampled):
    """How much accuracy is lost when one layer and role is overwritten by an uninformative value?"""

    kinds: Annotated[
        tuple[Literal["zero", "mean", "resample"], ...],
        AfterValidator(_distinct),
        Field(description="what is written: zero, the mean over reference prompts, or another prompt's value"),
    ] = ("zero", "mean", "resample")
    n_reference: int = Field(2048, ge=2, description="train-split prompts behind the mean")


class Cama(Sampled):
    """How long can every token wait, knowing only itself, before the answer is lost?"""

    variants: Annotated[
        tuple[Literal["cama", "mean", "zero"], ...],
        AfterValidator(_distinct),
        Field(description="conditional mean given the own token (cama), unconditional mean, or zero"),
    ] = ("cama", "mean", "zero")
    n_reference: int | None = Field(
        4096, ge=2, description="reference prompts behind the means; null enumerates the whole task (exact)"
    )


class Peeking(Sampled):
    """In which layers must a token see the others?"""

    variants: Annotated[
        tuple[Literal["last", "others", "random_head"], ...],
        AfterValidator(_distinct),
        Field(description="whose attention to non-BOS others is cut: the last token, the other tokens, a head"),
    ] = ("last", "others", "random_head")


class Af1(Parameters):
    """Which smallest wait-transfer-compute subgraph still answers?"""

    threshold: float = Field(0.95, gt=0, le=1, description="faithfulness a subgraph must reach on selection")
    n_reference: int | None = Field(
        4096, ge=2, description="reference prompts behind the means; null enumerates the whole task (exact)"
    )
    n_selection: int = Field(500, ge=1, description="selection-split prompts that choose l_wait and l_transfer")
    n_test: int = Field(1000, ge=1, description="test-split prompts that the chosen subgraph is reported on")


class Lens(Sampled):
    """From which layer on does the unembedding read the answer at each role?"""


class Probing(Parameters):
    """Which causal variables can be read linearly from each layer and role?"""

    targets: Names | None = Field(None, description="causal variables to predict; null takes all of the task")
    n_train: int = Field(2000, ge=8, description="train-split prompts the probes are fitted on")
    n_test: int = Field(1000, ge=8, description="test-split prompts the probes are scored on")
    n_shuffles: int = Field(20, ge=19, description="refits on shuffled labels behind the null; 5 % needs 19")


class Attention(Sampled):
    """Whom does each head look at, by role?"""


class Spectrum(Parameters):
    """Which periods are in the number embeddings, beyond noise and a smooth number line?"""

    low: int | None = Field(None, ge=0, description="smallest operand number; null takes 0")
    high: int | None = Field(None, ge=1, description="largest number; null takes the largest operand (99, or p - 1)")
    n_null: int = Field(1000, ge=19, description="draws behind each null band")

    @model_validator(mode="after")
    def _ordered(self) -> Spectrum:
        if self.high is not None and self.high - (self.low or 0) < 3:
            raise ValueError("high must be at least low + 3, for a spectrum needs four numbers")
        return self


class Study(Parameters):
    """The main questions at once: accuracy everywhere, the causal methods on a few cells."""

    tasks: Names | None = Field(None, description="tasks of the accuracy table; null takes all")
    styles: Names | None = Field(None, description="styles of the accuracy table; null takes all")
    cells: Names = Field(("a+b", "a+b+c"), description="tasks, plain style, that every other method runs on")
    methods: Names = Field(
        ("patching", "ablation", "cama", "peeking", "af1", "lens", "probing", "attention", "spectrum"),
        description="methods that run on the cells, each with its default parameters",
    )
    n_accuracy: int | None = Field(500, ge=1, description="prompts a cell of the accuracy table; null = all")

    @model_validator(mode="after")
    def _known(self) -> Study:
        for name in self.methods:
            if name not in PARAMETERS or name in ("study", "train", "accuracy"):
                raise ValueError(f"a study cannot contain the method {name!r}")
        return self


class Train(Parameters):
    """How was the model made? A recipe, and what differs from it."""

    recipe: Name = Field("mental-math", description="name of the training recipe")
    steps: int | None = Field(None, ge=1, description="optimiser steps; null keeps the recipe's")
    batch_size: int | None = Field(None, ge=1, description="prompts a step; null keeps the recipe's")
    learning_rate: float | None = Field(None, gt=0, description="peak learning rate; null keeps the recipe's")
    weight_decay: float | None = Field(None, ge=0, description="weight decay; null keeps the recipe's")


PARAMETERS: dict[str, type[Parameters]] = {
    "accuracy": Accuracy,
    "patching": Patching,
    "ablation": Ablation,
    "cama": Cama,
    "peeking": Peeking,
    "af1": Af1,
    "lens": Lens,
    "probing": Probing,
    "attention": Attention,
    "spectrum": Spectrum,
    "study": Study,
    "train": Train,
}
