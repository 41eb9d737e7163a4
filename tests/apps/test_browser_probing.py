"""The Probing page in a real browser: a click, a shift-click, a key and Esc move the cell, and the link keeps it."""

from __future__ import annotations

import os

import pytest

from tests.apps import browser, fixture_probes, fixture_store
from tests.apps.browser import serving, wait_for_text

pytestmark = browser.MARKS
TITLE = "#cell_curve-title"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    root = tmp_path_factory.mktemp("probes") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        fixture_store.fill(root, [fixture_store.probing("a+b"), fixture_probes.probe_controls("a+b")])
    with serving(root) as address:
        yield address


def cell_of(tab, column: int, layer: int) -> tuple[float, float]:
    """Return the point of a cell on the first map, of two roles and three layers."""
    box = tab.locator("[id*='\"target_map\"'] .nsewdrag").first.bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / 2, box["y"] + box["height"] * (1 - (layer + 0.5) / 3)


def test_a_click_moves_the_cell_and_the_link_keeps_it(tab, base):
    tab.goto(f"{base}/probing?target=carry")
    wait_for_text(tab, TITLE, "carry at eq, by layer")
    tab.locator("[id*='\"pinned\"'] .main-svg").first.wait_for()
    tab.wait_for_timeout(700)
    tab.locator("details:has(> #confusion-table) > summary").click()
    wait_for_text(tab, "#confusion-table caption", "layer 2, eq")
    tab.locator("h1").click()
    tab.mouse.click(*cell_of(tab, 0, 1))
    wait_for_text(tab, TITLE, "carry at b, by layer")
    wait_for_text(tab, "#confusion-table caption", "layer 1, b")
    wait_for_text(tab, "#confusion-title", "What is said for carry, layer 1, b")
    tab.wait_for_function("() => location.search.includes('layer=1&role=b')")
    link = tab.locator(".try-link a")
    link.and_(tab.locator("[href*='layer=1&role=b']")).wait_for()
    tab.wait_for_timeout(400)
    tab.keyboard.down("Shift")
    tab.mouse.click(*cell_of(tab, 1, 2))
    tab.keyboard.up("Shift")
    wait_for_text(tab, "#pinned-summary", "2 places")
    tab.goto(tab.evaluate("() => location.href"))
    wait_for_text(tab, TITLE, "carry at b, by layer")
    wait_for_text(tab, "#pinned-summary", "2 places")
    tab.locator("h1").click()
    tab.keyboard.press("Escape")
    wait_for_text(tab, TITLE, "carry at eq, by layer")
    wait_for_text(tab, "#pinned-summary", "Shift-click cells")


def test_label_kind_and_keys_do_the_same(tab, base):
    tab.goto(f"{base}/probing?target=carry")
    wait_for_text(tab, TITLE, "carry at eq, by layer")
    tab.locator("#probing-layer").click()
    tab.get_by_role("option", name="0").click()
    wait_for_text(tab, "#confusion-title", "What is said for carry, layer 0, eq")
    tab.locator("#probing-target").click()
    tab.get_by_role("option", name="b", exact=True).click()
    wait_for_text(tab, TITLE, "b at b, by layer")
    tab.locator("#probing-kind").click()
    tab.get_by_role("option", name="shuffled only").click()
    wait_for_text(tab, "main", "This run does not keep it")
    tab.wait_for_function("() => location.search.includes('run=probing-')")


def test_the_link_to_try_it_fills_its_form_with_the_cell_that_was_clicked(tab, base):
    tab.goto(f"{base}/probing?target=carry")
    tab.locator("[id*='\"pinned\"'] .main-svg").first.wait_for()
    tab.wait_for_timeout(700)
    tab.mouse.click(*cell_of(tab, 0, 1))
    tab.locator(".try-link a[href*='layer=1']").click()
    wait_for_text(tab, "h1", "Try it")
    fields = tab.locator(".form input")
    tab.wait_for_function("() => document.querySelectorAll('.form input').length > 8")
    told = fields.evaluate_all("inputs => inputs.map(input => input.value)")
    assert {"mental-math", "a+b", "plain", "17, 25", "patch from a second prompt", "1", "b"} <= set(told)
