"""A real browser for tests: the app served by a process of its own, and tabs in which any error fails the test.

from tests.apps.browser import base, context, serving, tab, ...  # noqa: F401, the fixtures
pytestmark = browser.MARKS
"""

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


MARKS = [
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


def complains(message) -> bool:
    """Return whether a console message is an error or a warning; advice on the speed of drawing is neither."""
    advice = "willReadFrequently" in message.text or "GL Driver Message (OpenGL, Performance" in message.text
    return message.type == "error" or (message.type == "warning" and not advice)


def local(url: str) -> bool:
    return bool(re.match(r"(http://127\.0\.0\.1[:/]|data:|blob:)", url))


def text_of(tab, selector: str) -> str:
    return tab.locator(selector).first.inner_text()


def wait_for_text(tab, selector: str, text: str) -> None:
    tab.locator(selector).filter(has_text=text).first.wait_for()


def wait_until_drawn(tab) -> None:
    """Wait until the page is there and every graph on it is drawn."""
    tab.locator("h1").wait_for()
    tab.wait_for_function(
        "() => [...document.querySelectorAll('.dash-graph')].every((graph) => graph.querySelector('.main-svg'))"
        " && !document.querySelector('.loading')"
    )
