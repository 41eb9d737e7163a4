"""The app in a real browser: every page, no console error, no request that leaves the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.dashboard.library import Library
from apps.dashboard.pages import PAGES
from interp.store import Jobs, Spec
from tests.apps import browser
from tests.apps.browser import serving, text_of, wait_for_text, wait_until_drawn
from tests.apps.test_pages import flip_a_bit

pytestmark = browser.MARKS


SHOWS = {"/": ("Where and when mental-math computes", 9), "/af1": ("AF1", 4), "/patching": ("Patching", 2)}


@pytest.mark.parametrize("module", PAGES, ids=lambda module: module.PATH)
def test_every_page_loads_and_draws(tab, base, module):
    heading, graphs = SHOWS.get(module.PATH, ("", 0))
    tab.goto(base + module.PATH)
    wait_until_drawn(tab)
    wait_for_text(tab, "h1", heading)
    assert tab.locator(".js-plotly-plot .main-svg:first-of-type").count() >= graphs
    if module.PATH == "/runs":
        tab.locator("#runs-grid .ag-row").first.wait_for()
    assert tab.locator("h1").count() == 1
    assert tab.locator("html").get_attribute("lang") == "en"
    assert tab.locator('[data-title*="Share" i], [data-title*="cloud" i]').count() == 0
    assert tab.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    assert tab.evaluate(
        "() => { const nav = document.querySelector('nav'); return nav.scrollWidth <= nav.clientWidth; }"
    )
    tab.wait_for_function("() => document.title.includes(document.querySelector('h1').textContent)")
    assert "failed" not in text_of(tab, "main")


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
    tab.locator(".twin tbody tr").nth(62).wait_for()  # 9 layers, 7 roles
    assert tab.locator(".twin tbody tr").count() == 63
    assert tab.locator('.twin th[scope="row"]').count() == 2 * 63
    heads = tab.locator(".twin thead th").all_text_contents()
    assert heads == ["layer", "role", "Logit difference recovered", "95 % from", "95 % to", "null"]


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


def test_a_figure_goes_full_screen_and_out_as_files(tab, base):
    tab.goto(f"{base}/af1")
    card = tab.locator(".card").first
    card.locator(".main-svg").first.wait_for()
    card.locator("[data-act=full]").click()
    tab.wait_for_function("() => document.fullscreenElement && document.fullscreenElement.matches('.card')")
    card.locator("[data-act=full]").click()
    tab.wait_for_function("() => !document.fullscreenElement")
    card.locator("summary", has_text="Export").click()
    starts = {"png": b"\x89PNG", "svg": b"<svg", "CSV": b"faithfulness", "HTML": b"<html"}
    for name, start in starts.items():
        with tab.expect_download() as got:
            act = f"[data-act={name}]" if name.islower() else f"a:has-text('{name}')"
            card.locator(act).click()
        assert start in Path(got.value.path()).read_bytes()[:400], name


def test_a_figure_says_where_it_comes_from(tab, base):
    tab.goto(f"{base}/af1")
    tab.locator(".card").first.locator(".main-svg").first.wait_for()
    tab.locator(".card").first.get_by_role("button", name="Where from").click()
    wait_for_text(tab, ".mantine-Drawer-content", "Complete and unchanged")
    wait_for_text(tab, ".mantine-Drawer-content", "weights sha256")


def test_what_is_shown_goes_out_as_json(tab, base):
    tab.goto(f"{base}/patching?layer=4&role=eq")
    wait_for_text(tab, "#patching-detail-title", "layer 4, role eq")
    tab.wait_for_function("() => location.search.includes('run=')")
    with tab.expect_download() as got:
        tab.get_by_role("button", name="View as JSON").click()
    assert got.value.suggested_filename == "view-patching.json"
    found = json.loads(Path(got.value.path()).read_text())
    assert found["address"] == tab.evaluate("() => location.pathname + location.search")
    assert found["selection"]["layer"] == 4
    assert found["runs"][0]["run"] == found["selection"]["run"]


def test_what_failed_opens_from_the_header(tab, small):
    victim = Library(small).of("patching")[0].run_id
    chunks = [path for path in (small / "runs" / victim / "arrays.zarr").rglob("c/*") if path.is_file()]
    flip_a_bit(max(chunks, key=lambda path: path.stat().st_size))
    with serving(small) as base:
        tab.goto(f"{base}/af1")
        wait_until_drawn(tab)
        assert not tab.locator("#errors").is_visible()
        tab.goto(f"{base}/patching")
        wait_for_text(tab, "main", "cannot be read")
        wait_for_text(tab, "#errors", "Errors: 1")
        nav = "(() => { const n = document.querySelector('nav'); return n.scrollWidth <= n.clientWidth; })()"
        assert tab.evaluate(nav)
        tab.locator("#errors").click()
        wait_for_text(tab, ".error-entry", f"run {victim}")
        tab.locator(".error-entry summary").click()
        wait_for_text(tab, ".error-entry pre", "Traceback (most recent call last)")
        tab.locator(".error-entry [data-copy]").click()
        tab.locator(".error-entry [data-copy]", has_text="Cop").wait_for()


def test_a_study_loaded_again_during_a_job_keeps_its_form(tab, small):
    asked = Spec(method="cama", model="mental-math", task="a-b", style="plain", parameters={"n": 77})
    job = Jobs(small).submit(asked)  # no worker lives, so it waits
    with serving(small) as base:
        tab.goto(f"{base}/study")
        tab.locator("#study-state", has_text=f"Job {job.id} waits").wait_for()
        tab.wait_for_function(f"() => location.search.includes('view=job-{job.id}')")
        for _ in range(2):
            tab.wait_for_timeout(500)  # nothing that the page does by itself may change the form
            for value in ("cama", "a-b", "77"):
                assert tab.locator(f".form input[value='{value}']").first.is_visible(), value
            tab.reload()
            tab.locator("#study-state", has_text=f"Job {job.id} waits").wait_for()
        tab.get_by_role("textbox", name="Method").click()
        tab.get_by_role("option", name="study", exact=True).click()
        tab.locator(".form input[value='a-b']").first.wait_for(state="hidden")
        tab.goto("about:blank")  # the page asks on while its server lives
