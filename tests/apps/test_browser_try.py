"""Try it and New study in a browser with a real worker: a reload, a killed worker, a killed server; nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from interp.store import Jobs, Spec
from interp.store.presence import workers
from tests.apps import browser
from tests.apps.browser import serving, wait_for_text
from tests.store.conftest import until

pytestmark = [*browser.MARKS, pytest.mark.slow]
COLD = 240_000  # milliseconds: a worker imports torch and opens its model


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("bench") / "store"


@pytest.fixture(scope="module")
def base(root):
    with serving(root) as address:
        yield address
    for each in workers(root):
        os.kill(each.pid, signal.SIGKILL)


@contextmanager
def serving_again(root: Path, address: str):
    """Serve the store where it was served before."""
    port = address.rpartition(":")[2]
    process = subprocess.Popen([sys.executable, "-m", "apps.dashboard", "--store", str(root), "--port", port])
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def ask(tab) -> None:
    tab.locator("#try-ask").click()
    tab.wait_for_function("() => location.search.includes('view=job-')")


def test_ask_reload_keep(tab, base, root):
    tab.set_default_timeout(COLD)
    tab.goto(f"{base}/try?v=1&a=17&b=25&layer=6&role=last")
    tab.locator("#try-ask").wait_for()
    tab.wait_for_timeout(500)
    ask(tab)
    wait_for_text(tab, ".finding", "edited it says 79")
    tab.locator(".js-plotly-plot .main-svg").nth(2).wait_for()
    link = tab.evaluate("() => location.href")
    tab.reload()
    wait_for_text(tab, ".finding", "edited it says 79")
    assert tab.evaluate("() => location.href") == link
    assert tab.locator("input[value='17, 25']").count() == 1
    tab.locator("#try-keep").click()
    wait_for_text(tab, "#try-kept", "kept as try-")
    tab.locator("#try-block").click()
    tab.get_by_role("option", name="2", exact=True).click()
    wait_for_text(tab, "#try-attention-title", "block 2")
    tab.wait_for_function("() => document.querySelector('#try-attention-csv').href.includes('layer=2')")
    tab.wait_for_function("() => location.search.includes('layer=2&head=')")
    tab.reload()
    wait_for_text(tab, "#try-attention-title", "block 2")
    tab.locator("#try-lens-whence").click()
    wait_for_text(tab, "[aria-labelledby='try-lens-title'] .pairs", "weights sha256")
    assert "not recorded" not in tab.locator("[aria-labelledby='try-lens-title'] .pairs").text_content()


def test_a_mistake_is_told_and_the_form_stays(tab, base):
    tab.set_default_timeout(COLD)
    tab.goto(f"{base}/try?v=1&a=17&b=125")
    wait_for_text(tab, ".notice-link", "b goes from 0 to 99")
    tab.wait_for_timeout(500)
    tab.locator("input[value='17, 25']").fill("17, 125")
    tab.keyboard.press("Tab")
    ask(tab)
    wait_for_text(tab, "#try-status", "operand b = 125 is out of range; use 0..99")
    assert tab.locator("input[value='17, 125']").count() == 1


def test_a_killed_worker_is_told_and_the_job_is_submitted_again(tab, base, root):
    tab.set_default_timeout(COLD)
    job = Jobs(root).submit(Spec(method="cama", model="mental-math", task="a+b", parameters={"n": 20_000}))
    tab.goto(f"{base}/study?v=1&view=job-{job.id}")
    tab.locator("#study-start").wait_for()
    if not workers(root):
        tab.locator("#study-start").click()
    wait_for_text(tab, "#study-state", "runs")
    for each in workers(root):
        os.kill(each.pid, signal.SIGKILL)
    wait_for_text(tab, "#study-state", "ended without a word; submit the job again")
    tab.locator("#study-again").click()
    wait_for_text(tab, "#study-state", f"Job {job.id + 1}")
    wait_for_text(tab, "#study-state", "runs")
    tab.locator("#study-cancel").click()
    wait_for_text(tab, "#study-state", "was cancelled")


def test_the_server_is_killed_and_the_job_goes_on(context, root):
    """The page that stood open goes on by itself when a server is there again on the same port."""
    tab = context.new_page()  # not `tab`: a dead server is an error in the console
    tab.set_default_timeout(COLD)
    asked = Spec(method="cama", model="mental-math", task="a+b", seed=9, parameters={"n": 20_000})
    job = Jobs(root).submit(asked)
    with serving(root) as first:
        tab.goto(f"{first}/study?v=1&view=job-{job.id}")
        tab.locator("#study-start").wait_for()
        if not workers(root):
            tab.locator("#study-start").click()
        wait_for_text(tab, "#study-state", " of ")
        at_work, beat = [each.pid for each in workers(root)], Jobs(root).get(job.id).heartbeat or 0.0
    assert Jobs(root).get(job.id).active
    tab.locator("#study-state.unanswered").wait_for()
    with serving_again(root, first):
        tab.locator("#study-state:not(.unanswered)").wait_for()
        until(lambda: (Jobs(root).get(job.id).heartbeat or 0.0) > beat)  # the worker went on all the while
        assert Jobs(root).get(job.id).state in ("running", "done")  # a quick machine may be through with it
        assert [each.pid for each in workers(root)] == at_work
        if Jobs(root).get(job.id).active:
            tab.locator("#study-cancel").click()
            until(lambda: not Jobs(root).get(job.id).active)
        shown = {"done": "answered in", "cancelled": "was cancelled"}[Jobs(root).get(job.id).state]
        wait_for_text(tab, "#study-state", shown)
    tab.close()
