"""What do patching, attribution and circuits cost? A sweep resumes where it writes; a backward pass is two forwards."""

from __future__ import annotations

from interp.store.circuit_parameters import Attribution, Circuits, Interchange, KeyHeads, Steering
from interp.store.component_parameters import Components, Mediation, Neurons
from interp.store.everyday_parameters import Dla
from interp.store.passes import Cost, Passes, Size, Work, evaluated, reference
from interp.store.patching_parameters import Written

SIZES, DOSES = 10, 9  # circuit sizes, doses


def _patching(p: Written, size: Size) -> Work:
    units = size.heads if p.component in ("z", "q", "k", "v", "pattern") else 1  # type: ignore[attr-defined]
    cells = 2 * (size.layers + 1) * units * size.roles  # and as many of the null
    found = evaluated(p, 4 + cells / 4)  # base, other and unrelated runs; a sweep resumes at the patched layer
    return found | (reference(p.n_reference) if p.source == "mean" else {})


def _dla(p: Dla, size: Size) -> Work:
    return evaluated(p, 1.5)  # every other prompt once more, to choose the neurons


def _mediation(p: Mediation, size: Size) -> Work:
    cells = 2 * 2 * size.layers * size.roles / 4  # two components and their null; the sweep resumes where it patches
    return evaluated(p, len(p.changes) * (3 + cells))


def _attribution(p: Attribution, size: Size) -> Work:
    gradient = 2 * (3 if p.variant == "gradient" else 4 * p.steps * _groups(p.variant, size))  # and its null
    return evaluated(p, gradient + size.layers * (size.heads + 1) * size.roles / 4)  # exact: each node at each role


def _circuits(p: Circuits, size: Size) -> Work:
    ranking = 3 if p.attribution == "gradient" else 4 * p.steps * _groups(p.attribution, size)
    runs = 4 * SIZES * (4 + p.n_random)  # both rankings, their complements, random ones; some four forwards each
    found = {"discovery": Passes("train", p.n_discovery, ranking)} | evaluated(p, runs)
    return found | (reference(p.n_reference) if p.ablation == "mean" else {})


def _interchange(p: Interchange, size: Size) -> Work:
    cells = (size.layers + 1) * size.roles / 2  # at most half of the roles differ
    learned = 2 * cells * p.steps * 3 * 128 / max(1, p.n_train) / 2  # batches of 128, half of the blocks
    return {"train": Passes("train", p.n_train, 1 + cells + learned)} | evaluated(p, 2 * (1 + 5 * cells / 4))


def _key_heads(p: KeyHeads, size: Size) -> Work:
    cells = 1 + len(p.elsewhere)
    paths = 2 * 2 * len(p.counterfactuals) * (2 + size.layers * (size.heads + 1) / size.roles)  # and their nulls
    knockout = (p.n_heads + 1) * (1 + 2 * p.n_random)
    found = {"selection": Passes("selection", p.n_pairs, cells * paths)} | evaluated(p, cells * (1 + knockout))
    return found | {"reference": Passes("train", p.n_reference, cells)}


def _steering(p: Steering, size: Size) -> Work:
    return {"train": Passes("train", p.n_train, 1)} | evaluated(p, 1 + DOSES * (1 + p.n_random) / 2)


def _groups(variant: str, size: Size) -> int:
    """Senders that move together on their way: all of them, or those of a layer and kind."""
    return 1 if variant == "ig_inputs" else 2 * size.layers + 1


def _components(p: Components, size: Size) -> Work:
    cells = 2 * size.layers * (size.heads + 1) * size.roles / 4
    circuits = (p.n_random + 2) * min(size.layers * size.heads, 64)
    ranked = Passes("selection", p.n_discovery, 3 + cells + size.layers * size.heads)
    return {"selection": ranked, "reference": Passes("train", p.n_reference, 2)} | evaluated(p, 1 + circuits)


def _neurons(p: Neurons, size: Size) -> Work:
    late = size.layers - size.layers // 2 if p.layers is None else len(p.layers)
    exact = 2 * p.n_top * late / (2 * size.roles)  # each neuron of the shortlist: one token through the later blocks
    sets = {"selection": Passes("selection", p.n_discovery, 5 + exact), "grid": Passes("all", None, 1)}
    knocked = 1 + (10 + 50) * (1 + p.n_random) / (2 * size.roles)
    return sets | {"reference": Passes("train", p.n_reference, 1)} | evaluated(p, knocked)


COSTS: dict[str, Cost] = {
    "patching": _patching,
    "head_patching": _patching,
    "dla": _dla,
    "mediation": _mediation,
    "components": _components,
    "neurons": _neurons,
    "attribution": _attribution,
    "circuits": _circuits,
    "interchange": _interchange,
    "key_heads": _key_heads,
    "steering": _steering,
}
