"""The Fourier and Training pages in a real browser: one period and one step in every figure, and in the address."""

from __future__ import annotations

import pytest

from tests.apps import browser
from tests.apps.browser import serving, text_of, wait_for_text
from tests.apps.fixture_store import fill
from tests.apps.test_page_fourier import results

pytestmark = browser.MARKS


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    root = tmp_path_factory.mktemp("waves")
    fill(root, results())
    with serving(root) as address:
        yield address


def drawn(tab, count: int) -> None:
    tab.wait_for_function(
        f"() => document.querySelectorAll('.dash-graph .main-svg').length >= {count}", timeout=browser.PATIENCE
    )


def point(tab, graph: str, trace: str, number: int, keys: tuple[str, ...] = ()) -> None:
    """Click point `number` of the markers of trace `trace` (its place among the traces with points)."""
    marker = f"[id*='{graph}'] .scatterlayer .trace:has(.point) >> nth={trace}"
    box = tab.locator(marker).locator(".point").nth(number).bounding_box()
    for key in keys:
        tab.keyboard.down(key)
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for key in keys:
        tab.keyboard.up(key)


def marks(tab, graph: str) -> int:
    return tab.evaluate(
        "name => { const all = [...document.querySelectorAll('.dash-graph')];"
        " const one = all.find(each => each.id.includes(name)).querySelector('.js-plotly-plot');"
        " return (one.layout.shapes || []).length; }",
        graph,
    )


def wait_for_marks(tab, graph: str, count: int) -> None:
    for _ in range(100):
        if marks(tab, graph) == count:
            return
        tab.wait_for_timeout(200)
    assert marks(tab, graph) == count


def test_a_click_on_a_peak_selects_its_period_everywhere(tab, base):
    tab.goto(f"{base}/fourier?v=1&view=spectra")
    drawn(tab, 4)
    point(tab, "fourier-spectrum-power", "0", 9)
    wait_for_text(tab, ".fourier-facts", "T = 10")
    wait_for_marks(tab, "fourier-spectrum-power", 1)
    wait_for_marks(tab, "fourier-spectra-at_place", 1)
    tab.wait_for_function("() => window.location.search.includes('period=10')")
    tab.wait_for_timeout(400)
    point(tab, "fourier-spectrum-power", "0", 19, ("Shift",))
    tab.wait_for_function("() => window.location.search.includes('pin=T%3D5')")
    wait_for_marks(tab, "fourier-spectrum-power", 2)
    tab.keyboard.press("Escape")
    tab.wait_for_function("() => !window.location.search.includes('period')")
    wait_for_marks(tab, "fourier-spectrum-power", 0)
    wait_for_text(tab, ".fourier-periods", "Click a peak")


def test_a_link_opens_a_view_with_its_period_and_another_view_keeps_it(tab, base):
    tab.goto(f"{base}/fourier?v=1&view=causal&period=5&pin=T%3D10")
    drawn(tab, 4)
    assert "0.200 right at layer 0" in text_of(tab, ".fourier-facts")
    assert marks(tab, "fourier-filters-kept") == 1
    tab.locator(".mantine-SegmentedControl-label", has_text="Spectra").click()
    tab.wait_for_function("() => window.location.search.includes('view=spectra')")
    drawn(tab, 4)
    wait_for_marks(tab, "fourier-spectrum-power", 2)
    assert "period=5" in tab.url
    assert "pin=T%3D10" in tab.url


def test_the_slider_and_a_click_move_the_step_in_every_curve(tab, base):
    tab.goto(f"{base}/training?v=1&model=multiply-icot&pin=multiply-plain")
    drawn(tab, 3)
    assert marks(tab, "training-parts") == 0
    thumb = tab.locator(".training-slider [role=slider]")
    thumb.focus()
    for _ in range(3):
        tab.keyboard.press("ArrowLeft")
        tab.wait_for_timeout(150)
    tab.wait_for_function("() => window.location.search.includes('step=')")
    wait_for_marks(tab, "training-parts", 1)
    wait_for_marks(tab, "training-compared", 3)
    point(tab, "training-parts", "0", 5)
    wait_for_text(tab, ".training-step", "1,000")
    tab.wait_for_timeout(400)
    point(tab, "training-parts", "0", 10, ("Shift",))
    wait_for_text(tab, ".training-step", "1,000; pinned 2,000")
    tab.keyboard.press("Escape")
    wait_for_text(tab, ".training-step", "8,000 (the last)")
    assert "pin=multiply-plain" in tab.url
