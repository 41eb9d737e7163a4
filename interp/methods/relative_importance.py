"""Which share of the mediated effect passes through one set of MLPs, on a scale that large effects do not swamp?

    RI(S) = sum_{m in S} log(1 + max(effect(m), floor)) / sum_{all cells m} log(1 + max(effect(m), floor))

A cell is one component at one layer and one class of tokens: the effect is first averaged over prompts, then over the
tokens of the class, so a class of many tokens weighs as much as a class of one. The headline set S is the late half of
the layers (floor(L/2) .. L-1) at the last token.

Reading: 1 = everything passes there. Knowing nothing gives |S| / cells (`chance`). With the published floor of .1 every
cell without an effect still contributes log 1.1, which pulls RI towards chance; with floor 0 it contributes nothing.
Effects below 0 count as the floor: the share of a part that works against the source's answer is not negative but
none. (A floor of -1 + epsilon would let such cells outweigh the sum.) A grid without any effect has no share: nan.

Source: Stolfo, Belinkov & Sachan (2023) arXiv 2305.15054, and the floor of .1 of its published notebook.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CLASSES = ("early", "operand 1", "operator", "operand 2", "late", "last")
FLOORS = (0.1, 0.0)


def token_classes(roles: Sequence[str], operands: Sequence[str]) -> list[str]:
    """Return the class of each role: before the first operand `early`, an operand its number, between operands
    `operator`, after the last operand `late`, the final one `last`."""
    places = [i for i, role in enumerate(roles) if role in operands]
    found = []
    for i, role in enumerate(roles):
        if i == len(roles) - 1:
            found.append("last")
        elif role in operands:
            found.append(f"operand {places.index(i) + 1}")
        elif not places or i < places[0]:
            found.append("early")
        else:
            found.append("operator" if i < places[-1] else "late")
    return found


def by_class(cells: np.ndarray, classes: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return cells [..., layer, role] averaged over the roles of each class [..., layer, class], and the classes in
    order of appearance."""
    names = list(dict.fromkeys(classes))
    columns = [cells[..., [c == name for c in classes]].mean(axis=-1) for name in names]
    return np.stack(columns, axis=-1), names


def late_layers(n_layers: int) -> list[int]:
    """Return the late half of the layers, floor(L/2) .. L-1."""
    return list(range(n_layers // 2, n_layers))


def weights(cells: np.ndarray, floor: float) -> np.ndarray:
    """Return log(1 + max(cell, floor)), at least 0 for a floor of at least 0."""
    return np.log1p(np.maximum(cells, floor))


def share(weighed: np.ndarray, layers: Sequence[int], column: int = -1) -> np.ndarray:
    """Return the share [...] of weights [..., layer, class] that lies at `layers` of one class; nan where all are 0."""
    total = weighed.sum(axis=(-2, -1))
    part = weighed[..., list(layers), column].sum(axis=-1)
    return np.divide(part, total, out=np.full(np.shape(total), np.nan), where=total > 0)
