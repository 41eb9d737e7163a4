"""What every figure looks like: one template in two themes, colour scales fit for colour-blind readers.

Colours follow measurements in CAM02-UCS under normal, deuteranope, protanope and tritanope vision: RdBu (light) and
berlin (dark centre) keep +v and -v at least 9.9 and 17 apart; viridis is sequential; Okabe-Ito names categories.
A figure holds no theme of its own: all of it is in `layout.template`, so swapping the template swaps the theme.

Maps use `coloraxis` with `autocolorscale`, and plotly then picks the template's diverging scale when the limits
straddle zero and its sequential scale when they start at zero; `limits` below makes them symmetric. Phases and residues
have `CYCLIC_SCALE`, which ends where it begins: a closed curve in CIELAB on which lightness, red-green and blue-yellow
turn out of step, so that phases a quarter turn apart differ by 18 or more in each of the four kinds of vision, and
every point stands out from both papers (at least 2 to 1).

Source: Okabe & Ito 2008; Crameri 2018 (berlin); Brewer (RdBu); Machado, Oliveira & Fernandes 2009 (simulated vision).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import plotly.graph_objects as go

FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"

# showSendToCloud is true by default in plotly.js 4: it would add a button that uploads the chart.
GRAPH_CONFIG: Any = {
    "showSendToCloud": False,
    "displaylogo": False,
    "responsive": True,
    "doubleClickDelay": 1,  # two quick clicks on neighbouring cells are two clicks, not a zoom reset
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
}

RD_BU = [
    "#67001f", "#b2182b", "#d6604d", "#f4a582", "#fddbc7", "#f7f7f7",
    "#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061",
]  # fmt: skip
BERLIN_REVERSED = [  # reversed, so that positive is blue in both themes
    "#ffadad", "#ca7b71", "#964a36", "#5f1f0a", "#371000", "#190c09",
    "#112732", "#20526a", "#3280a6", "#60a5df", "#9eb0ff",
]  # fmt: skip
VIRIDIS = [
    "#440154", "#482878", "#3e4989", "#31688e", "#26828e",
    "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
]  # fmt: skip
PHASES = [
    "#6fc5b5", "#96bb7c", "#aea246", "#ba8021", "#bf5a23", "#be363d", "#b72765",
    "#a73e98", "#8963ca", "#5988ee", "#1ea9f7", "#38bfe2", "#6fc5b5",
]  # fmt: skip
ALLOWED_CYCLIC = {"phases": PHASES}
ALLOWED_SCALES = {"RdBu": RD_BU, "berlin reversed": BERLIN_REVERSED, "viridis": VIRIDIS}

BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"
NULL = "#868e96"  # every null, in every figure, is this grey and dashed
OKABE_ITO = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
_ROLE = {"a": BLUE, "b": ORANGE, "c": GREEN, "eq": VERMILLION, "last": VERMILLION, "op1": PURPLE, "op2": SKY}
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down", "hexagon")


def role_colour(role: str, index: int) -> str:
    """Return the colour of a role: the same in every figure; fillers cycle by their `index`."""
    return NULL if role == "bos" else _ROLE.get(role, OKABE_ITO[index % len(OKABE_ITO)])


def symbol(index: int) -> str:
    """Return the marker of line `index`, so that lines differ by shape as well as colour."""
    return _SYMBOLS[index % len(_SYMBOLS)]


def faded(colour: str, alpha: float = 0.16) -> str:
    """Return `#rrggbb` as `rgba(...)` for an interval band."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def limits(*arrays: np.ndarray, at_least: float = 1.0) -> tuple[float, float]:
    """Return `(-m, m)`, m = max |finite value| (not below `at_least`), so that zero has the middle colour."""
    largest = max((float(np.nanmax(np.abs(a))) for a in arrays if np.isfinite(a).any()), default=0.0)
    largest = max(largest, at_least)
    return -largest, largest


def _scale(colours: list[str]) -> list[list]:
    return [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]


CYCLIC_SCALE = _scale(PHASES)
"""The scale of phases and residues, for a colour axis of its own: plotly has no cyclic default."""


def _axis(line: str, grid: str) -> dict:
    return {
        "gridcolor": grid,
        "linecolor": line,
        "tickcolor": line,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 3,
        "automargin": True,
        "title": {"standoff": 6, "font": {"size": 12}},
    }


@cache
def template(theme: str) -> go.layout.Template:
    """Return the template of `theme` ("light" or "dark"); that of "bare" is empty, for a figure whose values are to
    replace those of one that has a template."""
    if theme == "bare":
        return go.layout.Template()
    dark = theme == "dark"
    text, muted, line, grid, paper, hover = (
        ("#dee2e6", "#adb5bd", "#5c636a", "#373a40", "#1f2125", "#2c2e33")
        if dark
        else ("#212529", "#495057", "#adb5bd", "#e9ecef", "#ffffff", "#ffffff")
    )
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 12, "color": text},
            "title": {"x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "container",
                      "yanchor": "top", "pad": {"t": 12},
                      "font": {"size": 15}, "subtitle": {"font": {"size": 12, "color": muted}}},
            "paper_bgcolor": paper,
            "plot_bgcolor": paper,
            "colorway": list(OKABE_ITO),
            "colorscale": {
                "diverging": _scale(BERLIN_REVERSED if dark else RD_BU),
                "sequential": _scale(VIRIDIS),
            },
            "coloraxis": {"colorbar": {"thickness": 10, "outlinewidth": 0, "ticks": "outside", "ticklen": 3}},
            "xaxis": _axis(line, grid),
            "yaxis": _axis(line, grid),
            "hoverlabel": {"bgcolor": hover, "bordercolor": line, "align": "left",
                           "font": {"family": FONT, "size": 12, "color": text}},
            "legend": {"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 0,
                       "yanchor": "bottom", "font": {"size": 11}, "itemsizing": "trace", "itemwidth": 30},
            "annotationdefaults": {"font": {"size": 12, "color": text}},
            "margin": {"l": 48, "r": 12, "t": 84, "b": 40},
            "hovermode": "closest",
        },
        data={"bar": [{"error_x": {"color": text}, "error_y": {"color": text}}]},
    )  # fmt: skip
