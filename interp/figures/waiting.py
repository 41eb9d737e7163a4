"""How long can every token wait, and what may it hold meanwhile?

    faithfulness[v, l_wait] = accuracy, on the prompts which the full model answers, when the input of block l_wait
                              holds only what variant v leaves of each token

CAMA leaves a token its own identity; each alternative leaves less, or something else. Read the knee of CAMA: waiting
is free up to it. An alternative that stays up as long shows that the choice of CAMA does not matter; one that falls
at once shows that what CAMA keeps is needed. At l_wait 0 CAMA is the identity, so that point is no evidence.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from interp.errors import InterpError
from interp.figures import curves, schema, variants
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

THRESHOLD = 0.95  # what a sweep that records no threshold is read against, as the search does by default


def wait_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness against `l_wait`, a line a variant; reads a `cama` or an `af1` dataset."""
    swept, dim, waits = _swept(dataset)
    kept = schema.estimates(dataset, swept, "variant", dim)
    names = [str(v) for v in schema.labels(dataset, "variant")]
    figure = go.Figure(layout={"template": look.template(theme)})
    for i, name in enumerate(names):
        what = variants.variant(name, variants.WAITS).long
        hover = [f"<b>{what}, l_wait = {w}</b><br>faithfulness {{}}<br>{_split(dataset, swept)}" for w in waits]
        curves.add_curve(figure, variants.line(name, variants.WAITS, waits, kept[i], hover, len(names)))
    add_levels(figure, dataset, waits)
    wait_axis(figure, waits)
    bands = "bands: 95 % interval" if len(names) <= variants.FEW else "band: 95 % interval (others on hover)"
    curves.accuracy_axis(figure, "faithfulness")
    units = "fraction of the full model's correct answers kept"
    figure.update_layout(title=schema.heading(dataset, wait_title(dataset), units, _split(dataset, swept), bands))
    return figure


def wait_axis(figure: go.Figure, waits: list) -> None:
    """Tick `l_wait` on the x axis and, in brackets under it, the paper's 0-based index of the last waiting block."""
    curves.layer_axis(figure, "l_wait: blocks that wait (in brackets: the paper's block index, l_wait − 1)", waits)
    ticks: Any = figure.layout["xaxis"]["tickvals"]
    figure.update_xaxes(ticktext=[f"{wait}<br>{f'({wait - 1})' if wait else '(–)'}" for wait in ticks])


def add_levels(figure: go.Figure, dataset: xr.Dataset, x: list) -> None:
    """Add what a sweep is read against: the best constant answer, and the threshold where the search had one."""
    null = null_of(dataset)
    if null is not None:
        curves.add_null(figure, "best constant answer", *curves.level(null, x))
    threshold = schema.scalar(dataset, "threshold")
    if threshold is None:
        return
    figure.add_hline(y=threshold, line={"color": look.GREEN, "width": 1, "dash": "dot"})
    right = {"x": 1, "xref": "paper", "xanchor": "right", "yanchor": "top"}
    text = f"threshold {threshold:.2f}"
    figure.add_annotation(y=threshold, text=text, showarrow=False, font={"size": 11}, **right)


def null_of(dataset: xr.Dataset) -> float | None:
    """Return the accuracy of the best constant answer: on the selection prompts where a search recorded it."""
    on_selection = schema.scalar(dataset, "null_majority_selection")
    return schema.scalar(dataset, "null_majority") if on_selection is None else on_selection


def sweep_dim(dataset: xr.Dataset, name: str) -> str:
    """Return the dim that `name` is swept over: its only dim besides `variant`."""
    schema.need(dataset, name)
    dims = [str(dim) for dim in dataset[name].dims if dim != "variant"]
    if len(dims) != 1:
        raise InterpError(f"{name} has dims {dims}; a sweep has one besides 'variant'. Select the others first.")
    return dims[0]


