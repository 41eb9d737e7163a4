"""Patching, its circuit and Attention in a real browser: clicks, pins, Esc, links, and how fast a click is answered."""

from __future__ import annotations

import re

import pytest

from tests.apps import browser, fixture_circuits, fixture_patches, fixture_store
from tests.apps.browser import serving, text_of, wait_for_text

pytestmark = browser.MARKS


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    more = (fixture_circuits.circuits("a+b"), fixture_store.attention("a+b"))
    with serving(fixture_patches.fill(tmp_path_factory.mktemp("patches"), *more)) as address:
        yield address


def area(tab, index=0):
    """Return the box of the first panel of a graph, once it is drawn and at rest."""
    plot = tab.locator(".js-plotly-plot").nth(index)
    plot.locator(".main-svg").first.wait_for()
    tab.wait_for_timeout(800)
    return plot.locator(".nsewdrag").first.bounding_box()


def press(tab, box, x, y, *, shift=False):
    """Click at the share (x, y) of a box, as a hand does: come, then press."""
    at = box["x"] + box["width"] * x, box["y"] + box["height"] * y
    tab.mouse.move(*at)
    tab.wait_for_timeout(250)
    if shift:
        tab.keyboard.down("Shift")
    tab.mouse.click(*at)
    if shift:
        tab.keyboard.up("Shift")


def wait_for_address(tab, part):
    tab.wait_for_function("(part) => decodeURIComponent(location.search).replaceAll('+', ' ').includes(part)", arg=part)


def test_cells_are_selected_pinned_compared_and_let_go(tab, base):
    tab.goto(f"{base}/patching?layer=4&role=eq")
    wait_for_text(tab, "#patching-detail-title", "layer 4, role eq")
    box = area(tab)
    press(tab, box, 1.5 / 5, 1 - 2.5 / 9)
    wait_for_text(tab, "#patching-detail-title", "layer 2, role a")
    press(tab, box, 1.5 / 5, 1 - 2.5 / 9, shift=True)
    wait_for_address(tab, "pin=resid_pre 2 a")
    press(tab, box, 4.5 / 5, 1 - 6.5 / 9, shift=True)
    wait_for_address(tab, "pin=resid_pre 6 eq")
    wait_for_text(tab, "#patching-compared-title", "The same pairs at the pinned places")
    link = tab.evaluate("() => location.href")
    tab.reload()
    wait_for_text(tab, "#patching-compared-title", "The same pairs")
    assert tab.evaluate("() => location.href") == link
    tab.keyboard.press("Escape")
    tab.wait_for_function("() => !location.search.includes('pin=')")
    assert tab.locator("#patching-compared-title").count() == 0


def test_a_click_on_another_component_opens_its_map(tab, base):
    tab.goto(f"{base}/patching?layer=4&role=eq")
    wait_for_text(tab, "h3", "Every component")
    tab.locator("#patching-components-title").scroll_into_view_if_needed()
    press(tab, area(tab, 2), 1.5 / 5, 1 - 2.5 / 9)  # the first panel: resid_pre itself
    wait_for_text(tab, "#patching-detail-title", "layer 2, role a")
    tab.locator("#patching-component").click()
    tab.get_by_role("option", name="z").click()
    wait_for_text(tab, "#patching-detail-title", "head 2.")
    tab.locator("#patching-metric").click()
    assert tab.get_by_role("option", name=re.compile("logit difference")).count() == 1


def test_the_circuit_shrinks_and_a_node_lists_its_edges(tab, base):
    tab.goto(f"{base}/patching?view=circuit")
    wait_for_text(tab, "#circuit-graph-title", "largest edges")
    area(tab)
    before = text_of(tab, "#circuit-graph-title")
    tab.locator(".slider [role=slider]").focus()
    tab.keyboard.press("ArrowLeft")
    tab.wait_for_function("(was) => document.querySelector('#circuit-graph-title').innerText !== was", arg=before)
    wait_for_address(tab, "edges=")
    node = tab.locator(".js-plotly-plot").first.locator(".scatterlayer .trace").last.locator("path.point").first
    box = node.bounding_box()
    press(tab, box, 0.5, 0.5)
    wait_for_text(tab, "#circuit-listed", "Edges of")
    wait_for_address(tab, "node=")
    tab.keyboard.press("Escape")
    wait_for_text(tab, "#circuit-listed", "edges of the circuit")


def test_the_pointer_shows_a_head_a_click_locks_it_and_escape_lets_go(tab, base):
    tab.goto(f"{base}/attention")
    wait_for_text(tab, "#attention-map-title", "What every head reads")
    box = area(tab)
    tab.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.95)
    wait_for_text(tab, "#attention-detail-title", "What head 0.0 reads")
    press(tab, box, 0.9, 0.05)
    wait_for_address(tab, "layer=7&head=3")
    tab.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.95)
    tab.wait_for_timeout(600)
    assert text_of(tab, "#attention-detail-title") == "What head 7.3 reads"  # locked
    press(tab, box, 0.1, 0.05, shift=True)
    wait_for_address(tab, "pin=7.0")
    wait_for_text(tab, "#attention-compared-title", "Heads side by side")
    tab.keyboard.press("Escape")
    tab.wait_for_function("() => !/head=|pin=/.test(location.search)")


@pytest.mark.parametrize("path", ["/patching", "/patching?view=circuit", "/attention"])
def test_no_page_is_wider_than_its_window(tab, base, path):
    tab.goto(base + path)
    area(tab)
    assert tab.locator("h1").count() == 1
    assert tab.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_a_point_selects_its_pair_in_the_grid(tab, base):
    tab.goto(f"{base}/patching?layer=4&role=eq&task=a%2Bb")
    wait_for_text(tab, "#patching-detail-title", "layer 4, role eq")
    area(tab, 1)
    point = tab.locator(".js-plotly-plot").nth(1).locator(".scatterlayer .trace").last.locator("path.point").nth(2)
    press(tab, point.bounding_box(), 0.5, 0.5)
    wait_for_address(tab, "example=")
    tab.locator("#patching-rows .ag-row-selected").first.wait_for(state="attached")
    read = text_of(tab, "#patching-rows .ag-row-selected [col-id='prompt_corrupted']")
    a, b = read.removesuffix("=").split("+")
    tab.locator(f".try-link a[href*='layer=4&role=eq&a={a}&b={b}&pin=']").wait_for()
