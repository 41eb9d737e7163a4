"""Did the model say the answer, and how strongly?

    correct         1[argmax_v logits[v] = answer]      a tie goes to one token, as greedy decoding does
    answer_logprob  log softmax(logits)[answer]         nats, <= 0
    answer_rank     1 + #{v : logits[v] > logits[answer]}
    logit_diff      logits[answer of clean] - logits[answer of corrupted]
    prob_diff       P(answer of clean) - P(answer of corrupted)
    kl              sum_v P_reference(v) log(P_reference(v) / P(v))                     nats, >= 0
    relative_logit_effect    (patched - clean) / |clean|, each prompt, of the logit of one answer (Zhang et al., who
                             divide by a positive clean logit: below 0 the logit fell, whatever its sign was)
    recovered       mean(patched - corrupted) / mean(clean - corrupted)     of a per-pair metric: logit_diff

A metric is a function (logits [prompt, vocab], prompts) -> [prompt]; `logit_diff` takes the twins as its
prompts.

Reading `recovered`: 0 = nothing of the clean run came back, 1 = all of it; outside [0, 1] = the patch
overshoots. It is a ratio of means, not a mean of ratios: a pair whose two runs barely differ would dominate
the latter. Guard: when the mean denominator is below 1e-4 or its own 95 % interval holds 0, clean and
corrupted runs do not differ on average, there is nothing to recover, and the ratio is nan with the reason in
`guard`.

Source: Wang et al., Interpretability in the Wild (2023), arXiv 2211.00593 (logit difference); Heimersheim &
Nanda, How to use and interpret activation patching (2024), arXiv 2404.15255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.errors import InterpError
from interp.methods.intervals import percentile, resampled_means, t_interval

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins

SMALLEST_DENOMINATOR = 1e-4  # logits; a hundred times float32 rounding of a logit of order ten


def correct(logits: Float[Tensor, "prompt vocab"], prompts: Prompts) -> Bool[Tensor, " prompt"]:
    """Return whether the top token is the answer. Raises InterpError on non-finite or misshapen logits."""
    answers = _answer_ids(logits, prompts.answer_ids)
    return logits.argmax(dim=-1) == answers


def answer_logprob(logits: Float[Tensor, "prompt vocab"], prompts: Prompts) -> Float[Tensor, " prompt"]:
    """Return the log-probability of the answer in nats (<= 0). Raises as `correct`."""
    answers = _answer_ids(logits, prompts.answer_ids)
    return torch.log_softmax(logits.float(), dim=-1).gather(-1, answers[:, None])[:, 0]


def answer_rank(logits: Float[Tensor, "prompt vocab"], prompts: Prompts) -> Float[Tensor, " prompt"]:
    """Return 1 + the number of tokens with a larger logit than the answer's. Raises as `correct`."""
    answers = _answer_ids(logits, prompts.answer_ids)
    return 1.0 + (logits > logits.gather(-1, answers[:, None])).sum(dim=-1)


def logit_diff(logits: Float[Tensor, "prompt vocab"], twins: Twins) -> Float[Tensor, " prompt"]:
    """Return logit(clean answer) - logit(corrupted answer) per pair. Raises as `correct`."""
    clean = _answer_ids(logits, twins.clean.answer_ids)
    corrupted = _answer_ids(logits, twins.corrupted.answer_ids)
    logits = logits.float()
    return (logits.gather(-1, clean[:, None]) - logits.gather(-1, corrupted[:, None]))[:, 0]


def prob_diff(logits: Float[Tensor, "prompt vocab"], twins: Twins) -> Float[Tensor, " prompt"]:
    """Return P(clean answer) - P(corrupted answer) per pair, in [-1, 1]. Raises as `correct`."""
    clean, corrupted = (_answer_ids(logits, side.answer_ids) for side in (twins.clean, twins.corrupted))
    probabilities = torch.softmax(logits.float(), dim=-1)
    return (probabilities.gather(-1, clean[:, None]) - probabilities.gather(-1, corrupted[:, None]))[:, 0]