def _swept(dataset: xr.Dataset) -> tuple[str, str, list]:
    """Return the variable of the sweep, its dim and the values of l_wait."""
    swept = "wait_faithfulness" if "wait_faithfulness" in dataset.variables else "faithfulness"
    dim = sweep_dim(dataset, swept)
    return swept, dim, schema.labels(dataset, dim)


def _split(dataset: xr.Dataset, swept: str) -> str:
    if swept != "wait_faithfulness":
        return schema.count_text(dataset)
    n = schema.scalar(dataset, "n_selection")
    return "selection split" + ("" if n is None else f", n = {int(n):,}")


def passing(shares: np.ndarray, threshold: float) -> int:
    """Return at how many of the first steps every share is at least `threshold` (NaN is not)."""
    failing = np.flatnonzero(~(shares >= threshold))
    return int(failing[0]) if len(failing) else len(shares)


def reach(dataset: xr.Dataset) -> dict[str, int]:
    """Return, for each variant, the last l_wait up to which it is faithful at every step; -1 where at none."""
    swept, dim, waits = _swept(dataset)
    value = schema.values(dataset, swept, "variant", dim)
    threshold = schema.scalar(dataset, "threshold") or THRESHOLD
    names = [str(v) for v in schema.labels(dataset, "variant")]
    kept = [passing(row, threshold) for row in value]
    return {name: waits[steps - 1] if steps else -1 for name, steps in zip(names, kept, strict=True)}


def wait_title(dataset: xr.Dataset) -> str:
    """Return how long the tokens can wait, in a few words."""
    swept, _, waits = _swept(dataset)
    if not np.isfinite(schema.values(dataset, swept, "variant", sweep_dim(dataset, swept))).any():
        return "No answered prompt, so nothing to keep while waiting"
    reached = reach(dataset)
    name = "cama" if "cama" in reached else next(iter(reached))
    short = variants.variant(name, variants.WAITS).short
    if reached[name] < 0:
        return f"{short} is faithful at no l_wait"
    if reached[name] == 0:
        return f"{short} is faithful only at the embeddings: no block can wait"
    return f"{short} is faithful while {reached[name]} of {max(waits)} blocks wait"


def sweep_summary(dataset: xr.Dataset) -> str:
    """Return the last `l_wait` of each variant, CAMA's faithfulness there and one step on, the null and n."""
    swept, dim, waits = _swept(dataset)
    value = schema.estimates(dataset, swept, "variant", dim)
    if not np.isfinite(value.value).any():
        return f"No prompt was answered, so nothing can be kept while waiting; {_split(dataset, swept)}."
    reached = reach(dataset)
    threshold = schema.number(schema.scalar(dataset, "threshold") or THRESHOLD, 2)
    null = null_of(dataset)
    beside = "" if null is None else f"; best constant answer {null:.2f}"
    return (
        f"Faithfulness stays at {threshold} or more through l_wait {grouped(reached, 'at none')}"
        f"{_knee(reached, value, waits)}{beside}; {_split(dataset, swept)}."
    )


def grouped(steps: dict[str, int], none: str) -> str:
    """Return names by their number, the largest first: `3: cama; 0: mean, zero; at none: noise` (below 0: `none`)."""
    levels = sorted(set(steps.values()), reverse=True)
    names = {level: ", ".join(name for name, step in steps.items() if step == level) for level in levels}
    return "; ".join(f"{level if level >= 0 else none}: {said}" for level, said in names.items())


def _knee(reached: dict[str, int], value: schema.Estimates, waits: list) -> str:
    """Return CAMA's faithfulness where it last passes and one step on, and what l_wait 0 means."""
    if "cama" not in reached:
        return ""
    row = value[list(reached).index("cama")]
    last = waits.index(reached["cama"]) if reached["cama"] >= 0 else -1
    places = [i for i in (last, last + 1) if 0 <= i < len(waits)]
    said = ", ".join(f"{row[i].text(2)} at l_wait {waits[i]}" for i in places)
    identity = " (the embeddings, where CAMA is the identity)" if reached["cama"] == 0 else ""
    return f"; CAMA keeps {said}{identity}"
