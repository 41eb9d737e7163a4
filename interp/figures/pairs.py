"""What did each prompt pair do at one place of the patching map, by any metric?

    recovered_i = (patched_i - base_i) / (other_i - base_i)     base, other: corrupted, clean; noising: clean, corrupted

The two grey lines are the same pairs without a patch, the reference 0 and 1 of the map; a mean recovered of 0.5 can be
half of the pairs moved all the way or all of them moved half way, and this figure tells which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import places, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


AXES = {
    "logit_diff": "logit difference", "prob_diff": "difference of probabilities",
    "answer_logit": "logit of the clean answer", "answer_logprob": "log-probability of the clean answer (nats)",
    "accuracy": "top token = clean answer", "mean_kl": "divergence from the base run (nats)",
}  # fmt: skip
WORDS = {
    **AXES,
    "logit_diff": "logits: clean answer minus corrupted answer",
    "prob_diff": "probability of the clean answer minus that of the corrupted answer",
}
SELECTED = {"marker": {"color": look.VERMILLION, "size": 11}}
UNSELECTED = {"marker": {"opacity": 0.45}}


def examples(
    dataset: xr.Dataset, layer: int, role: str, *, head: int | None = None, metric: str = "logit_diff",
    theme: str = "light",
) -> go.Figure:  # fmt: skip
    """Return a metric of each pair at one place, sorted: patched between the corrupted and the clean run."""
    data = example_traces(dataset, layer, role, head=head, metric=metric)
    figure = go.Figure(layout={"template": look.template(theme)})
    zero, one = (1, 0) if places.noising(dataset) else (0, 1)
    styles = (
        (f"corrupted run ({zero})", {"color": look.NULL, "symbol": "line-ew-open", "size": 4}),
        (f"clean run ({one})", {"color": look.NULL, "symbol": "circle-open", "size": 4}),
        ("patched", {"color": look.BLUE, "size": 5}),
    )
    for (name, marker), trace in zip(styles, data["traces"], strict=True):
        figure.add_trace(go.Scatter(name=name, mode="markers", marker=marker, hoverinfo="text", **trace))
    figure.data[-1].update(selected=SELECTED, unselected=UNSELECTED)
    figure.update_xaxes(title_text="prompt pairs, sorted by the patched value", showgrid=False)
    figure.update_yaxes(title_text=AXES.get(metric, metric))
    figure.update_layout(
        title=heading(dataset, data, metric),
        legend={"itemsizing": "constant"},  # the marks are small
    )
    return figure


def heading(dataset: xr.Dataset, data: dict, metric: str = "logit_diff") -> dict:
    """Return the title of a cell whose traces are `data`, and under it what is measured, n and the mean."""
    n = f"{schema.count_text(dataset)} pairs"
    return schema.heading(dataset, data["title"], WORDS.get(metric, metric), n, data["interval"])


def example_traces(
    dataset: xr.Dataset, layer: int, role: str, *, head: int | None = None, metric: str = "logit_diff"
) -> dict:
    """Return what changes between cells: `traces` (x, y, hovertext of three lines), `title`, `interval`, `base`.

    `base` is the run that was written into.
    """
    cell = places.Cell(layer, role, head)
    return cell_traces(dataset, cell, metric, example_rows(dataset, layer, role, head=head, metric=metric))


def cell_traces(dataset: xr.Dataset, cell: places.Cell, metric: str, rows: list[dict]) -> dict:
    """Return `example_traces` of the rows of a cell."""
    rank = list(range(len(rows)))
    text, pairs = [hover_of(row, dataset) for row in rows], [row["prompt_index"] for row in rows]
    value, _ = places.measured(dataset, metric) if metric != "logit_diff" else (_recovered(dataset), None)
    return {
        "traces": [
            {"x": rank, "y": [row[name] for row in rows], "hovertext": text, "customdata": pairs}
            for name in ("corrupted", "clean", "patched")
        ],
        "base": "clean" if places.noising(dataset) else "corrupted",
        "title": f"Each prompt pair at {cell.text}",
        "interval": f"mean {'recovered' if metric in places.SHARES else places.NAMES[metric]} "
        f"{value[places.index_of(dataset, cell)].text(2)} (95 % interval)",
    }


def hover_of(row: dict, dataset: xr.Dataset) -> str:
    """Return the text of one pair."""
    ends = (
        (row["prompt_corrupted"], row["prompt"])
        if places.noising(dataset)
        else (row["prompt"], row["prompt_corrupted"])
    )
    return (
        f"<b>{ends[0]}</b> patched into <b>{ends[1]}</b><br>patched {row['patched']:.2f}"
        f"<br>clean {row['clean']:.2f}, corrupted {row['corrupted']:.2f}"
        f"<br>recovered {schema.number(row['recovered'], 2)}"
    )


def example_rows(
    dataset: xr.Dataset, layer: int, role: str, *, head: int | None = None, metric: str = "logit_diff"
) -> list[dict]:
    """Return one row a prompt pair at (layer, role) or one head of it, sorted by the patched value."""
    patched, clean, corrupted = places.pair_values(dataset, places.Cell(layer, role, head), metric)
    prompts = [str(text) for text in schema.labels(dataset, "prompt")]
    twins = (
        [str(t) for t in dataset["prompt_corrupted"].to_numpy().tolist()]
        if "prompt_corrupted" in dataset.variables
        else [""] * len(prompts)
    )
    base, other = (clean, corrupted) if places.noising(dataset) else (corrupted, clean)
    gap = other - base
    with np.errstate(divide="ignore", invalid="ignore"):
        recovered = np.where(np.abs(gap) > 1e-6, (patched - base) / gap, np.nan)
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


def _recovered(dataset: xr.Dataset) -> schema.Estimates:
    """Return the share of the logit difference, the null of which an old result may lack."""
    if str(dataset.attrs.get("metric", "logit_diff")) != "logit_diff":
        return places.measured(dataset, "logit_diff")[0]
    dims = ("layer", "head", "role") if places.of_heads(dataset) else ("layer", "role")
    found = schema.estimates(dataset, "recovered", *dims)
    return places.flat(found)
