"""Which subgraphs are compared with AF1? One row each: what it is called, where it acts, and its interventions.

Rows hold no tensors: `edits()` reads what a row needs when its turn comes, so that only one row's sources are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from interp.engine import Intervention
from interp.methods.after_waiting import PEEKS, subgraph, window
from interp.methods.placements import (
    complement,
    cut_elsewhere,
    placed,
    random_heads,
    random_windows,
    reading,
    shifted,
)
from interp.methods.waiting import References, wait

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


class Alternative(NamedTuple):
    """One row: its kind and name, the blocks where CAMA and the transfer are (-1: none), its interventions."""

    kind: str
    name: str
    cama_block: int
    transfer_block: int
    edits: Callable[[], list[Intervention]]


def rows_of(
    model: Any, prompts: Prompts, references: References, at: tuple[int, int], n_random: int, seed: int
) -> list[Alternative]:
    """Return every alternative to the window `at` = (l_wait, l_transfer), the proposed ones first of their kind."""
    size = model.cfg.n_layers, model.cfg.n_heads
    return [
        *_waits(prompts, references, size[0], at),
        *_peeks(model, prompts, references, at),
        *_windows(prompts, references, size[0], at),
        *_controls(prompts, references, size, at, (n_random, seed)),
    ]


def cuts_elsewhere(prompts: Prompts, n_layers: int, at: tuple[int, int], n_random: int, seed: int) -> list[Alternative]:
    """Return the control of the complement: as many other blocks cut in the full model."""
    drawn = cut_elsewhere(n_layers, range(at[0], sum(at)), n_random, seed)
    return [
        Alternative("control", f"cut_elsewhere {i}", -1, blocks[0], partial(complement, prompts, blocks))
        for i, blocks in enumerate(drawn)
    ]


def _waits(prompts: Prompts, references: References, n_layers: int, at: tuple[int, int]) -> Iterator[Alternative]:
    def edits(variant: str) -> list[Intervention]:
        return wait(references, prompts, at[0], variant) + window(prompts, n_layers, *at)

    for variant in references.variants:
        yield Alternative("wait", variant, at[0], at[0], partial(edits, variant))


def _peeks(model: Any, prompts: Prompts, references: References, at: tuple[int, int]) -> Iterator[Alternative]:
    for variant in PEEKS:
        if variant != "mean_attention" or references.task_prompts is not None:
            how = {"batch_size": references.batch_size}
            edits = partial(subgraph, model, prompts, references, *at, variant, **how)
            yield Alternative("peek", variant, at[0], at[0], edits)


def _windows(prompts: Prompts, references: References, n_layers: int, at: tuple[int, int]) -> Iterator[Alternative]:
    for shift, start in shifted(n_layers, *at).items():
        edits = partial(placed, references, prompts, n_layers, *at, start)
        yield Alternative("window", f"shift {shift:+d}", min(at[0], start), start, edits)
    edits = partial(complement, prompts, range(at[0], sum(at)))
    yield Alternative("window", "complement", -1, at[0], edits)


def _controls(
    prompts: Prompts, references: References, size: tuple[int, int], at: tuple[int, int], draws: tuple[int, int]
) -> Iterator[Alternative]:
    for i, start in enumerate(random_windows(size[0], *at, *draws)):
        edits = partial(placed, references, prompts, size[0], *at, start)
        yield Alternative("control", f"random_window {i}", min(at[0], start), start, edits)
    for i, heads in enumerate(random_heads(size, *at, *draws)):
        yield Alternative("control", f"random_head {i}", at[0], -1, partial(reading, references, prompts, at[0], heads))
