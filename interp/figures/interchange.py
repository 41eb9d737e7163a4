"""At which layer and role does the answer follow an exchanged causal variable?

    iia[featuriser, layer, role]    share of informative pairs that give the causal model's answer; without an
                                    intervention it is 0 by construction, which `iia_null` of the control none confirms

How to read: a dark cell of a learned subspace beside pale ones of the random and the shuffled control is where the
variable can be exchanged. The full vector carries more than the variable, so its map alone says little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema

if TYPE_CHECKING:
    import xarray as xr

TITLES = {
    "full": "whole vector", "das": "learned subspace", "random": "null: random subspace",
    "shuffled": "null: learned, shuffled",
}  # fmt: skip


def accuracy_maps(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return layer x role maps of interchange accuracy: both featurisers and two controls, on one scale."""
    layers = [str(layer) for layer in schema.labels(dataset, "layer")]
    roles = [str(role) for role in schema.labels(dataset, "role")]
    panels = [
        maps.Panel(TITLES[name], found.value, _hover(dataset, name, found), maps.written(found.value))
        for name, found in _found(dataset).items()
        if name in TITLES
    ]
    none = float(np.max(_found(dataset)["none"].value))
    return maps.panel_maps(
        panels,
        maps.Axis("layer (0 = embeddings)", layers),
        maps.Axis("role", roles),
        title=schema.heading(
            dataset, f"Answers that follow an exchanged {dataset.attrs.get('variable', 'variable')}",
            f"rank {dataset.attrs.get('rank', '?')}", f"no intervention {none:.2f}", _n(dataset),
            "95 % interval on hover",
        ),
        unit="interchange accuracy",
        bounds=(0.0, 1.0),
        theme=theme,
    )  # fmt: skip


def _found(dataset: xr.Dataset) -> dict[str, schema.Estimates]:
    """Accuracy of every featuriser and control [layer, role]."""
    own = schema.estimates(dataset, "iia", "featuriser", "layer", "role")
    null = schema.estimates(dataset, "iia_null", "control", "layer", "role")
    found = {str(name): own[i] for i, name in enumerate(schema.labels(dataset, "featuriser"))}
    return found | {str(name): null[i] for i, name in enumerate(schema.labels(dataset, "control"))}


def _hover(dataset: xr.Dataset, name: str, found: schema.Estimates) -> list[list[str]]:
    layers, roles = schema.labels(dataset, "layer"), schema.labels(dataset, "role")
    return [
        [
            f"<b>{TITLES[name]}, layer {layer}, {role}</b><br>{found[i, j].text()}<br>{_n(dataset)}"
            for j, role in enumerate(roles)
        ]
        for i, layer in enumerate(layers)
    ]


def _n(dataset: xr.Dataset) -> str:
    return f"{schema.count_text(dataset)} pairs"


def summary(dataset: xr.Dataset) -> str:
    """Return where the learned subspace does best, beside the whole vector and the controls at the same cell."""
    found = _found(dataset)
    value = found["das"].value
    i, j = np.unravel_index(int(np.argmax(value)), value.shape)
    layer, role = schema.labels(dataset, "layer")[i], schema.labels(dataset, "role")[j]
    others = ", ".join(f"{TITLES[name]} {found[name].value[i, j]:.2f}" for name in ("full", "random", "shuffled"))
    return (
        f"The {dataset.attrs.get('variable')} is exchanged best at layer {layer}, {role}: learned subspace "
        f"{found['das'][i, j].text(2)}; there: {others}; without an intervention {found['none'].value.max():.2f}; "
        f"{_n(dataset)}."
    )
