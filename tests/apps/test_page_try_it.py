"""Try it as functions: the form an address fills, what each state of a job shows, what the browser may not send."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pandas as pd
import pytest
from dash import dcc

from apps.dashboard import ids, try_form
from apps.dashboard.app import create_app
from apps.dashboard.components import try_controls, try_result
from apps.dashboard.drawn import Answer
from apps.dashboard.library import Library
from apps.dashboard.pages import try_moves
from apps.dashboard.router import show
from apps.dashboard.settings import Settings
from apps.dashboard.workshop import workshop
from interp.errors import InterpError
from interp.store import Jobs, Spec, Store
from interp.store.tried import Answers
from tests.apps.fixture_trial import trial
from tests.apps.test_pages import parts, words
from tests.store.test_jobs import change

PATCH = {"kind": "patch", "layer": 4, "role": "b", "operands": [17, 62]}
QUESTION = Spec(
    method="try",
    model="waits-2-2",
    task="a-b",
    style="verbal",
    parameters={"operands": [30, 12], "intervention": PATCH},
)


def page(library: Library, search: str = "", theme: str = "light"):
    return show(library, "/try", search, theme)[0]


def form(component) -> dict[str, object]:
    """The values of the form on a page."""
    found = {}
    for part in parts(component):
        name = getattr(part, "id", None)
        if isinstance(name, dict) and name.get("type") == "try-field":
            found[name["name"]] = part.value
    return found


def ended(library: Library, state: str = "done", answered: bool = True, **columns: object) -> int:
    jobs = Jobs(library.root)
    job = jobs.submit(QUESTION, "try")
    change(jobs, job, state=state, started=time.time() - 1, finished=time.time(), **columns)
    if answered:
        Answers(library.root).write(QUESTION, trial())
    return job.id


def test_the_form_starts_with_a_question_that_can_be_asked(idle):
    values = form(page(idle))
    assert set(values) == set(try_form.NAMES)
    assert try_form.spec_of(values).model == "mental-math"
    assert not idle.root.exists()


def test_an_address_fills_the_form(idle):
    found = page(idle, "?v=1&model=add-5&task=a-b&style=verbal&a=30&b=12&layer=0&role=op1&head=2&view=head")
    values = form(found)
    told = {name: values[name] for name in ("model", "task", "style", "operands", "layer", "role", "head", "kind")}
    assert told == {
        "model": "add-5", "task": "a-b", "style": "verbal", "operands": "30, 12", "layer": 0, "role": "op1", "head": 2,
        "kind": "head",
    }  # fmt: skip
    hidden = {part.id["name"]: part.hidden for part in parts(found) if _is(part, "try-shown")}
    assert [name for name, gone in hidden.items() if not gone] == ["operands", "layer", "head", "cut"]


def _is(part, kind: str) -> bool:
    return isinstance(getattr(part, "id", None), dict) and part.id.get("type") == kind


def test_a_job_in_the_address_shows_its_question_and_answer(idle):
    number = ended(idle)
    found = page(idle, f"?v=1&view=job-{number}")
    assert try_form.spec_of(form(found)) == QUESTION
    text = words(found)
    for said in ("edited it says 79", "Control: a random change", "answered in", "interp try 30,12 --model waits-2-2"):
        assert said in text, said
    assert sum(isinstance(part, dcc.Graph) for part in parts(found)) == 3
    assert len(parts(found)) < 400
    keep = next(part for part in parts(found) if getattr(part, "id", None) == ids.TRY_KEEP)
    assert not keep.disabled


def test_each_state_of_a_job_is_said(idle):
    expired = ended(idle, answered=False)
    assert "This answer has expired" in words(page(idle, f"?view=job-{expired}"))
    failed = ended(idle, state="failed", error="operand b = 125 is out of range; use 0..99.")
    assert "operand b = 125 is out of range" in words(page(idle, f"?view=job-{failed}"))
    waiting = Jobs(idle.root).submit(QUESTION.but(seed=1), "try").id
    found = page(idle, f"?view=job-{waiting}")
    assert "waits: no worker lives" in words(found)
    awaited = next(part for part in parts(found) if getattr(part, "id", None) == ids.TRY_AWAIT)
    assert awaited.data["wait"]
    assert awaited.data["ms"] == 200


def test_a_job_that_is_none_is_a_notice(idle):
    assert "The link names job 7" in words(page(idle, "?view=job-7"))
    other = Jobs(idle.root).submit(Spec(method="lens", model="m", task="a+b")).id
    assert "is no try; see it on New study" in words(page(idle, f"?view=job-{other}"))


def test_an_answer_that_was_damaged_counts_as_expired(idle):
    number = ended(idle)
    path = Answers(idle.root).folder / f"{QUESTION.hash}.json"
    path.write_bytes(path.read_bytes()[:-40])
    assert "This answer has expired" in words(page(idle, f"?view=job-{number}"))


def test_a_kept_answer_is_read_from_its_run(idle):
    run = Store(idle.root).write(QUESTION, trial()).run_id
    number = ended(idle, answered=False, run_id=run)
    text = words(page(idle, f"?view=job-{number}"))
    assert "edited it says 79" in text
    assert run in text


def test_a_read_only_app_says_what_to_type(tmp_path):
    library = Library(tmp_path, read_only=True)
    text = words(page(library))
    assert "This app only reads" in text
    assert "interp try 17,25" in text
    with pytest.raises(InterpError, match="read only"):
        try_moves.ask(workshop(library), *asked(try_form.DEFAULTS))


def asked(values: dict) -> tuple[list, list]:
    return [{"type": "try-field", "name": name} for name in values], list(values.values())


def test_asking_puts_a_try_in_the_queue_once(idle):
    work = workshop(idle)
    job = try_moves.ask(work, *asked(try_form.DEFAULTS))
    assert (job.kind, job.state, job.spec.parameters["intervention"]["kind"]) == ("try", "queued", "patch")
    assert try_moves.ask(work, *asked(try_form.DEFAULTS)).id == job.id
    assert work.jobs() == []  # no study: New study does not list it
    with pytest.raises(InterpError, match="Layer is empty"):
        try_moves.ask(work, *asked({**try_form.DEFAULTS, "layer": ""}))


def test_figures_stand_beside_their_tables(idle):
    dataset = trial()
    table = try_result.predictions(dataset, "light").table
    assert table is not None
    assert table.rows[0] == ("1", "42 0.9000", "79 0.7000", "42 0.8000")
    shown = try_result.attention(dataset, "dark", 2, 1)
    assert shown.title == "Attention of head 1, block 2 after '17+25='"
    assert shown.table is not None
    figure, title, _, cells = try_moves.headed(dataset, "2", "1", "dark")
    assert (title, figure) == (shown.title, shown.figure)
    assert json.loads(cells)["rows"] == [list(row) for row in shown.table.rows]
    assert cells != try_moves.headed(dataset, "0", "0", "dark")[3]
    for block, head in (("x", "0"), (None, "0"), ("-1", "0"), ("99999", "0")):
        with pytest.raises(InterpError, match="no numbers"):
            try_result.head_of(block, head)
    with pytest.raises(InterpError, match="no head 5 in block 0"):
        try_result.attention(dataset, "light", 0, 5)


def test_every_figure_has_files_and_says_where_it_is_from(idle):
    number = ended(idle)
    Answers(idle.root).write(QUESTION, trial().assign_attrs(weights_sha256="ab" * 32, git_commit="cd" * 20))
    found = page(idle, f"?v=1&view=job-{number}")
    text = words(found)
    for said in ("Where from", f"job {number}", "waits-2-2", "ab" * 32, "cd" * 20, QUESTION.hash, "was not kept"):
        assert said in text, said
    links = [part.href for part in parts(found) if getattr(part, "className", "") == "tool" and hasattr(part, "href")]
    assert len(links) == 6
    client = create_app(Settings(store=idle.root)).server.test_client()
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200, link
        assert f"try-{number}-" in answer.headers["Content-Disposition"]
        assert ("<html" in answer.text) is (".html" in link)
    lens = pd.read_csv(io.StringIO(client.get(f"/download/try/{number}/lens.csv").text))
    assert len(lens) == trial()["lens_answer"].size
    assert lens["lens_answer"].to_numpy() == pytest.approx(trial()["lens_answer"].to_numpy().ravel())
    head = pd.read_csv(io.StringIO(client.get(f"/download/try/{number}/attention.csv?v=1&layer=2&head=1").text))
    pattern = trial()["pattern"][:, 2, 1].to_numpy()
    before = np.tril(np.ones(pattern.shape[1:], dtype=bool))  # a key after the query cannot be seen
    assert head["pattern"].to_numpy() == pytest.approx(pattern[:, before].ravel())
    table = try_result.attention(trial(), "light", 2, 1).table
    assert len(table.rows) == len(head)
    assert table.caption.startswith("attention of head 1, block 2: ")
    looked = words(page(idle, f"?v=1&view=job-{number}&layer=2&head=1"))  # as the address of a chosen head says
    assert "Attention of head 1, block 2" in looked
    assert "The answer has no head 9" in words(page(idle, f"?v=1&view=job-{number}&layer=0&head=9"))
    for gone in (f"/download/try/{number}/attention.csv?layer=0&head=9", "/download/try/99/lens.csv"):
        assert client.get(gone).status_code == 404


def test_the_clean_run_alone_is_shown(idle):
    text = words(try_result.tokens(trial(runs=1)))
    assert "the model says 42" in text
    assert "Control" not in text
    graphs = [
        part
        for part in parts(try_result.result(trial(runs=1), "light", "interp try 17,25", Answer(3, "", ())))
        if isinstance(part, dcc.Graph)
    ]
    assert len(graphs) == 3


def test_fields_come_and_go_with_the_intervention():
    assert set(try_controls.HIDEABLE) == {
        "operands",
        "prompt",
        *(f for fields in try_form.FIELDS.values() for f in fields),
    }
    hidden = dict(zip(try_controls.HIDEABLE, try_controls.hidden("cama", "prompt"), strict=True))
    assert [name for name, gone in hidden.items() if not gone] == ["prompt", "l_wait"]
    assert all(try_controls.hidden("nonsense", "prompt")[2:])
