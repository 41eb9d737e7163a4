"""What does the model write after the prompt, while interventions hold?

    token_t = choose( logits( prompt + token_0 .. token_{t-1} ; writes ) )       t = 0 .. n_tokens - 1

    Greedy    the top token
    Sampled   drawn from softmax(logits / temperature), by a seed that is each prompt's own: neither the batch nor the
              other prompts change what is drawn

A prompt's text ends at its first `stop` token. Interventions at roles of the prompt hold at every step, and one at
`last` at the prompt's last position or also at every new token (`interp.methods.continuations`). Without interventions
and with `Greedy` this is `model.generate(do_sample=False)`. The whole sequence is run again at each step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.engine import Intervention
from interp.errors import InterpError
from interp.methods.continuations import Writes, logits_after
from interp.methods.grid import require_prompts
from interp.progress import Progress, silent

ENDED = -1
"""In the place of a token after a prompt's stop token."""


@dataclass(frozen=True)
class Greedy:
    """The top token, `n_tokens` times or until one of `stop`; a tie goes to the lowest id."""

    n_tokens: int = 8
    stop: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.n_tokens < 1:
            raise InterpError(f"n_tokens is {self.n_tokens}; generate at least 1 token.")

    def pick(self, logits: Tensor, rows: np.ndarray, step: int) -> Tensor:
        """Return one token id for each row of `logits` [prompt, vocab]."""
        return logits.argmax(dim=-1)


@dataclass(frozen=True)
class Sampled(Greedy):
    """A token drawn from softmax(logits / temperature), `n_tokens` times or until one of `stop`."""

    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.temperature < float("inf"):
            raise InterpError(f"temperature is {self.temperature}; use a number above 0, or Greedy for the top token.")

    def pick(self, logits: Tensor, rows: np.ndarray, step: int) -> Tensor:
        """Return one token id for each row: where a uniform number of (seed, prompt, step) falls in the cumulated
        probabilities."""
        share = torch.softmax(logits.double() / self.temperature, dim=-1).cumsum(dim=-1)
        drawn = torch.tensor([_uniform(self.seed, int(row), step) for row in rows], dtype=torch.float64)
        return torch.searchsorted(share, drawn.to(share.device)[:, None] * share[:, -1:])[:, 0]


@dataclass(frozen=True)
class Generated:
    """tokens: int64 [prompt, step], -1 after a stop token; logprobs: float32 [prompt, step] in nats, of the model's own
    distribution (temperature 1), nan after a stop token."""

    tokens: np.ndarray
    logprobs: np.ndarray

    def texts(self, tokenizer: Any, stop: Sequence[int] = ()) -> list[str]:
        """Return what each prompt was continued with, without its stop token."""
        return [tokenizer.decode([t for t in row if t != ENDED and t not in stop]) for row in self.tokens.tolist()]


def generate(
    model: Any,
    prompts: Any,
    decoding: Greedy,
    interventions: Sequence[Intervention] = (),
    *,
    last: str = "prompt",
    batch_size: int = 512,
    progress: Progress = silent,
) -> Generated:
    """Return what follows each prompt under the interventions; `last` is "prompt" or "generated".

    Raises InterpError on no prompts, more tokens than the model has room for, an unknown variant, and as `run`.
    """
    require_prompts(prompts)
    start, n = prompts.tokens.shape[1], len(prompts)
    writes = Writes.of(interventions, last)
    _check_room(model, start, decoding.n_tokens)
    whole = np.concatenate([prompts.tokens, np.zeros((n, decoding.n_tokens), dtype=np.int64)], axis=1)
    logprobs = np.full((n, decoding.n_tokens), np.nan, dtype=np.float32)
    ended = np.zeros(n, dtype=bool)
    for first in range(0, n, batch_size):
        rows = np.arange(first, min(first + batch_size, n))
        for step in range(decoding.n_tokens):
            progress(first * decoding.n_tokens + step * len(rows), n * decoding.n_tokens, "generating")
            if ended[rows].all():
                break
            logits = logits_after(model, prompts, whole[:, : start + step], writes, rows)[:, -1]
            ids = decoding.pick(logits, rows, step)
            logprobs[rows, step] = _logprob(logits, ids)
            whole[rows, start + step] = ids.cpu().numpy()
            ended[rows] |= np.isin(whole[rows, start + step], decoding.stop)
    progress(n * decoding.n_tokens, n * decoding.n_tokens, "generated")
    return _cut(whole[:, start:], logprobs, decoding.stop)


def _cut(tokens: np.ndarray, logprobs: np.ndarray, stop: Sequence[int]) -> Generated:
    """Return what was generated, up to each prompt's first stop token and with it."""
    stops = np.isin(tokens, np.asarray(stop, dtype=np.int64))
    after = (np.cumsum(stops, axis=1) - stops) > 0
    return Generated(np.where(after, ENDED, tokens), np.where(after, np.nan, logprobs))


def _check_room(model: Any, start: int, n_tokens: int) -> None:
    n_ctx = getattr(model.cfg, "n_ctx", None)
    if n_ctx and start + n_tokens - 1 > n_ctx:  # the last token is not read again
        raise InterpError(
            f"a prompt of {start} tokens and {n_tokens} new ones do not fit: this model has room for {n_ctx}; "
            f"generate at most {max(n_ctx - start + 1, 0)}."
        )


def _logprob(logits: Tensor, ids: Tensor) -> np.ndarray:
    return torch.log_softmax(logits, dim=-1).gather(1, ids[:, None])[:, 0].cpu().numpy()


def _uniform(seed: int, row: int, step: int) -> float:
    """Return a number in [0, 1) of (seed, row, step) alone."""
    key = np.frombuffer(hashlib.sha256(f"generate {seed}".encode()).digest()[:16], dtype=np.uint64)
    return float(np.random.Generator(np.random.Philox(key=key, counter=[0, 0, step, row])).random())
