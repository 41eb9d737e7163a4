"""Every page in both themes, as axe sees it: nothing serious and nothing critical."""

from __future__ import annotations

import pytest

from apps.dashboard.pages import PAGES
from tests.apps import browser
from tests.apps.browser import serving, wait_until_drawn

pytestmark = [*browser.MARKS, pytest.mark.slow]
VIEWS = [*(module.PATH for module in PAGES), "/patching?v=1&view=circuit", "/fourier?v=1&view=circles"]
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def base(whole):
    with serving(whole) as address:
        yield address


@pytest.fixture(scope="module")
def axe() -> str:
    """Return the script of axe."""
    axe_page = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")
    return axe_page.Axe().axe_script


def violations(tab, axe: str) -> list[str]:
    """Return one line for each grave thing that axe finds."""
    tab.evaluate(f"() => {{ if (!window.axe) {{ {axe} }} }}")
    found = tab.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        f"{each['id']} ({each['impact']}): {node['target']} {node['html'][:120]}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("path", VIEWS)
def test_nothing_grave_in_either_theme(tab, base, axe, path):
    tab.goto(base + path)
    wait_until_drawn(tab)
    first = tab.evaluate("() => document.documentElement.dataset.theme")
    found = {first: violations(tab, axe)}
    tab.locator("#theme-button").click()
    tab.wait_for_function("(first) => document.documentElement.dataset.theme !== first", arg=first)
    tab.wait_for_timeout(700)  # colours fade over
    found["the other"] = violations(tab, axe)
    assert found == {first: [], "the other": []}


def test_nothing_grave_in_the_list_of_errors(tab, base, axe):
    tab.goto(f"{base}/study")
    wait_until_drawn(tab)
    tab.wait_for_timeout(500)
    method = "{name: 'method', type: 'study-field'}"
    tab.evaluate(f"() => window.dash_clientside.set_props({method}, {{value: 'steer'}})")
    tab.locator(".mantine-Notification-root", has_text="'steer' cannot be launched here").wait_for()
    tab.locator("#errors", has_text="Errors: 1").click()
    tab.locator(".error-entry", has_text="study-field").wait_for()
    tab.wait_for_timeout(700)
    found = violations(tab, axe)
    tab.keyboard.press("Escape")
    tab.locator("#theme-button").click()
    tab.locator("#errors").click()
    tab.locator(".error-entry").wait_for()
    tab.wait_for_timeout(700)
    assert (found, violations(tab, axe)) == ([], [])
