"""How long will it take, before it is asked? The number of prompts that go through the model, roughly.

    seconds ~ forwards(spec, n_layers, n_roles) / (prompts a second of this machine)

A sweep over layers and roles runs the prompts once a cell; work that resumes at the patched layer is cheaper, so this
is an upper estimate, good to a factor of about two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interp.store import parameters as asked
from interp.store.specs import Spec
from interp.store.study import parts

WHOLE = 5000  # prompts of a whole split or task, where null asks for all of them
STEPS, BATCH = 4000, 512  # a usual recipe


def forwards(spec: Spec, n_layers: int, n_roles: int) -> float:
    """Return how many prompts `spec` runs through a model of `n_layers` blocks, on prompts of `n_roles` positions.

    A backward pass counts as two forwards. Reading the weights alone counts as 0.
    """
    return float(COSTS[spec.method](spec, spec.settings, n_layers + 1, n_roles))


def _n(n: int | None) -> int:
    return WHOLE if n is None else n


def _accuracy(_: Spec, p: asked.Accuracy, layers: int, roles: int) -> float:
    return _n(p.n)


def _patching(_: Spec, p: asked.Patching, layers: int, roles: int) -> float:
    return p.n * (2 + 2 * layers * roles)  # clean, corrupted, and every cell with its null


def _ablation(_: Spec, p: asked.Ablation, layers: int, roles: int) -> float:
    return p.n_reference + p.n * (1 + len(p.kinds) * layers * roles)


def _cama(_: Spec, p: asked.Cama, layers: int, roles: int) -> float:
    return _n(p.n_reference) + p.n * (1 + len(p.variants) * layers)


def _peeking(_: Spec, p: asked.Peeking, layers: int, roles: int) -> float:
    return p.n * (1 + len(p.variants) * (layers - 1))


def _af1(_: Spec, p: asked.Af1, layers: int, roles: int) -> float:
    sweeps = p.n_selection * (1 + 3 * layers + layers)  # wait sweep of three variants, then the transfer sweep
    return _n(p.n_reference) + sweeps + p.n_test * 4  # full model, AF1, unconditional mean, zero


def _lens(_: Spec, p: asked.Lens, layers: int, roles: int) -> float:
    return p.n


def _probing(_: Spec, p: asked.Probing, layers: int, roles: int) -> float:
    return p.n_train + p.n_test


def _attention(_: Spec, p: asked.Attention, layers: int, roles: int) -> float:
    return p.n


def _spectrum(_: Spec, p: asked.Spectrum, layers: int, roles: int) -> float:
    return 0


def _study(spec: Spec, p: asked.Study, layers: int, roles: int) -> float:
    unnamed = ("a+b",) * 6  # six tasks and six styles, whatever their names
    specs = parts(spec, p.tasks or unnamed, p.styles or unnamed)
    return sum(forwards(part, layers - 1, roles) for part in specs)


def _train(_: Spec, p: asked.Train, layers: int, roles: int) -> float:
    return 3 * (p.steps or STEPS) * (p.batch_size or BATCH)


COSTS: dict[str, Callable[[Spec, Any, int, int], float]] = {
    "accuracy": _accuracy,
    "patching": _patching,
    "ablation": _ablation,
    "cama": _cama,
    "peeking": _peeking,
    "af1": _af1,
    "lens": _lens,
    "probing": _probing,
    "attention": _attention,
    "spectrum": _spectrum,
    "study": _study,
    "train": _train,
}
