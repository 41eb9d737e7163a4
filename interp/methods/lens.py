"""At which layer, and at which token, could the answer already be read with the model's own unembedding?

    lens(l, r) = unembed( final_norm( resid_l[r] ) )      l = 0..L; at L and the last role: the model's output

Reading: `accuracy` top-1 = answer, `rank` 1 = top (median over prompts), `logprob` in nats. Early layers need
not speak the basis of the output, so a low value does not mean the answer is absent (see probing); a high one
means the stream already points at it. `accuracy_null` is the exact mean accuracy of the same read-outs
against shuffled answers. That the last layer gives the model's own logits is checked on every run.

Source: nostalgebraist, interpreting GPT: the logit lens (2020); Belrose et al. (2023) arXiv 2303.08112.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from interp.errors import InterpError
from interp.methods import metrics, nulls
from interp.methods.grid import Stream, cells, layer_list, read_stream, role_list, within
from interp.methods.intervals import t_interval, wilson
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def lens(
    model: Any,
    prompts: Prompts,
    *,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return how well the answer reads off the residual at each (layer, role) through the final norm and
    unembedding.

    `accuracy` [layer, role] in [0, 1], `rank` [layer, role] median (1 = top), `logprob` [layer, role] mean in
    nats, `answer_logprob` [prompt, layer, role], `accuracy_null` [layer, role]. Nothing is random, so `seed`
    changes nothing. Raises InterpError on no prompts, an unknown role or layer, or a model whose output is
    not unembed(final norm(residual)).
    """
    layers, roles = layer_list(model, layers), role_list(prompts, roles)
    final = model.cfg.n_layers
    total = 1 + len(layers) * len(roles)
    stream = read_stream(
        model,
        prompts,
        sorted({*layers, final}),
        batch_size,
        within(progress, 0, total, "reading the prompts"),
    )
    _check_output(model, stream, stream.at(final, "last")[:, 0], batch_size)
    shape = (len(prompts), len(layers), len(roles))
    logprob, rank, predicted = np.empty(shape), np.empty(shape), np.empty(shape, dtype=np.int64)
    for i, j, layer, role in cells(layers, roles):
        progress(1 + i * len(roles) + j, total, f"layer {layer}, {role}")
        resid = stream.at(layer, role)[:, 0]
        for start in range(0, len(prompts), batch_size):
            rows = slice(start, start + batch_size)
            logits, batch = read_out(model, resid[rows]), prompts[rows]
            logprob[rows, i, j] = metrics.answer_logprob(logits, batch).cpu().numpy()
            rank[rows, i, j] = metrics.answer_rank(logits, batch).cpu().numpy()
            predicted[rows, i, j] = logits.argmax(dim=-1).cpu().numpy()
    progress(total, total, "read out")
    return _dataset(model, prompts, layers, roles, logprob, rank, predicted)


@torch.no_grad()
def read_out(model: Any, resid: Float[Tensor, "row d_model"]) -> Float[Tensor, "row vocab"]:
    """Return the logits of residual rows through the model's final norm and unembedding, in float32."""
    resid = resid.to(next(model.parameters()).device)
    return model.unembed(model.ln_final(resid[:, None]))[:, 0].float()


def _check_output(model: Any, stream: Stream, resid: Tensor, batch_size: int) -> None:
    """Raise InterpError unless the lens at the last layer and position gives the model's own logits."""
    lensed = torch.cat([read_out(model, rows).to(stream.logits.device) for rows in resid.split(batch_size)])
    tolerance = 200 * torch.finfo(resid.dtype).eps * max(1.0, float(stream.logits.abs().max()))
    gap = float((lensed - stream.logits).abs().max())
    if not gap <= tolerance:
        raise InterpError(
            f"The lens does not end in this model's own logits (off by {gap:.2g}, allowed {tolerance:.2g}): "
            "something stands after its unembedding, such as a soft cap. Use probing for this model."
        )


def _dataset(
    model: Any,
    prompts: Prompts,
    layers: list[int],
    roles: list[str],
    logprob: np.ndarray,
    rank: np.ndarray,
    predicted: np.ndarray,
) -> xr.Dataset:
    dims, n, answers = "layer role", len(prompts), prompts.answer_ids
    correct = predicted == answers[:, None, None]
    null = [[nulls.shuffled_accuracy(said, answers) for said in at_layer.T] for at_layer in predicted.swapaxes(0, 1)]
    title = "How well the answer reads off the residual at each layer and role, through the unembedding."
    return xr.Dataset(
        {
            **mean_variables(
                "accuracy",
                dims,
                correct.mean(axis=0),
                wilson(correct.sum(axis=0), n),
                "fraction",
                "top token = answer",
            ),
            "accuracy_null": variable(dims, null, "fraction", "mean accuracy against shuffled answers (exact)"),
            "rank": variable(dims, np.median(rank, axis=0), "rank", "median rank of the answer, 1 = top"),
            **mean_variables(
                "logprob",
                dims,
                logprob.mean(axis=0),
                t_interval(logprob),
                "nats",
                "mean log-probability of the answer",
            ),
            "answer_logprob": variable(f"prompt {dims}", logprob, "nats", "log-probability of the answer"),
            "n": variable("", n, "prompts", "number of prompts"),
        },
        coords={"layer": layers, "role": roles, "prompt": list(prompts.texts)},
        attrs=attributes("lens", model, prompts, title),
    )
