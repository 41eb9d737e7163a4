"""What did each prompt pair do in one cell of the patching map?

    recovered_i = (patched_i - corrupted_i) / (clean_i - corrupted_i)

The two grey lines are the same pairs without a patch, the reference 0 and 1 of the map; a mean recovered of 0.5 can be
half of the pairs moved all the way or all of them moved half way, and this figure tells which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


SELECTED = {"marker": {"color": look.VERMILLION, "size": 11}}
UNSELECTED = {"marker": {"opacity": 0.45}}


def examples(dataset: xr.Dataset, layer: int, role: str, *, theme: str = "light") -> go.Figure:
    """Return the per-prompt logit differences of one cell, sorted: patched between corrupted and clean."""
    data = example_traces(dataset, layer, role)
    figure = go.Figure(layout={"template": look.template(theme)})
    styles = (
        ("corrupted run (0)", {"color": look.NULL, "symbol": "line-ew-open", "size": 4}),
        ("clean run (1)", {"color": look.NULL, "symbol": "circle-open", "size": 4}),
        ("patched", {"color": look.BLUE, "size": 5}),
    )
    for (name, marker), trace in zip(styles, data["traces"], strict=True):
        figure.add_trace(go.Scatter(name=name, mode="markers", marker=marker, hoverinfo="text", **trace))
    figure.data[-1].update(selected=SELECTED, unselected=UNSELECTED)
    figure.update_xaxes(title_text="prompt pairs, sorted by the patched value", showgrid=False)
    figure.update_yaxes(title_text="logit difference")
    figure.update_layout(
        title=schema.heading(
            dataset,
            data["title"],
            "logits: clean answer minus corrupted answer",
            schema.count_text(dataset) + " pairs",
            data["interval"],
        )
    )
    return figure


def example_traces(dataset: xr.Dataset, layer: int, role: str) -> dict:
    """Return what changes between cells: `traces` (x, y, hovertext of three lines), `title`, `interval`."""
    rows = example_rows(dataset, layer, role)
    rank = list(range(len(rows)))
    text = [
        f"<b>{row['prompt']}</b> patched into <b>{row['prompt_corrupted']}</b><br>patched {row['patched']:.2f}"
        f"<br>clean {row['clean']:.2f}, corrupted {row['corrupted']:.2f}"
        f"<br>recovered {schema.number(row['recovered'], 2)}"
        for row in rows
    ]
    cell = schema.estimates(dataset.sel(layer=int(layer), role=str(role)), "recovered")
    return {
        "traces": [
            {"x": rank, "y": [row[name] for row in rows], "hovertext": text}
            for name in ("corrupted", "clean", "patched")
        ],
        "title": f"Each prompt pair at layer {layer}, role {role}",
        "interval": f"mean recovered {cell.text(2)} (95 % interval)",
    }


def example_rows(dataset: xr.Dataset, layer: int, role: str) -> list[dict]:
    """Return one row a prompt pair at (layer, role), sorted by the patched logit difference."""
    schema.need(dataset, "logit_diff", "logit_diff_clean", "logit_diff_corrupted", "prompt")
    patched = schema.values(
        dataset["logit_diff"].sel(layer=int(layer), role=str(role)).to_dataset(name="m"), "m", "prompt"
    )
    clean = schema.values(dataset, "logit_diff_clean", "prompt")
    corrupted = schema.values(dataset, "logit_diff_corrupted", "prompt")
    prompts = [str(text) for text in schema.labels(dataset, "prompt")]
    twins = (
        [str(t) for t in dataset["prompt_corrupted"].to_numpy().tolist()]
        if "prompt_corrupted" in dataset.variables
        else [""] * len(prompts)
    )
    gap = clean - corrupted
    with np.errstate(divide="ignore", invalid="ignore"):
        recovered = np.where(np.abs(gap) > 1e-6, (patched - corrupted) / gap, np.nan)
    return [
        {
            "prompt_index": str(int(i)),
            "prompt": prompts[i],
            "prompt_corrupted": twins[i],
            "clean": float(clean[i]),
            "corrupted": float(corrupted[i]),
            "patched": float(patched[i]),
            "recovered": float(recovered[i]),
        }
        for i in np.argsort(patched, kind="stable")
    ]
