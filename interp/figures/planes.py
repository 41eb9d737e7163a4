"""What do the answers lose without the plane of a period, and what do they keep with nothing else?

    accuracy[subspace, mode]        beside every draw of two controls of the same dimension

How to read: a plane below every grey mark on the left is needed; one above every grey mark on the right is enough.
Random planes carry little of the variance; matched ones carry as much as the plane itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.control_marks import ControlMarks

if TYPE_CHECKING:
    import xarray as xr

PANELS = {"mean": "taken out (set to the mean)", "keep": "everything else set to the mean"}
CONTROLS = ControlMarks(
    {"random": "line-ew-open", "matched": "x-thin-open"}, size=7, aside=0.25, names={"matched": "of equal variance"}
)


def accuracy(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the accuracy without each subspace, and with it alone, every draw of the controls in grey."""
    subspaces = [str(name) for name in schema.labels(dataset, "subspace")]
    modes = [mode for mode in schema.labels(dataset, "mode") if mode in PANELS]
    figure = make_subplots(
        cols=len(modes), shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=[PANELS[mode] for mode in modes]
    )
    base = schema.scalar(dataset, "accuracy_base") or 0.0
    for i, mode in enumerate(modes):
        place: Any = {"row": 1, "col": i + 1}
        found = dataset.sel(mode=mode)
        CONTROLS.add(figure, found, "subspace", place)
        value = schema.estimates(found, "accuracy", "subspace")
        figure.add_trace(
            go.Scatter(
                name="taken out" if mode == "mean" else "kept alone", x=list(range(len(subspaces))), y=value.value,
                mode="markers", marker={"color": look.OKABE_ITO[i], "size": 10, "symbol": look.symbol(i)},
                error_y=value.bars(thickness=1.2), customdata=[period_in(name) for name in subspaces],
                hovertext=_hover(dataset, found, subspaces), hoverinfo="text",
            ),
            **place,
        )  # fmt: skip
        figure.add_hline(y=base, line={"color": look.GREEN, "width": 1.5}, **place)  # type: ignore[arg-type]
        figure.update_xaxes(
            tickvals=list(range(len(subspaces))), ticktext=subspaces, range=[-0.6, len(subspaces) - 0.4], tickangle=60,
            col=i + 1,
        )  # fmt: skip
    curves.accuracy_axis(figure, "accuracy", col=1)
    curves.panel_titles(figure)
    figure.update_layout(
        template=look.template(theme),
        height=560,
        title=schema.heading(
            dataset, "Answers without and with single planes", schema.count_text(dataset),
            "green: untouched; grey: controls of the same dimension", "bars: 95 % interval",
        ),
    )  # fmt: skip
    return figure


def period_in(subspace: str) -> float | None:
    """Return T of a subspace named `T=5, layer 0`, None for one without a period (the line)."""
    found = re.match(r"T=([0-9.]+)", subspace)
    return float(found.group(1)) if found else None


def _hover(dataset: xr.Dataset, found: xr.Dataset, subspaces: list[str]) -> list[str]:
    value, loss = (schema.estimates(found, name, "subspace") for name in ("accuracy", "loss"))
    p = schema.values(found, "p_corrected", "subspace", "control")
    rank, share = (schema.values(dataset, name, "subspace") for name in ("rank", "share"))
    return [
        f"<b>{name}</b><br>{rank[i]:.0f} dimensions, {share[i]:.3f} of the variance<br>accuracy {value[i].text()}<br>"
        f"loss {loss[i].text()} nats<br>p {p[i, 0]:.3f} (random), {p[i, 1]:.3f} (equal variance), corrected<br>"
        f"{schema.count_text(dataset)}"
        for i, name in enumerate(subspaces)
    ]


def summary(dataset: xr.Dataset) -> str:
    """Return which subspaces cost more than random ones of their dimension, and than those of equal variance."""
    taken = _beyond(dataset, "mean")
    kept = _beyond(dataset, "keep")
    return (
        f"Taken out, more than random planes cost: {taken[0]} (more than those of equal variance: {taken[1]}); kept "
        f"alone, more than random ones leave: {kept[0]} (of equal variance: {kept[1]}); corrected p at most .05 of "
        f"{dataset.sizes['subspace']} subspaces, {schema.count_text(dataset)}."
    )


def _beyond(dataset: xr.Dataset, mode: str) -> tuple[str, str]:
    """The subspaces beyond each kind of control, in words."""
    p = schema.values(dataset.sel(mode=mode), "p_corrected", "subspace", "control")
    names = [str(name) for name in schema.labels(dataset, "subspace")]
    first, second = ("; ".join(name for i, name in enumerate(names) if p[i, c] <= 0.05) or "none" for c in (0, 1))
    return first, second
