"""When does the last position stop holding the operands and start holding the answer?

    towards_operand(l, x)   cos( stream that MLP l reads, W_U[x] )            x an operand of the prompt
    towards_answer(l)       cos( what MLP l adds, W_U[C] )                    C the answer
    rank(l, x)              1 + tokens with a larger logit than x when the stream before block l is read out

all at the last position. Null: the same cosines with the tokens of another prompt's numbers. A cosine is small in many
dimensions whatever it means, so what counts is the distance from the null.

Source: Zhang et al. (2024) arXiv 2409.01659 (the two curves and their start, turn and end).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Lean
from interp.methods.intervals import t_interval
from interp.methods.nulls import derangement
from interp.methods.result import mean_variables, variable

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def answer_trace(model: Any, prompts: Prompts, seed: int = 0) -> dict[str, xr.Variable]:
    """Return `towards_operand` [layer, operand], `towards_answer` [layer], their nulls and `rank_of` [depth, number].

    Cosines have 95 % t-intervals over prompts; `rank_of` is a median. Needs operands that are one token each: the roles
    named as the operands are.
    """
    lean, last = Lean.of(model), prompts.tokens.shape[1] - 1
    operands = [role for role in prompts.roles if role in prompts.variables]
    ids = {role: torch.as_tensor(prompts.tokens[:, prompts.position(role)]) for role in operands}
    answer, order = torch.as_tensor(prompts.answer_ids), derangement(len(prompts), seed)
    with torch.no_grad():
        trace = lean.trace(prompts.tokens)
        read = [x[:, last] for x in (trace.resid_pre[:-1] if lean.parallel else trace.resid_mid)]
        added = [out[:, last] for out in trace.mlp_out]
        rows = {name: lean.W_U.T[token].float() for name, token in (*ids.items(), ("answer", answer))}
        into = np.stack([np.stack([_cos(x, rows[role]) for role in operands], axis=-1) for x in read], axis=1)
        into_null = np.stack([np.stack([_cos(x, rows[r][order]) for r in operands], axis=-1) for x in read], axis=1)
        out = np.stack([_cos(x, rows["answer"]) for x in added], axis=1)
        out_null = np.stack([_cos(x, rows["answer"][order]) for x in added], axis=1)
        logits = [lean.logits(x[:, last]) for x in trace.resid_pre]
    names = (*operands, "answer")
    tokens = {**ids, "answer": answer}
    rank = np.stack([[_rank(each, tokens[name]) for name in names] for each in logits])
    place = "layer operand"
    return {
        **_cosines("towards_operand", place, into, "stream that the MLP reads, and W_U of the operand"),
        **_cosines("towards_operand_null", place, into_null, "the same, another prompt's operand"),
        **_cosines("towards_answer", "layer", out, "what the MLP adds, and W_U of the answer"),
        **_cosines("towards_answer_null", "layer", out_null, "the same, another prompt's answer"),
        "rank_of": variable("depth number", rank, "rank", "median rank of the number's token, read out before a block"),
    }


def numbers(prompts: Prompts) -> tuple[list[str], list[str]]:
    """Return the names of the operands, and of the numbers that are ranked."""
    operands = [role for role in prompts.roles if role in prompts.variables]
    return operands, [*operands, "answer"]


def _cosines(name: str, dims: str, values: np.ndarray, what: str) -> dict[str, xr.Variable]:
    return mean_variables(name, dims, values.mean(axis=0), t_interval(values), "cosine", what)


def _cos(x: Tensor, direction: Tensor) -> np.ndarray:
    return torch.nn.functional.cosine_similarity(x.float(), direction, dim=-1).cpu().numpy()


def _rank(logits: Tensor, ids: Tensor) -> float:
    own = logits.gather(-1, ids.to(logits.device)[:, None])
    return float((1 + (logits > own).sum(-1)).float().median())
