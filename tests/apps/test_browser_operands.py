"""The Operands and Compare pages in a real browser: keys, clicks and choices move what is shown, the link keeps it."""

from __future__ import annotations

import os

import pytest

from tests.apps import browser, fixture_operands, fixture_store
from tests.apps.browser import serving, wait_for_text

pytestmark = browser.MARKS
TITLE = "#operands-map-title"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    root = tmp_path_factory.mktemp("operands") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        made = fixture_store
        fixture_store.fill(root, [fixture_operands.operands(), made.lens("a+b"), made.lens("a+b")])
    with serving(root) as address:
        yield address


def test_keys_clicks_and_esc_go_through_the_maps(tab, base):
    tab.goto(f"{base}/operands?view=neurons&target=result")
    wait_for_text(tab, TITLE, "Neuron 5.2")
    tab.locator("[id*='operands-map'] .main-svg").first.wait_for()
    tab.wait_for_timeout(700)
    tab.locator("details:has(> #operands-line-table) > summary").click()
    wait_for_text(tab, "#operands-line-table caption", "Neuron 5.2")
    tab.locator("h1").click()
    tab.keyboard.press("ArrowRight")
    wait_for_text(tab, "#operands-said", "2 of 6")
    moved = "id => !document.querySelector(id).textContent.includes('Neuron 5.2')"
    for told in ("#operands-bars-title", "#operands-line-table caption"):
        tab.wait_for_function(moved, arg=told)
    tab.locator("details:has(> #operands-line-table) > summary").click()  # folded, so that the map is in view
    tab.locator("h1").click()
    tab.wait_for_function("() => !location.search.includes('node=5.2&') && location.search.includes('node=5.')")
    link = "([kind, same]) => document.querySelector(`#operands-map-${kind}`).href.endsWith('node=5.2') === same"
    tab.wait_for_function(link, arg=["csv", False], timeout=10_000)
    tab.wait_for_timeout(300)
    tab.keyboard.press("ArrowLeft")
    for kind in ("csv", "html"):
        tab.wait_for_function(link, arg=[kind, True], timeout=10_000)
    wait_for_text(tab, TITLE, "Neuron 5.2")
    box = tab.locator("[id*='\"operands-map\"'] .nsewdrag").first.bounding_box()
    spot = box["x"] + box["width"] * 4.5 / 12, box["y"] + box["height"] * (1 - 3.5 / 12)
    tab.mouse.click(*spot)
    wait_for_text(tab, "#operands-pair", "3+4=")
    tab.wait_for_timeout(400)
    tab.keyboard.down("Shift")
    tab.mouse.click(*spot)
    tab.keyboard.up("Shift")
    wait_for_text(tab, "#operands-pins", "Pinned maps")
    tab.wait_for_function("() => location.search.includes('a=3&b=4') && location.search.includes('pin=neurons')")
    tab.goto(tab.evaluate("() => location.href"))
    wait_for_text(tab, "#operands-pair", "3+4=")
    wait_for_text(tab, "#operands-pins", "Pinned maps")
    tab.locator("h1").click()
    tab.keyboard.press("Escape")
    wait_for_text(tab, "#operands-pair", "Esc lets go")
    tab.locator("#operands-a").fill("5")
    wait_for_text(tab, "#operands-wrong", "Give b too.")
    tab.locator("#operands-b").fill("6")
    wait_for_text(tab, "#operands-pair", "5+6=")
    tab.wait_for_function(
        "() => location.search.includes('a=5&b=6') && !document.querySelector('#operands-wrong').textContent"
    )
    tab.locator("#operands-b").fill("99")
    wait_for_text(tab, "#operands-wrong", "no pair 5, 99")
    wait_for_text(tab, "#operands-pair", "5+6=")
    tab.locator("h1").click()  # scrolls back
    tab.mouse.click(*spot)
    wait_for_text(tab, "#operands-pair", "3+4=")
    tab.wait_for_function("() => document.querySelector('#operands-b').value === '4'")
    tab.locator("details:has(> #operands-map-table) > summary").click()
    wait_for_text(tab, "#operands-map-table caption", "means over the pairs")
    tab.locator("details:has(> #operands-map-table) > summary").click()
    tab.locator("#operands-by").click()
    tab.get_by_role("option", name="b mod 5").click()
    wait_for_text(tab, "#operands-said", "explained by b mod 5")


def test_a_choice_of_array_is_compared_and_the_link_keeps_it(tab, base):
    tab.goto(f"{base}/compare")
    wait_for_text(tab, "#compare-figure-title", "A, B and A - B: accuracy")
    tab.locator("#compare-array").click()
    tab.get_by_role("option", name="rank", exact=True).click()
    wait_for_text(tab, "#compare-figure-title", "A, B and A - B: rank")
    tab.wait_for_function("() => location.search.includes('metric=rank')")
    tab.goto(tab.evaluate("() => location.href"))
    wait_for_text(tab, "#compare-figure-title", "A, B and A - B: rank")
    tab.locator("text=Swap A and B").click()
    wait_for_text(tab, "#compare-figure-title", "A, B and A - B: rank")
