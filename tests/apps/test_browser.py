"""The app in a real browser: every page, no console error, no request that leaves the machine."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PATIENCE = 60_000  # milliseconds; the machine may be busy
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser_path() -> str | None:
    """Return a system Chromium: $BROWSER_PATH, else the first of the usual names."""
    return os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, BROWSERS)), None)


pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        browser_path() is None,
        reason="no Chromium found; install one (Debian: apt install chromium) or set BROWSER_PATH",
    ),
]


@contextmanager
def serving(store: Path):
    """Yield the address of the app over `store`, served by a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "apps.dashboard", "--store", str(store), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        base = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                with urlopen(f"{base}/health", timeout=5):
                    break
            except OSError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.1)
        yield base
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def base(study):
    with serving(study) as address:
        yield address


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=browser_path(),
            args=FLAGS,
            viewport={"width": 1280, "height": 800},
        )
        yield opened
        opened.close()


@pytest.fixture
def tab(context, base):
    """Return a tab whose console errors and foreign requests fail the test at its end."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if local(request.url) else wrong.append(f"request to {request.url}"))
    yield page
    page.close()
    assert wrong == []


def local(url: str) -> bool:
    return bool(re.match(r"(http://127\.0\.0\.1[:/]|data:|blob:)", url))


def text_of(tab, selector: str) -> str:
    return tab.locator(selector).first.inner_text()


def wait_for_text(tab, selector: str, text: str) -> None:
    tab.locator(selector).filter(has_text=text).first.wait_for()


@pytest.mark.parametrize(
    ("path", "heading", "graphs"),
    [
        ("/", "Where and when mental-math computes", 9),
        ("/af1", "AF1", 4),
        ("/patching", "Patching", 2),
        ("/runs", "Runs", 0),
    ],
)
def test_every_page_loads_and_draws(tab, base, path, heading, graphs):
    tab.goto(base + path)
    wait_for_text(tab, "h1", heading)
    for i in range(graphs):
        tab.locator(".js-plotly-plot").nth(i).locator(".main-svg").first.wait_for()
    if path == "/runs":
        tab.locator("#runs-grid .ag-row").first.wait_for()
    assert tab.locator("h1").count() == 1
    assert tab.locator("html").get_attribute("lang") == "en"
    assert tab.locator('[data-title*="Share" i], [data-title*="cloud" i]').count() == 0
    assert tab.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    tab.wait_for_function("(heading) => document.title.includes(heading)", arg=heading)


def test_a_click_on_the_map_shows_the_pairs_and_the_link_keeps_them(tab, base):
    tab.goto(f"{base}/patching?layer=4&role=eq")
    wait_for_text(tab, "#patching-detail-title", "layer 4, role eq")
    tab.locator("#patching-detail-title + .subtitle").wait_for()
    area = tab.locator(".js-plotly-plot").first.locator(".nsewdrag").first
    area.wait_for()
    tab.wait_for_timeout(500)
    box = area.bounding_box()
    tab.mouse.click(box["x"] + box["width"] * 1.5 / 7, box["y"] + box["height"] * (1 - 2.5 / 9))
    wait_for_text(tab, "#patching-detail-title", "layer 2, role a")
    tab.wait_for_function("() => location.search.includes('layer=2&role=a')")
    tab.reload()
    wait_for_text(tab, "#patching-detail-title", "layer 2, role a")
    wait_for_text(tab, "#patching-rows .ag-row", "=")
    tab.locator("#patching-rows .ag-row").first.click()
    tab.wait_for_function("() => location.search.includes('example=')")


def test_the_keyboard_reaches_every_cell(tab, base):
    tab.goto(f"{base}/patching?layer=4&role=eq")
    wait_for_text(tab, "#patching-detail-title", "layer 4, role eq")
    tab.locator("#patching-layer").focus()  # opens the choice
    tab.locator('[role="option"][value="4"]').wait_for()
    tab.keyboard.press("ArrowDown")
    tab.locator('[role="option"][value="5"][data-combobox-selected]').wait_for()
    tab.keyboard.press("Enter")
    wait_for_text(tab, "#patching-detail-title", "layer 5, role eq")


def test_the_table_twin_unfolds(tab, base):
    tab.goto(f"{base}/patching")
    tab.locator("summary", has_text="Table").first.click()
    tab.locator(".twin tbody tr").nth(8).wait_for()
    assert tab.locator(".twin tbody tr").count() == 9
    assert tab.locator(".twin thead th").count() + tab.locator('.twin th[scope="row"]').count() == 8 + 9


def test_a_run_opens_in_its_drawer_and_closes(tab, base):
    tab.goto(f"{base}/runs")
    tab.locator("#runs-grid .ag-row", has_text="spectrum").first.click()
    wait_for_text(tab, ".mantine-Drawer-content", "Complete and unchanged")
    wait_for_text(tab, ".mantine-Drawer-content", "interp.store")
    tab.wait_for_function("() => location.search.includes('run=spectrum-')")
    link = tab.evaluate("() => location.href")
    tab.keyboard.press("Escape")
    tab.wait_for_function("() => location.search === ''")
    tab.goto(link)
    wait_for_text(tab, ".mantine-Drawer-content", "Complete and unchanged")


def test_the_theme_is_kept(tab, base):
    tab.goto(f"{base}/patching")
    tab.locator(".js-plotly-plot .main-svg").first.wait_for()
    shown = "() => getComputedStyle(document.querySelector('.js-plotly-plot .main-svg')).backgroundColor"
    before = tab.evaluate(shown)
    tab.locator("#theme-button").click()
    tab.wait_for_function(f"(before) => ({shown})() !== before", arg=before)
    after = tab.evaluate(shown)
    tab.reload()
    tab.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert tab.evaluate(shown) == after
    tab.locator("#theme-button").click()
    tab.wait_for_function(f"(after) => ({shown})() !== after", arg=after)


def test_a_link_that_is_wrong_is_answered(tab, base):
    tab.goto(f"{base}/af1?run=../../x&foo=1")
    wait_for_text(tab, ".notice-link", "is not a run id")
    wait_for_text(tab, ".notice-link", "does not know")
    tab.locator("#run-choice").click()
    tab.get_by_role("option", name="a+b, plain").click()
    wait_for_text(tab, "h3", "AF1: 3 blocks wait, 2 transfer")
    assert tab.locator(".notice-link").count() == 0


def test_an_empty_store_says_what_to_type(tab, tmp_path):
    with serving(tmp_path / "nothing") as base:
        tab.goto(base)
        wait_for_text(tab, "main", "interp study --model mental-math")
        assert "No results yet" in text_of(tab, "main")
