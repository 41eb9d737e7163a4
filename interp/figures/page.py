"""One HTML file that shows many figures: what stands on it, and how it is written.

    Page -> sections -> blocks: Card (a figure), Sheet (a table), Listing (code)        page_html(page) -> one file

Everything is inside, plotly once and each figure compressed, so the page opens from a directory, without a network. Its
own policy allows the two scripts by their hashes and no request at all. All text is escaped.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

from interp.figures.card import Card
from interp.figures.page_blocks import Listing, Sheet, block_html
from interp.figures.theme import GRAPH_CONFIG, template

ASSETS = Path(__file__).with_name("assets")
Block = Card | Sheet | Listing


@dataclass(frozen=True)
class Section:
    """A heading, a few words, and what stands below it."""

    name: str
    title: str
    lead: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A title, a few words, and the sections in order."""

    title: str
    lead: str
    sections: tuple[Section, ...]


def write_page(page: Page, path: Path) -> bool:
    """Write the page to `path`; return whether anything changed (an equal file is left as it is)."""
    from interp.figures.files import write_text

    return write_text(path, page_html(page))


def page_html(page: Page) -> str:
    """Return the whole page as HTML."""
    from plotly.offline import get_plotlyjs

    script, style = ((ASSETS / name).read_text() for name in ("page.js", "page.css"))
    plotly = get_plotlyjs().replace("</script", "<\\/script")
    data = {"templates": {name: template(name).to_plotly_json() for name in ("light", "dark")}, "config": GRAPH_CONFIG}
    head = (
        '<!doctype html>\n<html lang="en" data-theme="light">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(plotly, script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(page.title)}</title>\n<link rel="icon" href="data:,">\n<style>\n{style}</style>\n</head>\n'
    )
    body = (
        f'<body>\n<a class="skip" href="#content">To the figures</a>\n<div class="frame">\n{_contents(page)}\n'
        f'<main id="content">\n<header><h1>{escape(page.title)}</h1>\n'
        f'<p class="soft">{escape(page.lead)}</p></header>\n'
        f"{''.join(map(_section, page.sections))}</main>\n</div>\n{''.join(_packs(page))}"
        f'<script type="application/json" id="page-data">{_json(data)}</script>\n'
    )
    return f"{head}{body}<script>{plotly}</script>\n<script>{script}</script>\n</body>\n</html>\n"


def _policy(*scripts: str) -> str:
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
        "form-action 'none'"
    )


def _contents(page: Page) -> str:
    """The table of contents: a line a section, opening on its blocks."""
    lines = []
    for section in page.sections:
        links = "".join(
            f'<li data-words="{escape(_words(block))}"><a href="#{escape(block.name)}">{escape(block.title)}</a></li>'
            for block in section.blocks
            if isinstance(block, Card) or not block.aside
        )
        links = f'<li><a href="#{escape(section.name)}">To this section</a></li>{links}'
        state = " open" if len(page.sections) < 4 else ""
        lines.append(f"<details{state}><summary>{escape(section.title)}</summary><ul>{links}</ul></details>")
    return (
        '<nav aria-label="Contents">\n<div class="top"><label><input id="filter" type="search" '
        'placeholder="Filter" aria-label="Filter figures and verdicts"></label>'
        f'<button id="theme" type="button">Light / dark</button></div>\n{"".join(lines)}\n</nav>'
    )


def _section(section: Section) -> str:
    cards = "".join(block_html(block, _words(block)) for block in section.blocks)
    lead = f'<p class="soft">{escape(section.lead)}</p>' if section.lead else ""
    return (
        f'<section id="{escape(section.name)}">\n<h2>{escape(section.title)}</h2>\n{lead}\n'
        f'<div class="cards">\n{cards}</div>\n</section>\n'
    )


def _words(block: Block) -> str:
    """What the filter looks through."""
    facts = " ".join(text for _, text in block.facts) if isinstance(block, Card) else ""
    told = block.told if isinstance(block, Card) else ""
    return f"{block.name} {block.title} {told} {facts}".lower()


def _packs(page: Page) -> list[str]:
    """The figures and their tables, compressed: read by the script when they are shown."""
    lines = []
    for block in (block for section in page.sections for block in section.blocks if isinstance(block, Card)):
        lines.append(_pack(f"{block.name}--figure", block.figure))
        if block.table:
            lines.append(_pack(f"{block.name}--table", block.table.__dict__))
    return lines


def _pack(name: str, value: object) -> str:
    squeezed = gzip.compress(json.dumps(value, separators=(",", ":")).encode(), mtime=0)
    text = base64.b64encode(squeezed).decode()
    return f'<script type="application/octet-stream" id="{escape(name)}">{text}</script>\n'


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
