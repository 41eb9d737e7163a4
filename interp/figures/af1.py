"""When does the model wait, when does the last token read the others, and how much of it is that?

AF1 = CAMA at the input of block `l_wait` (each token keeps only its own identity), then `l_transfer` blocks in which
the last token reads all others, then blocks in which every token reads only itself and BOS.

    faithfulness = accuracy of that subgraph on the prompts which the full model answers

Read the sweep for the knee: waiting is free up to it. The controls put an unconditional mean or zeros where CAMA puts
its conditional mean, at the same layer and window.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.errors import InterpError
from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

VARIANTS = {
    "cama": ("CAMA (mean given the own token)", look.BLUE),
    "mean": ("control: mean over all prompts", look.ORANGE),
    "zero": ("control: zeros", look.VERMILLION),
}


THRESHOLD = 0.95  # what a sweep that records no threshold is read against, as the search does by default


def wait_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness against `l_wait`, a line a variant; reads a `cama` or an `af1` dataset."""
    swept = "wait_faithfulness" if "wait_faithfulness" in dataset.variables else "faithfulness"
    dim = sweep_dim(dataset, swept)
    waits = schema.labels(dataset, dim)
    kept = schema.estimates(dataset, swept, "variant", dim)
    figure = go.Figure(layout={"template": look.template(theme)})
    for i, variant in enumerate(str(v) for v in schema.labels(dataset, "variant")):
        label, colour = VARIANTS.get(variant, (variant, look.OKABE_ITO[(i + 2) % 6]))
        hover = _hover(f"{label}, l_wait =", waits, _split(dataset, swept))
        curves.add_curve(figure, curves.Curve(label, waits, kept[i], hover, colour, i))
    null = schema.scalar(dataset, "null_majority")
    if null is not None:
        curves.add_null(figure, "majority class", *curves.level(null, waits))
    curves.layer_axis(figure, "l_wait: blocks that wait", waits)
    _finish(figure, dataset, "Faithfulness when every token waits alone", _split(dataset, swept))
    return figure


