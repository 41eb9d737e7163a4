"""The fields of a form: text, number, choice, free choice, several, a list. A tip says what a field means.

The value of every field is a State of the form's callbacks, found by its id (`ids.field(form, name)`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash.development.base_component import Component

COMMON: Any = {"size": "xs", "w": "100%"}
Options = Sequence[tuple[str, str]]


def text(name: Any, label: str, value: Any, tip: str = "", **more: Any) -> Component:
    """Return a line of text."""
    return _tipped(dmc.TextInput(id=name, label=label, value=value or "", **COMMON, **more), tip)


def number(name: Any, label: str, value: Any, tip: str = "", *, least: float | None = 0, **more: Any) -> Component:
    """Return a number; whole unless `decimals`."""
    decimals = more.pop("decimals", False)
    about: Any = {"min": least, "allowDecimal": decimals, "allowNegative": least is None or least < 0}
    return _tipped(
        dmc.NumberInput(
            id=name, label=label, value="" if value is None else value, clampBehavior="none", **about, **COMMON, **more
        ),
        tip,
    )


def select(name: Any, label: str, options: Options, value: Any, tip: str = "", **more: Any) -> Component:
    """Return a choice of one of `options`, (value, label) pairs."""
    data = [{"value": option, "label": said} for option, said in options]
    about: Any = {"allowDeselect": False, "searchable": len(data) > 9, "comboboxProps": {"shadow": "md"}}
    return _tipped(dmc.Select(id=name, label=label, data=data, value=value, **about, **COMMON, **more), tip)


def free(name: Any, label: str, options: Sequence[str], value: Any, tip: str = "", **more: Any) -> Component:
    """Return text with suggestions."""
    shown: Any = {"data": list(options), "comboboxProps": {"shadow": "md"}, "limit": 30}
    return _tipped(dmc.Autocomplete(id=name, label=label, value=value or "", **shown, **COMMON, **more), tip)


def several(name: Any, label: str, options: Sequence[str], value: Any, tip: str = "", **more: Any) -> Component:
    """Return a choice of several of `options`."""
    about: Any = {"comboboxProps": {"shadow": "md"}, "searchable": True, "clearable": True}
    chosen = list(value or ())
    return _tipped(
        dmc.MultiSelect(id=name, label=label, data=list(options), value=chosen, **about, **COMMON, **more), tip
    )


def listed(name: Any, label: str, value: Any, tip: str = "", **more: Any) -> Component:
    """Return any number of names, each typed and ended with a comma or Enter."""
    return _tipped(dmc.TagsInput(id=name, label=label, value=list(value or ()), **COMMON, **more), tip)


def _tipped(field: Component, tip: str) -> Component:
    if not tip:
        return field
    about: Any = {"multiline": True, "w": 280, "openDelay": 500, "position": "right", "withArrow": True}
    about["boxWrapperProps"] = {"w": "100%"}
    return dmc.Tooltip(field, label=tip, **about)