def kl(logits: Float[Tensor, "row vocab"], reference: Float[Tensor, "row vocab"]) -> Float[Tensor, " row"]:
    """Return how far `logits` say something else than `reference`, row by row, in nats (>= 0).

    Raises InterpError where the shapes differ.
    """
    if logits.shape != reference.shape:
        raise InterpError(f"kl compares rows of one shape; got {tuple(logits.shape)} and {tuple(reference.shape)}.")
    said, wanted = (torch.log_softmax(each.double(), dim=-1) for each in (logits, reference))
    return (wanted.exp() * (wanted - said)).sum(-1).clamp(min=0).float()


def relative_logit_effect(patched: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Return (patched - clean) / |clean| [prompt, ...] of logits [prompt, ...] and [prompt].

    nan where |clean| is below 1e-4: a logit has no zero of its own, and near one the ratio says nothing.
    """
    patched, clean = np.asarray(patched, dtype=float), np.asarray(clean, dtype=float)
    base = clean.reshape(-1, *[1] * (patched.ndim - 1))
    large = np.abs(base) >= SMALLEST_DENOMINATOR
    return np.divide(patched - base, np.abs(base), out=np.full(patched.shape, np.nan), where=large)


class Recovered(NamedTuple):
    """`value`, `low`, `high` [...]: 1 = clean run, 0 = corrupted run; `guard`: why they are nan, or ""."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    guard: str


def recovered(patched: np.ndarray, clean: np.ndarray, corrupted: np.ndarray, *, seed: int = 0) -> Recovered:
    """Return mean(patched - corrupted) / mean(clean - corrupted) over pairs, with its 95 % bootstrap
    interval.

    `patched` is [prompt, ...], `clean` and `corrupted` are [prompt], all of one metric. Pairs are resampled
    whole. One pair has a value and no interval (nan). Raises InterpError when the numbers of pairs differ.
    """
    patched, clean, corrupted = (np.asarray(x, dtype=float) for x in (patched, clean, corrupted))
    if not len(patched) == len(clean) == len(corrupted) or clean.ndim != 1 or corrupted.ndim != 1:
        raise InterpError(
            f"`recovered` needs one value a pair; got {patched.shape}, {clean.shape}, {corrupted.shape}. "
            "Give patched [prompt, ...], clean [prompt] and corrupted [prompt]."
        )
    total = clean - corrupted
    gain = patched - corrupted.reshape(-1, *[1] * (patched.ndim - 1))
    guard = _denominator_guard(total)
    if guard:
        nothing = np.full(patched.shape[1:], np.nan)
        return Recovered(nothing, nothing.copy(), nothing.copy(), guard)
    value = gain.mean(axis=0) / total.mean()
    if len(total) < 2:
        return Recovered(value, np.full_like(value, np.nan), np.full_like(value, np.nan), "")
    totals = resampled_means(total, seed=seed).reshape(-1, *[1] * (patched.ndim - 1))
    low, high = percentile(resampled_means(gain, seed=seed) / totals)
    return Recovered(value, low, high, "")


def _denominator_guard(total: np.ndarray) -> str:
    mean, (low, high) = total.mean(), t_interval(total)
    if abs(mean) < SMALLEST_DENOMINATOR or low <= 0 <= high:
        return (
            f"nothing to recover: mean(clean - corrupted) = {mean:.3g} logits, "
            f"95 % interval {low:.3g} to {high:.3g}, n = {len(total)}"
        )
    return ""


def _answer_ids(logits: Tensor, answer_ids: np.ndarray) -> Tensor:
    """Return the answer ids on the logits' device, after the checks every metric shares."""
    if logits.ndim != 2 or len(logits) != len(answer_ids) or len(answer_ids) == 0:
        raise InterpError(
            f"A metric needs logits [prompt, vocab], one row a prompt; got {tuple(logits.shape)} for "
            f"{len(answer_ids)} prompts. Pass the logits of these prompts at the last position."
        )
    if not bool(torch.isfinite(logits).all()):
        bad = int((~torch.isfinite(logits)).any(dim=-1).sum())
        raise InterpError(
            f"The model gave non-finite logits on {bad} of {len(logits)} prompts; metrics need finite ones. "
            "Use float32, or look for an edit that hides every key of a query."
        )
    if answer_ids.min() < 0 or answer_ids.max() >= logits.shape[1]:
        raise InterpError(
            f"An answer id is outside the vocabulary of {logits.shape[1]} tokens (ids {answer_ids.min()}.."
            f"{answer_ids.max()}). Make the prompts with this model's own tokenizer."
        )
    return torch.as_tensor(answer_ids, device=logits.device)
