"""New study as functions: the queue and the method of an address, the cost before the launch, what is told of a job."""

from __future__ import annotations

import time

import pytest
from dash import html

from apps.dashboard import ids, study_form
from apps.dashboard.components import job_table
from apps.dashboard.components.study_controls import label_of
from apps.dashboard.library import Library
from apps.dashboard.pages import study, study_moves
from apps.dashboard.router import show
from apps.dashboard.view_state import view_state
from apps.dashboard.waiting import said_of
from apps.dashboard.workshop import workshop
from interp.errors import InterpError
from interp.store import Jobs, Spec
from tests.apps.test_pages import parts, words
from tests.store.test_jobs import change


def _is(part, kind: str) -> bool:
    return isinstance(getattr(part, "id", None), dict) and part.id.get("type") == kind


def test_a_study_page_lists_jobs_and_names_a_method(idle):
    jobs = Jobs(idle.root)
    first, second = (jobs.submit(Spec(method="lens", model="m", task="a+b", seed=seed)) for seed in (0, 1))
    found = show(idle, "/study", f"?v=1&metric=cama&view=job-{first.id}", "light")[0]
    values = {part.id["name"]: part.value for part in parts(found) if _is(part, "study-field")}
    assert values["method"] == "cama"
    names = [part.id["name"] for part in parts(found) if _is(part, "parameter-field")]
    assert names == ["n", "split", "variants", "n_reference", "given"]
    grid = next(part for part in parts(found) if getattr(part, "id", None) == ids.STUDY_GRID)
    assert [row["id"] for row in grid.rowData] == [str(second.id), str(first.id)]
    assert grid.selectedRows == {"ids": [str(first.id)]}
    assert "There is no job 99" in words(show(idle, "/study", "?view=job-99", "light")[0])
    assert "There is no method 'steer'" in words(show(idle, "/study", "?metric=steer", "light")[0])


def form(found) -> dict:
    """Return what the fields of the page hold, those of the method's parameters too."""
    kinds = ("study-field", "parameter-field")
    return {part.id["name"]: part.value for part in parts(found) if any(_is(part, kind) for kind in kinds)}


def hides_the_task(found) -> bool:
    (line,) = (part for part in parts(found) if getattr(part, "id", None) == ids.shown_with("study", "task"))
    return line.hidden


def test_a_page_loaded_again_during_a_job_keeps_what_was_asked(idle):
    asked = Spec(method="cama", model="add-5", task="a-b", seed=3, parameters={"n": 77, "variants": ["zero"]})
    job = Jobs(idle.root).submit(asked)
    found = show(idle, "/study", f"?v=1&view=job-{job.id}", "light")[0]
    values = form(found)
    told = {"method": "cama", "model": "add-5", "task": "a-b", "seed": 3, "n": 77, "variants": ["zero"]}
    assert {name: values[name] for name in told} == told
    parameters = {name: values[name] for name in ("n", "split", "variants", "n_reference", "given")}
    assert study_form.spec_of(values, parameters) == asked
    assert not hides_the_task(found)
    assert form(show(idle, "/study", "", "light")[0])["method"] == "cama"  # the job that is shown without an address


def test_an_address_says_more_than_a_job_and_stays(idle):
    job = Jobs(idle.root).submit(Spec(method="cama", model="add-5", task="a-b", parameters={"n": 77}))
    found = view_state(idle, "/study", "?v=1&metric=lens&task=a%2Bb%2Bc")
    assert found["address"] == f"/study?v=1&task=a%2Bb%2Bc&view=job-{job.id}&metric=lens"
    values = form(show(idle, "/study", found["address"].removeprefix("/study"), "light")[0])
    assert (values["method"], values["task"], values["n"]) == ("lens", "a+b+c", 500)


def test_a_job_of_another_release_leaves_the_form_as_it_starts(idle):
    jobs = Jobs(idle.root)
    change(jobs, jobs.submit(Spec(method="lens", model="m", task="a+b")), spec_json='{"method": "gone"}')
    assert form(show(idle, "/study", "", "light")[0])["method"] == "study"


