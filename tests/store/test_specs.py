"""Two Specs share a hash if and only if they ask the same question."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.errors import InterpError
from interp.store import METHODS, PARAMETERS, Spec, forwards, parts, spec_from
from tests.store.conftest import ROOT

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
SPECS = st.builds(
    Spec,
    method=st.just("af1"),
    model=TEXT,
    task=st.none() | TEXT,
    style=TEXT,
    seed=st.integers(0, 2**32 - 1),
    device=st.sampled_from(["cpu", "cuda"]),
    dtype=st.sampled_from(["float32", "float64", "bfloat16", "float16"]),
    weights_sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    parameters=st.fixed_dictionaries(
        {},
        optional={
            "threshold": st.floats(0.01, 1),
            "n_reference": st.none() | st.integers(2, 10**6),
            "n_selection": st.integers(1, 10**6),
            "n_test": st.integers(1, 10**6),
        },
    ),
)


def shuffled(value: object, order: st.DataObject) -> object:
    if not isinstance(value, dict):
        return value
    names = order.draw(st.permutations(list(value)))
    return {name: shuffled(value[name], order) for name in names}


@given(SPECS, st.data())
def test_hash_ignores_order_and_spelled_out_defaults(spec: Spec, data: st.DataObject) -> None:
    mixed = shuffled(spec.model_dump(mode="json"), data)
    assert list(spec.parameters) == list(PARAMETERS["af1"].model_fields)
    again = spec_from(json.dumps(mixed))
    assert again == spec
    assert again.hash == spec.hash
    assert hash(again) == hash(spec)


@given(SPECS, SPECS)
def test_hash_is_equality(one: Spec, two: Spec) -> None:
    assert (one.hash == two.hash) == (one.model_dump() == two.model_dump())


CHANGES = {
    "method": "lens",
    "model": "other",
    "task": "a-b",
    "style": "verbal",
    "seed": 1,
    "device": "cuda",
    "dtype": "bfloat16",
    "weights_sha256": "0" * 64,
}


@pytest.mark.parametrize("field", [*CHANGES, *(f"parameters.{name}" for name in PARAMETERS["patching"].model_fields)])
def test_hash_changes_with_every_field(spec: Spec, field: str) -> None:
    changes = {
        "n": 3, "split": "all", "recipe": "flip_carry", "place": "b", "component": "mlp_out", "direction": "noising",
        "source": "mean", "metric": "prob_diff", "n_reference": 5,
    }  # fmt: skip
    name = field.removeprefix("parameters.")
    changed = spec.but(parameters={name: changes[name]}) if name in changes else spec.but(**{field: CHANGES[field]})
    assert set(CHANGES) | {"parameters"} == set(Spec.model_fields)
    assert changed.hash != spec.hash


def test_hash_is_the_sha256_of_the_canonical_text() -> None:
    text = (
        '{"device":"cpu","dtype":"float32","method":"lens","model":"é","parameters":{"n":500,"split":"test"},'
        '"seed":0,"style":"plain","task":"a+b","weights_sha256":null}'
    )
    spec = Spec(method="lens", model="é", task="a+b")
    assert spec.hash == hashlib.sha256(text.encode()).hexdigest()


def test_a_spec_is_frozen_and_copies_well(spec: Spec) -> None:
    with pytest.raises(TypeError, match="frozen"):
        spec.parameters["n"] = 3
    with pytest.raises(TypeError, match="frozen"):
        spec.parameters |= {"n": 3}
    with pytest.raises(ValueError, match="frozen"):
        spec.seed = 3  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec) == spec
    assert spec.settings == PARAMETERS["patching"]()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"method": "patchng"}, "unknown method 'patchng'. Did you mean patching"),
        ({"parameters": {"recipes": "x"}}, "unknown parameter 'recipes' of patching. Did you mean recipe"),
        ({"parameters": {"batch_size": 8}}, "unknown parameter 'batch_size' of patching"),
        ({"parameters": {"n": 1}}, "patching: n = 1 is not valid: input should be greater than or equal to 2"),
        ({"parameters": {"recipe": "swap"}}, "'swap_operand', 'swap_operator' or 'flip_carry'"),
        ({"taks": "a+b"}, "unknown parameter 'taks' of spec. Did you mean task?"),
        ({"seed": -1}, "spec: seed = -1 is not valid"),
        ({"dtype": "int8"}, "spec: dtype = 'int8' is not valid"),
        ({"weights_sha256": "abc"}, "spec: weights_sha256 = 'abc' is not valid"),
        ({"model": ""}, "spec: model = '' is not valid"),
        ({"method": "af1", "parameters": {"threshold": float("nan")}}, "af1: threshold = nan is not valid"),
        ({"method": "af1", "parameters": {"threshold": 1.5}}, "less than or equal to 1"),
        ({"method": "cama", "parameters": {"variants": ["cama", "cama"]}}, "at least one thing, each once"),
        ({"method": "spectrum", "parameters": {"low": 5, "high": 6}}, "high must be at least low + 3"),
        ({"method": "study", "parameters": {"methods": ["study"]}}, "a study cannot contain the method 'study'"),
    ],
)
def test_a_bad_spec_is_one_line(given: dict[str, object], says: str) -> None:
    with pytest.raises(InterpError) as caught:
        spec_from({"method": "patching", "model": "m", **given})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"method": "lens"}'])
def test_bad_json_is_one_line(text: str) -> None:
    with pytest.raises(InterpError):
        spec_from(text)


REQUIRED = {"window": {"l_wait": 3, "l_transfer": 2}}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_described_and_costed(method: str) -> None:
    spec = Spec(method=method, model="m", parameters=REQUIRED.get(method, {}))
    assert all(field.description for field in PARAMETERS[method].model_fields.values())
    assert method == "train" or "batch_size" not in spec.parameters
    assert spec_from(spec.model_dump_json()) == spec
    assert forwards(spec, 16, 7) >= forwards(spec, 8, 7) >= 0


def test_cost_follows_n_layers_and_roles(spec: Spec) -> None:
    assert forwards(spec, 8, 5) == 200 * (4 + 2 * 9 * 5 / 4)
    assert forwards(spec.but(parameters={"n": 400}), 8, 5) == 2 * forwards(spec, 8, 5)
    assert forwards(Spec(method="spectrum", model="m"), 8, 5) == 0


def test_a_study_is_made_of_specs() -> None:
    study = Spec(method="study", model="m", seed=4, parameters={"n_accuracy": 50})
    made = parts(study, ["a+b", "a-b"], ["plain", "verbal"])
    assert len(made) == 4 + 2 * 11 + 1
    assert len({spec.hash for spec in made}) == len(made)
    assert {spec.seed for spec in made} == {4}
    assert [(s.task, s.style, s.parameters["n"]) for s in made[:2]] == [("a+b", "plain", 50), ("a+b", "verbal", 50)]
    assert made[-1].method == "spectrum"
    assert made[-1].task is None
    assert forwards(study, 8, 7) > sum(forwards(part, 8, 7) for part in made)  # all 36 cells of accuracy
    with pytest.raises(InterpError, match="only a study has parts"):
        parts(made[0], [], [])


def test_importing_the_store_is_light() -> None:
    code = "import sys, interp.store; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    heavy = {"torch", "transformers", "numpy", "xarray", "zarr", "pandas", "pyarrow", "interp.methods", "interp.tasks"}
    assert not loaded & heavy


def test_the_grid_of_windows_is_costed_with_shared_trunks() -> None:
    small, large = (Spec(method="af1", model="m", parameters={"n_selection": n}) for n in (100, 200))
    by_hand = 1 + 3 * 33 + 33 / 2 + (32**2 - 1) / (6 * 5) + 1  # answered, three wait sweeps, trunks, tails, clean
    assert forwards(large, 32, 5) - forwards(small, 32, 5) == pytest.approx(100 * by_hand)


def test_a_given_window_costs_no_search() -> None:
    for method in ("abp", "alternatives", "heads"):
        searched = Spec(method=method, model="m")
        where = {"l_wait": 3} if method == "abp" else {"l_wait": 3, "l_transfer": 2}
        assert forwards(searched.but(parameters=where), 8, 5) < forwards(searched, 8, 5)
        assert forwards(searched.but(parameters={"n_selection": 10}), 8, 5) < forwards(searched, 8, 5)


@pytest.mark.parametrize("method", ["alternatives", "heads"])
def test_a_window_is_whole_or_open(method: str) -> None:
    for half in ({"l_wait": 1}, {"l_transfer": 1}):
        with pytest.raises(InterpError, match="give both l_wait and l_transfer, or neither"):
            Spec(method=method, model="m", parameters=half)
    assert Spec(method=method, model="m").parameters["l_wait"] is None
    assert Spec(method="abp", model="m", parameters={"l_wait": 0}).parameters["l_wait"] == 0


def test_another_method_takes_what_is_given_and_nothing_of_the_old_one() -> None:
    asked = Spec(method="patching", model="mental-math", task="a+b", parameters={"n": 6})
    other = asked.but(method="ablation", parameters={"n": 7, "n_reference": 12})
    assert (other.parameters["n"], other.parameters["n_reference"]) == (7, 12)
    assert asked.but(method="ablation").parameters["n"] == 500
    assert asked.but(parameters={"n_reference": 12}).parameters["n"] == 6
