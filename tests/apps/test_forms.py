"""Forms and questions: every value of a form is checked, a question fills its form again, the command asks the same."""

from __future__ import annotations

import shlex

import pytest

from apps.dashboard import study_form, try_form
from interp.cli.trying import intervention, prompt_of
from interp.errors import InterpError
from interp.store import METHODS, Spec

TRY = dict(try_form.DEFAULTS)


@pytest.mark.parametrize("kind", list(try_form.FIELDS))
@pytest.mark.parametrize("by", ["operands", "prompt"])
def test_a_try_fills_its_form_again(kind, by):
    asked = {**TRY, "kind": kind, "by": by, "prompt": "12+34=", "second": "12+31=" if by == "prompt" else "17, 62"}
    spec = try_form.spec_of(asked)
    assert spec.method == "try"
    again = try_form.values_of(spec)
    assert try_form.spec_of(again) == spec
    assert (again["kind"], again["by"]) == (kind, by)


@pytest.mark.parametrize("kind", list(try_form.FIELDS))
@pytest.mark.parametrize("by", ["operands", "prompt"])
def test_the_command_asks_the_same(kind, by):
    asked = {
        **TRY,
        "kind": kind,
        "by": by,
        "prompt": "it's 12+34=",
        "second": "12+31=",
        "style": "verbal",
        "device": "cuda",
    }
    spec = try_form.spec_of(asked)
    words = shlex.split(try_form.command(spec))
    assert words[:2] == ["interp", "try"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    edit = intervention({name: options.get(f"--{name}") for name in (*try_form.FIELDS, "patch")}, options.get("--from"))
    told = Spec(
        method="try",
        model=options["--model"],
        task=options.get("--task"),
        style=options.get("--style", "plain"),
        device=options["--device"],
        parameters={**prompt_of(words[2]), "intervention": edit},
    )
    assert told == spec


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"operands": "17, x"}, "is no list of operands"),
        ({"operands": ""}, "Operands is empty"),
        ({"operands": "17, -5"}, "is no list of operands"),
        ({"by": "prompt", "prompt": " "}, "Prompt is empty"),
        ({"by": "prompt", "prompt": "1" * 3000}, "use at most 2000"),
        ({"model": ""}, "Model is empty"),
        ({"kind": "steer"}, "'steer' is no intervention"),
        ({"kind": ["patch"]}, "must be a number or text"),
        ({"layer": ""}, "Layer is empty"),
        ({"layer": "two"}, "layer"),
        ({"layer": 2.5}, "layer"),
        ({"layer": -1}, "layer"),
        ({"role": ""}, "Role is empty"),
        ({"component": "z"}, "component"),
        ({"second": ""}, "Second prompt is empty"),
        ({"kind": "plane", "period": 0}, "period"),
        ({"kind": "head", "head": None}, "Head is empty"),
        ({"kind": "head", "head": True}, "must be a number or text"),
    ],
)
def test_a_wrong_value_of_a_try_is_one_line(changes, line):
    with pytest.raises(InterpError, match=line) as said:
        try_form.spec_of({**TRY, **changes})
    assert "\n" not in str(said.value)


def test_a_typed_prompt_names_a_task_only_where_means_are_read():
    asked = {**TRY, "by": "prompt", "prompt": "12+34="}
    assert try_form.spec_of({**asked, "kind": "head"}).task is None
    assert try_form.spec_of({**asked, "kind": "cama"}).task == "a+b"


def start(method: str) -> study_form.Values:
    """The parameters of a form that nobody touched; required ones are 1."""
    found = {each.name: study_form.shown(each, each.default) for each in study_form.fields(method)}
    needed = [each.name for each in study_form.fields(method) if each.default is None and not each.nullable]
    return found | dict.fromkeys(needed, 1)


@pytest.mark.parametrize("method", study_form.ASKED)
def test_an_untouched_form_asks_the_defaults(method):
    values = {"method": method, "model": "m", "task": "a+b", "seed": 0}
    spec = study_form.spec_of(values, start(method))
    required = {"l_wait": 1, "l_transfer": 1} if method == "window" else {}
    assert spec == Spec(method=method, model="m", task=spec.task, parameters=required)
    assert all(each.tip for each in study_form.fields(method))


def test_every_method_but_two_can_be_launched():
    assert set(METHODS) - set(study_form.ASKED) == {"try", "train"}


@pytest.mark.parametrize("method", study_form.ASKED)
def test_the_command_of_a_study_asks_the_same(method):
    from interp.cli.options import parameters

    asked = start(method)
    for each in study_form.fields(method):
        if each.kind == "choice":
            asked[each.name] = each.options[-1]
    try:
        spec = study_form.spec_of({"method": method, "model": "m", "task": "a+b", "seed": 3}, asked)
    except InterpError:
        pytest.skip("these last choices do not go together")
    words = shlex.split(study_form.command(spec))
    sets = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    told = Spec(method=method, model="m", task=spec.task, seed=3, parameters=parameters(sets))
    assert told == spec


@pytest.mark.parametrize(
    ("method", "parameters", "line"),
    [
        ("cama", {"n": ""}, "n is empty"),
        ("cama", {"n": 0}, "n = 0"),
        ("cama", {"variants": ["nonsense"]}, "variants"),
        ("cama", {"split": "half"}, "split"),
        ("probe_learning", {"layers": ["two"]}, "'two' is no number"),
        ("nonsense", {}, "cannot be launched here"),
        ("try", {}, "cannot be launched here"),
        ("train", {}, "cannot be launched here"),
    ],
)
def test_a_wrong_value_of_a_study_is_one_line(method, parameters, line):
    asked = start(method) if method in study_form.ASKED else {}
    with pytest.raises(InterpError, match=line) as said:
        study_form.spec_of({"method": method, "model": "m", "task": "a+b"}, {**asked, **parameters})
    assert "\n" not in str(said.value)


def test_an_empty_field_is_null_where_null_is_allowed():
    spec = study_form.spec_of(
        {"method": "cama", "model": "m", "task": "a+b"}, start("cama") | {"n_reference": "", "variants": []}
    )
    assert spec.parameters["n_reference"] is None
    assert spec.parameters["variants"] is None


def test_unknown_fields_of_the_browser_are_left_out():
    asked = start("lens") | {"weights_sha256": "x", "__class__": 1}
    assert study_form.spec_of({"method": "lens", "model": "m", "task": "a+b"}, asked).parameters["n"] == 500
