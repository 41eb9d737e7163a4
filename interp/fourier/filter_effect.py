"""What is lost when the low, or the high, frequencies of the number logits are taken out of every module?

    h  <-  h - U U^T h      at attn_out, mlp_out or both, in every layer;  U from `interp.fourier.filters`
    accuracy, loss          of the answers under each filter;   loss = - log P(answer) over the whole vocabulary
    single pass             keep one period T (and the constant) of both: is the answer still right modulo T?

The filter is a zero source in the basis U. Two controls of the same dimension, several draws each: random subspaces
(what losing that many directions costs) and the same waves of the numbers in random order (what losing that much about
numbers costs, whatever their order is). Only a filter that costs more, or less, than both says something of periods.

The structure of the wrong answers (off by a multiple of 10, of 50, of 100; by less than 6; right parity) stands beside
what the same predictions get on other prompts' answers. Where U has the width of the stream (`rank` = d_model) the
filter takes everything, the constant too.
Source: Zhou et al. 2024, arXiv:2406.03445.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Basis, Intervention, Lean, Site, Zero, sweep
from interp.errors import InterpError
from interp.fourier import filters
from interp.fourier.filter_result import Answers, dataset
from interp.progress import Progress, silent
from interp.tasks.prompts import Prompts

MODULES = {"attn": ("attn_out",), "mlp": ("mlp_out",), "both": ("attn_out", "mlp_out")}


@dataclass(frozen=True)
class Asked:
    """Which filter: where high begins and how that is counted, which rows of the unembedding, which positions.

    `cut` None is the published share of the numbers; by row that number of rows.
    """

    cut: int | None = None
    by: str = "component"
    reading: str = "read"
    where: str = "last"
    modules: tuple[str, ...] = tuple(MODULES)


def filter_effect(
    model: Any,
    prompts: Prompts,
    ids: Sequence[int],
    asked: Asked | None = None,
    *,
    keep: Sequence[float] | None = None,
    n_random: int = 20,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return accuracy and loss [removed, module] with intervals, beside controls [control, removed, module, draw].

    `ids` are the tokens of the numbers 0, 1, 2, ...; the answers must be among them. Single-pass filters give
    `kept_same` [kept], how often the answer is right modulo the period that is kept. `error` [prompt, removed, module]
    is the number with the largest logit less the right one (`no_number`: where another token is larger still). Raises
    InterpError for answers that are no number of `ids`, an unknown module, or a cut that leaves a side empty.
    """
    asked = Asked() if asked is None else asked
    answers = _numbers(prompts, ids)
    _check(asked)
    W = filters.numbers_unembedding(Lean.of(model), ids, asked.reading)
    n = len(W)
    periods = [T for T in (2, 5, 10, n) if n % T == 0 and n // T <= n // 2] if keep is None else list(keep)
    cut = filters.default_cut(n) if asked.cut is None else asked.cut
    rng = np.random.default_rng(seed)
    spaces = [_spaces(W, filters.rows(n, side, cut, asked.by), n_random, rng) for side in filters.SIDES]
    where = prompts.roles if asked.where == "all" else (prompts.roles[-1],)
    edits: list[list[Intervention]] = [[]]
    edits += [_edit(model, U, where, name) for side in spaces for name in asked.modules for U in side]
    edits += [_edit(model, U, where, "both") for T in periods for U in _single(W, T, rng)]
    found = _answered(model, prompts, ids, edits, batch_size, progress)
    size = len(edits) - 2 * len(periods)
    told = {"cut": cut, "by": asked.by, "reading": asked.reading, "where": asked.where, "seed": seed}
    told |= {"numbers": n, "d_model": W.shape[1]}
    single = found[size:].reshape(len(periods), 2, *found.shape[1:])
    swept = Answers(found[:size], single, answers, [side[0].shape[1] for side in spaces])
    return dataset(model, prompts, swept, (asked.modules, n_random, periods), told)


def _spaces(W: np.ndarray, chosen: np.ndarray, n_random: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the space of a filter, then random ones of its dimension, then those of numbers in random order."""
    U = filters.space(W, chosen)
    drawn = [filters.random_space(U.shape[0], U.shape[1], rng) for _ in range(n_random)]
    return [U, *drawn, *(filters.shuffled_space(W, chosen, rng) for _ in range(n_random))]


def _single(W: np.ndarray, kept: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the space that leaves only the period `kept`, and one of the numbers in random order."""
    rows = filters.all_but(len(W), [kept])
    return [filters.space(W, rows), filters.shuffled_space(W, rows, rng)]


def _edit(model: Any, U: np.ndarray, where: tuple[str, ...], module: str) -> list[Intervention]:
    """The filter of one kind of module in every layer."""
    basis = Basis(U)
    return [
        Intervention(Site(name, layer), where, Zero(), basis)
        for layer in range(model.cfg.n_layers)
        for name in MODULES[module]
    ]


def _answered(
    model: Any, prompts: Prompts, ids: Sequence[int], edits: list[list[Intervention]], size: int, progress: Progress
) -> np.ndarray:
    """Return [edit, prompt, 4]: right, loss in nats, the number with the largest logit, is it the top token?"""
    right, numbers = torch.as_tensor(prompts.answer_ids), torch.as_tensor(list(ids))

    def measure(logits: Tensor, at: np.ndarray) -> Tensor:
        wanted = right[torch.as_tensor(at)].to(logits.device)
        top, said = logits.argmax(-1), logits[:, numbers.to(logits.device)].argmax(-1)
        loss = -logits.double().log_softmax(-1).gather(-1, wanted[:, None])[:, 0]
        number = numbers.to(logits.device)[said] == top
        return torch.stack([(top == wanted).double(), loss, said.double(), number.double()], dim=1)

    return sweep(model, prompts, edits, measure, batch_size=size, progress=progress).numpy()


def _numbers(prompts: Prompts, ids: Sequence[int]) -> np.ndarray:
    """Return each prompt's answer as a number."""
    value = {int(token): number for number, token in enumerate(ids)}
    outside = [text for text, token in zip(prompts.answers, prompts.answer_ids, strict=True) if int(token) not in value]
    if outside:
        raise InterpError(
            f"The answer {outside[0]} is none of the {len(ids)} numbers that are filtered: raise `numbers`, or narrow "
            "the task (a+b@0..49)."
        )
    return np.array([value[int(token)] for token in prompts.answer_ids], float)


def _check(asked: Asked) -> None:
    unknown = [name for name in asked.modules if name not in MODULES]
    if unknown or asked.where not in ("last", "all"):
        raise InterpError(
            f"Filter {', '.join(unknown) or 'outputs'} at {asked.where}: expected {', '.join(MODULES)} at last or all."
        )
