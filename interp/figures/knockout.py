"""Which single head of the full model can the last token not do without?

    faithfulness[l, h] = accuracy, on the prompts which the full model answers, when the last token reads in head
                         (l, h) only itself and BOS, and everything else is the full model

1 = the head can be spared (another may do the same), below = nothing replaces it. Each cell has its own interval on
hover: of many cells some miss their truth, so a lone shallow dip is no finding.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One); Geva et al. 2023 (attention knockout).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema

if TYPE_CHECKING:
    import xarray as xr


def head_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the layer x head map of faithfulness with one head cut; reads a `heads` or a `peeking` dataset."""
    name = _name(dataset)
    kept = schema.estimates(dataset, name, "layer", "head")
    layers, heads = schema.labels(dataset, "layer"), schema.labels(dataset, "head")
    n, null = schema.count_text(dataset), schema.scalar(dataset, "null_majority")
    hover = [[f"<b>block {layer}, head {head} cut</b>" for head in heads] for layer in layers]
    for i, j in np.ndindex(kept.value.shape):
        hover[i][j] += f"<br>faithfulness {kept[i, j].text()}<br>{n}"
    return maps.panel_maps(
        [maps.Panel("", kept.value, hover, maps.written(kept.value))],
        maps.Axis("block", [str(layer) for layer in layers]),
        maps.Axis("head", [str(head) for head in heads]),
        title=schema.heading(
            dataset,
            _title(dataset, name),
            "full model, one head's reads cut; 1 = no loss",
            n,
            "" if null is None else f"null: best constant answer {null:.2f}",
        ),
        unit="faithfulness",
        bounds=(0.0, 1.0),
        theme=theme,
    )


def _name(dataset: xr.Dataset) -> str:
    """Return the variable of the map: `knockout` of a `heads` run, `head_faithfulness` of a `peeking` run."""
    return "knockout" if "knockout" in dataset.variables else "head_faithfulness"


def needed(dataset: xr.Dataset, level: float = 0.95) -> list[tuple[int, int]]:
    """Return the `(block, head)` whose interval lies below `level`, the most needed first."""
    kept = schema.estimates(dataset, _name(dataset), "layer", "head")
    top = kept.value if kept.high is None else kept.high
    places = [(int(i), int(j)) for i, j in np.argwhere(top < level)]
    return sorted(places, key=lambda place: kept.value[place])


def _title(dataset: xr.Dataset, name: str) -> str:
    value = schema.values(dataset, name, "layer", "head")
    if not np.isfinite(value).any():
        return "No answered prompt, so no head can be missed"
    count = len(needed(dataset))
    if not count:
        return f"Each of {value.size} heads alone can be spared"
    return f"{count} of {value.size} heads {'is' if count == 1 else 'are'} missed when cut alone"


def summary(dataset: xr.Dataset) -> str:
    """Return the heads that are missed most when cut alone, with interval, null and n."""
    name, n = _name(dataset), schema.count_text(dataset)
    kept = schema.estimates(dataset, name, "layer", "head")
    if not np.isfinite(kept.value).any():
        return f"No prompt was answered, so no head can be missed; {n}."
    layers, heads = schema.labels(dataset, "layer"), schema.labels(dataset, "head")
    worst = needed(dataset)[:3] or [tuple(int(k) for k in np.unravel_index(np.nanargmin(kept.value), kept.value.shape))]
    said = ", ".join(f"head {heads[j]} of block {layers[i]} {kept[i, j].text(2)}" for i, j in worst)
    null = schema.scalar(dataset, "null_majority")
    beside = "" if null is None else f"; best constant answer {null:.2f}"
    return f"{_title(dataset, name)} (interval below 0.95): lowest {said}{beside}; {n}."
