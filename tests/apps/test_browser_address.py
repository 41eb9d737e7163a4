"""Every page in a real browser: the address that a page writes opens it again as it was, without a notice."""

from __future__ import annotations

import pytest

from tests.apps import browser
from tests.apps.browser import serving, wait_until_drawn
from tests.apps.test_address import NAMED, cases

pytestmark = [*browser.MARKS, pytest.mark.slow]


@pytest.fixture(scope="module")
def base(whole):
    with serving(whole) as address:
        yield address


def written(tab) -> str:
    """Return the address once the page has written it: the title of the tab is set with it."""
    wait_until_drawn(tab)
    tab.wait_for_function("() => document.title === document.querySelector('h1').textContent + ' · Arithmoscope'")
    return tab.evaluate("() => location.pathname + location.search")


@pytest.mark.parametrize("path", NAMED)
def test_an_address_opens_again_as_it_was(tab, base, whole_library, path):
    for selection in [selection for page, selection in cases(whole_library) if page == path]:
        tab.goto(f"{base}{path}{selection.search}")
        first = written(tab)
        assert tab.locator(".notice-link").count() == 0
        tab.wait_for_timeout(300)  # nothing that the page does by itself may move the address
        tab.reload()
        assert written(tab) == first
        assert tab.locator(".notice-link").count() == 0
