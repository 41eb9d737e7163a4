"""How long will it take, before it is asked? How often the prompts of each set go through the model, roughly.

    work(spec, model)     {set: Passes(split, n, forwards)}          prompts = sum over sets of n * forwards
    seconds             ~ forwards(spec, ...) / (prompts a second of this machine)

A sweep over layers and roles runs the prompts once a cell; work that resumes at the patched layer is cheaper, so this
is an upper estimate, good to a factor of about two. The grid of windows shares its trunks: (L + 1)/2 forwards for them,
(L^2 - 1) / (6 S) for its tails of one token each at S positions a prompt, and one for the clean stream. A backward pass
counts as two forwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from interp.store import parameters as asked
from interp.store.af1_parameters import Searched
from interp.store.circuit_parameters import Attribution, Circuits, Interchange, KeyHeads, Steering
from interp.store.clock_pizza_parameters import ClockPizza
from interp.store.component_parameters import Components, Mediation, Neurons
from interp.store.digit_parameters import Convergence, DigitCodes, DigitProbes, DigitRotation
from interp.store.everyday_parameters import Dla, LongAnswers
from interp.store.grokking_parameters import Grokking
from interp.store.helix_parameters import Filters, Helix, Planes
from interp.store.operand_parameters import Operands
from interp.store.patching_parameters import Written
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
from interp.store.specs import Spec
from interp.store.study import parts
from interp.store.try_parameters import Try

WHOLE = 5000  # prompts of a whole split or task, where null asks for all of them
STEPS, BATCH = 4000, 512  # a usual recipe
HEADS = 8  # of a model whose number of heads is not told
WAITS, PEEKS, SHIFTS, CUTS = 9, 6, 8, 4  # variants that exist: what waits, what follows, windows nearby, what is cut
SIZES, DOSES = 10, 9  # circuit sizes, doses
CIRCLES = 10  # circles of the embeddings of a modular-addition network, and the whole
TRANSFER = 2  # full-peek blocks of a window that is still to be searched


class Passes(NamedTuple):
    """How often `n` prompts of `split` (null: all of it) go through the whole model."""

    split: str
    n: int | None
    forwards: float


class Size(NamedTuple):
    """What a cost depends on: blocks, positions of a prompt, heads of a block."""

    layers: int
    roles: int
    heads: int = HEADS


Work = dict[str, Passes]


def forwards(spec: Spec, n_layers: int, n_roles: int, n_heads: int = HEADS) -> float:
    """Return how many prompts `spec` runs through a model of `n_layers` blocks, on prompts of `n_roles` positions.

    Reading the weights alone counts as 0.
    """
    if spec.method == "study":
        return sum(forwards(part, n_layers, n_roles, n_heads) for part in _parts(spec))
    sets = work(spec, Size(n_layers, n_roles, n_heads)).values()
    return float(sum(_n(passes.n) * passes.forwards for passes in sets))


def work(spec: Spec, size: Size) -> Work:
    """Return how often each set of prompts of one method goes through the model; a study is its parts, not one."""
    return COSTS[spec.method](spec.settings, size)


def _parts(spec: Spec) -> list[Spec]:
    unnamed = tuple(f"a+b@0..{i}" for i in range(6))  # six tasks and six styles, whatever their names
    return parts(spec, unnamed, unnamed)


def _n(n: int | None) -> int:
    return WHOLE if n is None else n


def _evaluated(p: Any, forwards: float) -> Work:
    return {"evaluated": Passes(p.split, p.n, forwards)}


def _reference(n: int | None) -> Work:
    return {"reference": Passes("all" if n is None else "train", n, 1)}


def _grid(size: Size) -> float:
    """The whole grid of windows with shared trunks, in forwards of its prompts."""
    return (size.layers + 1) / 2 + (size.layers**2 - 1) / (6 * size.roles) + 1


def _search(p: Any, size: Size) -> Work:
    """The selection prompts: answered once, three wait sweeps, the grid."""
    return {"selection": Passes("selection", p.n_selection, 1 + 3 * (size.layers + 1) + _grid(size))}


def _searched(p: Searched, size: Size) -> Work:
    return _reference(p.n_reference) | (_search(p, size) if p.l_wait is None else {})


def _accuracy(p: asked.Accuracy, size: Size) -> Work:
    return _evaluated(p, 1)


def _patching(p: Written, size: Size) -> Work:
    units = size.heads if p.component in ("z", "q", "k", "v", "pattern") else 1  # type: ignore[attr-defined]
    cells = 2 * (size.layers + 1) * units * size.roles  # and as many of the null
    found = _evaluated(p, 4 + cells / 4)  # base, other and unrelated runs; a sweep resumes at the patched layer
    return found | (_reference(p.n_reference) if p.source == "mean" else {})


def _ablation(p: asked.Ablation, size: Size) -> Work:
    cells = len(p.kinds) * (size.layers + 1) * size.roles
    return _reference(p.n_reference) | _evaluated(p, 1 + cells)


def _cama(p: asked.Cama, size: Size) -> Work:
    lines = WAITS if p.variants is None else len(p.variants)
    return _reference(p.n_reference) | _evaluated(p, 1 + lines * (size.layers + 1))


def _abp(p: asked.Abp, size: Size) -> Work:
    after = size.layers - (p.l_wait or 0)
    return _searched(p, size) | _evaluated(p, 1 + len(p.variants) * (after + 1))


def _peeking(p: asked.Peeking, size: Size) -> Work:
    lines = CUTS if p.variants is None else len(p.variants)
    return _evaluated(p, 1 + (lines + p.heads * size.heads) * size.layers)


def _af1(p: asked.Af1, size: Size) -> Work:
    judged = Passes("test", p.n_test, 4)  # full model, AF1, unconditional mean, zero
    return _reference(p.n_reference) | _search(p, size) | {"test": judged}


def _window(p: asked.Window, size: Size) -> Work:
    return _reference(p.n_reference) | _evaluated(p, 4)


def _alternatives(p: asked.Alternatives, size: Size) -> Work:
    return _searched(p, size) | _evaluated(p, 2 + WAITS + PEEKS + SHIFTS + 2 * p.n_random)


def _heads(p: asked.Heads, size: Size) -> Work:
    reading = size.heads * (TRANSFER if p.l_transfer is None else p.l_transfer)
    tails = reading * (reading + 1) / 2 / size.roles  # every removal is one token through the later blocks
    curves = Passes(p.split, p.n, 1 + (1 + p.n_random) * reading + size.heads * size.layers)
    greedy = {"search": Passes("selection", p.n_search, 1 + tails)}
    return _searched(p, size) | greedy | {"evaluated": curves}


def _lens(p: asked.Lens, size: Size) -> Work:
    return _evaluated(p, 1)


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
    return sets | _evaluated(p, 1 + written)


def _attention(p: asked.Attention, size: Size) -> Work:
    return _evaluated(p, 1)


def _spectrum(p: asked.Spectrum, size: Size) -> Work:
    return {}


def _spectra(p: asked.Spectra, size: Size) -> Work:
    return {p.split: Passes(p.split, p.n, 1)}


def _operands(p: Operands, size: Size) -> Work:
    return {"grid": Passes("all", None, 4 if p.direct else 2)}  # answers, neurons; twice more for what heads write


def _clock_pizza(p: ClockPizza, size: Size) -> Work:
    networks = 1 + p.n_untrained + p.n_checkpoints  # each runs the whole grid once, and once for every circle
    return {"grid": Passes("all", None, CIRCLES * networks)}


def _dla(p: Dla, size: Size) -> Work:
    return _evaluated(p, 1.5)  # every other prompt once more, to choose the neurons


def _long_answers(p: LongAnswers, size: Size) -> Work:
    return _evaluated(p, 5)  # told the beginning once, and written in about four steps


def _mediation(p: Mediation, size: Size) -> Work:
    cells = 2 * 2 * size.layers * size.roles / 4  # two components and their null; the sweep resumes where it patches
    return _evaluated(p, len(p.changes) * (3 + cells))


def _attribution(p: Attribution, size: Size) -> Work:
    gradient = 2 * (3 if p.variant == "gradient" else 4 * p.steps * _groups(p.variant, size))  # and its null
    return _evaluated(p, gradient + size.layers * (size.heads + 1) * size.roles / 4)  # exact: each node at each role


def _circuits(p: Circuits, size: Size) -> Work:
    ranking = 3 if p.attribution == "gradient" else 4 * p.steps * _groups(p.attribution, size)
    runs = 4 * SIZES * (4 + p.n_random)  # both rankings, their complements, random ones; some four forwards each
    found = {"discovery": Passes("train", p.n_discovery, ranking)} | _evaluated(p, runs)
    return found | (_reference(p.n_reference) if p.ablation == "mean" else {})


def _interchange(p: Interchange, size: Size) -> Work:
    cells = (size.layers + 1) * size.roles / 2  # at most half of the roles differ
    learned = 2 * cells * p.steps * 3 * 128 / max(1, p.n_train) / 2  # batches of 128, half of the blocks
    return {"train": Passes("train", p.n_train, 1 + cells + learned)} | _evaluated(p, 2 * (1 + 5 * cells / 4))


def _key_heads(p: KeyHeads, size: Size) -> Work:
    cells = 1 + len(p.elsewhere)
    paths = 2 * 2 * len(p.counterfactuals) * (2 + size.layers * (size.heads + 1) / size.roles)  # and their nulls
    knockout = (p.n_heads + 1) * (1 + 2 * p.n_random)
    found = {"selection": Passes("selection", p.n_pairs, cells * paths)} | _evaluated(p, cells * (1 + knockout))
    return found | {"reference": Passes("train", p.n_reference, cells)}


def _steering(p: Steering, size: Size) -> Work:
    return {"train": Passes("train", p.n_train, 1)} | _evaluated(p, 1 + DOSES * (1 + p.n_random) / 2)


def _filters(p: Filters, size: Size) -> Work:
    return _evaluated(p, 1 + 2 * len(p.modules) * (1 + 2 * p.n_random) + 8)  # every layer is written: nothing is shared


def _planes(p: Planes, size: Size) -> Work:
    subspaces = len(p.layers) * (2 + (4 if p.periods is None else len(p.periods)))
    written = 3 * subspaces * (1 + 2 * p.n_random)  # three modes, two controls; a sweep resumes where it writes
    return {"train": Passes("train", p.n_train, 1)} | _evaluated(p, 1 + written)


def _helix(p: Helix, size: Size) -> Work:
    layers = size.layers + 1 if p.layers is None else len(p.layers)
    written = layers * (4 * (4 + p.n_random) + 2) / 2  # forms of one to four periods; a sweep resumes where it writes
    sets = {"train": Passes("train", p.n_train, 1), "selection": Passes("selection", p.n_selection, 2 + 15 * layers)}
    return sets | _evaluated(p, 4 + written)


def _digit_probes(p: DigitProbes, size: Size) -> Work:
    return _evaluated(p, 1)


def _digit_rotation(p: DigitRotation, size: Size) -> Work:
    turns = 3 * 2 / 2  # three planes of two digits; a sweep resumes where it writes
    sets = {
        "train": Passes("train", p.n_train, 1),
        "selection": Passes("selection", p.n_select, 1 + turns * size.layers),
    }
    return sets | _evaluated(p, 1 + turns * p.base * (1 + p.n_random))


def _digit_codes(p: DigitCodes, size: Size) -> Work:
    return _evaluated(p, 1)


def _convergence(p: Convergence, size: Size) -> Work:
    return {}  # embeddings; the prompts are counted, not run


def _grokking(p: Grokking, size: Size) -> Work:
    return {}  # the weights of a toy by step: two seconds for 25 checkpoints


def _product_accuracy(p: ProductAccuracy, size: Size) -> Work:
    return _evaluated(p, 1 + size.roles / 2)  # told once, and written a digit at a time


def _digit_attribution(p: DigitAttribution, size: Size) -> Work:
    return _evaluated(p, 2 * (1 + size.roles / 2))  # a forward a digit, and as many before training


def _running_sums(p: RunningSums, size: Size) -> Work:
    return {"train": Passes("train", p.n_train, 2), "test": Passes("test", p.n_test, 2)}


def _products_twice(p: AttentionTree | DigitGeometry | ProductDigits, size: Size) -> Work:
    return _evaluated(p, 2)


def _learning_order(p: LearningOrder, size: Size) -> Work:
    return {}  # the log of the training


def _groups(variant: str, size: Size) -> int:
    """Senders that move together on their way: all of them, or those of a layer and kind."""
    return 1 if variant == "ig_inputs" else 2 * size.layers + 1


def _components(p: Components, size: Size) -> Work:
    cells = 2 * size.layers * (size.heads + 1) * size.roles / 4
    circuits = (p.n_random + 2) * min(size.layers * size.heads, 64)
    ranked = Passes("selection", p.n_discovery, 3 + cells + size.layers * size.heads)
    return {"selection": ranked, "reference": Passes("train", p.n_reference, 2)} | _evaluated(p, 1 + circuits)


def _neurons(p: Neurons, size: Size) -> Work:
    late = size.layers - size.layers // 2 if p.layers is None else len(p.layers)
    exact = 2 * p.n_top * late / (2 * size.roles)  # each neuron of the shortlist: one token through the later blocks
    sets = {"selection": Passes("selection", p.n_discovery, 5 + exact), "grid": Passes("all", None, 1)}
    knocked = 1 + (10 + 50) * (1 + p.n_random) / (2 * size.roles)
    return sets | {"reference": Passes("train", p.n_reference, 1)} | _evaluated(p, knocked)


def _train(p: asked.Train, size: Size) -> Work:
    return {"train": Passes("train", p.batch_size or BATCH, 3 * (p.steps or STEPS))}


def _try(p: Try, size: Size) -> Work:
    n = getattr(p.intervention, "n_reference", 0)
    shown = {"evaluated": Passes("test", 1, 1 if p.intervention is None else 4)}
    return shown if n == 0 else _reference(n) | shown


COSTS: dict[str, Callable[[Any, Size], Work]] = {
    "try": _try,
    "accuracy": _accuracy,
    "patching": _patching,
    "head_patching": _patching,
    "ablation": _ablation,
    "cama": _cama,
    "abp": _abp,
    "peeking": _peeking,
    "af1": _af1,
    "window": _window,
    "alternatives": _alternatives,
    "heads": _heads,
    "lens": _lens,
    "probing": _probing,
    "probe_controls": _probe_controls,
    "probe_learning": _probe_learning,
    "probe_transfer": _probe_transfer,
    "probe_directions": _probe_directions,
    "probe_causal": _probe_causal,
    "attention": _attention,
    "spectrum": _spectrum,
    "spectra": _spectra,
    "operands": _operands,
    "dla": _dla,
    "long_answers": _long_answers,
    "mediation": _mediation,
    "components": _components,
    "neurons": _neurons,
    "attribution": _attribution,
    "circuits": _circuits,
    "interchange": _interchange,
    "key_heads": _key_heads,
    "steering": _steering,
    "helix": _helix,
    "digit_probes": _digit_probes,
    "digit_rotation": _digit_rotation,
    "digit_codes": _digit_codes,
    "convergence": _convergence,
    "filters": _filters,
    "planes": _planes,
    "clock_pizza": _clock_pizza,
    "grokking": _grokking,
    "product_accuracy": _product_accuracy,
    "digit_attribution": _digit_attribution,
    "running_sums": _running_sums,
    "attention_tree": _products_twice,
    "digit_geometry": _products_twice,
    "product_digits": _products_twice,
    "learning_order": _learning_order,
    "train": _train,
}
