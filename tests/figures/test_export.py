"""Figure files: every format opens as what it is, HTML needs no network, errors say what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from interp.errors import InterpError
from interp.figures import export as exporting
from interp.figures.export import browser, export

FIGURE = go.Figure(go.Scatter(x=[0, 1], y=[2.5, 3.5], name="planted"), {"title": {"text": "One line"}})


def test_html_opens_without_a_network(tmp_path: Path) -> None:
    """Nothing but the library beside it is referenced."""
    (page,) = export({tmp_path / "deep" / "f": FIGURE}, ("html",))
    text = page.read_text()
    assert "One line" in text
    assert re.findall(r"<script[^>]*src=\"([^\"]+)\"", text) == ["plotly.min.js"]
    assert (tmp_path / "deep" / "plotly.min.js").stat().st_size > 1_000_000
    assert '"showSendToCloud": false' in text


@pytest.mark.parametrize(("found", "expected"), [(None, ("html",)), ("/usr/bin/chromium", ("html", "png"))])
def test_stills_are_possible_where_there_is_a_browser(found, expected, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "browser", lambda: found)
    assert exporting.possible("html", "png") == expected


@pytest.mark.browser
def test_stills_are_what_their_names_say(tmp_path: Path) -> None:
    if browser() is None:
        pytest.skip("no Chromium on this machine")
    files = export({tmp_path / "f": FIGURE, tmp_path / "g": FIGURE}, ("png", "svg", "pdf"))
    assert [f.name for f in files] == ["f.png", "f.svg", "f.pdf", "g.png", "g.svg", "g.pdf"]
    png, svg, pdf = (f.read_bytes() for f in files[:3])
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png[16:20], "big") == 2 * exporting.WIDTH
    assert b"One line" in svg
    assert pdf[:5] == b"%PDF-"
    assert png == files[3].read_bytes(), "a PNG has the same bytes each time"


def test_errors_say_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InterpError, match=r"'eps'; choose from html, png, svg, pdf"):
        export({tmp_path / "f": FIGURE}, ("eps",))
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nothing"))
    with pytest.raises(InterpError, match="need a Chromium"):
        export({tmp_path / "f": FIGURE}, ("png",))
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InterpError, match="cannot be written"):
        export({tmp_path / "file" / "f": FIGURE}, ("html",))
