"""For how many blocks must the last token read the others, and does it matter how it is kept from reading after?

    faithfulness[v, l_transfer] = accuracy, on the prompts which the full model answers, after CAMA at l_wait and
                                  l_transfer blocks of full peek, with variant v of the masks

ABP lets every token but the last read only itself and BOS, and the last one too after the window. With 0 blocks
nothing of the operands can reach the answer, so that point is a null of its own; where the curve first reaches the
threshold, that many blocks are enough.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import curves, schema, variants
from interp.figures import theme as look
from interp.figures.af1 import window_of
from interp.figures.waiting import THRESHOLD, add_levels, grouped, sweep_dim

if TYPE_CHECKING:
    import xarray as xr

AXIS = "l_transfer: blocks in which the last token reads the others"


def peek_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness against the number of full-peek blocks, a line a variant of ABP (an `abp` dataset)."""
    windows = schema.labels(dataset, "l_transfer")
    kept = schema.estimates(dataset, "faithfulness", "variant", "l_transfer")
    names, n = [str(v) for v in schema.labels(dataset, "variant")], schema.count_text(dataset)
    figure = go.Figure(layout={"template": look.template(theme)})
    for i, name in enumerate(names):
        what = variants.variant(name, variants.PEEKS).long
        hover = [f"<b>{what}, l_transfer = {w}</b><br>faithfulness {{}}<br>{n}" for w in windows]
        curves.add_curve(figure, variants.line(name, variants.PEEKS, windows, kept[i], hover, len(names)))
    add_levels(figure, dataset, windows)
    curves.layer_axis(figure, AXIS, windows)
    curves.accuracy_axis(figure, "faithfulness")
    bands = "bands: 95 % interval" if len(names) <= variants.FEW else "band: 95 % interval (others on hover)"
    units = "fraction of the full model's correct answers kept"
    figure.update_layout(title=schema.heading(dataset, peek_title(dataset), units, n, bands))
    return figure


def shortest(shares: np.ndarray, windows: list, threshold: float) -> int | None:
    """Return the first of `windows` whose share is at least `threshold`, None where none is."""
    enough = np.flatnonzero(shares >= threshold)
    return windows[int(enough[0])] if len(enough) else None


def peek_title(dataset: xr.Dataset) -> str:
    """Return how many blocks of full peek are enough, in a few words."""
    row, windows = _proposed(dataset)
    wait = schema.number(schema.scalar(dataset, "l_wait"), 0)
    after = f"After {wait} waiting block{'' if wait == '1' else 's'}"
    if not np.isfinite(row.value).any():
        return "No answered prompt, so nothing to transfer"
    threshold = schema.scalar(dataset, "threshold") or THRESHOLD
    enough = shortest(row.value, windows, threshold)
    if enough is None:
        return f"{after}, no number of full-peek blocks keeps {threshold:.2f}"
    return f"{after}, {enough} full-peek {'block is' if enough == 1 else 'blocks are'} enough"


def _proposed(dataset: xr.Dataset) -> tuple[schema.Estimates, list]:
    """Return the row of ABP (of the first variant where there is no ABP) and the window lengths."""
    names = [str(v) for v in schema.labels(dataset, "variant")]
    row = names.index("abp") if "abp" in names else 0
    return schema.estimates(dataset, "faithfulness", "variant", "l_transfer")[row], schema.labels(dataset, "l_transfer")


def peek_summary(dataset: xr.Dataset) -> str:
    """Return the shortest passing window of each variant, ABP's faithfulness there, the null and n."""
    n, (row, windows) = schema.count_text(dataset), _proposed(dataset)
    if not np.isfinite(row.value).any():
        return f"No prompt was answered, so nothing can be transferred; {n}."
    value = schema.values(dataset, "faithfulness", "variant", "l_transfer")
    threshold = schema.scalar(dataset, "threshold") or THRESHOLD
    names = [str(v) for v in schema.labels(dataset, "variant")]
    found = {name: shortest(value[i], windows, threshold) for i, name in enumerate(names)}
    enough = {name: -1 if blocks is None else blocks for name, blocks in found.items()}
    best = windows.index(enough["abp"]) if enough.get("abp", -1) >= 0 else int(np.nanargmax(row.value))
    null = schema.scalar(dataset, "null_majority")
    beside = "" if null is None else f", best constant answer {null:.2f}"
    return (
        f"At l_wait {schema.number(schema.scalar(dataset, 'l_wait'), 0)}, full-peek blocks needed for {threshold:.2f}: "
        f"{grouped(enough, 'never enough')}; ABP keeps {row[best].text(2)} with {windows[best]} and {row[0].text(2)} "
        f"with {windows[0]}{beside}; {n}."
    )


def transfer_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness against the number of transfer blocks at the chosen `l_wait`, beside the threshold."""
    dim = sweep_dim(dataset, "transfer_faithfulness")
    windows = schema.labels(dataset, dim)
    kept = schema.estimates(dataset, "transfer_faithfulness", dim)
    figure = go.Figure(layout={"template": look.template(theme)})
    hover = [f"<b>l_transfer = {step}</b><br>faithfulness {{}}<br>selection split" for step in windows]
    name = f"CAMA at l_wait = {_swept_wait(dataset)}"
    curves.add_curve(figure, curves.Curve(name, windows, kept, hover, look.BLUE, width=3))
    for variant in ("mean", "zero"):
        control = schema.scalar(dataset, f"faithfulness_{variant}")
        if control is not None:
            curves.add_null(figure, f"{variant} control, test", *curves.level(control, windows))
    figure.update_traces(line_dash="dot", selector={"name": "null: zero control, test"})
    add_levels(figure, dataset, windows)
    curves.layer_axis(figure, AXIS, windows)
    figure.update_traces(showlegend=True, selector={"mode": "lines+markers"})
    curves.accuracy_axis(figure, "faithfulness")
    units = "fraction of the full model's correct answers kept"
    title = "Faithfulness against the length of the transfer window"
    figure.update_layout(title=schema.heading(dataset, title, units, "selection split", "bands: 95 % interval"))
    return figure


def _swept_wait(dataset: xr.Dataset) -> int:
    """Return the l_wait at which the search tried the window lengths."""
    wait = schema.scalar(dataset, "l_wait")
    return int(wait) if wait is not None and wait >= 0 else window_of(dataset)[0]


def transfer_summary(dataset: xr.Dataset) -> str:
    """Return where the faithfulness of the window starts and its best value on the selection split."""
    dim = sweep_dim(dataset, "transfer_faithfulness")
    value, windows = schema.values(dataset, "transfer_faithfulness", dim), schema.labels(dataset, dim)
    if not np.isfinite(value).any():
        return "No selection prompt was answered, so no window could be tried."
    best = int(np.nanargmax(value))
    return (
        f"At l_wait {_swept_wait(dataset)}, faithfulness goes from {value[0]:.2f} with {windows[0]} transfer blocks "
        f"to {value[best]:.2f} with {windows[best]} (its maximum)."
    )
