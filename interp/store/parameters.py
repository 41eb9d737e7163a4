"""What may be asked of each method: one frozen model of parameters a method, defaults and bounds included.

    PARAMETERS[method](**given) -> validated parameters, every default filled in

The science that changes a result is here; what only changes the speed (batch size, worker) is not, so that
two runs of one question share a hash. Read a description with `PARAMETERS["cama"].model_fields["n"]`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from interp.store.af1_parameters import Abp, Af1, Alternatives, Cama, Heads, Peeking, Window
from interp.store.circuit_parameters import Attribution, Circuits, Interchange, KeyHeads, Steering
from interp.store.clock_pizza_parameters import ClockPizza
from interp.store.component_parameters import Components, Mediation, Neurons
from interp.store.digit_parameters import Convergence, DigitCodes, DigitProbes, DigitRotation
from interp.store.everyday_parameters import Dla, LongAnswers
from interp.store.fields import Name, Names, Parameters, Sampled, Split, distinct
from interp.store.grokking_parameters import Grokking
from interp.store.helix_parameters import Filters, Helix, Planes
from interp.store.operand_parameters import Operands
from interp.store.patching_parameters import HeadPatching, Patching
from interp.store.probe_parameters import ProbeCausal, ProbeControls, ProbeDirections, ProbeLearning, ProbeTransfer
from interp.store.product_parameters import (
    AttentionTree,
    DigitAttribution,
    DigitGeometry,
    LearningOrder,
    ProductAccuracy,
    ProductDigits,
    RunningSums,
)
from interp.store.spectra_parameters import Spectra
from interp.store.try_parameters import Try

__all__ = [
    "PARAMETERS",
    "Ablation",
    "Abp",
    "Accuracy",
    "Af1",
    "Alternatives",
    "Attention",
    "AttentionTree",
    "Attribution",
    "Cama",
    "Circuits",
    "ClockPizza",
    "Components",
    "Convergence",
    "DigitAttribution",
    "DigitCodes",
    "DigitGeometry",
    "DigitProbes",
    "DigitRotation",
    "Dla",
    "Filters",
    "Grokking",
    "HeadPatching",
    "Heads",
    "Helix",
    "Interchange",
    "KeyHeads",
    "LearningOrder",
    "Lens",
    "LongAnswers",
    "Mediation",
    "Neurons",
    "Parameters",
    "Patching",
    "Peeking",
    "Planes",
    "ProbeCausal",
    "ProbeControls",
    "ProbeDirections",
    "ProbeLearning",
    "ProbeTransfer",
    "Probing",
    "ProductAccuracy",
    "ProductDigits",
    "RunningSums",
    "Spectra",
    "Spectrum",
    "Steering",
    "Study",
    "Train",
    "Try",
    "Window",
]  # fmt: skip


class Accuracy(Parameters):
    """How often is the most likely next token the answer?"""

    n: int | None = Field(None, ge=1, description="evaluation prompts; null takes the whole split")
    split: Split = Field("test", description="which operand pairs the evaluation prompts come from")


class Ablation(Sampled):
    """How much accuracy is lost when one layer and role is overwritten by an uninformative value?"""

    kinds: Annotated[
        tuple[Literal["zero", "mean", "resample"], ...],
        AfterValidator(distinct),
        Field(description="what is written: zero, the mean over reference prompts, or another prompt's value"),
    ] = ("zero", "mean", "resample")
    n_reference: int = Field(2048, ge=2, description="train-split prompts behind the mean")


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

    of: Literal["embed", "unembed"] = Field("embed", description="whose rows: the embedding's or the unembedding's")
    low: int | None = Field(None, ge=0, description="smallest operand number; null takes 0")
    high: int | None = Field(None, ge=1, description="largest number; null takes the largest operand (99, or p - 1)")
    n_null: int = Field(1000, ge=19, description="draws behind each null band")

    @model_validator(mode="after")
    def _ordered(self) -> Spectrum:
        if self.high is not None and self.high - (self.low or 0) < 3:
            raise ValueError("high must be at least low + 3, for a spectrum needs four numbers")
        return self


STUDIED = (
    "patching", "head_patching", "ablation", "dla", "circuits", "cama", "peeking", "af1", "lens", "probing",
    "attention", "spectrum",
)  # fmt: skip
"""What a study asks of each of its cells."""


class Study(Parameters):
    """The main questions at once: accuracy everywhere, the causal methods on a few cells."""

    tasks: Names | None = Field(None, description="tasks of the accuracy table; null takes all")
    styles: Names | None = Field(None, description="styles of the accuracy table; null takes all")
    cells: Names = Field(("a+b", "a+b+c"), description="tasks, plain style, that every other method runs on")
    methods: Names = Field(
        STUDIED,
        description="methods that run on the cells, each with its default parameters",
    )
    n_accuracy: int | None = Field(500, ge=1, description="prompts a cell of the accuracy table; null = all")

    @model_validator(mode="after")
    def _known(self) -> Study:
        for name in self.methods:
            if name not in PARAMETERS or name in ("study", "train", "accuracy", "window", "try"):
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
    "head_patching": HeadPatching,
    "ablation": Ablation,
    "cama": Cama,
    "abp": Abp,
    "peeking": Peeking,
    "af1": Af1,
    "window": Window,
    "alternatives": Alternatives,
    "heads": Heads,
    "lens": Lens,
    "probing": Probing,
    "probe_controls": ProbeControls,
    "probe_learning": ProbeLearning,
    "probe_transfer": ProbeTransfer,
    "probe_directions": ProbeDirections,
    "probe_causal": ProbeCausal,
    "attention": Attention,
    "spectrum": Spectrum,
    "spectra": Spectra,
    "operands": Operands,
    "dla": Dla,
    "long_answers": LongAnswers,
    "mediation": Mediation,
    "components": Components,
    "neurons": Neurons,
    "attribution": Attribution,
    "circuits": Circuits,
    "interchange": Interchange,
    "key_heads": KeyHeads,
    "steering": Steering,
    "helix": Helix,
    "digit_probes": DigitProbes,
    "digit_rotation": DigitRotation,
    "digit_codes": DigitCodes,
    "convergence": Convergence,
    "filters": Filters,
    "planes": Planes,
    "clock_pizza": ClockPizza,
    "grokking": Grokking,
    "product_accuracy": ProductAccuracy,
    "digit_attribution": DigitAttribution,
    "running_sums": RunningSums,
    "attention_tree": AttentionTree,
    "digit_geometry": DigitGeometry,
    "product_digits": ProductDigits,
    "learning_order": LearningOrder,
    "try": Try,
    "study": Study,
    "train": Train,
}
