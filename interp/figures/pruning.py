"""How few heads carry the transfer? Heads of AF1's transfer blocks taken away one by one, the least missed first.

    curve[k]           = faithfulness on test prompts after k removals, in the greedy order of the search prompts
    curve_random[d, k] = the same along the d-th random order: the null

Read where the greedy line leaves the threshold: the heads to its right are the survivors. The greedy line above every
grey one says that it is those heads and not any; where both stay up, the heads are idle. All heads removed is AF1
without transfer, where nothing about the operands arrives.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.af1 import window_text
from interp.figures.waiting import add_levels

if TYPE_CHECKING:
    import xarray as xr


def removal_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return faithfulness against the number of heads removed: greedy with its band, every random order in grey."""
    steps = schema.labels(dataset, "n_removed")
    kept = schema.estimates(dataset, "curve", "n_removed")
    figure = go.Figure(layout={"template": look.template(theme)})
    _random(figure, dataset, steps)
    greedy = curves.Curve("least missed first", steps, kept, _hover(dataset, steps), look.BLUE, 0, width=3)
    curves.add_curve(figure, greedy)
    add_levels(figure, dataset, steps)
    _mark(figure, dataset, steps)
    curves.layer_axis(figure, f"heads removed, of {max(steps)} in the transfer blocks", steps)
    curves.accuracy_axis(figure, "faithfulness")
    figure.update_traces(showlegend=True, selector={"name": "least missed first"})
    units = "fraction of the full model's correct answers kept"
    n, where = schema.count_text(dataset), window_text(dataset)
    title = schema.heading(dataset, _title(dataset), units, where, n, "band: 95 % interval")
    figure.update_layout(title=title)
    return figure


def _random(figure: go.Figure, dataset: xr.Dataset, steps: list) -> None:
    draws = schema.values(dataset, "curve_random", "draw", "n_removed")
    for i, draw in enumerate(draws):
        text = f"<b>null: random order {i}</b><br>{{}} heads removed: faithfulness "
        figure.add_trace(
            go.Scatter(
                name=f"null: {len(draws)} random orders",
                legendgroup="random",
                showlegend=i == 0,
                x=steps,
                y=draw,
                mode="lines",
                line={"color": look.NULL, "width": 1, "dash": "dash"},
                opacity=0.6,
                hovertext=[text.replace("{}", str(k)) + schema.number(v) for k, v in zip(steps, draw, strict=True)],
                hoverinfo="text",
            )
        )


def _hover(dataset: xr.Dataset, steps: list) -> list[str]:
    """Return a text for each step, naming the head that went last where the run recorded it."""
    gone = removed(dataset)
    texts = []
    for k in steps:
        last = gone[k - 1] if 0 < k <= len(gone) else None
        who = f", last head {last[1]} of block {last[0]}" if last else ""
        texts.append(f"<b>{k} heads removed{who}</b><br>faithfulness {{}}<br>{schema.count_text(dataset)}")
    return texts


def removed(dataset: xr.Dataset) -> list[tuple[int, int]]:
    """Return the `(block, head)` removed at each step, in order; a step without a head (-1) is left out."""
    if not {"removed_layer", "removed_head"} <= set(dataset.variables):
        return []
    layers, heads = (dataset[name].to_numpy().astype(int).tolist() for name in ("removed_layer", "removed_head"))
    return [(layer, head) for layer, head in zip(layers, heads, strict=True) if layer >= 0]


def survivors(dataset: xr.Dataset) -> int | None:
    """Return how many heads are enough; None where even all of them stay below the threshold."""
    number = schema.scalar(dataset, "n_survivors")
    if number is None:
        number = dataset.sizes.get("survivor", -1)
    return None if number < 0 else int(number)


def _mark(figure: go.Figure, dataset: xr.Dataset, steps: list) -> None:
    left = survivors(dataset)
    if left is None:
        return
    x = max(steps) - left
    figure.add_vline(x=x, line={"color": look.GREEN, "width": 1})
    side = {"xanchor": "right", "xshift": -4} if x > max(steps) / 5 else {"xanchor": "left", "xshift": 4}
    text = f"{left} head{'s' * (left != 1)} left"
    figure.add_annotation(x=x, y=0.5, text=text, showarrow=False, font={"size": 11}, **side)


def _title(dataset: xr.Dataset) -> str:
    if not np.isfinite(schema.values(dataset, "curve", "n_removed")).any():
        return "No answered prompt, so no head can be missed"
    left, total = survivors(dataset), max(schema.labels(dataset, "n_removed"))
    threshold = schema.number(schema.scalar(dataset, "threshold"), 2)
    if left is None:
        return f"Not even all {total} transfer heads keep {threshold}"
    if left == 0:
        return f"None of {total} transfer heads is needed"
    if left == total > 1:
        return f"No one of {total} transfer heads can go at {threshold}"
    return f"{left} of {total} transfer heads {'is' if left == 1 else 'are'} enough"


def summary(dataset: xr.Dataset) -> str:
    """Return how many heads are enough, what they keep on test, what as many random ones keep, the null and n."""
    kept, n = schema.estimates(dataset, "curve", "n_removed"), schema.count_text(dataset)
    if not np.isfinite(kept.value).any():
        return f"No prompt was answered, so no head can be missed; {n}."
    steps, left = schema.labels(dataset, "n_removed"), survivors(dataset)
    place = steps.index(max(steps) - left) if left is not None else 0
    random = schema.values(dataset, "curve_random", "draw", "n_removed")[:, place]
    beside = "no random order was run"
    if np.isfinite(random).any():
        ends = schema.spread(float(np.nanmin(random)), float(np.nanmax(random)), 2)
        beside = f"{len(random)} random orders keep {schema.number(float(np.nanmean(random)), 2)}, range {ends}"
    null, where = schema.scalar(dataset, "null_majority"), window_text(dataset) and f"{window_text(dataset)}: "
    majority = "" if null is None else f"; best constant answer {null:.2f}"
    return (
        f"{where}{_title(dataset)}: {steps[place]} removed leave faithfulness {kept[place].text(2)} ({beside}), "
        f"all removed {kept[len(steps) - 1].text(2)}{majority}; {n}."
    )
