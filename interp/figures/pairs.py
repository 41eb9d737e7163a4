"""What did each prompt pair do at one place of the patching map, by any metric?

    recovered_i = (patched_i - base_i) / (other_i - base_i)     base, other: corrupted, clean; noising: clean, corrupted

The dashes are the same pairs without a patch, the reference 0 and 1 of the map; a mean recovered of 0.5 can be half of
the pairs moved all the way or all of them moved half way, and this figure tells which. All dashes of a run are one line
with gaps: a mark for each is ten times as slow to draw.
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
RUNS = {"corrupted": look.NULL, "clean": look.GREEN}
SELECTED = {"marker": {"color": look.VERMILLION, "size": 11}}
UNSELECTED = {"marker": {"opacity": 0.45}}


def examples(
    dataset: xr.Dataset, layer: int, role: str, *, head: int | None = None, metric: str = "logit_diff",
    theme: str = "light",
) -> go.Figure:  # fmt: skip
    """Return a metric of each pair at one place, sorted: patched between the corrupted and the clean run."""
    data = example_traces(dataset, layer, role, head=head, metric=metric)
    traces, (zero, one) = traces_of(data["traces"]), (1, 0) if places.noising(dataset) else (0, 1)
    for trace, name in zip(traces, (f"corrupted run ({zero})", f"clean run ({one})", "patched"), strict=True):
        trace.update(name=name)
    figure = go.Figure(traces, layout={"template": look.template(theme)})
    figure.update_xaxes(title_text="prompt pairs, sorted by the patched value", showgrid=False)
    figure.update_yaxes(title_text=AXES.get(metric, metric))
    figure.update_layout(
        title=heading(dataset, data, metric),
        hoverdistance=40,  # pixels: a pair is told anywhere near its point
    )
    return figure


def traces_of(moving: list[dict]) -> list[go.Scatter]:
    """Return the dashes of the corrupted and the clean run and the points of the patched one; they tell the pair."""
    *runs, patched = moving
    points = go.Scatter(
        mode="markers", marker={"color": look.BLUE, "size": 5}, hoverinfo="text", selected=SELECTED,
        unselected=UNSELECTED, **patched,
    )  # fmt: skip
    dashes = [
        go.Scatter(mode="lines", line={"color": color, "width": 2}, hoverinfo="skip", **run)
        for color, run in zip(RUNS.values(), runs, strict=True)
    ]
    return [*dashes, points]


def heading(dataset: xr.Dataset, data: dict, metric: str = "logit_diff") -> dict:
    """Return the title of a cell whose traces are `data`, and under it what is measured, n and the mean."""
    n = f"{schema.count_text(dataset)} pairs"
    return schema.heading(dataset, data["title"], WORDS.get(metric, metric), n, data["interval"])


def example_traces(
    dataset: xr.Dataset, layer: int, role: str, *, head: int | None = None, metric: str = "logit_diff"
) -> dict:
    """Return what changes between cells: `traces`, `title`, `interval`, and `base`, the run that was written into."""
    cell = places.Cell(layer, role, head)
    return cell_traces(dataset, cell, metric, example_rows(dataset, layer, role, head=head, metric=metric))


def cell_traces(dataset: xr.Dataset, cell: places.Cell, metric: str, rows: list[dict]) -> dict:
    """Return `example_traces` of the rows of a cell."""
    value, _ = places.measured(dataset, metric) if metric != "logit_diff" else (_recovered(dataset), None)
    return {
        "traces": moving(rows, dataset),
        "base": "clean" if places.noising(dataset) else "corrupted",
        "title": f"Each prompt pair at {cell.text}",
        "interval": f"mean {'recovered' if metric in places.SHARES else places.NAMES[metric]} "
        f"{value[places.index_of(dataset, cell)].text(2)} (95 % interval)",
    }


def moving(rows: list[dict], dataset: xr.Dataset) -> list[dict]:
    """Return what a cell gives each trace: x and y of the dashes of two runs, x, y, words and pair of the points."""
    rank = range(len(rows))
    dashes = [
        {
            "x": [x for i in rank for x in (i - 1, i + 1, None)],
            "y": [y for row in rows for y in (row[name], row[name], None)],
        }
        for name in RUNS
    ]
    points = {
        "x": list(rank),
        "y": [row["patched"] for row in rows],
        "hovertext": [hover_of(row, dataset) for row in rows],
        "customdata": [row["prompt_index"] for row in rows],
    }
    return [*dashes, points]


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
