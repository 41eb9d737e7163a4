"""How are results on multiplying models drawn? With a caption that says how much smaller than published ours are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import xarray as xr

from interp.figures import FIGURES, Drawing, drawing
from interp.figures.export import HEIGHT

Found = Mapping[str, xr.Dataset]
MARGIN, CAPTION = 84, 18
"""The theme's margin above a figure, and what a line of caption adds to it."""


def pictures(found: Mapping[str, Sequence[Found]]) -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure) of every result, with a caption that says how large the model is."""
    for results in (each for models in found.values() for each in models):
        for method, dataset in results.items():
            model = Path(dataset.attrs["model"]).name
            for draw in FIGURES[method]:
                yield f"icot-{model}-{method}-{draw.name}", captioned(draw, dataset)


def shown(results: Found, method: str, figure: str | None = None) -> go.Figure:
    """Return one captioned figure of a model's results (default: the first of the method)."""
    return captioned(drawing(method, figure), results[method])


def captioned(draw: Drawing, dataset: xr.Dataset) -> go.Figure:
    """Return a figure with a line below its heading: the size of the model beside the published one.

    The style of the questions, "plain" for all, is left out: here the word means a training.
    """
    figure = draw(dataset.assign_attrs(style=""))
    size = dataset.attrs["task"]
    if size.startswith("4x4"):
        return figure
    note = f"our model: {size}, smaller than the published one (4x4 digits, d_model 768)"
    layout: Any = figure.layout
    said = f"{layout.title.subtitle.text}<br>{note}"
    figure.update_layout(title={"subtitle": {"text": said}}, height=(layout.height or HEIGHT) + CAPTION)
    return figure.update_layout(margin={"t": MARGIN + CAPTION})
