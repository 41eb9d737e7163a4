"""One page of many figures: everything inside, all text escaped, nothing fetched; drawn by a real browser."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import plotly.graph_objects as go
import pytest

from interp.figures.card import Card, card, small
from interp.figures.page import Page, Section, page_html, write_page
from interp.figures.page_blocks import Listing, Sheet
from tests.apps.browser import FLAGS, browser_path

EVIL = "<script>alert(1)</script> & <b>bold</b>"


def figure(title: str = "Title", points: int = 3) -> go.Figure:
    line = go.Scatter(
        x=np.arange(points), y=np.linspace(0, 1, points) / 3, name="line", error_y={"array": [0.1] * points}
    )
    return go.Figure(
        line, {"title": {"text": title, "subtitle": {"text": "share · n = 3 · null: dashed"}}, "height": 500}
    )


def evil_page() -> Page:
    blocks = (
        card("one", figure(EVIL), said=EVIL, facts=(("model", EVIL), ("command", "make figures"))),
        Sheet("two", EVIL, ("claim", "verdict", "command"), ((EVIL, "not run", EVIL),), EVIL),
        Listing("three", EVIL, EVIL, aside=True),
    )
    return Page(EVIL, EVIL, (Section("all", EVIL, EVIL, blocks),))


class Seen(HTMLParser):
    """What a browser would make of the page: its tags with attributes, and the scripts it would run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag == "script" and "type" not in dict(attrs)
        if self.inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen(page_html(evil_page()))


def test_nothing_is_fetched_and_only_known_scripts_run(seen: Seen) -> None:
    for tag, attributes in seen.tags:
        for name in ("src", "href", "action", "data"):
            assert not re.match(r"\s*(https?:)?//", attributes.get(name) or ""), (tag, attributes)
    policy = next(a["content"] or "" for t, a in seen.tags if t == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in seen.scripts]
    assert len(hashes) == 2, "plotly and the page's own script"
    assert all(f"'sha256-{each}'" in policy for each in hashes)


def test_text_is_escaped(seen: Seen) -> None:
    assert not any("alert(1)" in script for script in seen.scripts)
    assert not any(tag == "b" for tag, _ in seen.tags)
    assert ("figure", "one") in [(tag, attributes.get("id")) for tag, attributes in seen.tags]


def test_a_figure_travels_without_its_title_and_template() -> None:
    made = card("f", figure("Power <b>by</b> layer<br>of b"))
    assert (made.title, made.told, made.height) == ("Power by layer · of b", "share · n = 3 · null: dashed", 430)
    assert "title" not in made.figure["layout"]
    assert "template" not in made.figure["layout"]
    assert made.table is not None
    assert made.table.columns == ("series", "x", "y", "low", "high")
    assert made.table.rows[1] == ("line", "1", "0.16667", "0.066667", "0.26667")
    assert Card.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_map_is_a_table_and_long_ones_say_so() -> None:
    heat = go.Figure(go.Heatmap(z=np.arange(6.0).reshape(2, 3), x=["a", "b", "c"], y=["u", "v"], name="z"))
    table = card("m", heat).table
    assert table is not None
    assert table.rows[3] == ("z", "a", "v", "3")
    long = card("l", figure(points=1500)).table
    assert long is not None
    assert (len(long.rows), "1,000 of 1,500" in long.caption) == (1000, True)


def test_numbers_keep_seven_digits() -> None:
    packed = {"dtype": "f8", "bdata": base64.b64encode(np.array([1 / 3, np.nan]).tobytes()).decode(), "shape": "1, 2"}
    found = small({"z": packed, "size": 0.123456789, "n": 3, "name": "x"})
    assert (found["size"], found["n"], found["z"]["dtype"], found["z"]["shape"]) == (0.1234568, 3, "f4", "1, 2")
    values = np.frombuffer(base64.b64decode(found["z"]["bdata"]), "<f4")
    assert values[0] == pytest.approx(1 / 3, rel=1e-7)
    assert np.isnan(values[1])


def test_the_same_page_is_left_alone(tmp_path) -> None:
    path = tmp_path / "deep" / "page.html"
    assert write_page(evil_page(), path)
    before = path.stat().st_mtime_ns
    assert not write_page(evil_page(), path)
    assert path.stat().st_mtime_ns == before
    assert list(path.parent.iterdir()) == [path], "no leftovers"


def test_figures_are_packed_as_they_are() -> None:
    text = page_html(evil_page())
    packed = re.search(r'id="one--figure">([^<]+)<', text)
    assert packed
    assert json.loads(gzip.decompress(base64.b64decode(packed[1])))["data"][0]["name"] == "line"


@pytest.mark.browser
@pytest.mark.skipif(browser_path() is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_browser_draws_it_from_a_file(tmp_path, theme: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
    write_page(evil_page(), tmp_path / "page.html")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        tab = opened.new_page(color_scheme=theme)
        wrong: list[str] = []
        tab.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
        tab.goto((tmp_path / "page.html").as_uri())
        tab.locator(".plot .main-svg").first.wait_for()
        tab.locator("details.twin summary").click()
        tab.locator("details.twin td", has_text="0.16667").wait_for()
        assert tab.locator("html").get_attribute("data-theme") == theme
        tab.locator("#theme").click()
        assert tab.locator("html").get_attribute("data-theme") != theme
        with tab.expect_download() as download:
            tab.locator("[data-save=csv]").click()
        assert download.value.suggested_filename == "one.csv"
        tab.locator("#filter").fill("nothing like this")
        tab.locator("#one").wait_for(state="hidden")
        opened.close()
    assert wrong == []
