"""The map of a product: which digit of the operands moves which digit of the answer, beside what it should be.

How to read: rows are digits of a above those of b, columns answer digits from the units on; a cell is the mean fall of
the foretold digit's logit when that digit is another. The middle panel is what arithmetic demands, on the scale of the
first: how often the right digit changes. The third is the network before training. A ring: not as demanded.

Source: Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import schema
from interp.figures.maps import Axis, Panel, panel_maps, written

if TYPE_CHECKING:
    import xarray as xr

CELL = ("source", "column")


def attribution_map(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the attribution map beside the share of changes and the untrained network."""
    sources, columns = (schema.labels(dataset, dim) for dim in CELL)
    found, n = schema.estimates(dataset, "attribution", *CELL), schema.count_text(dataset)
    changes, fine = schema.values(dataset, "changes", *CELL), schema.values(dataset, "passes", *CELL)
    blank = np.nan_to_num(schema.values(dataset, "attribution_untrained_null", *CELL))
    most = max(float(np.nanmax(np.abs(found.value))), 1e-9)
    hover = [
        [
            f"<b>{s} to {c}</b><br>{found[i, j].text()} logits, {n}<br>the right digit changes in {changes[i, j]:.1%}"
            f"<br>{'as' if fine[i, j] else 'not as'} arithmetic demands<br>before training {blank[i, j]:.3f}"
            for j, c in enumerate(columns)
        ]
        for i, s in enumerate(sources)
    ]
    panels = [Panel("model", found.value[::-1], hover[::-1], written(found.value[::-1]))]
    for name, values in (("arithmetic: share of changes, scaled", changes * most), ("null: before training", blank)):
        panels.append(Panel(name, values[::-1], hover[::-1], written(values[::-1])))
    high = schema.scalar(dataset, "attribution_null_high")
    figure = panel_maps(
        panels, Axis("operand digit replaced", sources[::-1]), Axis("answer digit", columns),
        title=schema.heading(
            dataset, "Logit attribution by counterfactual digit", "fall of the foretold digit's logit", n,
            f"null: another problem's digit, below {schema.number(high)}",
        ),
        unit="logits", bounds=(-most, most) if found.value.min() < -0.05 * most else (0.0, most), theme=theme,
    )  # fmt: skip
    wrong = [(columns.index(c), len(sources) - 1 - i) for i in range(len(sources)) for c in columns
             if not fine[i, columns.index(c)]]  # fmt: skip
    ring = {"symbol": "circle-open", "size": 22, "color": "#D55E00", "line": {"width": 1.5}}
    x, y = [x for x, _ in wrong], [y for _, y in wrong]
    figure.add_trace(
        go.Scatter(name="not as demanded", x=x, y=y, mode="markers", marker=ring, hoverinfo="skip", showlegend=False),
        row=1, col=1,
    )  # fmt: skip
    figure.update_xaxes(range=[-0.5, len(columns) - 0.5])  # rings would widen the first panel
    figure.update_yaxes(range=[-0.5, len(sources) - 0.5])
    return figure.add_hline(y=len(sources) / 2 - 0.5, line={"dash": "dash", "width": 1, "color": "#868e96"})


def summary(dataset: xr.Dataset) -> str:
    """Return how many cells are as arithmetic demands, and the columns that depend on nothing."""
    fine = schema.values(dataset, "passes", *CELL)
    values = schema.values(dataset, "attribution", *CELL)
    most = np.abs(values).max()
    idle = [c for c, v in zip(schema.labels(dataset, "column"), values.T, strict=True) if np.abs(v).max() <= most / 20]
    rest = f"; {', '.join(idle)} depend on no digit" if idle else "; every answer digit depends on some digit"
    verdict = "passes" if fine.all() else "does not pass"
    return f"{int(fine.sum())} of {fine.size} cells are as arithmetic demands: the model {verdict}{rest}."
