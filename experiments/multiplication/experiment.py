"""What the gallery shows of multiplication and written addition: our small models, and the published claims."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from experiments.figures.experiment import Experiment, Frame, Judged, Part, Picture
from experiments.figures.unshipped import not_run
from experiments.multiplication import addition, dissect, icot
from experiments.multiplication.icot_figures import captioned
from interp.figures.twin import twin
from interp.progress import Progress
from interp.store import Store

FOLDER = "python -m experiments.multiplication"
SMALL = "small networks, d_model 96"


def _measured(model: str, store: Store, progress: Progress) -> tuple[Store, str]:
    icot.measured(model, store)
    return store, model


def _pictures(found: tuple[Store, str]) -> Iterator[Picture]:
    from interp.figures import FIGURES

    store, model = found
    for method, dataset in icot.measured(model, store).items():
        for drawing in FIGURES[method]:
            said, table = drawing.summary(dataset), twin(dataset, drawing.shows)
            yield Picture(f"{method}-{drawing.name}", captioned(drawing, dataset), model, said, table)


def _products(store: Store, progress: Progress) -> Any:
    return icot.all_measured(store, icot.present())


def _accuracies(found: Any) -> Iterator[Frame]:
    frame = icot.accuracies(found)
    if len(frame):
        yield Frame(
            "accuracies", "Accuracy of every model, digit by digit", frame, "95 % intervals; told: right digits before"
        )


def _judged(found: Any) -> Iterator[Judged]:
    names = icot.present()
    for training, verdict in icot.judged(found):
        models = names.get(training, [])
        yield Judged(verdict, models[0] if models else training, str(len(models)) if models else "-")


def _kept(module: Any, store: Store, progress: Progress) -> Any:
    from experiments.multiplication.written_evidence import read

    return module, read(module.RESULTS) if module.RESULTS.is_file() else None


def _written(found: Any) -> Iterator[Picture]:
    module, results = found
    if results is not None:
        yield from (Picture(name, figure, SMALL) for name, figure in module.pictures(results))


def _scores(found: Any) -> Iterator[Frame]:
    module, results = found
    if results is not None:
        yield Frame(
            "accuracy", "Exact match of every training", module.scores(results), "held-out questions, 95 % intervals"
        )


def _claims(found: Any) -> Iterator[Judged]:
    module = found[0]
    for line in module.lines():
        seeds = str(line.seeds) if line.seeds else "-"
        yield Judged(line.verdict, line.training, seeds, scale=module.SCALES.get(line.training, ""))


def _large(_: Any) -> Iterator[Judged]:
    from interp.verdicts import read_claims

    minutes = {"plain": "5 to 10", "icot": "8 to 15", "aux": "5 to 10", "deep": "25 to 50"}
    for claim in read_claims(icot.PUBLISHED).values():
        regime, _, size = claim.models[0].partition(" ")
        if regime in minutes and size == "4x4":
            recipe = "plain-12-blocks" if regime == "deep" else regime
            command = f"interp train experiments/multiplication/recipes/4x4-{recipe}.json --out OUT --device cuda"
            cost = f"{minutes[regime]} minutes of a data-centre GPU (estimated)"
            yield from not_run([claim], f"{regime}, 4x4 digits, d_model 768", command, cost)


def _parts() -> Iterator[Part]:
    models = [name for names in icot.present().values() for name in names]
    for model in models:
        yield Part(model, f"products of {model}", 0.5, f"{FOLDER}.icot", partial(_measured, model), _pictures)
    yield Part("icot", "why multiplication is hard", 0.1, f"{FOLDER}.icot", _products, frames=_accuracies,
               verdicts=_judged, after=tuple(models))  # fmt: skip
    yield Part("dissect", "multiplication by one digit", 0.2, f"{FOLDER}.dissect", partial(_kept, dissect), _written,
               _scores, _claims)  # fmt: skip
    yield Part("addition", "written addition", 0.2, f"{FOLDER}.addition", partial(_kept, addition), _written,
               verdicts=_claims)  # fmt: skip
    yield Part("published-size", "the published size", 0.1, f"{FOLDER}.icot --models icot=DIR",
               lambda store, progress: None, verdicts=_large)  # fmt: skip


EXPERIMENT = Experiment("multiplication", "Multiplication", tuple(_parts()))