def transfer_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness against the number of transfer blocks at the chosen `l_wait`, beside the threshold."""
    dim = sweep_dim(dataset, "transfer_faithfulness")
    windows = schema.labels(dataset, dim)
    kept = schema.estimates(dataset, "transfer_faithfulness", dim)
    figure = go.Figure(layout={"template": look.template(theme)})
    hover = _hover("l_transfer =", windows, "selection split")
    name = f"CAMA at l_wait = {window_of(dataset)[0]}"
    curves.add_curve(figure, curves.Curve(name, windows, kept, hover, look.BLUE))
    for variant in ("mean", "zero"):
        control = schema.scalar(dataset, f"faithfulness_{variant}")
        if control is not None:
            label = f"{variant} control, test"
            curves.add_null(figure, label, *curves.level(control, windows))
    curves.layer_axis(figure, "l_transfer: blocks in which the last token reads", windows)
    figure.update_traces(showlegend=True, selector={"mode": "lines+markers"})
    _finish(figure, dataset, "Faithfulness against the length of the transfer window", "selection split")
    return figure


def sweep_dim(dataset: xr.Dataset, name: str) -> str:
    """Return the dim that `name` is swept over: its only dim besides `variant`."""
    schema.need(dataset, name)
    dims = [str(dim) for dim in dataset[name].dims if dim != "variant"]
    if len(dims) != 1:
        raise InterpError(f"{name} has dims {dims}; a sweep has one besides 'variant'. Select the others first.")
    return dims[0]


def _split(dataset: xr.Dataset, swept: str) -> str:
    return "selection split" if swept == "wait_faithfulness" else schema.count_text(dataset)


def _hover(name: str, steps: list, note: str) -> list[str]:
    return [f"<b>{name} {step}</b><br>faithfulness {{}}<br>{note}" for step in steps]


def _finish(figure: go.Figure, dataset: xr.Dataset, title: str, note: str) -> None:
    threshold = schema.scalar(dataset, "threshold")
    if threshold is not None:
        figure.add_hline(y=threshold, line={"color": look.GREEN, "width": 1, "dash": "dot"})
        text = f"threshold {threshold:.2f}"
        right = {"x": 1, "xref": "paper", "xanchor": "right", "yanchor": "top"}
        figure.add_annotation(y=threshold, text=text, showarrow=False, font={"size": 11}, **right)
    curves.accuracy_axis(figure, "faithfulness")
    units = "fraction of the full model's correct answers kept"
    figure.update_layout(title=schema.heading(dataset, title, units, note, "bands: 95 % interval"))


def window_of(dataset: xr.Dataset) -> tuple[int, int, bool]:
    """Return `(l_wait, l_transfer, found)`; the best cell where no window passed the threshold."""
    found = bool(schema.scalar(dataset, "found"))
    names = ("l_wait", "l_transfer") if found else ("best_l_wait", "best_l_transfer")
    wait, transfer = (schema.scalar(dataset, name) for name in names)
    if wait is None or transfer is None:
        schema.need(dataset, *names)
        raise InterpError(f"This af1 result has no usable {names[0]} and {names[1]}. Run af1 again.")
    return int(wait), max(int(transfer), 0), found


def mark_window(figure: go.Figure, dataset: xr.Dataset) -> go.Figure:
    """Return a wait curve with the `l_wait` of an `af1` dataset marked: chosen, or best where none passed."""
    wait, _, found = window_of(dataset)
    figure.add_vline(x=wait, line={"color": look.GREEN, "width": 1, "dash": "solid" if found else "dot"})
    text = f"l_wait = {wait} ({'chosen' if found else 'best, none passed'})"
    above = {"y": 1, "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
    figure.add_annotation(x=wait, text=text, showarrow=False, font={"size": 11}, **above)
    return figure


def verdict(dataset: xr.Dataset) -> str:
    """Return the window in a few words, or that none passed and which came closest."""
    wait, transfer, found = window_of(dataset)
    if found:
        return f"AF1: {wait} blocks wait, {transfer} transfer"
    threshold = schema.number(schema.scalar(dataset, "threshold"), 2)
    return f"AF1: none reaches {threshold}; best {wait} wait, {transfer} transfer"


def summary(dataset: xr.Dataset) -> str:
    """Return the window, test faithfulness with interval and n, the two controls and the null, in one sentence."""
    value, low, high = (schema.scalar(dataset, f"faithfulness{end}") for end in ("", "_low", "_high"))
    mean, zero = (schema.number(schema.scalar(dataset, f"faithfulness_{name}"), 2) for name in ("mean", "zero"))
    wait, transfer, found = window_of(dataset)
    none = "" if found else "None passes; best "
    majority = schema.scalar(dataset, "null_majority")
    null = "" if majority is None else f", majority class {schema.number(majority, 2)}"
    return (
        f"{none}l_wait {wait}, l_transfer {transfer}: test faithfulness {schema.estimate(value, low, high, 2)} "
        f"({schema.count_text(dataset)}); controls there: mean {mean}, zero {zero}{null}."
    )


def sweep_summary(dataset: xr.Dataset) -> str:
    """Return the last `l_wait` up to which each variant is faithful at every step, at the threshold of the search."""
    swept = "wait_faithfulness" if "wait_faithfulness" in dataset.variables else "faithfulness"
    dim = sweep_dim(dataset, swept)
    value, waits = schema.values(dataset, swept, "variant", dim), schema.labels(dataset, dim)
    threshold = schema.scalar(dataset, "threshold") or THRESHOLD
    said = []
    for i, variant in enumerate(str(v) for v in schema.labels(dataset, "variant")):
        failing = np.flatnonzero(~(value[i] >= threshold))
        kept = len(waits) if not len(failing) else int(failing[0])
        last = f"through l_wait {waits[kept - 1]}" if kept else "at none"
        said.append(
            f"{variant} {last}"
            + (" (the embeddings, where CAMA is the identity)" if kept == 1 and variant == "cama" else "")
        )
    return f"Faithfulness stays at {schema.number(threshold, 2)} or more: {', '.join(said)}; {_split(dataset, swept)}."


def transfer_summary(dataset: xr.Dataset) -> str:
    """Return the shortest window that passes the threshold on the selection split, or the best value."""
    dim = sweep_dim(dataset, "transfer_faithfulness")
    value, windows = schema.values(dataset, "transfer_faithfulness", dim), schema.labels(dataset, dim)
    best = int(np.nanargmax(value))
    return (
        f"At l_wait {window_of(dataset)[0]}, faithfulness goes from {value[0]:.2f} with {windows[0]} transfer blocks "
        f"to {value[best]:.2f} with {windows[best]} (its maximum)."
    )
