"""Synthetic patching runs of one question: of the stream, of heads, noising, and attribution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from interp.store import Spec, Store
from tests.apps import fixture_circuits, fixture_store
from tests.apps.fixture_parts import MODEL

ENDS = ("clean", "corrupted")


def richer(dataset: xr.Dataset, component: str) -> xr.Dataset:
    """Return a result as the method records it now: of `component`, every metric with its null, each pair of each."""
    place = dataset["recovered"].dims
    shares = np.stack([dataset["recovered"].values * factor for factor in (1, 0.9, 0.8, 0.7)])
    more = {"recovered_by_metric": (("metric", *place), shares), "accuracy": (place, shares[0].clip(0, 1))}
    more |= {f"{name}_null": (dims, 0.1 * values) for name, (dims, values) in list(more.items())}
    for name, scale in (("prob_diff", 0.1), ("correct", 0.05)):
        more[name] = (("prompt", *place), scale * dataset["logit_diff"].transpose("prompt", *place).values)
        more |= {f"{name}_{side}": ("prompt", scale * dataset[f"logit_diff_{side}"].values) for side in ENDS}
    metrics = ["logit_diff", "prob_diff", "answer_logit", "answer_logprob"]
    return dataset.assign(more).assign_coords(metric=metrics).assign_attrs(component=component)


def of_heads(dataset: xr.Dataset) -> xr.Dataset:
    """Return a result of heads with the pairs of a map of the stream."""
    heads = fixture_circuits.head_patching("a+b")
    cells = dataset["logit_diff"].isel(layer=slice(3)).expand_dims(head=heads["head"].values)
    ends = {f"logit_diff_{side}": dataset[f"logit_diff_{side}"] for side in ENDS}
    text = dataset["prompt_corrupted"]
    return heads.assign(logit_diff=cells, **ends).assign_coords(prompt=dataset["prompt"], prompt_corrupted=text)


def runs() -> list[tuple[xr.Dataset, dict]]:
    """Return the results and what was asked, the oldest first."""
    base = fixture_store.patching("a+b")
    noising = {"component": "resid_pre", "direction": "noising"}
    return [
        (richer(base, "resid_pre").assign_attrs(direction="noising"), noising),
        (richer(base, "attn_out").isel(layer=slice(8)), {"component": "attn_out"}),
        (richer(base, "mlp_out").isel(layer=slice(8)), {"component": "mlp_out"}),
        (of_heads(base), {"component": "z"}),
        (fixture_circuits.attribution("a+b"), {}),
        (richer(base, "resid_pre"), {"component": "resid_pre"}),
    ]


def fill(root: Path, *more: xr.Dataset) -> Path:
    """Write the runs, and `more` results, into a store at `root`; return the root."""
    store = Store(root)
    for k, (dataset, parameters) in enumerate([*runs(), *((each, {}) for each in more)]):
        write(store, dataset, parameters, k)
    return root


def write(store: Store, dataset: xr.Dataset, parameters: dict, k: int) -> None:
    """Write one result, made in second `k`."""
    spec = Spec(
        method=dataset.attrs["method"], model=MODEL, task="a+b", style="plain", parameters=parameters,
        weights_sha256="5f" * 32,
    )  # fmt: skip
    when = f"2026-11-20T21:00:{k:02d}.000Z"
    facts = {"created": when, "finished": when, "seconds": 1.0}
    store.write(spec, dataset, provenance=facts, summary={"n": 200})
