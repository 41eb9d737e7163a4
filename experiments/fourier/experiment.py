"""What the gallery shows of periods: the methods on three models, and every paper's figures with its verdicts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from experiments.figures.experiment import Experiment, Frame, Judged, Part, Picture, of_run, plain, shown
from experiments.fourier.protocol import PARTS, follow
from experiments.fourier.unshipped import helices
from interp.progress import Progress
from interp.store import Store
from interp.verdicts import Verdict

MENTAL, PLANTED = "mental-math", "planted:helix"
GROUPS = {
    "planted": ("where circles are known to be", 0.5, [name for name in PARTS if name.startswith("planted")]),
    "learned": ("a model that grokked", 0.2, [name for name in PARTS if name.startswith("learned")]),
    "mental-spectra": ("spectra of mental-math", 0.7, ["mental-spectrum", "mental-unembedding", "mental-spectra"]),
    "mental-codes": ("number codes of mental-math", 0.7, ["mental-helix", "mental-planes", "mental-filters"]),
    "mental-digits": (
        "digits of mental-math", 0.9, ["mental-digits", "mental-rotation", "mental-codes", "mental-convergence"]
    ),
}  # fmt: skip
"""{part: (title, minutes, the parts of the protocol)}"""


PUBLISHED = {
    "model_a": "model A, as released", "model_b": "model B, as released", "1l_fixedwidth": "7,784 published runs",
    "untrained": "models A and B, untrained", "fit": "the fit itself", "basis": "the printed basis",
    "line": "a number line", "max_margin": "largest-margin networks", "quadratic": "quadratic networks, trained here",
    "random_phase": "networks with random phases", "ideal": "ideal neurons", "identity": "codes made by hand",
    "counterexample": "codes made by hand",
}  # fmt: skip
"""What a claim is about that is no model of ours: released material, or an exact statement."""
PRODUCTS = "a network of 64 dimensions, p = 59, trained on products"
OWN = {
    "products are multiplicative": (PRODUCTS, "1"),
    "neurons of products": (PRODUCTS, "1"),
    "phase change in small networks": ("networks of 64 dimensions, p = 59, by attention rate", "1 a rate"),
}
"""Claims judged on networks of ours that are no model of the zoo: {claim: (the networks, seeds)}."""


class Followed(NamedTuple):
    """The recorded runs of some parts of the protocol."""

    store: Store
    runs: dict[str, str]


def _followed(names: list[str], store: Store, progress: Progress) -> Followed:
    return Followed(store, follow(store, progress, tuple(names)))


def _pictures(found: Followed) -> Iterator[Picture]:
    for name, run in found.runs.items():
        yield from of_run(name, found.store, run)


def _module(name: str) -> Callable[[Store, Progress], Any]:
    """A script that opens the default store itself: nothing is recorded beforehand."""
    return lambda store, progress: import_module(f"experiments.fourier.{name}")


def _judged(model: str, seeds: str) -> Callable[[Any], Iterable[Judged]]:
    """Verdicts of a script, each with what it is about."""

    def lines(module: Any) -> Iterator[Judged]:
        for verdict in module.verdicts():
            yield Judged(verdict, *_subject(verdict, model, seeds))

    return lines


def _subject(found: Verdict, model: str, seeds: str) -> tuple[str, str]:
    """What a verdict is about: networks of ours, released material or an exact statement, and the seeds there are."""
    claim, of = found.claim, found.claim.models[0]
    if claim.name in OWN:
        return OWN[claim.name]
    if of in PUBLISHED or found.verdict in ("match", "direction"):
        return PUBLISHED.get(of, of), "-"
    return model, seeds


def _nanda(name: str) -> Iterator[Picture]:
    from experiments.fourier import nanda
    from interp.figures import FIGURES

    yield from plain(((n, figure) for n, figure in nanda.pictures(name) if not n.startswith("7-")), name)
    for drawing in FIGURES["grokking"]:
        yield shown(f"7-{drawing.name}", drawing, nanda.evidence(name).course)


def _nanda_frames(name: str) -> Iterator[Frame]:
    from experiments.fourier import nanda

    titles = {
        "table1": "Read directions (table 1)", "ablations": "Loss under every edit", "attention": "Attention by head",
        "events": "Events of the training", "structure": "Structure at grokking and at the end",
    }  # fmt: skip
    for table, frame in nanda.frames(name).items():
        yield Frame(
            table, titles[table], frame, f"{name}: p = 59, d_model 64, 128 neurons; published p = 113, 128, 512"
        )


def _zhong(module: Any) -> Iterator[Picture]:
    if not (module.REFERENCE / "pizza").is_dir():
        return
    for name, figure in module.pictures():
        released = name.removeprefix("zhong-").split("-")[0]
        yield Picture(name, figure, f"{released}, as released" if released != "phases" else "7,784 published runs")


def _rates(_: Any) -> Iterator[Picture]:
    from experiments.fourier.attention_rates import RESULT, picture

    if RESULT.is_file():
        yield Picture("attention-rates", picture(json.loads(RESULT.read_text())), "networks of 64 dimensions, p = 59")


def _groups(module: Any) -> Iterator[Picture]:
    yield Picture("products", module.picture(module.products()), "one network of 64 dimensions, p = 59")


def _named(module: Any) -> Iterator[Picture]:
    """Figures whose names tell the model: of helix, filters and digits."""
    for name, figure in module.pictures():
        model = next((each for each in (MENTAL, PLANTED, "modadd-59") if each.replace(":", "-") in name), "")
        yield Picture(name, figure, model or "codes made by hand")


def _number_frames(module: Any) -> Iterator[Frame]:
    if hasattr(module, "patch_table"):
        yield Frame("helix-patch", "What each form brings back before block 0", module.patch_table(), "95 % intervals")
        yield Frame("helix-nulls", "Codes without a period", module.helix_nulls.table(), "numbers 0..99")
    else:
        yield Frame("table1", "Table 1: what filters take away", module.table(), "beside random subspaces and shuffles")


def _heads(module: Any) -> Iterator[Frame]:
    yield Frame("minkowski", "Heads at =: sums of one part an operand?", module.heads(), f"{MENTAL}, n = 1,000 prompts")


def _closed(module: Any) -> Iterator[Picture]:
    return plain(module.pictures(module.widths(), module.trained(), module.drifts()), "quadratic networks, p to 113")


def _closed_frames(module: Any) -> Iterator[Frame]:
    yield Frame("margins", "Margins of the largest-margin networks", module.margins(), "relative to the bound")
    yield Frame("energy-without-probe", "The same energy, and no probe", module.drifts(), "N = 1,000 numbers")


def _calibration(_: Any) -> Iterator[Picture]:
    from experiments.fourier.calibration import OUT, figure

    yield Picture("calibration", figure(json.loads(OUT.read_text())), "points made by hand")


def _script(name: str, title: str, minutes: float, model: str, seeds: str = "1", **shows: Any) -> Part:
    """A part that is one script of this folder."""
    command = f"python -m experiments.fourier.{name}"
    given = {"verdicts": _judged(model, seeds), **shows}
    return Part(name.replace("_", "-"), title, minutes, command, _module(name), **given)


def _seed(name: str) -> Part:
    return Part(name, f"progress measures on {name}", 0.1, f"python -m experiments.fourier.nanda {name}",
                lambda store, progress: name, _nanda, _nanda_frames)  # fmt: skip


THREE = "3 (modadd-59, -seed1, -seed2)"
EXPERIMENT = Experiment(
    "fourier",
    "Fourier",
    (
        *(
            Part(name, title, minutes, f"python -m experiments.fourier.protocol {' '.join(parts)}",
                 partial(_followed, parts), _pictures)
            for name, (title, minutes, parts) in GROUPS.items()
        ),
        *map(_seed, ("modadd-59", "modadd-59-seed1", "modadd-59-seed2")),
        _script("nanda", "verdicts on progress measures", 0.1, "modadd-59", THREE),
        _script("zhong", "the clock and the pizza", 0.3, "modadd-59", THREE, pictures=_zhong),
        Part("attention-rates", "networks between pizza and clock, as kept", 0.1,
             "python -m experiments.fourier.attention_rates", _module("attention_rates"), _rates),
        _script("groups", "characters of groups", 0.1, "modadd-59", THREE, pictures=_groups),
        _script("helix", "helices", 0.2, MENTAL, pictures=_named, frames=_number_frames, after=("mental-codes",)),
        _script("filters", "filters", 0.1, MENTAL, pictures=_named, frames=_number_frames, after=("helix",)),
        _script("closed_forms", "closed forms", 0.3, "closed forms", "-", pictures=_closed, frames=_closed_frames),
        _script("digits", "digits", 0.6, MENTAL, pictures=_named, frames=_heads, after=("mental-digits", "planted")),
        Part("calibration", "how often nothing is called periodic, as kept", 0.1,
             "python -m experiments.fourier.calibration", _module("calibration"), _calibration),
        Part("published-models", "the published models", 0.1, "interp run helix --dry-run",
             lambda store, progress: None, verdicts=lambda found: helices()),
    ),
)  # fmt: skip
