"""What does each component write, by itself, towards the answer?

The final residual is a sum, x = embed + sum_l (sum_h head_{l,h} + b_O,l + mlp_l), and with the scale s of the final
norm frozen at its value in this run the logit difference is linear in it:

    logit_diff = W_U[answer] - W_U[other], dotted with s * centre(x) * weight,   + what needs no x
    u = s * centre(weight * direction)       (centre: minus the mean for layer norm, nothing for RMS norm)
    embed . u  +  sum head . u  +  sum mlp . u  +  bias  =  logit_diff               exactly; checked on every run
    neuron_{l,i} = mlp_post_{l,i} * W_out[l, i] . u                                  summing to mlp . u - b_out . u

`bias` is what no component of the prompt writes: every b_O, the bias of the final norm and b_U. `accumulated[l]` is
the same u dotted with the residual before block l, `lens[l]` the difference the logit lens reads there (its own scale).

Reading: logits towards the answer, of the direct path alone. A component that acts through later ones shows nothing
here, and a term that other terms cancel shows much. The null is the direction of an unrelated prompt's answers (a
permutation without a fixed point): what a component writes towards answers whatever the prompt asks. Neurons are
those of largest mean |term| on every other prompt, and reported on the rest, so that no selected maximum is shown:
`neurons` their mean term, `neuron_sizes` the mean |term|, for a neuron that writes one number says nothing on average.

Source: Elhage et al. (2021), A Mathematical Framework for Transformer Circuits; Wang et al. (2023) arXiv 2211.00593.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from interp.engine.lean import Lean, Trace
from interp.engine.run import evaluating
from interp.errors import InterpError
from interp.methods.contrasts import Contrast, wide
from interp.methods.direct_result import dataset
from interp.methods.frozen_norm import Functional, frozen
from interp.methods.lens import read_out
from interp.methods.nulls import derangement
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

Terms = dict[str, np.ndarray]


def direct_logits(
    model: Any,
    prompts: Prompts,
    contrast: Contrast,
    *,
    neuron_layers: Sequence[int] | None = None,
    n_neurons: int = 10,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return what embedding, heads, MLPs, the `n_neurons` largest neurons of each of `neuron_layers` (default: all
    layers) and biases write towards the answer, beside the null.

    `heads` [layer, head], `mlps` [layer], `embed`, `bias`, `neurons` [neuron_layer, rank] in logits, their values
    [prompt, ...] as `*_terms`; `accumulated` and `lens` [depth] 0..L; `logit_diff` [prompt]. Raises InterpError on
    fewer than 4 prompts, an unknown layer, an unknown architecture, or terms that do not sum to the logit difference.
    """
    lean = Lean.of(model)
    layers = _check(lean, prompts, contrast, neuron_layers, n_neurons)
    unrelated = derangement(len(prompts), seed)
    how = _Asked(lean, contrast, unrelated, batch_size, progress)
    chosen = _largest(how, prompts, layers, n_neurons)
    found: list[Terms] = []
    for rows in _batches(len(prompts), batch_size):
        progress(len(prompts) // 2 + int(rows[0]), 3 * len(prompts) // 2, "terms of every component")
        found.append(_terms(how, prompts, rows, layers, chosen))
    progress(3 * len(prompts) // 2, 3 * len(prompts) // 2, "summed")
    terms = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    _require_sum(lean, terms)
    return dataset(model, prompts, contrast.against, terms, layers, chosen, seed)


class _Asked(NamedTuple):
    """The opened model, what the answers are compared with, and whose answers each prompt takes for the null."""

    lean: Lean
    contrast: Contrast
    unrelated: np.ndarray
    batch_size: int
    progress: Progress


def _largest(how: _Asked, prompts: Prompts, layers: list[int], n_neurons: int) -> np.ndarray:
    """Return the neurons [layer, rank] of largest mean |term|, on every other prompt."""
    chosen = np.arange(0, len(prompts), 2)
    sums = torch.zeros(len(layers), how.lean.d_mlp, dtype=torch.float64)
    for start in range(0, len(chosen), how.batch_size):
        rows = chosen[start : start + how.batch_size]
        how.progress(int(rows[0]) // 2, 3 * len(prompts) // 2, "choosing neurons")
        trace = _trace(how.lean, prompts, rows)
        u = frozen(how.lean, trace.resid_pre[-1][:, -1], how.contrast[rows]).u
        for i, layer in enumerate(layers):
            sums[i] += _neurons(how.lean, trace, layer, u).abs().sum(dim=0).double().cpu()
    order = sums.argsort(dim=1, descending=True, stable=True)
    return order[:, :n_neurons].numpy()


def _terms(how: _Asked, prompts: Prompts, rows: np.ndarray, layers: list[int], chosen: np.ndarray) -> Terms:
    """Return the terms of the prompts `rows` along their own direction and (`*_null`) an unrelated one."""
    lean, trace = how.lean, _trace(how.lean, prompts, rows)
    final, contrast = trace.resid_pre[-1][:, -1], how.contrast[rows]
    found: Terms = {}
    for suffix, asked in (("", contrast), ("_null", how.contrast[how.unrelated[rows]])):
        form = frozen(lean, final, asked)
        parts = _along(lean, trace, form)
        picked = [_neurons(lean, trace, layer, form.u)[:, chosen[i]] for i, layer in enumerate(layers)]
        parts["neurons"] = torch.stack(picked, dim=1) if picked else form.u.new_zeros(len(rows), 0, chosen.shape[1])
        found |= {f"{name}{suffix}": part.cpu().numpy() for name, part in parts.items()}
    lensed = [contrast.of(read_out(lean.model, resid[:, -1])) for resid in trace.resid_pre]
    found["lens"] = torch.stack(lensed, dim=1).cpu().numpy()
    found["logit_diff"] = contrast.of(trace.logits).cpu().numpy()
    return found


def _along(lean: Lean, trace: Trace, form: Functional) -> dict[str, Tensor]:
    """Return the terms of embedding, heads, MLPs and biases, and of the residual before every block."""
    u = form.u
    heads = [torch.einsum("nhe,hed,nd->nh", wide(z[:, -1]), wide(W), u) for z, W in zip(trace.z, lean.W_O, strict=True)]
    biases = sum((u @ wide(b) for b in lean.b_O), form.constant)
    return {
        "embed": torch.einsum("nd,nd->n", wide(trace.resid_pre[0][:, -1]), u),
        "heads": torch.stack(heads, dim=1),
        "mlps": torch.stack([torch.einsum("nd,nd->n", wide(out[:, -1]), u) for out in trace.mlp_out], dim=1),
        "bias": biases,
        "accumulated": torch.stack(
            [torch.einsum("nd,nd->n", wide(x[:, -1]), u) + form.constant for x in trace.resid_pre], dim=1
        ),
    }


def _neurons(lean: Lean, trace: Trace, layer: int, u: Tensor) -> Float[Tensor, "prompt d_mlp"]:
    return wide(trace.mlp_post[layer][:, -1]) * (u @ wide(lean.W_out[layer]).T)


@torch.no_grad()
def _trace(lean: Lean, prompts: Prompts, rows: np.ndarray) -> Trace:
    with evaluating(lean.model):
        return lean.trace(prompts.tokens[rows])


def _batches(n: int, batch_size: int) -> list[np.ndarray]:
    return [np.arange(start, min(start + batch_size, n)) for start in range(0, n, batch_size)]


def _check(lean: Lean, prompts: Prompts, contrast: Contrast, layers: Sequence[int] | None, n_neurons: int) -> list[int]:
    """Return the layers whose neurons are looked at. Raises InterpError for what cannot be asked."""
    if len(prompts) < 4 or len(contrast) != len(prompts):
        raise InterpError(
            f"Direct logit attribution needs at least 4 prompts, half of which choose the neurons, and a contrast for "
            f"each; got {len(prompts)} and {len(contrast)}. Add prompts."
        )
    chosen = list(range(lean.n_layers)) if layers is None else [int(layer) for layer in layers]
    if any(not 0 <= layer < lean.n_layers for layer in chosen) or len(set(chosen)) < len(chosen):
        raise InterpError(
            f"MLPs of layers {chosen} are not all in this model; use each of 0..{lean.n_layers - 1} once."
        )
    if not 1 <= n_neurons <= lean.d_mlp:
        raise InterpError(
            f"n_neurons is {n_neurons}; this model has {lean.d_mlp} neurons a layer, use 1..{lean.d_mlp}."
        )
    return chosen


def _require_sum(lean: Lean, terms: Terms) -> None:
    """Raise InterpError unless the terms sum to the logit difference of every prompt, to rounding."""
    summed = terms["embed"] + terms["heads"].sum(axis=(1, 2)) + terms["mlps"].sum(axis=1) + terms["bias"]
    parts = np.abs(terms["heads"]).sum(axis=(1, 2)) + np.abs(terms["mlps"]).sum(axis=1) + np.abs(terms["embed"])
    gap = np.abs(summed - terms["logit_diff"])
    allowed = 200 * torch.finfo(lean.dtype).eps * np.maximum(1.0, parts)
    if not (gap <= allowed).all():
        raise InterpError(
            f"The terms do not sum to this model's logit difference (off by {gap.max():.2g}): something stands between "
            "its components and its logits, such as a soft cap. Use patching for this model."
        )
