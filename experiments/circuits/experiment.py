"""What the gallery shows of circuits: every causal method on one model, the second domain, and the published claims."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from experiments.circuits.protocol import PARTS, follow
from experiments.circuits.verdict import PUBLISHED, RULES, greater_than, verdicts
from experiments.figures.experiment import Experiment, Frame, Judged, Part, Picture, of_run
from experiments.figures.unshipped import cost, not_run
from interp.progress import Progress
from interp.store import Spec, Store
from interp.verdicts import read_claims

GROUPS = {
    "patching": ("denoising", "noising", "mlps", "heads"),
    "attribution": ("gradient", "ig_inputs"),
    "circuits": ("circuits", "circuits_gradient", "key_heads"),
    "carry": ("carry",),
    "result": ("result",),
    "components": ("dla", "mediation", "components", "neurons"),
}
"""The parts of the protocol, as they are made together."""
TITLES = {
    "patching": "activation patching",
    "attribution": "attribution beside exact effects",
    "circuits": "circuits and key heads",
    "carry": "exchange of the carry",
    "result": "exchange of the result",
    "components": "direct attribution, mediation, components, neurons",
}
MINUTES = {"patching": 0.2, "attribution": 0.1, "circuits": 0.8, "carry": 8, "result": 8, "components": 0.7}

NARROW = {"meta-llama/Llama-2-7b-hf": "a+b@1..4"}
"""Additions whose numbers are single tokens, where a model has only digits."""


class Followed(NamedTuple):
    """The recorded runs of some parts of the protocol."""

    store: Store
    runs: dict[str, str]


def _pictures(found: Followed) -> Iterator[Picture]:
    for name, run in found.runs.items():
        yield from of_run(name, found.store, run)


def _verdicts(found: Followed) -> Iterator[Judged]:
    for name in RULES.keys() & found.runs.keys():
        dataset = found.store.open(found.runs[name]).load()
        yield from (Judged(verdict, str(dataset.attrs["model"])) for verdict in verdicts(name, dataset))


def _part(name: str) -> Part:
    def run(store: Store, progress: Progress) -> Followed:
        return Followed(store, follow(store, progress, only=GROUPS[name]))

    command = f"python -m experiments.circuits.protocol {' '.join(GROUPS[name])}"
    return Part(name, f"{TITLES[name]}, a+b on mental-math", MINUTES[name], command, run, _pictures, verdicts=_verdicts)


def _kept(store: Store, progress: Progress) -> dict[str, Any]:
    from experiments.circuits.greater_than import OUT

    return json.loads(OUT.read_text())


def _second(found: dict[str, Any]) -> Iterator[Frame]:
    from interp.methods.attribution import VARIANTS

    draws = pd.DataFrame(found["random"])
    rows = {
        "edges": found["counts"],
        **{name: found[name]["faithfulness"] for name in VARIANTS},
        "all but (ig_inputs)": found["ig_inputs"]["complement"],
        "random: least": draws.min().to_list(),
        "random: most": draws.max().to_list(),
    }
    note = (
        f"greater-than, years that follow: m {found['m_full']:.4f} with all {found['edges']} edges, "
        f"{found['m_empty']:.4f} with none; n = {found['n']} pairs, {len(draws)} random rankings; published for GPT-2 "
        "small, 200 edges: .745 of .814 (EAP-IG), .656 (EAP)"
    )
    yield Frame("greater-than", "Faithfulness of the top edges in a second domain", pd.DataFrame(rows), note)


def _unshipped(_: Any) -> Iterator[Judged]:
    """Yield a line "not run" a claim, for each published model that the protocol could be run on."""
    claims = read_claims(PUBLISHED)
    for part, rules in RULES.items():
        method, parameters = PARTS[part]
        (model,) = {model for name in rules for model in claims[name].models}
        task = NARROW.get(model, "a+b")
        asked = {"method": method, "model": model, "task": task, "device": "cuda", "dtype": "bfloat16"}
        command = f"interp run {method} --model {model} --task {task} --device cuda --dtype bfloat16"
        spent = cost([Spec.model_validate({**asked, "parameters": parameters})])
        yield from not_run([claims[name] for name in rules], model, command, spent)


EXPERIMENT = Experiment(
    "circuits",
    "Circuits",
    (
        *map(_part, GROUPS),
        Part("greater-than", "the second domain, as kept", 0.1, "python -m experiments.circuits.greater_than",
             _kept, frames=_second,
             verdicts=lambda found: [Judged(greater_than(found), "greater-than")]),
        Part("published-models", "the published models", 0.1, "interp run mediation --dry-run",
             lambda store, progress: None, verdicts=_unshipped),
    ),
)  # fmt: skip
