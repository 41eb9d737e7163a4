"""The labelled result of direct logit attribution: means with intervals and nulls, and every prompt's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.methods.intervals import t_interval
from interp.methods.result import attributes, mean_variables, variable

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

PARTS = {
    "embed": ("", "the embedding of the last token"),
    "heads": ("layer head", "a head"),
    "mlps": ("layer", "an MLP, with its bias"),
    "bias": ("", "biases: every b_O, the final norm's and b_U"),
    "neurons": ("neuron_layer rank", "a neuron, chosen on the other half of the prompts"),
    "accumulated": ("depth", "the residual before a block, with the final norm's scale"),
}
WRITTEN = {"twin": "the answer of the twin", "numbers": "the mean of the other numbers"}


def dataset(
    model: Any,
    prompts: Prompts,
    against: str,
    terms: Mapping[str, np.ndarray],
    layers: list[int],
    chosen: np.ndarray,
    seed: int,
) -> xr.Dataset:
    """Return the Dataset of `terms` {part: [prompt, ...]} and {part_null: ...}, in logits."""
    data: dict[str, xr.Variable] = {}
    for part, (dims, what) in PARTS.items():
        data |= _part(part, dims, what, terms)
    for suffix in ("", "_null"):
        sizes = np.abs(terms[f"neurons{suffix}"][1::2])
        data |= _mean(f"neuron_sizes{suffix}", "neuron_layer rank", sizes, f"mean |term| of a neuron{suffix}")
    for name, what in (("lens", "logit lens of the residual before a block"), ("logit_diff", "the model's own output")):
        dims = "depth" if name == "lens" else ""
        mean = "total" if name == "logit_diff" else name
        data |= _mean(mean, dims, terms[name], f"logit difference: {what}")
        data[f"{name}_terms" if name == "lens" else name] = variable(
            f"prompt {dims}".strip(), terms[name], "logits", f"logit difference: {what}"
        )
    data["neuron"] = variable("neuron_layer rank", chosen, "index", "which neuron of the layer")
    data["n"] = variable("", len(prompts), "prompts", "number of prompts")
    data["n_neuron_prompts"] = variable("", len(prompts) // 2, "prompts", "prompts that the neurons are reported on")
    n_layers, n_heads = terms["heads"].shape[1:]
    title = f"What each component writes directly towards the answer, against {WRITTEN[against]}."
    return xr.Dataset(
        data,
        coords={
            "layer": np.arange(n_layers),
            "head": np.arange(n_heads),
            "depth": np.arange(n_layers + 1),
            "neuron_layer": np.array(layers, dtype=int),
            "rank": np.arange(chosen.shape[1]),
            "prompt": list(prompts.texts),
        },
        attrs=attributes("dla", model, prompts, title, against=against, null="unrelated answers", seed=seed),
    )


def _part(part: str, dims: str, what: str, terms: Mapping[str, np.ndarray]) -> dict[str, xr.Variable]:
    """Return mean, null and per-prompt values of one part; neurons: the mean over prompts that did not choose."""
    rows = slice(1, None, 2) if part == "neurons" else slice(None)
    return {
        **_mean(part, dims, terms[part][rows], f"logits towards the answer written by {what}"),
        **_mean(f"{part}_null", dims, terms[f"{part}_null"][rows], f"towards an unrelated answer, by {what}"),
        f"{part}_terms": variable(f"prompt {dims}".strip(), terms[part], "logits", f"on each prompt, by {what}"),
    }


def _mean(name: str, dims: str, values: np.ndarray, description: str) -> dict[str, xr.Variable]:
    values = values.astype(np.float64)
    return mean_variables(name, dims, values.mean(axis=0), t_interval(values), "logits", description)
