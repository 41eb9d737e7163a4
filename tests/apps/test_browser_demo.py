"""The store that `make demo` makes, in a real browser: every page shows it, and what is clicked on is told and kept.

The commands are read from the Makefile, so that what is tested is what a new user meets; the study is asked of one cell
instead of two, and of fewer prompts for accuracy, which halves the time.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.benchmarks.app_latency import CLICKS, KEY, SCRIPT
from tests.apps import browser
from tests.apps.browser import serving, text_of, wait_until_drawn

pytestmark = [*browser.MARKS, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
SHORTER = {"study": ["--set", 'cells=["a+b"]', "--set", "n_accuracy=100"]}
SHOWN = {
    "/": 5, "/af1": 6, "/patching": 3, "/patching?v=1&view=circuit": 2, "/probing": 5, "/fourier": 1,
    "/fourier?v=1&view=neurons": 2, "/operands": 3, "/attention": 3, "/training": 2,
    "/training?v=1&model=modadd-59": 7, "/compare": 1, "/try": 0, "/study": 0, "/runs": 0,
}  # fmt: skip
"""How many figures each page shows of it, at the least."""


def recipe() -> list[list[str]]:
    """The commands of `make demo` that record something, without their program."""
    body = re.search(r"^demo:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert body
    lines = [line.split("interp ")[1].split() for line in body[1].splitlines()]
    assert lines[-1][0] == "app"
    return lines[:-1]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "store"
    for words in recipe():
        asked = [*words, *SHORTER.get(words[0], []), "--store", str(root)]
        subprocess.run([sys.executable, "-m", "interp", *asked], check=True, stdout=subprocess.PIPE)
    return root


@pytest.fixture(scope="module")
def base(demo):
    with serving(demo) as address:
        yield address


def test_every_page_shows_it(tab, base):
    for path, least in SHOWN.items():
        tab.goto(base + path)
        wait_until_drawn(tab)
        assert tab.locator(".dash-graph").count() >= least, path
        assert tab.locator(".notice-link").count() == 0, path


@pytest.mark.parametrize("what", [name for name in CLICKS if not name.startswith("Fourier")])
def test_a_click_is_told_and_the_link_keeps_it(tab, base, what):
    path, graph, words = CLICKS[what]
    tab.add_init_script(path=str(SCRIPT))
    tab.goto(base + path)
    wait_until_drawn(tab)
    tab.wait_for_timeout(1000)
    before = text_of(tab, words)
    if graph == KEY:
        tab.locator("[role=slider]").first.focus()
        tab.keyboard.press(KEY)
    else:
        places = tab.evaluate("(name) => latency.places(name)", graph)
        tab.mouse.click(*places[len(places) // 3])
    tab.wait_for_function("([at, was]) => document.querySelector(at).innerText !== was", arg=[words, before])
    tab.wait_for_function("() => location.search.includes('v=1')")
    tab.wait_for_timeout(500)
    told = text_of(tab, words)
    tab.reload()
    wait_until_drawn(tab)
    tab.wait_for_function("([at, told]) => document.querySelector(at).innerText === told", arg=[words, told])
