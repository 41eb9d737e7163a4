"""The AF1 page in a real browser: a slider, a click, shift-click and Esc move one window in every figure."""

from __future__ import annotations

from tests.apps import browser
from tests.apps.browser import text_of, wait_for_text

pytestmark = browser.MARKS

LIVE = "#any_window-summary"
X_OF = """(name) => {
  const graph = [...document.querySelectorAll('.js-plotly-plot')].find((one) => one.parentElement.id.includes(name));
  return graph.layout.shapes[graph.layout.shapes.length - 1].x0;
}"""


def test_a_slider_moves_the_window_everywhere_at_once(tab, base):
    tab.goto(f"{base}/af1?task=a%2Bb")
    wait_for_text(tab, LIVE, "AF1(3, 2), blocks 0–2 wait")
    tab.locator(".js-plotly-plot .main-svg").nth(4).wait_for()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.get_by_role("slider", name="l_wait").press("ArrowLeft")
    wait_for_text(tab, LIVE, "AF1(2, 2), blocks 0–1 wait")
    tab.wait_for_function("() => location.search.includes('window=2-2')")
    tab.wait_for_function(f"() => ({X_OF})('wait_curve') === 2")
    tab.get_by_role("slider", name="l_transfer").press("ArrowRight")
    wait_for_text(tab, LIVE, "AF1(2, 3), blocks 0–1 wait")
    tab.wait_for_function(f"() => ({X_OF})('\"grid') === 2.52")
    tab.locator(".try-link a[href*='window=2-3']").wait_for()
    assert asked == []  # nothing of this needs the server
    link = tab.evaluate("() => location.href")
    tab.goto(link)
    wait_for_text(tab, LIVE, "AF1(2, 3), blocks 0–1 wait")
    tab.locator(".js-plotly-plot .main-svg").nth(4).wait_for()
    tab.locator("h1").click()
    tab.keyboard.press("Escape")
    wait_for_text(tab, LIVE, "AF1(3, 2), blocks 0–2 wait")
    tab.wait_for_function("() => !location.search.includes('window=')")
    tab.locator(".try-link a[href*='window=3-2']").wait_for()


def test_a_click_selects_and_a_shift_click_pins(tab, base):
    tab.goto(f"{base}/af1?task=a%2Bb")
    grid = tab.locator("[id*='\"grid\"'] .nsewdrag").first
    grid.wait_for()
    tab.wait_for_timeout(700)
    box = grid.bounding_box()

    def cell(wait: int, transfer: int) -> tuple[float, float]:
        return box["x"] + box["width"] * (transfer + 0.5) / 9, box["y"] + box["height"] * (1 - (wait + 0.5) / 9)

    tab.mouse.click(*cell(5, 1))
    wait_for_text(tab, LIVE, "AF1(5, 1), block")
    tab.wait_for_timeout(400)
    tab.keyboard.down("Shift")
    tab.mouse.click(*cell(6, 2))
    tab.keyboard.up("Shift")
    wait_for_text(tab, "#af1-rows", "AF1(6, 2)")
    assert "AF1(5, 1), block" in text_of(tab, LIVE)
    tab.wait_for_function("() => location.search.includes('window=5-1') && location.search.includes('pin=6-2')")
    tab.locator("#af1-pin").click()
    wait_for_text(tab, "#af1-rows", "pinnedAF1(5, 1)")
    tab.locator("#af1-back").click()
    wait_for_text(tab, LIVE, "AF1(3, 2), blocks 0–2 wait")
    tab.keyboard.press("Escape")
    tab.wait_for_function("() => document.querySelectorAll('#af1-rows tr').length === 2")