@pytest.mark.parametrize(("method", "hidden"), [("study", True), ("spectrum", True), ("lens", False)])
def test_task_and_style_are_asked_where_they_apply(idle, method, hidden):
    assert hides_the_task(show(idle, "/study", f"?metric={method}", "light")[0]) is hidden
    assert (study_form.spec_of({**study.DEFAULTS, "method": method}, {}).task is None) is hidden


def test_a_read_only_study_page_shows_the_queue_and_launches_nothing(tmp_path):
    Jobs(tmp_path).submit(Spec(method="lens", model="m", task="a+b"))
    library = Library(tmp_path, read_only=True)
    found = show(library, "/study", "", "light")[0]
    text = words(found)
    assert "This app only reads" in text
    assert "interp jobs submit" in text
    buttons = {part.id: part.disabled for part in parts(found) if isinstance(part, html.Button) and part.id}
    assert buttons[ids.STUDY_LAUNCH]
    assert buttons[ids.STUDY_START]
    with pytest.raises(InterpError, match="read only"):
        study_moves.launch(workshop(library), study.DEFAULTS, {})


def test_a_cancelled_job_is_said_once(idle):
    jobs = Jobs(idle.root)
    job = jobs.submit(Spec(method="lens", model="m", task="a+b"))
    for error, said in ((f"job {job.id} was cancelled", ""), ("", ""), ("the server stopped", ": the server stopped")):
        change(jobs, job, state="cancelled", error=error, finished=time.time())
        assert said_of(workshop(idle), jobs.get(job.id)) == f"Job {job.id} was cancelled{said}."


def test_the_cost_is_told_before_the_launch(idle):
    values = {**study.DEFAULTS, "method": "patching"}
    text = words(study_moves.estimate(idle, values, {"n": 50}))
    assert "50 prompts" in text
    assert "No earlier run" in text
    assert "interp run patching --model mental-math --task a+b --set n=50" in text
    assert "n = 0" in words(study_moves.estimate(idle, values, {"n": 0}))
    assert "unknown task" in words(study_moves.estimate(idle, {**values, "task": "a*b"}, {}))
    with pytest.raises(InterpError, match="unknown model"):
        study_moves.launch(workshop(idle), {**values, "model": "nonsuch"}, {})
    assert workshop(idle).jobs() == []


def test_earlier_runs_tell_the_pace_and_what_is_recorded(small):
    library = Library(small)
    line = library.of("patching")[0]
    spec = library.opened(line.run_id).manifest["spec"]
    values = {**study.DEFAULTS, "method": "patching", "model": spec["model"], "task": spec["task"]}
    text = words(study_moves.estimate(library, values, spec["parameters"]))
    assert f"Recorded already as {line.run_id}" in text


def test_what_is_told_of_a_job(idle):
    jobs, work = Jobs(idle.root), workshop(idle)
    job = jobs.submit(Spec(method="lens", model="m", task="a+b"))
    name, _, bar, log, run, no_cancel, no_again = job_table.told(work, work.job(job.id))
    assert (name, bar, run, no_cancel, no_again) == (f"Job {job.id}: lens on a+b (plain), m", 0, "", False, True)
    assert "no log yet" in log
    change(jobs, job, state="failed", error="the worker ended", finished=time.time())
    _, state, _, _, _, no_cancel, no_again = job_table.told(work, work.job(job.id))
    assert (words(state), no_cancel, no_again) == ("the worker ended", True, False)
    change(jobs, job, spec_json="nonsense")
    assert job_table.rows([work.job(job.id)])[0]["method"] == "?"
    assert job_table.told(work, None)[0] == "No job yet"


def test_a_parameter_is_called_by_its_words_and_a_symbol_by_itself():
    assert [label_of(name) for name in ("tasks", "n_accuracy", "l_wait", "n", "top_k")] == [
        "Tasks", "n_accuracy", "l_wait", "n", "Top k",
    ]  # fmt: skip
