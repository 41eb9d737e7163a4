"""A link from what is in focus to Try it: the same head, cell, window or prompt, in one prompt of the reader's own.

try_link(asked)                     a link that stays as it is: its card is drawn anew where the focus moves
following("cell", asked, shown, ..) a link that the browser moves along with the address (assets/trying.js)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.selection import Selection
from apps.dashboard.try_address import PATH, href

TEXT = "Try this"
Pair = dict[str, Any]


def try_link(asked: Selection, does: str) -> Component:
    """Return the link, and what will be done there in a few words."""
    return html.Span([dcc.Link(TEXT, href=href(asked)), f": {does}"], className="try-link")


def following(
    name: str, asked: Selection, shown: Selection, takes: tuple[str, ...], does: str, pairs: Sequence[Pair] = ()
) -> Component:
    """Return a link that asks `asked`, but takes the fields `takes` from the address of its page (now `shown`).

    `pairs` are the prompts of each example of the page, as fields of an address: those of the example in focus are
    asked, without one the first.
    """
    now = {field: getattr(shown, field) for field in takes}
    first = asked.but(**{field: value for field, value in now.items() if value is not None})
    pair = dict(enumerate(pairs)).get(shown.example or 0, {})
    link = dcc.Link(TEXT, href=href(first.but(**pair)), id=ids.try_link(name))
    moves = {"path": PATH, "search": asked.search, "takes": list(takes), "pairs": list(pairs)}
    return html.Span([link, f": {does}", dcc.Store(id=ids.try_from(name), data=moves)], className="try-link")
