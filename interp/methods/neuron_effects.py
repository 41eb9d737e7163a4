"""Which neurons of the last token's late MLPs carry the other question's answer: all to first order, the top exactly.

    linear(neuron)  = 1/2 (post_source - post_base) d(logit[r] - logit[r'])/d post        one backward pass, all neurons
    effect(neuron)  = the mediated log effect of writing post_source into the base run    one resumed run a neuron

The linear effect is the first-order term of both the log effect and the symmetrised relative effect (mediated.py).
Neurons are shortlisted by the first, twice as many as are wanted, and ranked by the second; `agreement` is their rank
correlation over the shortlist. A neuron whose effect is not linear at all may be missed by the shortlist.

Source: Nikankin et al. (2025) arXiv 2410.21272; the linear form: Nanda (2023), attribution patching.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from scipy.stats import rankdata

from interp.engine import Intervention, Lean, Rows
from interp.engine.run import evaluating
from interp.engine.sites import Site
from interp.methods.mediated import log_effect, mediated
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.twins import Twins

Neuron = tuple[int, int]


class Ranked(NamedTuple):
    """neurons: (layer, index), by layer, the largest exact effect first; log [pair, neuron] their effects in nats;
    linear [neuron]; agreement: rank correlation of both over the shortlist; orders {layer: int [d_mlp]}: all neurons,
    these first and the others by their linear effect."""

    neurons: list[Neuron]
    log: np.ndarray
    linear: np.ndarray
    agreement: float
    orders: dict[int, np.ndarray]


def linear_effects(model: Any, pairs: Twins, layers: Sequence[int], batch_size: int = 512) -> np.ndarray:
    """Return the mean first-order effect of every neuron of the last position: float64 [layer, d_mlp], in nats."""
    lean, total = Lean.of(model), 0.0
    with torch.enable_grad(), evaluating(model):
        for start in range(0, len(pairs), batch_size):
            rows = slice(start, start + batch_size)
            with torch.no_grad():
                source = lean.trace(pairs.corrupted.tokens[rows])
                theirs = [source.mlp_post[layer][:, -1] for layer in layers]
            trace = lean.trace(resid=lean.embed(pairs.clean.tokens[rows]).requires_grad_())
            answers = [torch.as_tensor(side.answer_ids[rows]) for side in (pairs.corrupted, pairs.clean)]
            r, own = (trace.logits.gather(1, ids.to(lean.device)[:, None]).sum() for ids in answers)
            posts = [trace.mlp_post[layer] for layer in layers]
            gradients = torch.autograd.grad(0.5 * (r - own), posts)
            parts = [
                ((other - post[:, -1]) * gradient[:, -1]).double().sum(dim=0)
                for other, post, gradient in zip(theirs, posts, gradients, strict=True)
            ]
            total = total + torch.stack(parts).detach().cpu().numpy()
    return np.asarray(total) / len(pairs)


def exact_effects(
    model: Any, pairs: Twins, neurons: Sequence[Neuron], batch_size: int = 512, progress: Progress = silent
) -> np.ndarray:
    """Return the log effect of each neuron at the last position: float64 [pair, neuron], in nats."""
    lean, posts = Lean.of(model), {}
    layers = sorted({layer for layer, _ in neurons})
    with torch.no_grad(), evaluating(model):
        for start in range(0, len(pairs), batch_size):
            trace = lean.trace(pairs.corrupted.tokens[start : start + batch_size])
            for layer in layers:
                posts.setdefault(layer, []).append(trace.mlp_post[layer][:, -1].clone())
    whole = {layer: torch.cat(parts) for layer, parts in posts.items()}
    edits = [
        (Intervention(Site("mlp_post", layer, index), ("last",), Rows(whole[layer][:, index : index + 1])),)
        for layer, index in neurons
    ]
    base, patched = mediated(model, pairs, edits, batch_size=batch_size, progress=progress)
    return log_effect(base[:, None], patched)


def rank_neurons(
    model: Any, pairs: Twins, layers: Sequence[int], n_top: int, batch_size: int = 512, progress: Progress = silent
) -> Ranked:
    """Return the `n_top` neurons of largest effect of each layer."""
    linear = linear_effects(model, pairs, layers, batch_size)
    wanted = min(2 * n_top, linear.shape[1])
    shortlist = [(layer, int(i)) for row, layer in zip(linear, layers, strict=True) for i in np.argsort(-row)[:wanted]]
    log = exact_effects(model, pairs, shortlist, batch_size, progress)
    mean = log.mean(axis=0)
    first = np.concatenate([np.sort(row)[::-1][:wanted] for row in linear])
    varied = mean.std() > 0 and first.std() > 0
    agreement = float(np.corrcoef(rankdata(first), rankdata(mean))[0, 1]) if varied else float("nan")
    chosen, orders = [], {}
    for i, layer in enumerate(layers):
        places = np.arange(i * wanted, (i + 1) * wanted)
        here = places[np.argsort(-mean[places], kind="stable")][:n_top]
        chosen.extend(here)
        own = [shortlist[place][1] for place in here]
        orders[layer] = np.array(own + [int(j) for j in np.argsort(-linear[i]) if j not in set(own)])
    return Ranked([shortlist[i] for i in chosen], log[:, chosen], first[chosen], agreement, orders)
