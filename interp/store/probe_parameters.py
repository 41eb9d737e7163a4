"""What may be asked of probes: beside every control, by example, across tasks, between variables, and causally?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from interp.store.fields import Name, Names, Parameters, Sampled, distinct

Kind = Literal["regression", "classification", "ordinal", "circular"]
Layers = Annotated[tuple[Annotated[int, Field(ge=0)], ...] | None, AfterValidator(distinct)]
Doses = Annotated[tuple[Annotated[float, Field(gt=0)], ...], AfterValidator(distinct)]


class Probed(Parameters):
    """What probes of every question have in common: labels, places, prompts to fit on and to choose penalties on."""

    kind: Kind = Field("regression", description="number, class, rank or angle: what a label is to the probe")
    period: float = Field(10.0, gt=1, description="period of a circular label")
    layers: Layers = Field(None, description="layers probed; null takes all, the embeddings (0) included")
    n_train: int = Field(2000, ge=8, description="train-split prompts the probes are fitted on")
    n_selection: int = Field(1000, ge=8, description="selection-split prompts that choose each penalty")
    n_shuffles: int = Field(19, ge=19, description="copies of the labels in random order, for the null; 5 % needs 19")


class ProbeControls(Probed):
    """Is what a probe reads more than chance, than the architecture, than the input and than the text?"""

    targets: Names | None = Field(
        None, description='labels: variables, "a mod 7", "a near 10"; null takes all variables'
    )
    roles: Names | None = Field(None, description="where they are read; null takes every role")
    n_units: int | None = Field(None, ge=1, description="units a probe may read, chosen on train prompts; null: all")
    n_test: int = Field(1000, ge=8, description="test-split prompts the probes are scored on")
    by: Name | None = Field(None, description="variable whose values are the classes of errors; null: carries, if any")
    untrained: int | None = Field(0, ge=0, description="seed of the untrained model; null leaves that control out")


class ProbeLearning(Parameters):
    """How many examples does a probe need, and how many bits do the labels cost with the stream in hand?"""

    targets: Names | None = Field(None, description="labels of few classes; null: digits and carries of the result")
    layers: Layers = Field(None, description="layers probed; null takes all")
    roles: Names | None = Field(None, description="where they are read; null takes the last position")
    n_train: int = Field(1024, ge=32, description="train-split prompts, in random order: the curve doubles up to them")
    n_test: int = Field(500, ge=8, description="test-split prompts of the learning curve")
    n_shuffles: int = Field(19, ge=19, description="codes of shuffled labels behind the null; 5 % needs 19")


class ProbeTransfer(Probed):
    """Does a probe that was fitted on one task, style or template still read the variable on another?"""

    target: Name = Field("result", description="the label, which every cell must have")
    cells: Names = Field(("a-b", "a+b verbal"), description="other tasks or task files, and after a space styles")
    roles: Names = Field(("last",), description="where it is read; every cell must have these roles")
    n_test: int = Field(500, ge=8, description="test-split prompts of each cell")


class ProbeDirections(Probed):
    """Are two variables read along the same direction, or in the same plane?"""

    targets: Names | None = Field(None, description="labels that are compared; null: operands, result, its digits")
    roles: Names | None = Field(None, description="where they are read; null takes the last position")


class ProbeCausal(Sampled):
    """When a probe's reading is set to another value, does the answer follow?"""

    n: int = Field(200, ge=2, description="informative prompts that are edited")
    variable: Literal["carry", "ones", "units", "tens", "result"] = Field("carry", description="what is read and set")
    role: Name | None = Field(None, description="where; null takes the last position")
    layers: Layers = Field(None, description="layers, each by itself; null takes all")
    doses: Doses = Field((1.0, 2.0, 4.0), description="how far: 1 sets the reading to the other value")
    n_train: int = Field(2000, ge=8, description="train-split prompts the probe is fitted on")
    n_selection: int = Field(1000, ge=8, description="selection-split prompts that choose its penalty")
    n_random: int = Field(5, ge=1, le=100, description="random directions of equal length")
