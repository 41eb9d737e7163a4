"""What is still answered when the last token no longer reads in some heads? Many sets of heads at once.

    removed[j, h]: in block span[j] and head h  the last token sees only itself and BOS; all else stays as it was

`af1_without` says it as a list of interventions on AF1, one forward a set. `Removals` gives the same answers for many
sets at once, for AF1 and for the full model. In both nobody but the last token itself reads the last token, so what
the other tokens do does not depend on the sets: they are one trunk, and a set costs one row:

    block with heads to remove   rows = other tokens + one copy of the last token for each set
    block after them (AF1)       rows = BOS + copies

All copies stand at the last token's place and never see each other. Sets that agree up to a block share one copy up
to there, so heads of a late block cost nothing before it.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650 (head analysis).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.engine import Intervention, Site, stream
from interp.engine.blocks import Blocks
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.elimination import Answers
from interp.methods.masks import peek
from interp.methods.means import Means
from interp.methods.waiting import wait
from interp.methods.window import af1_interventions
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

COPIES = 64
"""Copies of the last token in one sequence: attention is quadratic in their number, everything else linear."""


def require_transfer_heads(model: Any, l_wait: int, l_transfer: int) -> None:
    """Raise InterpError for a window outside the model or without a transfer block."""
    n_layers = model.cfg.n_layers
    if l_wait < 0 or l_transfer < 1 or l_wait + l_transfer > n_layers:
        raise InterpError(
            f"window l_wait {l_wait}, l_transfer {l_transfer} has no transfer heads in a model of {n_layers} blocks; "
            f"need l_wait >= 0, l_transfer >= 1 and l_wait + l_transfer <= {n_layers}."
        )


def af1_without(means: Means, prompts: Prompts, n_layers: int, l_wait: int, removed: np.ndarray) -> list[Intervention]:
    """Return AF1(l_wait, l_transfer) without the reads of the heads `removed`, bool [l_transfer, head]."""
    whole = af1_interventions(means, prompts, n_layers, l_wait, len(removed))
    heads = [np.flatnonzero(each).tolist() for each in removed]
    return whole + [edit for j, some in enumerate(heads) for edit in peek(prompts, [l_wait + j], "self", heads=some)]


def answers_of(logits: Float[Tensor, "prompt set vocab"], prompts: Prompts) -> Answers:
    """Return which prompts are right and by what margin, [set, prompt]. Raises InterpError as `metrics.correct`."""
    right = [metrics.correct(each, prompts).cpu().numpy() for each in logits.unbind(1)]
    ids = torch.as_tensor(prompts.answer_ids, device=logits.device)[:, None, None].expand(*logits.shape[:2], 1)
    answer, best = logits.gather(-1, ids)[..., 0], logits.topk(2, dim=-1)
    other = torch.where(best.indices[..., 0] == ids[..., 0], best.values[..., 1], best.values[..., 0])
    return Answers(np.stack(right), (answer - other).T.double().cpu().numpy())


class Removals:
    """A run whose heads in the blocks `span` can be removed; made by `of_af1` or `of_model`.

    `start` is the residual stream [prompt, pos, d_model] that enters the first block of `span`; `others`, bool
    [pos - 1, pos - 1], is what the tokens before the last may see; `shape` is (blocks in `span`, n_heads).
    """

    def __init__(self, blocks: Blocks, prompts: Prompts, start: Tensor, span: range, others: Tensor) -> None:
        self.blocks, self.prompts, self.start, self.span, self.others = blocks, prompts, start, span, others
        self.shape, self.n_sinks = (len(span), blocks.model.cfg.n_heads), _sinks(prompts)

    @classmethod
    def of_af1(
        cls, model: Any, means: Means, prompts: Prompts, l_wait: int, l_transfer: int, *, batch_size: int = 512
    ) -> Removals:
        """Return AF1(l_wait, l_transfer) with its transfer heads removable.

        Raises InterpError for no prompts, a window outside the model or one without a transfer block.
        """
        require_transfer_heads(model, l_wait, l_transfer)
        parts: list[Tensor] = []
        consume = {Site("resid_pre", l_wait): lambda h, rows: parts.append(h)}
        stream(model, prompts, consume, wait(means, prompts, l_wait), batch_size=batch_size)
        n_others = len(prompts.roles) - 1
        alone = torch.eye(n_others, dtype=torch.bool)
        alone[:, : _sinks(prompts)] = True
        return cls(Blocks.of(model, prompts), prompts, torch.cat(parts), range(l_wait, l_wait + l_transfer), alone)

    @classmethod
    def of_model(cls, model: Any, prompts: Prompts) -> Removals:
        """Return the full model with the last token's heads removable in every block."""
        blocks, n_others = Blocks.of(model, prompts), len(prompts.roles) - 1
        causal = torch.ones(n_others, n_others, dtype=torch.bool).tril()
        return cls(blocks, prompts, blocks.embed(prompts.tokens), range(model.cfg.n_layers), causal)

    def judge(self, removed: np.ndarray, progress: Progress = silent, *, batch_size: int = 512) -> Answers:
        """Return what each set of removed heads, bool [set, *shape], leaves.

        A call holds about as many rows as `batch_size` whole prompts.
        """
        n, n_pos = self.prompts.tokens.shape
        found = Answers(np.zeros((len(removed), n), dtype=bool), np.zeros((len(removed), n)))
        for at in range(0, len(removed), COPIES):
            sets = slice(at, min(at + COPIES, len(removed)))
            plan, copy_of = self._plan(removed[sets])
            step = max(1, batch_size * n_pos // (n_pos + sets.stop - sets.start))
            for row in range(0, n, step):
                rows = slice(row, min(row + step, n))
                logits = self._logits(plan, rows)
                part = answers_of(logits[:, torch.as_tensor(copy_of, device=logits.device)], self.prompts[rows])
                found.right[sets, rows], found.margin[sets, rows] = part
                progress(sets.stop, len(removed), "sets of heads")
        return found

    def _plan(self, removed: np.ndarray) -> tuple[list[_Step], np.ndarray]:
        """Return the calls that `removed` [set, *shape] needs, and the copy int [set] that each set ends as."""
        copy_of, steps = np.zeros(len(removed), dtype=np.int64), []
        for j in range(self.shape[0]):
            so_far = removed[:, : j + 1].reshape(len(removed), -1)
            _, first, now = np.unique(so_far, axis=0, return_index=True, return_inverse=True)
            steps.append(_Step(copy_of[first], visible(removed[first, j], self.others, self.n_sinks)))
            copy_of = now.reshape(-1)
        return steps, copy_of

    def _logits(self, plan: list[_Step], rows: slice) -> Float[Tensor, "prompt copy vocab"]:
        """Return the float32 logits of the last step's copies for the prompts `rows`."""
        others, copies = self.start[rows, :-1], self.start[rows, -1:]
        place = others.shape[1]
        for layer, step in zip(self.span, plan, strict=True):
            copies = copies[:, torch.as_tensor(step.source, device=copies.device)]
            places = [*range(place), *[place] * len(step.source)]
            out = self.blocks.through(layer, torch.cat([others, copies], dim=1), places, step.seen)
            others, copies = out[:, :place], out[:, place:]
        copies = self._alone(others[:, : self.n_sinks], copies, place)
        return self.blocks.logits(copies.flatten(0, 1)).unflatten(0, copies.shape[:2])

    def _alone(self, sink: Tensor, copies: Tensor, place: int) -> Float[Tensor, "prompt copy d_model"]:
        """Return the copies after the blocks that follow: there they see themselves and BOS."""
        n_copies, n_sinks = copies.shape[1], self.n_sinks
        every = torch.ones(n_sinks, n_sinks, dtype=torch.bool)
        seen = visible(np.ones((n_copies, 1), dtype=bool), every, n_sinks)
        places = [*range(n_sinks), *[place] * n_copies]
        for layer in range(self.span.stop, self.blocks.model.cfg.n_layers):
            out = self.blocks.through(layer, torch.cat([sink, copies], dim=1), places, seen)
            sink, copies = out[:, :n_sinks], out[:, n_sinks:]
        return copies


class _Step(NamedTuple):
    """One block: the copy before it that each distinct set continues, int [copy], and what every row sees."""

    source: np.ndarray
    seen: Tensor


def visible(removed: np.ndarray, others: Tensor, n_sinks: int) -> Bool[Tensor, "head query key"]:
    """Return what the rows see: those before the last token as `others` says, then the copies of the last token:
    themselves, the first `n_sinks` rows, and all of `others` in the heads not in `removed`, bool [copy, head]."""
    n_others, n_heads = len(others), removed.shape[1]
    seen = torch.eye(n_others + len(removed), dtype=torch.bool).repeat(n_heads, 1, 1)
    seen[:, :n_others, :n_others] = others
    seen[:, n_others:, :n_others] = ~torch.from_numpy(removed.T.copy())[:, :, None]
    seen[:, n_others:, :n_sinks] = True
    return seen


def _sinks(prompts: Prompts) -> int:
    """How many rows are BOS, which everyone may see: the first, or none."""
    return int(prompts.roles[0] == "bos")
