"""A table as a figure, so that it is written in the same formats as the others.

Columns share the width by their longest entries, none narrower than its longest word; plotly makes a row as high as
its text, and the height of the figure follows from an estimate of that.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from interp.figures.theme import template

if TYPE_CHECKING:
    import pandas as pd

LINE, PAD, TITLE, LARGEST = 15, 9, 64, 46
CHARACTERS = 112
"""How many characters fit side by side at the width and font size of an exported figure."""


def table(frame: pd.DataFrame, title: str, *, theme: str = "light") -> go.Figure:
    """Return `frame` as a figure with `title`; its height follows the number of rows and the longest entries."""
    text = frame.astype(str)
    share = [_width([str(name), *text[name]]) for name in text.columns]
    room = [max(1, int(CHARACTERS * width / sum(share)) - 2) for width in share]
    rows = [tuple(map(str, text.columns)), *text.itertuples(index=False, name=None)]
    lines = [max(len(wrap(entry, space)) for entry, space in zip(row, room, strict=True)) or 1 for row in rows]
    heights = [LINE * max(count, 1) + PAD for count in lines]
    colours = template(theme).to_plotly_json()["layout"]
    figure = go.Figure(
        go.Table(
            columnwidth=share,
            header={
                "values": [f"<b>{name}</b>" for name in text.columns],
                "align": "left",
                "height": heights[0],
                "fill": {"color": colours["xaxis"]["gridcolor"]},
                "font": {"size": 11},
            },
            cells={
                "values": [text[name].tolist() for name in text.columns],
                "align": "left",
                "height": LINE + PAD,
                "fill": {"color": colours["paper_bgcolor"]},
                "font": {"size": 11},
            },
        )
    )
    figure.update_layout(
        template=template(theme),
        title={"text": title},
        height=TITLE + sum(heights) + 2 * LINE,
        margin={"l": 8, "r": 8, "t": TITLE, "b": 8},
    )
    return figure


def _width(entries: list[str]) -> int:
    """The characters a column asks for: its longest entry up to `LARGEST`, and at least its longest word."""
    words = max((len(word) for entry in entries for word in entry.split()), default=1)
    return max(words + 3, min(max(map(len, entries)), LARGEST))
