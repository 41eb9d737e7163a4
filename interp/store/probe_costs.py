"""What do probes cost? One pass over each set of prompts; what is written costs a sweep."""

from __future__ import annotations

from interp.store import parameters as asked
from interp.store.passes import Cost, Passes, Size, Work, evaluated
from interp.store.probe_parameters import ProbeCausal, ProbeControls, ProbeDirections, ProbeLearning, ProbeTransfer


def _probing(p: asked.Probing, size: Size) -> Work:
    return {"reference": Passes("train", p.n_train, 1), "test": Passes("test", p.n_test, 1)}


def _probe_controls(p: ProbeControls, size: Size) -> Work:
    models = 1 if p.untrained is None else 2
    sets = {"train": Passes("train", p.n_train, models), "selection": Passes("selection", p.n_selection, 1 + models)}
    return sets | {"test": Passes("test", p.n_test, models)}


def _probe_learning(p: ProbeLearning, size: Size) -> Work:
    return {"train": Passes("train", p.n_train, 1), "test": Passes("test", p.n_test, 1)}  # and logistic regressions


def _probe_transfer(p: ProbeTransfer, size: Size) -> Work:
    cells = 1 + len(p.cells)
    sets = {"train": Passes("train", p.n_train, cells), "selection": Passes("selection", p.n_selection, cells)}
    return sets | {"test": Passes("test", p.n_test, cells)}


def _probe_directions(p: ProbeDirections, size: Size) -> Work:
    return {"train": Passes("train", p.n_train, 1), "selection": Passes("selection", p.n_selection, 1)}


def _probe_causal(p: ProbeCausal, size: Size) -> Work:
    layers = size.layers + 1 if p.layers is None else len(p.layers)
    written = layers * len(p.doses) * (3 + p.n_random) / 2  # a sweep resumes where it writes
    sets = {"train": Passes("train", p.n_train, 1), "selection": Passes("selection", p.n_selection, 1)}
    return sets | evaluated(p, 1 + written)


COSTS: dict[str, Cost] = {
    "probing": _probing,
    "probe_controls": _probe_controls,
    "probe_learning": _probe_learning,
    "probe_transfer": _probe_transfer,
    "probe_directions": _probe_directions,
    "probe_causal": _probe_causal,
}
