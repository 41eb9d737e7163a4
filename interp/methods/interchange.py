"""At which layer and role does the model keep a causal variable, and does the answer follow when it is exchanged?

    base run with U U^T (h_source - h) added at (l, r)   ->   is the top token what the causal model says?

    IIA(l, r)   interchange-intervention accuracy on informative pairs: the expected answer is not the base's own
    kept(l, r)  the same on agreeing pairs: the variable is equal in both, so the answer must stay

Featurisers: `full`, the whole vector at that role; `das`, the subspace learned on training pairs (`subspace`). The full
vector moves everything that stands there: at the operand it carries the operand, at the last role the answer, and IIA
of one variable is then low although the variable is there. Nulls: no intervention; a random subspace of equal rank; DAS
on training pairs whose expected answers were shuffled. Pairs whose base or source the model gets wrong are left out.

Source: Geiger et al. (2021, 2024) arXiv 2106.02997, 2303.02536; Mueller et al. (2025) arXiv 2504.13151.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from interp.engine import Basis, Intervention, Lean, Rows, Site, run, sweep
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.grid import layer_list, role_list
from interp.methods.intervals import wilson
from interp.methods.result import attributes, variable
from interp.methods.subspace import learn
from interp.progress import Progress, silent
from interp.tasks.interchange import Interchange

FEATURISERS = ("full", "das")
CONTROLS = ("none", "random", "shuffled")


def interchange(
    model: Any,
    train: Interchange,
    test: Interchange,
    *,
    rank: int = 16,
    steps: int = 300,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    batch_size: int = 256,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return IIA by featuriser, layer and role beside its controls, on pairs that the model answers.

    `iia`, `kept` [featuriser, layer, role] with Wilson intervals, `iia_null`, `kept_null` [control, layer, role], `hit`
    [prompt, featuriser, layer, role] of the informative pairs, n, n_agreeing, n_train. Subspaces are learned at every
    cell asked for. Raises InterpError for a role or layer that does not exist, or fewer than 2 answered informative
    pairs on either side.
    """
    lean = Lean.of(model)
    train, test = (_answered(model, pairs, batch_size) for pairs in (train, test))
    train = train[train.informative]
    if len(train) < 2 or int(test.informative.sum()) < 2:
        raise InterpError(
            f"Only {len(train)} training and {int(test.informative.sum())} test pairs are informative and answered by "
            "the model; ask for more pairs, or a task it can do."
        )
    layers, roles = layer_list(model, layers), role_list(test.base, roles)
    names = (*FEATURISERS, *CONTROLS)
    hits = np.zeros((len(names), len(layers), len(roles), len(test)), dtype=bool)
    for i, layer in enumerate(layers):
        for j, role in enumerate(roles):
            progress(i * len(roles) + j, len(layers) * len(roles), f"layer {layer}, {role}")
            bases = _bases(lean, train, layer, role, rank, steps, seed)
            hits[:, i, j] = _outcomes(model, test, layer, role, bases, batch_size)
    progress(len(layers) * len(roles), len(layers) * len(roles), "interchanged")
    about = {"variable": test.variable, "rank": rank, "steps": steps, "seed": seed}
    return _dataset(model, test, len(train), (layers, roles, hits), about)


def _answered(model: Any, pairs: Interchange, batch_size: int) -> Interchange:
    """The pairs that the model answers on both sides."""
    right = [
        metrics.correct(run(model, side, batch_size=batch_size).logits, side).cpu().numpy()
        for side in (pairs.base, pairs.source)
    ]
    return pairs[np.flatnonzero(right[0] & right[1])]


def _bases(
    lean: Lean, train: Interchange, layer: int, role: str, rank: int, steps: int, seed: int
) -> dict[str, Basis | None]:
    """The subspaces of every featuriser and control at one cell; None is the whole vector."""
    place = train.base.position(role)
    with torch.no_grad():
        streams = [lean.trace(side.tokens).resid_pre[layer] for side in (train.base, train.source)]
    dealt = np.random.default_rng(seed).permutation(train.expected_ids)
    how: dict[str, Any] = {"rank": rank, "steps": steps, "seed": seed}
    drawn = torch.Generator().manual_seed(seed + 1000 * layer + place)
    pair = (streams[0], streams[1])
    if bool((streams[0][:, place] == streams[1][:, place]).all()):
        return dict.fromkeys(("full", "das", "random", "shuffled"))  # nothing to exchange: the same token
    return {
        "full": None,
        "das": learn(lean, layer, place, pair, train.expected_ids, **how),
        "random": Basis(torch.randn(lean.d_model, rank, generator=drawn)),
        "shuffled": learn(lean, layer, place, pair, dealt, **how),
    }


def _outcomes(
    model: Any, test: Interchange, layer: int, role: str, bases: dict[str, Basis | None], batch_size: int
) -> np.ndarray:
    """Return whether the top token is the expected one, bool [featuriser or control, prompt]."""
    site, place = Site("resid_pre", layer), test.base.position(role)
    values = run(model, test.source, reads=[site], batch_size=batch_size)[site][:, [place]]
    wanted = torch.as_tensor(test.expected_ids)
    edits = [
        [] if name == "none" else [Intervention(site, (role,), Rows(values), bases[name])]
        for name in (*FEATURISERS, *CONTROLS)
    ]

    def measure(logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        return (logits.argmax(-1) == wanted[rows].to(logits.device)).float()

    return sweep(model, test.base, edits, measure, batch_size=batch_size).numpy() > 0.5


def _dataset(
    model: Any, test: Interchange, n_train: int, found: tuple[list[int], list[str], np.ndarray], about: dict[str, Any]
) -> xr.Dataset:
    layers, roles, hits = found
    told = test.informative
    n, n_agreeing, split = int(told.sum()), int((~told).sum()), len(FEATURISERS)
    data: dict[str, xr.Variable] = {}
    for name, rows, size, what in (
        ("iia", told, n, "top token = the answer with the source's variable, informative pairs"),
        ("kept", ~told, n_agreeing, "top token = the answer, which must stay, agreeing pairs"),
    ):
        right = hits[..., rows].sum(axis=-1)
        share = right / size if size else np.full(right.shape, np.nan)
        low, high = wilson(right, size) if size else (share, share)
        for suffix, values in (("", share), ("_low", low), ("_high", high)):
            data[name + suffix] = variable("featuriser layer role", values[:split], "fraction", what)
            data[f"{name}_null{suffix}"] = variable(
                "control layer role", values[split:], "fraction", f"control: {what}"
            )
    data["hit"] = variable("featuriser layer role prompt", hits[:split][..., told], "bool", "each informative pair")
    data["n"] = variable("", n, "pairs", "informative test pairs that the model answers, base and source")
    data["n_agreeing"] = variable("", n_agreeing, "pairs", "test pairs in which the variable is the same")
    data["n_train"] = variable("", n_train, "pairs", "informative training pairs of the learned subspaces")
    texts = [f"{b} <- {s}" for b, s in zip(test.base.texts, test.source.texts, strict=True)]
    coords = {
        "featuriser": list(FEATURISERS), "control": list(CONTROLS), "layer": layers, "role": roles,
        "prompt": [text for text, is_told in zip(texts, told, strict=True) if is_told],
    }  # fmt: skip
    title = f"How often the answer follows the {about['variable']} of another prompt, exchanged at one layer and role."
    return xr.Dataset(data, coords, attributes("interchange", model, test.base, title, **about))
