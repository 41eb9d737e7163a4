"""A choice among names: one labelled select, used for runs, models, layers and roles."""

from __future__ import annotations

import dash_mantine_components as dmc

from interp.store import RunSummary

LETTER, WIDEST = 6.6, 680
"""Pixels of a letter of a select, and of the widest select."""
MOST_LISTED = 100
"""Options that a select lists at once: typing finds the others, and hundreds would slow every change of it."""


def choice(
    name: str | dict[str, str], label: str, options: list[tuple[str, str]], value: str | None, width: int | None = 220
) -> dmc.Select:
    """Return a searchable select of `(value, label)` options, as wide as its longest option where `width` is None."""
    return dmc.Select(
        id=name,
        label=label,
        data=[{"value": option, "label": text} for option, text in options],
        value=value,
        allowDeselect=False,
        searchable=len(options) > 8,
        limit=MOST_LISTED,
        nothingFoundMessage="nothing of that name",
        comboboxProps={"shadow": "md"},
        size="xs",
        w=_fitting(label, options) if width is None else width,
    )


def _fitting(label: str, options: list[tuple[str, str]]) -> int:
    longest = max((len(text) for _, text in options), default=0)
    return min(WIDEST, round(LETTER * (longest + len(label))) + 58)


def run_options(lines: list[RunSummary]) -> list[tuple[str, str]]:
    """Return one option a run: what was asked, and when."""
    return [(line.run_id, run_label(line)) for line in lines]


def run_label(line: RunSummary) -> str:
    """Return `a+b, plain, mental-math · 2026-11-20 21:10`."""
    asked = ", ".join(part for part in (line.task, line.style if line.task else None, short(line.model)) if part)
    return f"{asked} · {moment(line.created)}"


def short(model: str) -> str:
    """Return the last part of a model's path or name."""
    return model.rstrip("/").rsplit("/", 1)[-1]


def moment(created: str) -> str:
    """Return a time of the store to the minute, `2026-11-20 21:10`."""
    return created[:16].replace("T", " ")
