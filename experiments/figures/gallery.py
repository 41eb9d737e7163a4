"""The gallery and the verdict table: what the parts wrote, on one page, and as CSV and Markdown.

OUT/index.html    every figure and table with its caption, the verdicts first
OUT/verdicts.csv  OUT/verdicts.md
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

from experiments.figures.build import read_part
from experiments.figures.experiment import Experiment
from interp.figures.card import Card
from interp.figures.files import write_text
from interp.figures.page import Block, Page, Section, write_page
from interp.figures.page_blocks import Sheet
from interp.verdicts import VERDICTS

ON_PAGE = (
    "claim",
    "figure or table",
    "published",
    "value",
    "tolerance",
    "ours",
    "verdict",
    "measured",
    "model",
    "seeds",
)
LAST = ("command", "how we know")


def write_gallery(found: tuple[Experiment, ...], out: Path) -> list[Path]:
    """Write the page and the verdict tables from the parts that are made; return the files that changed."""
    parts = [
        (each, read_part(out / each.name / part.name), out / each.name / part.name)
        for each in found
        for part in each.parts
    ]
    made = [(each, facts, folder) for each, facts, folder in parts if facts]
    lines = [line for _, facts, _ in made for line in facts["verdicts"]]
    changed = [
        out / name
        for name, text in (("verdicts.csv", as_csv(lines)), ("verdicts.md", as_markdown(lines)))
        if write_text(out / name, text)
    ]
    sections = (*verdict_sections(found, lines), *(_section(*each) for each in made))
    if write_page(Page("Figures, tables and verdicts", _lead(made, lines), sections), out / "index.html"):
        changed.append(out / "index.html")
    return changed


def _lead(made: list[tuple[Experiment, dict[str, Any], Path]], lines: list[dict[str, Any]]) -> str:
    figures = sum(len(facts["cards"]) for _, facts, _ in made)
    tables = sum(len(facts["frames"]) for _, facts, _ in made)
    return (
        f"{figures} figures, {tables} tables and {len(lines)} verdicts on published findings, measured on small models "
        "that ship with Arithmoscope; made by: interp figures. Every figure can be saved (PNG, SVG, CSV), shown full "
        "screen and read as a table."
    )


def verdict_sections(found: tuple[Experiment, ...], lines: list[dict[str, Any]]) -> tuple[Section, ...]:
    """Return the verdict tables, one an experiment and paper, with the count of each verdict."""
    words = {
        "match": "the published model or an exact statement, inside the tolerance that was set before",
        "direction": "the published model, outside the tolerance, but the claim holds",
        "scaled": "a smaller model, and the claim holds there",
        "not reproduced": "the claim does not hold there",
        "not run": "nothing recorded: the model or material is not shipped",
    }
    counts = Counter(line["verdict"] for line in lines)
    rows = tuple((word, str(counts[word]), words[word]) for word in VERDICTS)
    blocks: list[Block] = [
        Sheet("verdicts--count", "How the reproductions ended", ("verdict", "claims", "meaning"), rows)
    ]
    for each in found:
        for paper in dict.fromkeys(line["paper"] for line in lines if line["experiment"] == each.name):
            here = [line for line in lines if line["experiment"] == each.name and line["paper"] == paper]
            said = ", ".join(f"{word}: {n}" for word, n in Counter(line["verdict"] for line in here).items())
            shown = tuple(tuple(_cell(line, name) for name in (*ON_PAGE, *LAST)) for line in here)
            blocks.append(Sheet(f"verdicts--{len(blocks)}", paper, (*ON_PAGE, *LAST), shown, said))
    return (
        Section("verdicts", "Verdicts", "A rule for each claim was written down before it was judged.", tuple(blocks)),
    )


def _cell(line: dict[str, Any], name: str) -> str:
    value = line[name]
    if name == "model" and line["model scale"]:
        return f"{value} ({line['model scale']})"
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _section(experiment: Experiment, facts: dict[str, Any], folder: Path) -> Section:
    """The figures and tables of one part."""
    name = f"{experiment.name}--{facts['part']}"
    blocks: list[Block] = [Card.from_json(json.loads((folder / f"{card}.json").read_text())) for card in facts["cards"]]
    for each in facts["frames"]:
        rows = list(csv.reader(io.StringIO((folder / f"{each['name']}.csv").read_text())))
        cells = tuple(tuple(_short(text) for text in row) for row in rows[1:])
        blocks.append(Sheet(f"{name}--{each['name']}", each["title"], tuple(rows[0]), cells, each["note"]))
    return Section(name, f"{experiment.title}: {facts['title']}", f"Made again by: {facts['command']}", tuple(blocks))


def _short(text: str) -> str:
    """Return a number of a CSV with four digits, anything else as it is."""
    try:
        value = float(text)
    except ValueError:
        return text
    return text if value == int(value if value == value and abs(value) < 1e15 else 0) else f"{value:.4g}"


def as_csv(lines: list[dict[str, Any]]) -> str:
    """Return the verdict table as CSV."""
    if not lines:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def as_markdown(lines: list[dict[str, Any]]) -> str:
    """Return the verdict table as Markdown, a line a claim."""
    columns = ("paper", *ON_PAGE, *LAST)
    rows = [columns, ("---",) * len(columns), *(tuple(_cell(line, name) for name in columns) for line in lines)]
    cells = [" | ".join(text.replace("|", "\\|").replace("\n", " ") for text in row) for row in rows]
    return "# Verdicts on published findings\n\n" + "".join(f"| {row} |\n" for row in cells)
