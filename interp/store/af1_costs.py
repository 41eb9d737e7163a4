"""What do ablation, CAMA, ABP, the AF1 search and its heads cost?

The grid of windows shares its trunks: (L + 1)/2 forwards for them, (L^2 - 1) / (6 S) for its tails of one token each at
S positions a prompt, and one for the clean stream.
"""

from __future__ import annotations

from typing import Any

from interp.store import parameters as asked
from interp.store.af1_parameters import Searched
from interp.store.passes import Cost, Passes, Size, Work, evaluated, reference

WAITS, PEEKS, SHIFTS, CUTS = 9, 6, 8, 4  # variants that exist: what waits, what follows, windows nearby, what is cut
TRANSFER = 2  # full-peek blocks of a window that is still to be searched


def _grid(size: Size) -> float:
    """The whole grid of windows with shared trunks, in forwards of its prompts."""
    return (size.layers + 1) / 2 + (size.layers**2 - 1) / (6 * size.roles) + 1


def _search(p: Any, size: Size) -> Work:
    """The selection prompts: answered once, three wait sweeps, the grid."""
    return {"selection": Passes("selection", p.n_selection, 1 + 3 * (size.layers + 1) + _grid(size))}


def _searched(p: Searched, size: Size) -> Work:
    return reference(p.n_reference) | (_search(p, size) if p.l_wait is None else {})


def _ablation(p: asked.Ablation, size: Size) -> Work:
    cells = len(p.kinds) * (size.layers + 1) * size.roles
    return reference(p.n_reference) | evaluated(p, 1 + cells)


def _cama(p: asked.Cama, size: Size) -> Work:
    lines = WAITS if p.variants is None else len(p.variants)
    return reference(p.n_reference) | evaluated(p, 1 + lines * (size.layers + 1))


def _abp(p: asked.Abp, size: Size) -> Work:
    after = size.layers - (p.l_wait or 0)
    return _searched(p, size) | evaluated(p, 1 + len(p.variants) * (after + 1))


def _peeking(p: asked.Peeking, size: Size) -> Work:
    lines = CUTS if p.variants is None else len(p.variants)
    return evaluated(p, 1 + (lines + p.heads * size.heads) * size.layers)


def _af1(p: asked.Af1, size: Size) -> Work:
    judged = Passes("test", p.n_test, 4)  # full model, AF1, unconditional mean, zero
    return reference(p.n_reference) | _search(p, size) | {"test": judged}


def _window(p: asked.Window, size: Size) -> Work:
    return reference(p.n_reference) | evaluated(p, 4)


def _alternatives(p: asked.Alternatives, size: Size) -> Work:
    return _searched(p, size) | evaluated(p, 2 + WAITS + PEEKS + SHIFTS + 2 * p.n_random)


def _heads(p: asked.Heads, size: Size) -> Work:
    reading = size.heads * (TRANSFER if p.l_transfer is None else p.l_transfer)
    tails = reading * (reading + 1) / 2 / size.roles  # every removal is one token through the later blocks
    curves = Passes(p.split, p.n, 1 + (1 + p.n_random) * reading + size.heads * size.layers)
    greedy = {"search": Passes("selection", p.n_search, 1 + tails)}
    return _searched(p, size) | greedy | {"evaluated": curves}


COSTS: dict[str, Cost] = {
    "ablation": _ablation,
    "cama": _cama,
    "abp": _abp,
    "peeking": _peeking,
    "af1": _af1,
    "window": _window,
    "alternatives": _alternatives,
    "heads": _heads,
}
