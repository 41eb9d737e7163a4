"""Every page times every selection: what a page shows is what its address says, and no address is an error."""

from __future__ import annotations

import pytest
from dash.development.base_component import Component
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.dashboard import ids
from apps.dashboard.components.notice import LINK
from apps.dashboard.library import Library
from apps.dashboard.page import Request
from apps.dashboard.pages import PAGES
from apps.dashboard.selection import CARRIED, KNOWN, Selection, parse
from apps.dashboard.understood import UNDERSTOOD, understood
from tests.apps import fixture_whole
from tests.apps.fixture_parts import MODEL
from tests.apps.fixture_store import STYLES, TASKS

NAMED = {module.PATH: module for module in PAGES}
ROLES = ("bos", "a", "op1", "b", "eq", "last", "input", "nowhere")
VIEWS = ("circuit", "spectra", "circles", "neurons", "method", "task", "patch", "head", "job-1", "job-x", "nothing")
PINS = ("resid_pre 2 a", "z 1.2 eq", "3.1", "T=5", "T=0", "b@1@eq", "carry@2@eq", "3-3", "step=20", "modadd-59", "x y")
COUNT = st.none() | st.integers(0, 9) | st.integers(0, 999_999)


def opened(library: Library, path: str, selection: Selection) -> tuple[Selection, list[str]]:
    """Return the selection that a page writes into the address, and its notices; an error is not caught."""
    asked, notices = parse(selection.search)
    asked, strange = understood(library, path, NAMED[path].NAME, asked)
    request = Request(asked, [*notices, *strange], "light")
    page = NAMED[path].layout(library, request)
    parts = [part for part in page._traverse() if isinstance(part, Component)]
    store = next(part for part in parts if getattr(part, "id", None) == ids.SELECTION)
    assert store.data["path"] == path
    found, wrong = parse(store.data["search"])
    assert wrong == []
    return found, [text for part in parts if getattr(part, "className", "") == LINK for text in said(part)]


def said(notices: Component) -> list[str]:
    """Return the lines of the notices about a link."""
    return [line.to_plotly_json()["props"]["children"] for line in notices.to_plotly_json()["props"]["children"]]


def cases(library: Library) -> list[tuple[str, Selection]]:
    """Return the links of the fixture, and a plain one to each page that has none there."""
    known = fixture_whole.full(library)
    rest = {path for path in NAMED} - {path for path, _ in known}
    return [*known, *((path, Selection(model=MODEL, task="a+b")) for path in sorted(rest))]


def test_a_full_selection_is_kept_by_its_page(whole_library):
    for path, selection in cases(whole_library):
        kept, notices = opened(whole_library, path, selection)
        assert notices == [], path
        lost = [name for name in vars(selection) if getattr(selection, name) not in (None, ())]
        named = {name: getattr(kept, name) for name in lost} if path in dict(fixture_whole.full(whole_library)) else {}
        assert {name: getattr(selection, name) for name in named} == named, path
        assert opened(whole_library, path, kept) == (kept, []), path


def drawn_selections(library: Library) -> st.SearchStrategy[Selection]:
    """Return selections of which many parts are there and many are not."""
    runs = st.none() | st.sampled_from([line.run_id for line in library.runs()] + ["no-such-run"])
    return st.builds(
        Selection,
        run=runs,
        against=runs,
        model=st.sampled_from([None, MODEL, "modadd-59", "no-model"]),
        task=st.sampled_from([None, *TASKS, "a*b"]),
        style=st.sampled_from([None, *STYLES, "song"]),
        view=st.none() | st.sampled_from(VIEWS),
        window=st.none() | st.sampled_from(["3-2", "0-0", "8-0", "999-999"]),
        metric=st.sampled_from([None, "recovered", "size", "signed", "train_loss", "method", "patching", "no-metric"]),
        target=st.sampled_from([None, "a", "b", "result", "carry", "no-target"]),
        layer=COUNT,
        head=COUNT,
        role=st.none() | st.sampled_from(ROLES),
        example=COUNT,
        a=COUNT,
        b=COUNT,
        period=st.sampled_from([None, 2.0, 5.0, 10.0, 3.7, 1e-9, 9e5]),
        step=COUNT,
        node=st.sampled_from([None, "MLP 1", "head 1.0", "head 9.9", "no-node"]),
        edges=COUNT,
        pin=st.lists(st.sampled_from(PINS), max_size=4, unique=True).map(tuple),
    )


def silent(asked: Selection, kept: Selection, said: str) -> list[str]:
    """Return what an address asks and the page neither keeps nor names in a notice; what is only carried aside."""
    names = [name for name in KNOWN if name not in (*CARRIED, "pin")]
    lost = [name for name in names if getattr(asked, name) not in (None, getattr(kept, name))]
    return [f"{name}={getattr(asked, name)}" for name in lost if str(getattr(asked, name)) not in said] + [
        f"pin={pin}" for pin in asked.pin if pin not in kept.pin and pin not in said
    ]


@pytest.mark.slow
@pytest.mark.parametrize("path", NAMED)
def test_no_selection_is_an_error_and_what_is_shown_opens_again_as_it_is(whole_library, path):
    @settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(drawn_selections(whole_library))
    def check(selection: Selection) -> None:
        kept, lines = opened(whole_library, path, selection)
        assert silent(selection, kept, " ".join(lines)) == []
        again, notices = opened(whole_library, path, kept)
        assert again == kept
        assert notices == [] or kept == selection  # a page with nothing to show leaves the address alone

    check()


def test_every_page_says_what_of_an_address_it_takes():
    assert set(UNDERSTOOD) == set(NAMED)


@pytest.mark.parametrize("path", NAMED)
def test_what_a_page_does_not_show_is_left_out_and_said(whole_library, path):
    strange = Selection(edges=3, example=4, step=5, against="x", period=2.0)
    asked = strange.but(**{name: None for name in UNDERSTOOD[path] if name in ("edges", "example", "step", "period")})
    kept, said = understood(whole_library, path, "This page", asked)
    lost = [name for name in KNOWN if getattr(asked, name) not in (None, ()) and name not in UNDERSTOOD[path]]
    assert len(said) == len(lost) > 1
    assert all(getattr(kept, name) is None for name in lost)
    assert f"This page shows no {lost[0]}: {lost[0]}=" in said[0]
