"""How long will it take, before it is asked? How often the prompts of each set go through the model, roughly.

    work(spec, model)     {set: Passes(split, n, forwards)}          prompts = sum over sets of n * forwards
    seconds             ~ forwards(spec, ...) / (prompts a second of this machine)

A sweep over layers and roles runs the prompts once a cell; work that resumes at the patched layer is cheaper, so this
is an upper estimate, good to a factor of about two. Each family of methods counts its own (`af1_costs`, ...).
"""

from __future__ import annotations

from interp.store import af1_costs, circuit_costs, number_costs, probe_costs, product_costs
from interp.store import parameters as asked
from interp.store.everyday_parameters import LongAnswers
from interp.store.passes import HEADS, Cost, Passes, Size, Work, evaluated, reference
from interp.store.specs import Spec
from interp.store.study import parts
from interp.store.try_parameters import Try

WHOLE = 5000  # prompts of a whole split or task, where null asks for all of them
STEPS, BATCH = 4000, 512  # a usual recipe


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


def _accuracy(p: asked.Accuracy, size: Size) -> Work:
    return evaluated(p, 1)


def _lens(p: asked.Lens, size: Size) -> Work:
    return evaluated(p, 1)


def _attention(p: asked.Attention, size: Size) -> Work:
    return evaluated(p, 1)


def _long_answers(p: LongAnswers, size: Size) -> Work:
    return evaluated(p, 5)  # told the beginning once, and written in about four steps


def _train(p: asked.Train, size: Size) -> Work:
    return {"train": Passes("train", p.batch_size or BATCH, 3 * (p.steps or STEPS))}


def _try(p: Try, size: Size) -> Work:
    n = getattr(p.intervention, "n_reference", 0)
    shown = {"evaluated": Passes("test", 1, 1 if p.intervention is None else 4)}
    return shown if n == 0 else reference(n) | shown


COSTS: dict[str, Cost] = {
    "try": _try,
    "accuracy": _accuracy,
    "lens": _lens,
    "attention": _attention,
    "long_answers": _long_answers,
    "train": _train,
    **af1_costs.COSTS,
    **circuit_costs.COSTS,
    **probe_costs.COSTS,
    **number_costs.COSTS,
    **product_costs.COSTS,
}
