"""A table as a figure, so that it is written in the same formats as the others.

Every row is as high as its text needs; columns share the width by their longest entry.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from interp.figures.theme import template

if TYPE_CHECKING:
    import pandas as pd

LINE, HEADER, TITLE = 19, 30, 64
CHARACTERS = 118
"""How many characters fit side by side at the width and font size of an exported figure."""


def table(frame: pd.DataFrame, title: str, *, theme: str = "light") -> go.Figure:
    """Return `frame` as a figure with `title`; its height follows the number of rows and the longest entries."""
    text = frame.astype(str)
    longest = [max([len(name), *map(len, text[name])]) for name in text.columns]
    share = [min(max(length, 5), 60) for length in longest]
    room = [CHARACTERS * width / sum(share) for width in share]
    lines = [
        max(math.ceil(len(entry) / space) for entry, space in zip(row, room, strict=True))
        for row in text.itertuples(index=False)
    ]
    tallest = max(lines, default=1)
    colours = template(theme).to_plotly_json()["layout"]
    figure = go.Figure(
        go.Table(
            columnwidth=share,
            header={
                "values": [f"<b>{name}</b>" for name in text.columns],
                "align": "left",
                "height": HEADER,
                "fill": {"color": colours["xaxis"]["gridcolor"]},
                "font": {"size": 11},
            },
            cells={
                "values": [text[name].tolist() for name in text.columns],
                "align": "left",
                "height": LINE * tallest + 4,
                "fill": {"color": colours["paper_bgcolor"]},
                "font": {"size": 11},
            },
        )
    )
    figure.update_layout(
        template=template(theme),
        title={"text": title},
        height=TITLE + 2 * HEADER + (LINE * tallest + 4) * len(text),
        margin={"l": 8, "r": 8, "t": TITLE, "b": 8},
    )
    return figure
