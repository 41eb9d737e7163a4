"""One synthetic study for all tests of the app (read only), and a way to build a small store of one's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.dashboard.library import Library
from apps.dashboard.workshop import Workshop
from tests.apps import browser, fixture_store, fixture_whole


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Path:
    """Return the root of a store with the whole synthetic study; tests must not change it."""
    root = tmp_path_factory.mktemp("study") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)  # a store for tests need not survive a power cut
        fixture_store.fill(root, fixture_store.results(("plain", "word_problem")))
    return root


@pytest.fixture(scope="session")
def library(study) -> Library:
    """Return the library over the synthetic study."""
    return Library(study)


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> Path:
    """Return the root of a store in which every page has something to show; tests must not change it."""
    root = tmp_path_factory.mktemp("whole") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        fixture_store.fill(root, fixture_whole.results())
    return root


@pytest.fixture(scope="session")
def whole_library(whole) -> Library:
    """Return the library over the store in which every page has something to show."""
    return Library(whole)


@pytest.fixture
def small(tmp_path) -> Path:
    """Return the root of a store with an accuracy, a patching and an AF1 run of one cell; free to damage."""
    root = tmp_path / "small"
    made = fixture_store
    fixture_store.fill(root, [made.accuracy("a+b", "plain"), made.patching("a+b"), made.af1("a+b")])
    return root


@pytest.fixture
def idle(tmp_path, monkeypatch) -> Library:
    """A library of a store in which no worker is ever started."""
    monkeypatch.setattr(Workshop, "see_to_a_worker", lambda self: None)
    return Library(tmp_path / "store")


@pytest.fixture(scope="module")
def base(study):
    with browser.serving(study) as address:
        yield address


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=browser.browser_path(),
            args=browser.FLAGS,
            viewport={"width": 1280, "height": 800},
        )
        yield opened
        opened.close()


@pytest.fixture
def tab(context, base):
    """Return a tab whose console errors and foreign requests fail the test at its end."""
    page = context.new_page()
    page.set_default_timeout(browser.PATIENCE)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if browser.complains(message) else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda request: None if browser.local(request.url) else wrong.append(f"request to {request.url}")
    )
    yield page
    page.close()
    assert wrong == []
