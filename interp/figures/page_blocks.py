"""The blocks of a page as HTML: a figure with its caption, a table, a listing. All text is escaped."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from interp.figures.card import Card
from interp.verdicts import VERDICTS

CODE = ("command", "run", "weights sha256")
"""Facts that are written as code."""
WIDE = 560
"""A figure that asks for more pixels across has a line of its own, and scrolls where the window is narrower."""

LONG = 60
"""A table of more rows scrolls in a window of its own."""
SENTENCES = ("published", "measured", "source", "said")
"""Columns of words that need room."""


@dataclass(frozen=True)
class Sheet:
    """A table written out: its name on the page, its title, a note, and rows of text.

    What stands `aside` shares a line with others and is not in the table of contents.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    aside: bool = False


@dataclass(frozen=True)
class Listing:
    """A text with a button that copies it: a snippet, a spec."""

    name: str
    title: str
    text: str
    aside: bool = False


def block_html(block: Card | Sheet | Listing, words: str) -> str:
    """Return a block as HTML; `words` is what the page's filter looks through."""
    known = f'id="{escape(block.name)}" data-words="{escape(words)}"'
    title = f"<h3>{escape(block.title)}</h3>"
    if isinstance(block, Card):
        return _card(block, known, title)
    kind = "card" if block.aside else "card wide"
    if isinstance(block, Listing):
        return (
            f'<div class="{kind}" {known}>{title}<div><pre><code>{escape(block.text)}</code></pre>'
            '<button type="button" data-copy>Copy</button></div></div>\n'
        )
    return f'<div class="{kind}" {known}>{title}<p class="told">{escape(block.note)}</p>{_sheet(block)}</div>\n'


def _card(card: Card, known: str, title: str) -> str:
    width = f"min-width:{card.width}px;" if card.width > WIDE else ""
    reach = ' tabindex="0"' if width else ""
    plot = (
        f'<div class="scroll"{reach}><div class="plot" data-figure="{escape(card.name)}--figure" role="img" '
        f'aria-label="{escape(card.said or card.title)}" style="{width}height:{card.height}px"></div></div>'
    )
    save = "".join(
        f'<button type="button" data-save="{kind}">{kind.upper()}</button>'
        for kind in ("png", "svg", *("csv",) * (card.table is not None))
    )
    twin = (
        '<details class="twin"><summary>The same as a table</summary>'
        f'<div data-table="{escape(card.name)}--table" tabindex="0"></div></details>'
        if card.table
        else ""
    )
    said = f"<p>{escape(card.said)}</p>" if card.said else ""
    return (
        f'<figure class="card{" wide" if width else ""}" {known}>{title}<p class="told">{escape(card.told)}</p>{plot}'
        f'<figcaption>{said}{_facts(card.facts)}<div class="tools">{save}'
        f'<button type="button" data-full>Full screen</button></div>{twin}</figcaption></figure>\n'
    )


def _facts(facts: tuple[tuple[str, str], ...]) -> str:
    lines = "".join(
        f"<dt>{escape(name)}</dt><dd>{f'<code>{escape(text)}</code>' if name in CODE else escape(text)}</dd>"
        for name, text in facts
        if text
    )
    return f'<dl class="facts">{lines}</dl>' if lines else ""


def _sheet(sheet: Sheet) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in sheet.columns)
    rows = "".join(_row(row, sheet.columns) for row in sheet.rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    height = "low" if sheet.aside else "tall" if len(sheet.rows) > LONG else ""
    return f'<div class="scroll {height}" tabindex="0">{table}</div>'


def _row(row: tuple[str, ...], columns: tuple[str, ...]) -> str:
    cells = []
    verdict = ""
    for text, column in zip(row, columns, strict=True):
        if column == "verdict" and text in VERDICTS:
            verdict = ' data-verdict=""'
            cells.append(f'<td class="word {text.replace(" ", "-")}">{escape(text)}</td>')
        elif column == "command" and text:
            cells.append(f"<td><code>{escape(text)}</code></td>")
        else:
            room = ' class="words"' if column in SENTENCES and len(text) > 40 else ' class="short"' * (len(text) < 14)
            cells.append(f"<td{room}>{escape(text)}</td>")
    return f"<tr{verdict}>{''.join(cells)}</tr>"
