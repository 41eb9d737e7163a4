"""A figure that a page draws itself, of a choice the reader made, ready for a card like those of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from apps.dashboard.drawn import HEAD, Drawn, Source, untitled, words
from interp.figures.twin import Twin

if TYPE_CHECKING:
    import xarray as xr


def dressed(
    figure: go.Figure, dataset: xr.Dataset, said: str, *, table: Twin | None = None, source: Source | None = None
) -> Drawn:
    """Return a figure of `dataset` for a card; `said` is what it shows in a sentence."""
    title, subtitle = words(figure, dataset)
    layout: Any = figure.layout
    height = max(0, (layout.height or 0) - HEAD)
    return Drawn(title, subtitle, untitled(figure), said, table, height, source)
