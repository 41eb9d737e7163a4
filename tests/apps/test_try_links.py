"""Links into Try it: what the link of a page says is what the form there shows."""

from __future__ import annotations

import pytest
from dash import dcc

from apps.dashboard import try_form
from apps.dashboard.components.patching_try import pairs_of
from apps.dashboard.components.try_link import TEXT, following
from apps.dashboard.desk import desk
from apps.dashboard.library import Library
from apps.dashboard.patches import component_of
from apps.dashboard.router import show
from apps.dashboard.selection import Selection, parse
from apps.dashboard.try_address import PATH, href, values_at
from tests.apps import fixture_patches, fixture_whole
from tests.apps.fixture_parts import MODEL
from tests.apps.test_page_try_it import form
from tests.apps.test_pages import parts


def links(component) -> list[str]:
    found: list = parts(component)
    return [part.href for part in found if isinstance(part, dcc.Link) and part.children == TEXT]


def values(asked: Selection) -> try_form.Values:
    return values_at(asked, desk().catalogue())


ASKED = {
    "/af1": {"kind": "window", "l_wait": 2, "l_transfer": 3},
    "/patching": {"kind": "patch", "component": "resid_pre", "layer": 4, "role": "eq"},
    "/probing": {"kind": "patch", "component": "resid_pre", "layer": 1, "role": "eq"},
    "/attention": {"kind": "head", "layer": 3, "head": 1},
    "/operands": {"kind": "none", "operands": "3, 4"},
    "/fourier": {"kind": "plane", "layer": 1, "period": 10.0},
}


@pytest.mark.parametrize("path", ASKED)
def test_what_the_link_says_is_what_the_form_shows(whole_library, idle, path):
    selection = next(chosen for page, chosen in fixture_whole.full(whole_library) if page == path)
    (link,) = links(show(whole_library, path, selection.search, "light")[0])
    assert link.startswith(f"{PATH}?v=1&model={MODEL}&task=a%2Bb")
    shown = form(show(idle, PATH, link.removeprefix(PATH), "light")[0])
    told = {"model": MODEL, "task": "a+b", "style": "plain", **ASKED[path]}
    assert {name: shown[name] for name in told} == told
    assert try_form.spec_of(shown).model == MODEL
    assert parse(link.removeprefix(PATH))[1] == []


def test_each_component_asks_what_try_it_can_write_and_a_head_is_knocked_out(tmp_path):
    library = Library(fixture_patches.fill(tmp_path))
    asked = {}
    for line in (*library.of("patching"), *library.of("head_patching")):
        search = Selection(run=line.run_id, layer=1, role="eq").search
        (link,) = links(show(library, "/patching", search, "light")[0])
        found = parse(link.removeprefix(PATH))[0]
        asked[component_of(line)] = (found.view, found.node, found.layer, found.role)
    assert asked == {
        "resid_pre": ("patch", "resid_pre", 1, "eq"), "attn_out": ("patch", "attn_out", 1, "eq"),
        "mlp_out": ("patch", "mlp_out", 1, "eq"), "z": ("head", None, 1, None),
    }  # fmt: skip


def test_no_head_is_offered_before_one_is_locked(whole_library):
    assert links(show(whole_library, "/attention", "", "light")[0]) == []


def test_the_pair_of_a_patch_is_read_from_its_prompts_in_the_order_in_which_it_was_patched(whole_library):
    dataset = whole_library.dataset(whole_library.of("patching")[0].run_id).copy()
    dataset = dataset.assign_coords(prompt=[f"{i}+5=" for i in range(dataset.sizes["prompt"])])
    dataset["prompt_corrupted"] = ("prompt", [f"{i}+7=" for i in range(dataset.sizes["prompt"])])
    assert pairs_of(dataset.assign_attrs(direction="denoising"))[3] == {"a": 3, "b": 7, "pin": ["3, 5"]}
    assert pairs_of(dataset.assign_attrs(direction="noising"))[3] == {"a": 3, "b": 5, "pin": ["3, 7"]}
    dataset["prompt_corrupted"] = ("prompt", ["three and 7"] * dataset.sizes["prompt"])
    assert pairs_of(dataset) == []


def test_a_link_takes_the_place_and_the_pair_from_the_address():
    asked, shown = Selection(model="m", view="patch", layer=1), Selection(layer=4, role="b", head=2, example=1)
    pairs = [{"a": 1, "b": 2, "pin": ["1, 3"]}, {"a": 5, "b": 6, "pin": ["5, 7"]}]
    (link,) = links(following("cell", asked, shown, ("layer", "role"), "said", pairs))
    found = parse(link.removeprefix(PATH))[0]
    assert found == Selection(model="m", view="patch", layer=4, role="b", a=5, b=6, pin=("5, 7",))
    assert href(found) == link


@pytest.mark.parametrize(
    ("asked", "prompts"),
    [
        (Selection(), ("17, 25", "17, 62")),
        (Selection(role="a"), ("17, 25", "62, 25")),
        (Selection(task="a-b"), ("62, 25", "62, 40")),
        (Selection(task="a-b", a=30, b=12), ("30, 12", "30, 25")),
        (Selection(task="a+b+c"), ("31, 12, 8", "31, 31, 8")),
        (Selection(task="a+b@0..9", role="b"), ("6, 2", "6, 6")),
        (Selection(task="no such task"), ("17, 25", "17, 62")),
        (Selection(pin=("5, 6", "5, 7")), ("5, 6", "5, 7")),
        (Selection(a=1, b=2, pin=("1, 3",)), ("1, 2", "1, 3")),
        (Selection(a=1, b=2, pin=("resid_pre 2 a",)), ("1, 2", "1, 62")),
    ],
)
def test_the_prompts_of_an_address_fit_its_task(asked, prompts):
    found = values(asked)
    assert (found["operands"], found["second"]) == prompts


def test_a_window_and_a_component_are_taken_and_an_unknown_kind_is_not():
    found = values(Selection(view="steer", window="3-2", node="mlp_out", period=5.0))
    assert (found["l_wait"], found["l_transfer"], found["component"], found["period"]) == (3, 2, "mlp_out", 5.0)
    assert found["kind"] == try_form.DEFAULTS["kind"]
    assert values(Selection(node="MLP 3"))["component"] == "resid_pre"
