"""Which window was judged, and what did it keep? The words and marks that the AF1 figures share.

AF1 = CAMA at the input of block `l_wait` (each token keeps only its own identity), then `l_transfer` blocks in which
the last token reads all others, then blocks in which every token reads only itself and BOS.

    faithfulness = accuracy of that subgraph on the prompts which the full model answers

A search chooses the window on selection prompts and judges it on test prompts; a `window` run judges a given one. The
controls put an unconditional mean or zeros where CAMA puts its conditional mean, at the same place. The paper counts
blocks from 0 and names the last one that waits: its index is l_wait - 1.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from interp.errors import InterpError
from interp.figures import schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


def window_of(dataset: xr.Dataset) -> tuple[int, int, bool]:
    """Return `(l_wait, l_transfer, found)`: the best cell where a search passed none; a given window is found."""
    found = not searched(dataset) or bool(schema.scalar(dataset, "found"))
    best = not found and "best_l_wait" in dataset.variables
    names = ("best_l_wait", "best_l_transfer") if best else ("l_wait", "l_transfer")
    wait, transfer = (schema.scalar(dataset, name) for name in names)
    if wait is None or transfer is None:
        schema.need(dataset, *names)
        method = dataset.attrs.get("method", "af1")
        raise InterpError(f"This {method} result has no usable {names[0]} and {names[1]}. Run {method} again.")
    return int(wait), max(int(transfer), 0), found


def window_text(dataset: xr.Dataset) -> str:
    """Return `AF1(l_wait, l_transfer)` of the window that was judged, nothing where none was recorded."""
    if not {"l_wait", "l_transfer"} <= set(dataset.variables):
        return ""
    wait, transfer, found = window_of(dataset)
    return f"AF1({wait}, {transfer}){'' if found else ', the best cell'}"


def searched(dataset: xr.Dataset) -> bool:
    """Return whether the window of `dataset` came from a search (else it was given)."""
    stated = schema.scalar(dataset, "searched")
    return "found" in dataset.variables if stated is None else bool(stated)


def mark_window(figure: go.Figure, dataset: xr.Dataset) -> go.Figure:
    """Return a wait curve with the `l_wait` of an `af1` dataset marked: chosen, or best where none passed."""
    wait, _, found = window_of(dataset)
    figure.add_vline(x=wait, line={"color": look.GREEN, "width": 1, "dash": "solid" if found else "dot"})
    text = f"l_wait = {wait} ({'chosen' if found else 'best cell'})"
    above = {"y": 1, "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
    figure.add_annotation(x=wait, text=text, showarrow=False, font={"size": 11}, **above)
    return figure


def verdict(dataset: xr.Dataset) -> str:
    """Return the window in a few words, or that none passed and which came closest."""
    wait, transfer, found = window_of(dataset)
    if not searched(dataset):
        kept = schema.number(schema.scalar(dataset, "faithfulness"), 2)
        return f"AF1 as given ({wait} wait, {transfer} transfer) keeps {kept}"
    if found:
        return f"AF1: {wait} {'block waits' if wait == 1 else 'blocks wait'}, {transfer} transfer"
    return f"AF1: {none_found(dataset)}; best {wait} wait, {transfer} transfer"


def none_found(dataset: xr.Dataset) -> str:
    """Return why a search has no window: none passes, or some do but not where the search looks for them."""
    if (schema.scalar(dataset, "n_passing") or 0) > 0:
        return "the search finds no window"
    return f"none reaches {schema.number(schema.scalar(dataset, 'threshold'), 2)}"


def paper_index(wait: int) -> str:
    """Return `l_wait` as the paper writes it: the 0-based index of the last block that waits."""
    return f"paper's block index {wait - 1}" if wait else "no block waits"


def summary(dataset: xr.Dataset) -> str:
    """Return the window, test faithfulness with interval and n, the two controls and the null, in one sentence."""
    value, low, high = (schema.scalar(dataset, f"faithfulness{end}") for end in ("", "_low", "_high"))
    wait, transfer, found = window_of(dataset)
    none = "" if found else f"{none_found(dataset).capitalize()}; best "
    given = "" if searched(dataset) else "Given window, "
    split = "test faithfulness" if searched(dataset) else "faithfulness"
    return (
        f"{none}{given}l_wait {wait}, l_transfer {transfer} ({paper_index(wait)}): {split} "
        f"{schema.estimate(value, low, high, 2)} ({schema.count_text(dataset)}); controls there: {_controls(dataset)}."
    )


def _controls(dataset: xr.Dataset) -> str:
    mean, zero = (schema.number(schema.scalar(dataset, f"faithfulness_{name}"), 2) for name in ("mean", "zero"))
    majority = schema.scalar(dataset, "null_majority")
    null = "" if majority is None else f", best constant answer {schema.number(majority, 2)}"
    return f"mean {mean}, zero {zero}{null}"
