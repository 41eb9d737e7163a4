"""Does it have to be CAMA and ABP, and this window? Every other way at the same place, beside the proposed one.

    faithfulness[alternative] = accuracy on the same prompts, which the full model answers, of a subgraph that differs
                                from AF1(l_wait, l_transfer) in one thing

wait: what the tokens hold; peek: what they may read; window: where the transfer is; control: random windows and
heads, all draws on one row. Read the distance to the blue line, the proposed subgraph: an alternative left of it loses
what it lacks, one on it does as well. Intervals are of the faithfulness itself; where the run holds every prompt, the
hover and the table add the paired difference, which is sharper because the prompts are the same.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One); the list of alternatives is ours.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from interp.figures import schema, variants
from interp.figures import theme as look
from interp.figures.af1 import window_of

if TYPE_CHECKING:
    import xarray as xr

KINDS = {
    "wait": ("what tokens hold", look.ORANGE, "square"),
    "peek": ("what tokens read", look.GREEN, "diamond"),
    "window": ("where the window is", look.PURPLE, "triangle-up"),
    "control": ("control: random", look.NULL, "x-thin-open"),
}
PROPOSED = ("cama", "abp", "af1", "proposed")
DRAWN = ("random_window", "random_head")


def dots(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return a dot plot: a row an alternative with its interval, grouped by kind, the proposed one as a line."""
    rows = _rows(dataset)
    figure = go.Figure(layout={"template": look.template(theme)})
    _reference(figure, dataset, len(rows))
    for kind, (label, colour, symbol) in KINDS.items():
        members = [(y, i) for y, (of, _, places) in enumerate(rows) if of == kind for i in places]
        if members:
            figure.add_trace(_points(dataset, members, label, colour, symbol))
    null = schema.scalar(dataset, "null_majority")
    if null is not None:
        down = go.Scatter(
            name="null: best constant answer",
            x=[null, null],
            y=[-0.6, len(rows) - 0.4],
            mode="lines",
            line={"color": look.NULL, "width": 1.5, "dash": "dash"},
            hoverinfo="skip",
        )
        figure.add_trace(down)
    figure.update_xaxes(title_text="faithfulness", range=[-0.03, 1.03])
    ticks = {"tickvals": list(range(len(rows))), "ticktext": [name for _, name, _ in rows]}
    figure.update_yaxes(**ticks, range=[len(rows) - 0.4, -0.6], showgrid=False)
    _separate(figure, [of for of, _, _ in rows])
    units = "fraction of the full model's correct answers kept"
    n, ends = schema.count_text(dataset), "bars: 95 % interval"
    figure.update_layout(title=schema.heading(dataset, _title(dataset), units, n, ends), height=height(dataset))
    return figure


def height(dataset: xr.Dataset) -> int:
    """Return the pixels that the figure needs so that every row can be read."""
    return 190 + 19 * len(_rows(dataset))


def proposed(dataset: xr.Dataset) -> int:
    """Return the place of the proposed subgraph among the alternatives."""
    names = [str(name) for name in schema.labels(dataset, "alternative")]
    return next((names.index(name) for name in PROPOSED if name in names), 0)


def _rows(dataset: xr.Dataset) -> list[tuple[str, str, list[int]]]:
    """Return `(kind, label, places)` a row, in the order of the kinds; the draws of one control share a row."""
    schema.need(dataset, "kind", "alternative")
    names, kinds = ([str(v) for v in schema.labels(dataset, name)] for name in ("alternative", "kind"))
    found: dict[tuple[str, str], list[int]] = {}
    for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if name in PROPOSED or i == proposed(dataset):
            continue  # the line shows it
        found.setdefault((kind, _label(name)), []).append(i)
    order = [*KINDS, *dict.fromkeys(kinds)]
    sorted_rows = sorted(found.items(), key=lambda item: order.index(item[0][0]))
    return [(kind if kind in KINDS else "control", label, places) for (kind, label), places in sorted_rows]


def _label(name: str) -> str:
    """Return the words of a row; the draws of one random control have the same."""
    for drawn in DRAWN:
        if name.startswith(drawn):
            return f"{drawn.replace('_', ' ')}s"
    known = variants.WAITS.get(name) or variants.PEEKS.get(name)
    return known.short if known else name.replace("_", " ")


def differences(dataset: xr.Dataset) -> np.ndarray | None:
    """Return the recorded paired difference to the proposed subgraph [alternative], None where there is none."""
    return schema.optional(dataset, "difference", "alternative")


def _points(dataset: xr.Dataset, members: list[tuple[int, int]], label: str, colour: str, symbol: str) -> go.Scatter:
    kept, names = schema.estimates(dataset, "faithfulness", "alternative"), schema.labels(dataset, "alternative")
    places = [i for _, i in members]
    value = kept.value[places]
    bars = None
    if kept.low is not None and kept.high is not None:
        ends = {"array": kept.high[places] - value, "arrayminus": value - kept.low[places]}
        bars = {"type": "data", "symmetric": False, "thickness": 1.5, "width": 3, **ends}
    return go.Scatter(
        name=label,
        x=value,
        y=[y for y, _ in members],
        mode="markers",
        marker={"symbol": symbol, "color": colour, "size": 8, "line": {"width": 1.5, "color": colour}},
        error_x=bars,
        hovertext=[_hover(dataset, kept[i], str(names[i]), i) for i in places],
        hoverinfo="text",
        cliponaxis=False,
    )


