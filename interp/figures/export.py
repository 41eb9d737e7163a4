"""How does a figure become files? HTML that needs no network, and PNG, SVG and PDF through a system Chromium.

    export(figure, "out/f1a")    ->  out/f1a.html  out/f1a.png  out/f1a.svg  out/f1a.pdf  (and out/plotly.min.js once)

The still pictures are drawn by plotly itself in a headless browser (kaleido), so that they equal what the app shows.
PNG has the same bytes each time; SVG and PDF carry identifiers of the run. Without a browser only HTML can be written.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.errors import InterpError
from interp.figures.theme import GRAPH_CONFIG

if TYPE_CHECKING:
    import plotly.graph_objects as go

STILLS = ("png", "svg", "pdf")
FORMATS = ("html", *STILLS)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTH, HEIGHT, PNG_SCALE = 820, 480, 2


def browser() -> str | None:
    """Return the path of a Chromium that can draw still pictures ($BROWSER_PATH first), or None."""
    named = os.environ.get("BROWSER_PATH")
    if named:
        return named if Path(named).exists() else None
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def possible(*formats: str) -> tuple[str, ...]:
    """Return those of `formats` that can be written on this machine: without a Chromium no still pictures."""
    return formats if browser() else tuple(name for name in formats if name not in STILLS)


def export(
    figures: Mapping[str | Path, go.Figure],
    formats: Sequence[str] = FORMATS,
    *,
    width: int = WIDTH,
    png_scale: float = PNG_SCALE,
) -> list[Path]:
    """Write each figure under its stem (a path without ending) in `formats` and return the files in order.

    A figure keeps the height of its layout (else 480 px); PNG has `png_scale` pixels a unit. Raises InterpError for
    a format that is not known, a place that cannot be written, and for a still picture on a machine without a Chromium.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise InterpError(f"figures cannot be written as {unknown[0]!r}; choose from {', '.join(FORMATS)}.")
    stills = [name for name in formats if name in STILLS]
    if stills and browser() is None:
        raise InterpError(
            f"{', '.join(stills)} need a Chromium (found none, also not at $BROWSER_PATH); install one, or ask for "
            "html alone."
        )
    written = []
    try:
        for stem, figure in figures.items():
            Path(stem).parent.mkdir(parents=True, exist_ok=True)
            if "html" in formats:
                written.append(_html(figure, Path(f"{stem}.html")))
        if stills and figures:
            written += asyncio.run(_stills(figures, stills, width, png_scale))
    except OSError as error:
        raise InterpError(f"{error.filename or 'the figures'} cannot be written ({error.strerror}).") from None
    return written


def _html(figure: go.Figure, path: Path) -> Path:
    # "directory": the plotly library lies beside the pages, once; nothing is fetched from a network
    figure.write_html(path, include_plotlyjs="directory", config=GRAPH_CONFIG, div_id=path.stem)
    return path


async def _stills(
    figures: Mapping[str | Path, go.Figure], formats: Sequence[str], width: int, png_scale: float
) -> list[Path]:
    import kaleido

    written = []
    async with kaleido.Kaleido(n=1, mathjax=False) as drawer:
        for stem, figure in figures.items():
            drawn = figure.to_dict()
            height = drawn["layout"].get("height") or HEIGHT
            for name in formats:
                options: Any = {"format": name, "width": width, "height": height}
                options["scale"] = png_scale if name == "png" else 1
                path = Path(f"{stem}.{name}")
                path.write_bytes(await drawer.calc_fig(drawn, opts=options))
                written.append(path)
    return written
