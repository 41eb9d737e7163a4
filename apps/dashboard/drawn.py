"""A figure made ready for a card: title and subtitle taken out of it (the card writes them as text that wraps)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from interp.figures import Drawing, schema
from interp.figures.twin import Twin, twin

if TYPE_CHECKING:
    import xarray as xr


HEAD = 75
"""Pixels of a figure that its title takes; a card writes the title itself."""
LINE = 14
"""Pixels of a line over a panel."""


@dataclass(frozen=True)
class Source:
    """The run that a figure shows, and the name of its drawing (of that run's method), None where no drawing is it.

    `query` is what of the run was chosen, as an address writes it ("?v=1&metric=accuracy"); empty for all of it.
    """

    run_id: str
    drawing: str | None
    query: str = ""

    def file(self, kind: str) -> str:
        """Return the address of what is shown as a file: its numbers (csv) or a page (html)."""
        return f"/download/{self.run_id}/{self.drawing}.{kind}{self.query}"


@dataclass(frozen=True)
class Answer:
    """The answer of a tried prompt that a figure shows: its job, the figure's name, and where it comes from in words.

    `query` is what of it was chosen, as an address writes it; files are made of the answer as long as it is there.
    """

    job: int
    drawing: str
    facts: tuple[tuple[str, str], ...]
    query: str = ""

    def file(self, kind: str) -> str:
        """Return the address of what is shown as a file: its numbers (csv) or a page (html)."""
        return f"/download/try/{self.job}/{self.drawing}.{kind}{self.query}"


@dataclass(frozen=True)
class Drawn:
    """What a card shows: words, the figure as JSON, the same numbers as a table, and the height it needs in pixels.

    `source` says where the numbers come from; a card without one offers pictures, but no data and no provenance.
    A figure of two runs, A and B, has the second in `against`.
    """

    title: str
    subtitle: str
    figure: dict[str, Any]
    summary: str
    table: Twin | None
    height: int = 0
    source: Source | Answer | None = None
    against: Source | None = None


def drawn(drawing: Drawing, dataset: xr.Dataset, theme: str, shapes: list[dict] | None = None) -> Drawn:
    """Return the figure of `dataset` for a card, with `shapes` added to it.

    Raises InterpError when the dataset does not hold what the figure shows.
    """
    figure = drawing(dataset, theme=theme).update_layout(shapes=shapes) if shapes else drawing(dataset, theme=theme)
    title, subtitle = words(figure, dataset)
    layout: Any = figure.layout
    height = max(0, (layout.height or 0) - HEAD)
    said, table = drawing.summary(dataset), twin(dataset, drawing.shows)
    return Drawn(title, subtitle, untitled(figure), said, table, height)


def words(figure: go.Figure, dataset: xr.Dataset) -> tuple[str, str]:
    """Return the figure's title without the cell of the study (the page names it), and its subtitle."""
    title: Any = figure["layout"]["title"]
    return (title.text or "").removesuffix(f" · {schema.cell(dataset)}"), title.subtitle.text or ""


def untitled(figure: go.Figure) -> dict[str, Any]:
    """Return the figure as a dict without its title, with margins for a card."""
    notes: Any = figure["layout"]["annotations"]
    lines = max((note.text.count("<br>") + 1 for note in notes if note.yref == "paper" and note.y == 1), default=0)
    top = 10 + LINE * lines if lines else 10
    figure.update_layout(title=None, margin={"l": 40, "r": 8, "t": top, "b": 30}, autosize=True, height=None)
    return figure.to_dict()
