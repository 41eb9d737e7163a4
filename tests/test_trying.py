"""One prompt and one intervention: laws, a planted truth, controls, and one line for a mistake."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from interp.answers import METHODS, Question, trying
from interp.engine import run
from interp.errors import InterpError
from interp.figures import trial as figures
from interp.models import load as opened
from interp.store import Spec
from interp.tasks import from_operands, named_task

PLANTED = "planted:wait=1,transfer=1,layers=3"
load: Any = cache(opened)  # tests leave a model as it is
FEW = 1500


def ask(model: str = "mental-math", task: str | None = "a+b", style: str = "plain", **parameters: Any) -> Any:
    spec = Spec(method="try", model=model, task=task, style=style, parameters=parameters)
    return METHODS["try"](Question(load(model), spec))


def share(found: Any, name: str) -> float:
    return float(found["answer_probability"].sel(run=name))


def test_the_clean_run_is_the_plain_model():
    found = ask(operands=[17, 25])
    model = load("mental-math")
    prompts = from_operands(named_task("a+b"), model.arith.tokenizer, [[17, 25]])
    logits = run(model, prompts).logits[0].double()
    assert list(found["run"].values) == ["clean"]
    assert found.attrs["target"] == "42"
    assert share(found, "clean") == pytest.approx(float(logits.softmax(-1)[prompts.answer_ids[0]]), abs=1e-6)
    assert found["top_token"].values[0, 0] == model.arith.tokenizer.decode([int(logits.argmax())])
    assert found["token"].values.tolist() == ["<bos>", "17", "+", "25", "="]
    assert found["lens_top"].sel(run="clean", layer=6, role="eq") == pytest.approx(
        float(logits.softmax(-1).max()), abs=1e-5
    )
    np.testing.assert_allclose(found["pattern"].sum("key"), 1, atol=1e-5)
    assert float(found["effect"].sel(run="clean")) == 0


@pytest.mark.parametrize("component", ["resid_pre", "attn_out", "mlp_out"])
def test_a_patch_from_itself_changes_nothing(component):
    found = ask(
        operands=[17, 25], intervention=edit("patch", component=component, layer=2, role="b", operands=[17, 25])
    )
    assert float(found["effect"].sel(run="edited")) == pytest.approx(0, abs=1e-5)
    assert float(found["effect"].sel(run="control")) == pytest.approx(0, abs=1e-5)  # a change of length 0


def test_patching_the_whole_last_stream_is_the_other_prompt():
    found = ask(operands=[17, 25], intervention=edit("patch", layer=6, role="last", operands=[17, 62]))
    other = ask(operands=[17, 62])
    np.testing.assert_allclose(
        found["top_probability"].sel(run="edited"), other["top_probability"].sel(run="clean"), atol=1e-5
    )
    assert found["top_token"].sel(run="edited").values[0] == "79"
    assert found["top_token"].sel(run="control").values[0] == "42"  # a random change as long is not the other answer


def test_operands_and_the_same_text_are_one_prompt():
    by_numbers, typed = ask(operands=[12, 34]), ask(task=None, prompt="12+34=")
    assert share(by_numbers, "clean") == share(typed, "clean")
    assert (by_numbers.attrs["target_is"], typed.attrs["target_is"]) == ("the answer", "the clean run's top token")


def test_a_planted_window_keeps_the_answer_and_its_control_does_not():
    window = edit("window", l_wait=1, l_transfer=1, n_reference=FEW)
    found = ask(PLANTED, operands=[17, 25], intervention=window)
    assert share(found, "clean") > 0.5
    assert share(found, "edited") > 0.5
    assert share(found, "control") < 0.05
    late = ask(PLANTED, operands=[17, 25], intervention=edit("cama", l_wait=2, n_reference=FEW))
    assert share(late, "edited") < 0.05  # nothing had been read while all waited
    peek = ask(PLANTED, operands=[17, 25], intervention=edit("abp", l_wait=1, l_transfer=1))
    assert share(peek, "edited") > 0.5
    assert share(peek, "control") < 0.05  # the last token reads nothing from block 1 on


def test_l_wait_0_is_the_identity():
    found = ask(PLANTED, operands=[17, 25], intervention=edit("cama", l_wait=0, n_reference=FEW))
    assert float(found["effect"].sel(run="edited")) == pytest.approx(0, abs=1e-4)


def test_a_head_that_cannot_read_reads_nothing():
    found = ask(operands=[17, 25], intervention=edit("head", layer=2, head=1))
    shown = found["pattern"].sel(run="edited", block=2, head=1, role="eq", key=["a", "op1", "b"])
    assert (shown == 0).all()
    others = found["pattern"].sel(block=2, role="a")
    np.testing.assert_allclose(others.sel(run="edited"), others.sel(run="clean"), atol=1e-6)
    assert "of the same block instead" in found.attrs["control"]
    silent = ask(operands=[17, 25], intervention=edit("head", layer=2, head=1, cut="output"))
    assert share(silent, "edited") != share(found, "edited")


def test_a_plane_at_its_mean_is_another_activation():
    found = ask(operands=[17, 25], intervention=edit("plane", layer=2, role="a", period=10, n_reference=FEW))
    assert float(found["effect"].sel(run="edited")) != 0
    assert float(found["lens_top"].sel(run="edited", layer=1, role="a")) == pytest.approx(
        float(found["lens_top"].sel(run="clean", layer=1, role="a"))
    )  # nothing before the plane's layer


def test_a_second_question_about_a_task_reads_no_references_again(monkeypatch):
    spec = Spec(method="try", model="mental-math", task="a+b", weights_sha256="0" * 64,
                parameters={"operands": [17, 25], "intervention": edit("cama", l_wait=1, n_reference=FEW)})  # fmt: skip
    question = Question(load("mental-math"), spec)
    first = METHODS["try"](question)
    monkeypatch.setattr(trying, "means_of", lambda *_: pytest.fail("read again"))
    assert METHODS["try"](question).identical(first)
    with pytest.raises(pytest.fail.Exception):
        METHODS["try"](Question(load("mental-math"), spec.but(style="verbal")))
    assert len(trying._readings) <= trying.KEPT


def test_a_toy_model_is_asked_by_residues():
    found = ask("modadd-59", None, operands=[50, 20], intervention=edit("patch", layer=0, role="b", operands=[50, 21]))
    assert found["top_token"].values[:2, 0].tolist() == ["#11", "#12"]


def test_without_a_question_one_is_drawn_from_the_test_split():
    assert ask().attrs["prompt"] == ask().attrs["prompt"]
    assert ask().attrs["split"] == "test"


WRONG = [
    ({"operands": [17, 125]}, "operand b = 125 is out of range; use 0..99"),
    ({"operands": [17]}, "give 2 numbers, not 1"),
    ({"task": None, "prompt": "hello world"}, "tokenizer does not know"),
    ({"task": None, "prompt": " "}, "the prompt is empty"),
    ({"task": None, "operands": [1, 2]}, "operands need a task"),
    ({"task": "a+b.jsonl", "operands": [1, 2]}, "has prompts, no operands"),
    ({"task": "a*b", "operands": [1, 2]}, "unknown task 'a[*]b'"),
    ({"task": "a+b@0..150", "operands": [120, 130]}, "250"),  # an answer this tokenizer has no token for
    ({"intervention": ("patch", {"layer": 2, "role": "x", "operands": [1, 2]})}, "unknown role 'x'"),
    ({"intervention": ("patch", {"layer": 9, "role": "a", "operands": [1, 2]})}, "layer 9 is out of range"),
    ({"intervention": ("patch", {"layer": 2, "role": "a", "prompt": "1+2+3="})}, "are not aligned"),
    ({"intervention": ("cama", {"l_wait": 9})}, "l_wait 9 is more than the 6 blocks"),
    ({"intervention": ("window", {"l_wait": 4, "l_transfer": 4})}, "outside a model of 6 blocks"),
    ({"intervention": ("head", {"layer": 2, "head": 9})}, "head 9 is out of range"),
    ({"intervention": ("plane", {"layer": 2, "role": "op1"})}, "No variable 'op1'"),
    ({"task": None, "prompt": "1+2=", "intervention": ("cama", {"l_wait": 1})}, "reads reference prompts of a task"),
    ({"prompt": "1+2+3=", "intervention": ("cama", {"l_wait": 1, "n_reference": FEW})}, "same task and style"),
    ({"intervention": ("cama", {"l_wait": 1, "n_reference": 2})}, "too few for a mean"),
]


@pytest.mark.parametrize(("asked", "line"), WRONG, ids=[line for _, line in WRONG])
def test_a_mistake_is_one_clear_line(asked, line):
    asked = dict(asked)
    kind = asked.pop("intervention", None)
    how = {"intervention": edit(kind[0], **kind[1])} if kind else {}
    if "prompt" not in asked and "operands" not in asked:
        asked["operands"] = [17, 25]
    with pytest.raises(InterpError, match=line) as said:
        ask(**asked, **how)
    assert "\n" not in str(said.value)


def test_toys_refuse_text_and_numbers_they_do_not_have():
    for how, line in (
        ({"operands": [17, 99]}, "0..58"),
        ({"prompt": "1+1="}, "reads numbers"),
        ({"operands": [1]}, "2 operands"),
    ):
        with pytest.raises(InterpError, match=line):
            ask("modadd-59", None, **how)


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"prompt": "1+2=", "operands": [1, 2]}, "not both"),
        ({"operands": [-1, 2]}, "operands"),
        ({"intervention": {"kind": "patch", "layer": 1, "role": "a"}}, "a patch needs a second prompt"),
        ({"intervention": {"kind": "patch", "layer": 1, "role": "a", "prompt": "x", "operands": [1]}}, "one of"),
        ({"intervention": {"kind": "cama"}}, "l_wait"),
        ({"intervention": {"kind": "steer"}}, "kind"),
        ({"intervention": {"kind": "head", "layer": 0, "head": 0, "cut": "both"}}, "cut"),
        ({"top": 0}, "top"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_is_no_spec(parameters, line):
    with pytest.raises(InterpError, match=line):
        Spec(method="try", model="m", task="a+b", parameters=parameters)


def test_figures_of_a_real_trial_say_what_happened():
    found = ask(operands=[17, 25], intervention=edit("patch", layer=2, role="b", operands=[17, 62]))
    assert figures.summary(found).startswith("'17+25=': the model says 42")
    assert "from layer 6 on" in figures.lens_summary(found)
    assert "looks most at" in figures.attention_summary(found, 2, 1)
    assert figures.predictions_table(found).rows[0][1].startswith("42 0.9")
    with pytest.raises(InterpError, match="no head 9 in block 0"):
        figures.attention(found, block=0, head=9)
    clean = ask(operands=[17, 25])
    assert len(figures.lens(clean).data) == 1
    assert figures.chosen_head(clean) != (0, 9)


def edit(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, **fields}
