"""In which layer must the last token read the others?

    faithfulness[v, l] = accuracy among prompts the full model answers, with the edges of v hidden in layer l alone

v = last: the last token's attention to the other tokens (BOS stays); others: the other tokens' attention to each
other. The controls: random_edges hides as many edges, drawn at random; random_head hides the last token's edges in
one head only, so it is no control of equal size. Only layers where `last` falls below random_edges carry the transfer.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One), figure 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

_NAMES = {"last": ("last token cut off", look.VERMILLION), "others": ("other tokens cut off", look.BLUE)}
_CONTROLS = {"random_edges": "as many random edges", "random_head": "one random head of the last token"}


def single_layer(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness against the one layer whose attention edges are hidden, with its controls."""
    figure = go.Figure(layout={"template": look.template(theme)})
    layers, n = schema.labels(dataset, "layer"), schema.count_text(dataset)
    kept = schema.estimates(dataset, "faithfulness", "variant", "layer")
    for i, variant in enumerate(str(v) for v in schema.labels(dataset, "variant")):
        name, colour = _NAMES.get(variant, (_CONTROLS.get(variant, variant), look.OKABE_ITO[i % 6]))
        hover = [f"<b>{name}, layer {layer}</b><br>faithfulness {{}}<br>{n}" for layer in layers]
        if variant == "random_edges":
            curves.add_control(figure, name, layers, kept[i], hover)
        elif variant == "random_head":
            curves.add_null(figure, name, layers, kept[i].value)
            figure.update_traces(line_dash="dot", selector={"name": f"null: {name}"})
        else:
            curves.add_curve(figure, curves.Curve(name, layers, kept[i], hover, colour, i))
    null = schema.scalar(dataset, "null_majority")
    if null is not None:
        curves.add_null(figure, "best constant answer", *curves.level(null, layers))
    curves.layer_axis(figure, "block whose attention edges are hidden", layers)
    curves.accuracy_axis(figure, "faithfulness")
    units = "fraction of the full model's correct answers kept"
    figure.update_layout(title=schema.heading(dataset, _title(dataset), units, n, "bands: 95 % interval"))
    return figure


def _title(dataset: xr.Dataset) -> str:
    needed = needed_layers(dataset)
    if needed is None:
        return "Faithfulness when attention edges are hidden in one block"
    if not needed:
        return "In no single block does the last token's reading matter more than chance"
    return f"The last token's reading is needed in {blocks_text(needed)}"


def blocks_text(blocks: list) -> str:
    """Return `block 3` or `blocks 2, 3, 5`."""
    return f"block{'s' if len(blocks) > 1 else ''} {', '.join(str(block) for block in blocks)}"


def needed_layers(dataset: xr.Dataset) -> list | None:
    """Return the blocks where the interval of `last` lies below that of random_edges; None where that is not there."""
    variants = [str(v) for v in schema.labels(dataset, "variant")]
    if not {"last", "random_edges"} <= set(variants) or "faithfulness_high" not in dataset.variables:
        return None
    kept = schema.estimates(dataset, "faithfulness", "variant", "layer")
    last, control = (kept[variants.index(name)] for name in ("last", "random_edges"))
    if last.high is None or control.low is None or not np.isfinite(last.value).any():
        return None
    return [schema.labels(dataset, "layer")[i] for i in np.flatnonzero(last.high < control.low)]


def summary(dataset: xr.Dataset) -> str:
    """Return the block where cutting the last token off hurts most, and the controls there."""
    layers, n = schema.labels(dataset, "layer"), schema.count_text(dataset)
    variants = [str(v) for v in schema.labels(dataset, "variant")]
    if "last" not in variants:
        return f"The last token was not cut off in this run (variants {', '.join(variants)}); {n}."
    kept = schema.estimates(dataset, "faithfulness", "variant", "layer")
    last = kept[variants.index("last")]
    if not np.isfinite(last.value).any():
        return f"No prompt was answered, so nothing can be cut; {n}."
    worst = int(np.nanargmin(last.value))
    beside = [f"{_CONTROLS[v]} {kept[variants.index(v), worst].text(2)}" for v in _CONTROLS if v in variants]
    null = schema.scalar(dataset, "null_majority")
    beside += [] if null is None else [f"best constant answer {null:.2f}"]
    needed = needed_layers(dataset)
    where = "" if needed is None else f"; below random edges in {blocks_text(needed) if needed else 'no block'}"
    return (
        f"Hiding the last token's reads hurts most in block {layers[worst]}: faithfulness {last[worst].text(2)} "
        f"({', '.join(beside) or 'no control was run'}){where}; {n}."
    )
