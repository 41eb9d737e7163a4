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

ON_PAGE = ("claim", "published", "published value", "ours", "verdict")
SHARED = ("model", "seeds", "measured", "command", "how we know")
"""What all lines of a table often have in common; it is said above the table then."""


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
        here = [line for line in lines if line["experiment"] == each.name]
        for paper, model in dict.fromkeys((line["paper"], line["model"]) for line in here):
            group = [line for line in here if (line["paper"], line["model"]) == (paper, model)]
            blocks.append(_verdict_sheet(f"verdicts--{len(blocks)}", f"{paper}: {model}", group))
    rule = (
        "What counts as holding stands in each claim after 'here:'; tolerances were set before the models were judged, "
        "but the rules of the claims on circuits when their runs were known."
    )
    return (Section("verdicts", "Verdicts", rule, tuple(blocks)),)


def _verdict_sheet(name: str, title: str, lines: list[dict[str, Any]]) -> Sheet:
    """The verdicts on one paper by one model; what all lines share stands above."""
    alike = [key for key in SHARED if len({_cell(line, key) for line in lines}) == 1]
    shared = [key for key in alike if len(lines) > 1 or key == "model"]
    columns = (*ON_PAGE, *(key for key in ("measured", "seeds", "command", "how we know") if key not in shared))
    told = [", ".join(f"{word}: {n}" for word, n in Counter(line["verdict"] for line in lines).items())]
    told += [f"{key}: {_cell(lines[0], key)}" for key in shared]
    return Sheet(
        name, title, columns, tuple(tuple(_cell(line, key) for key in columns) for line in lines), " · ".join(told)
    )


def _cell(line: dict[str, Any], name: str) -> str:
    if name == "model" and line["model scale"]:
        return f"{line['model']} ({line['model scale']})"
    if name == "claim" and line["figure or table"]:
        return f"{line['claim']} ({line['figure or table']})"
    if name == "published value":
        tolerance = "" if line["tolerance"] is None else f" ± {_number(line['tolerance'])}"
        return "" if line["value"] is None else f"{_number(line['value'])}{tolerance}"
    return _number(line[name])


def _number(value: Any) -> str:
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
    columns = tuple(lines[0]) if lines else ("claim", "verdict")
    rows = [columns, ("---",) * len(columns), *(tuple(_number(line[name]) for name in columns) for line in lines)]
    cells = [" | ".join(text.replace("|", "\\|").replace("\n", " ") for text in row) for row in rows]
    return "# Verdicts on published findings\n\n" + "".join(f"| {row} |\n" for row in cells)