def _hover(dataset: xr.Dataset, kept: schema.Estimates, name: str, place: int) -> str:
    text = f"<b>{name.replace('_', ' ')}</b><br>faithfulness {kept.text()}"
    if differences(dataset) is not None:
        paired = schema.estimates(dataset, "difference", "alternative")
        text += f"<br>minus the proposed (paired): {paired[place].text()}"
    return f"{text}<br>{schema.count_text(dataset)}"


def _reference(figure: go.Figure, dataset: xr.Dataset, rows: int) -> None:
    """Draw the proposed subgraph as a vertical line with its interval."""
    kept = schema.estimates(dataset, "faithfulness", "alternative")[proposed(dataset)]
    if not np.isfinite(kept.value):
        return
    if kept.low is not None and kept.high is not None:
        band: Any = {"fillcolor": look.faded(look.BLUE), "line": {"width": 0}, "layer": "below"}
        figure.add_vrect(x0=float(kept.low), x1=float(kept.high), **band)
    figure.add_trace(
        go.Scatter(
            name="proposed: CAMA and ABP",
            x=[float(kept.value)] * 2,
            y=[-0.6, rows - 0.4],
            mode="lines",
            line={"color": look.BLUE, "width": 3},
            hovertext=[f"<b>proposed: CAMA and ABP</b><br>faithfulness {kept.text()}"] * 2,
            hoverinfo="text",
        )
    )


def _separate(figure: go.Figure, kinds: list[str]) -> None:
    """Draw a thin line between the rows of two kinds."""
    for y, (above, below) in enumerate(itertools.pairwise(kinds)):
        if above != below:
            figure.add_hline(y=y + 0.5, line={"color": look.NULL, "width": 0.5})


def as_good(dataset: xr.Dataset) -> list[int]:
    """Return the places of the alternatives (controls left out) not told apart from the proposed one from below.

    Where paired differences were recorded, their interval reaches 0; else the two intervals overlap.
    """
    kept = schema.estimates(dataset, "faithfulness", "alternative")
    reference = kept[proposed(dataset)]
    gap = schema.optional(dataset, "difference_high", "alternative")
    if gap is not None:
        near = gap >= 0
    elif kept.high is not None and reference.low is not None:
        near = kept.high >= reference.low
    else:
        near = kept.value >= reference.value
    judged = {i for kind, _, places in _rows(dataset) if kind != "control" for i in places}
    return [i for i in sorted(judged) if near[i]]


def _title(dataset: xr.Dataset) -> str:
    kept = schema.values(dataset, "faithfulness", "alternative")
    if not np.isfinite(kept).any():
        return "No answered prompt, so nothing to compare"
    total = sum(len(places) for kind, _, places in _rows(dataset) if kind != "control")
    good = len(as_good(dataset))
    if not good:
        return f"None of {total} alternatives keeps as much as CAMA and ABP"
    return f"{good} of {total} alternatives {'keeps' if good == 1 else 'keep'} as much as CAMA and ABP"


def summary(dataset: xr.Dataset) -> str:
    """Return the proposed subgraph's faithfulness, the alternatives as good, the best control, the null and n."""
    kept, n = schema.estimates(dataset, "faithfulness", "alternative"), schema.count_text(dataset)
    if not np.isfinite(kept.value).any():
        return f"No prompt was answered, so nothing can be compared; {n}."
    names, good = [str(name) for name in schema.labels(dataset, "alternative")], as_good(dataset)
    said = [f"{names[i].replace('_', ' ')} {kept[i].text(2)}" for i in sorted(good, key=lambda i: -kept.value[i])]
    more = f" and {len(said) - 4} more" if len(said) > 4 else ""
    alike = f"as good: {', '.join(said[:4])}{more}" if said else "no alternative is as good"
    null = schema.scalar(dataset, "null_majority")
    beside = "" if null is None else f"; best constant answer {null:.2f}"
    return (
        f"{_where(dataset)}CAMA and ABP keep {kept[proposed(dataset)].text(2)}; {alike}{_controls(dataset, kept)}"
        f"{beside}; {n}."
    )


def _where(dataset: xr.Dataset) -> str:
    """Return the window that was judged, and whether a search found it."""
    if not {"l_wait", "l_transfer"} <= set(dataset.variables):
        return ""
    wait, transfer, _ = window_of(dataset)
    missed = schema.scalar(dataset, "found") == 0
    return f"At l_wait {wait}, l_transfer {transfer}{' (the best cell; no window passed)' if missed else ''}, "


def _controls(dataset: xr.Dataset, kept: schema.Estimates) -> str:
    """Return the best draw of each random control, and of how many."""
    said = []
    for kind, label, places in _rows(dataset):
        if kind == "control" and np.isfinite(kept.value[places]).any():
            best = max(places, key=lambda i: kept.value[i])
            draws = f"best of {len(places)} " if len(places) > 1 else ""
            said.append(f"{draws}{label} {kept[best].text(2)}")
    return f"; control: {', '.join(said)}" if said else ""
