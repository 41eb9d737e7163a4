"""What the gallery shows of "All for One": the protocol on a plainly trained model and on its positive control."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.af1.figures import NAMES, PICTURES, frames
from experiments.af1.protocol import Protocol, follow
from experiments.af1.verdict import PUBLISHED, verdicts
from experiments.figures.experiment import Experiment, Frame, Judged, Part, Picture, shown
from experiments.figures.unshipped import cost, not_run
from interp.figures import drawing
from interp.progress import Progress
from interp.store import Store
from interp.verdicts import read_claims

COMMAND = "python -m experiments.af1.reproduce"
LARGE = "meta-llama/Meta-Llama-3-8B"
SEEDS = "1 (0); accuracy 3 (42, 123, 999)"
VARIATIONS = Path(__file__).parent / "variations" / "results.json"


class Followed(NamedTuple):
    """The recorded runs of the protocol on one model."""

    store: Store
    runs: dict[str, str]
    model: str


def _run(model: str, store: Store, progress: Progress) -> Followed:
    return Followed(store, follow(Protocol(model), store, progress), model)


def _pictures(found: Followed) -> Iterator[Picture]:
    for name, (part, method, drawn) in PICTURES.items():
        if part in found.runs:  # without a transfer block there is no head to remove
            run = found.runs[part]
            yield shown(name, drawing(method, drawn), found.store.open(run).load(), run)


def _frames(found: Followed) -> Iterator[Frame]:
    for name, (frame, title) in frames(found.store, found.runs, NAMES).items():
        if name != "verdicts":
            yield Frame(name, title, frame, f"{found.model}; intervals of 95 % in brackets")


def _verdicts(found: Followed) -> Iterator[Judged]:
    yield from (Judged(each, found.model, SEEDS) for each in verdicts(found.store, found.runs))


def _large(_store: Store, _progress: Progress) -> str:
    asked = Protocol(LARGE, device="cuda", dtype="bfloat16")
    return cost([asked.search, *asked.parts(15, 2).values()])


def _unshipped(found: str) -> Iterator[Judged]:
    claims = [claim for claim in read_claims(PUBLISHED).values() if LARGE in claim.models]
    return not_run(claims, LARGE, f"{COMMAND} --model {LARGE} --device cuda --dtype bfloat16", found)


def _variations(_: Any) -> Iterator[Frame]:
    rows = []
    for row in json.loads(VARIATIONS.read_text()):
        value, low, high = row["faithfulness"]
        window = f"{row['best_l_wait']}, {row['best_l_transfer']}"
        rows.append({
            "variation": row["variation"], "task": row["task"], "style": row["style"], "accuracy": row["accuracy"][0],
            "found": "yes" if row["found"] else "no", "best wait, transfer": window, "faithfulness": value, "low": low,
            "high": high, "unconditional mean": row["faithfulness_mean"][0], "best constant": row["null"],
            "n": row["n"],
        })  # fmt: skip
    note = "a training a line, kept in results.json; 95 % intervals; only the control, trained to wait, waits"
    yield Frame(
        "variations", "What makes a model wait? Variations of plain training, each searched", pd.DataFrame(rows), note
    )


EXPERIMENT = Experiment(
    "af1",
    "All for One",
    (
        *(
            Part(model, f"the protocol on {model}", 4.5, f"{COMMAND} --model {model}", partial(_run, model),
                 _pictures, _frames, _verdicts)
            for model in ("mental-math", "waits-2-2")
        ),
        Part("variations", "variations of training", 0.1, "python -m experiments.af1.variations",
             lambda store, progress: None, frames=_variations),
        Part("published-model", "the published model", 0.1, f"{COMMAND} --model {LARGE} --dry-run", _large,
             verdicts=_unshipped),
    ),
)  # fmt: skip
