"""What the gallery shows of circuits: every causal method on one model, and the second domain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from experiments.circuits.protocol import follow
from experiments.figures.experiment import Experiment, Frame, Part, Picture, of_run
from interp.progress import Progress
from interp.store import Store

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
MINUTES = {"patching": 1, "attribution": 1, "circuits": 2, "carry": 5, "result": 5, "components": 2.5}


class Followed(NamedTuple):
    """The recorded runs of some parts of the protocol."""

    store: Store
    runs: dict[str, str]


def _pictures(found: Followed) -> Iterator[Picture]:
    for name, run in found.runs.items():
        yield from of_run(name, found.store, run)


def _part(name: str) -> Part:
    def run(store: Store, progress: Progress) -> Followed:
        return Followed(store, follow(store, progress, only=GROUPS[name]))

    command = f"python -m experiments.circuits.protocol {' '.join(GROUPS[name])}"
    return Part(name, f"{TITLES[name]}, a+b on mental-math", MINUTES[name], command, run, _pictures)


def _second(_: Any) -> Iterator[Frame]:
    from experiments.circuits.greater_than import OUT
    from interp.methods.attribution import VARIANTS

    found = json.loads(OUT.read_text())
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


EXPERIMENT = Experiment(
    "circuits",
    "Circuits",
    (
        *map(_part, GROUPS),
        Part("greater-than", "the second domain, as kept", 0.1, "python -m experiments.circuits.greater_than",
             lambda store, progress: None, frames=_second),
    ),
)  # fmt: skip
