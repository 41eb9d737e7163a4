"""How long from the question to the first answer, with a worker that holds the model?

    python -m experiments.benchmarks.try_it            writes try_it.json beside this file, prints a table

    job        from `submit` to `done` in the queue's table, looked at every 20 ms: the queue and the worker
    answer     from `submit` to the tokens and the finding in words: a look every 200 ms, the answer read and checked
    page       ... and to the last of the three figures, which follow
    click      from the click on Ask to the finding on the page, in headless Chromium (`--browser`)

on `mental-math`, a+b, plain, for each intervention; every question is another prompt, so nothing is remembered but
what a warm worker keeps (the model; the means of the task once read). `cold` is the first question to a worker that
has just been started: it imports torch and opens the model; the `first` of `cama` and `window` reads 2,048 reference
prompts. Wall time, which the other work of the machine stretches: its load (1 min average over cores) is told beside
it, and `cpu` is what an answer costs whatever the load: seconds of the worker and of the app's process (Linux).
"""

from __future__ import annotations

import json
import os
import platform
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.dashboard.app import import_readers
from apps.dashboard.components import try_result
from apps.dashboard.pages.try_answer import source
from apps.dashboard.workshop import Workshop
from interp.cli.output import say, table
from interp.errors import InterpError
from interp.store import Job, Spec, spec_from
from interp.store.presence import workers

OUT = Path(__file__).with_suffix(".json")
EDITS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "patch": {"kind": "patch", "layer": 3, "role": "b", "operands": [17, 62]},
    "cama": {"kind": "cama", "l_wait": 2},
    "abp": {"kind": "abp", "l_wait": 2, "l_transfer": 2},
    "window": {"kind": "window", "l_wait": 2, "l_transfer": 2},
    "plane": {"kind": "plane", "layer": 2, "role": "a", "period": 10},
    "head": {"kind": "head", "layer": 2, "head": 1},
}
POLL = 0.2  # seconds between two looks of the page


def question(edit: dict[str, Any] | None, k: int) -> Spec:
    """Return the k-th question under an intervention."""
    asked = {"operands": [10 + k % 80, 7 + (3 * k) % 80], "intervention": edit}
    return spec_from({"method": "try", "model": "mental-math", "task": "a+b", "parameters": asked})


def until_done(work: Workshop, job: Job, every: float) -> Job:
    """Return the job as it ended, looking at it every so many seconds. Raises InterpError unless it was answered."""
    while job.active:
        time.sleep(every)
        job = work.job(job.id)
    if job.state != "done":
        raise InterpError(f"job {job.id} was {job.state}: {job.error}")
    return job


def through_the_queue(work: Workshop, spec: Spec) -> float:
    """Return the seconds from submit to done."""
    began = time.perf_counter()
    until_done(work, work.submit(spec, "try"), 0.02)
    return time.perf_counter() - began


def through_the_page(work: Workshop, spec: Spec) -> tuple[float, float]:
    """Return the seconds from submit to the finding, and to the figures, with the looks of the page."""
    began = time.perf_counter()
    done = until_done(work, work.submit(spec, "try"), POLL)
    answer = work.answer(done)
    if answer is None:
        raise InterpError("the answer was not there; is the disk full?")
    try_result.tokens(answer)
    found = time.perf_counter() - began
    try_result.result(answer, "light", "", source(done, answer))
    return found, time.perf_counter() - began


def in_a_browser(root: Path, n: int) -> list[float]:
    """Return the seconds from the click on Ask to the finding, of n patches."""
    from playwright.sync_api import sync_playwright

    from tests.apps.browser import FLAGS, browser_path, serving

    seconds = []
    with serving(root) as base, sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        opened = playwright.chromium.launch_persistent_context(profile, executable_path=browser_path(), args=FLAGS)
        tab = opened.new_page()
        tab.set_default_timeout(120_000)
        tab.goto(f"{base}/try?v=1")
        field = tab.get_by_label("Operands", exact=True)
        field.wait_for()
        tab.wait_for_timeout(1000)
        for k in range(n + 2):
            field.fill(f"{11 + k}, 25")
            tab.wait_for_timeout(400)
            began = time.perf_counter()
            tab.locator("#try-ask").click()
            tab.locator(".finding", has_text=f"{11 + k}+25=").wait_for()
            seconds.append(time.perf_counter() - began)
        opened.close()
    return seconds[2:]  # the first ones import and compile


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process has used; nan where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Return median, p95 and n."""
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"median": round(statistics.median(ordered), 3), "p95": round(p95, 3), "n": len(ordered)}


def main(
    n: Annotated[int, typer.Option(min=3, help="Questions of each intervention.")] = 15,
    browser: Annotated[bool, typer.Option(help="Also time the page in headless Chromium.")] = False,
    out: Annotated[Path, typer.Option(help="Where the numbers are written.")] = OUT,
) -> None:
    """Time questions of every kind to one warm worker."""
    import_readers()
    with tempfile.TemporaryDirectory() as folder:
        work = Workshop(Path(folder) / "store")
        try:
            found = measured(work, n, browser)
        finally:
            for each in workers(work.root):
                os.kill(each.pid, signal.SIGKILL)
    out.write_text(json.dumps(found, indent=2) + "\n")
    rows = [(name, *(f"{each[what]['median']:.2f} ({each[what]['p95']:.2f})" for what in ("job", "answer", "page")),
             f"{each['first']:.2f}") for name, each in found["seconds"].items()]  # fmt: skip
    table("seconds to an answer, median (p95)", ("intervention", "job", "answer", "page", "first of its kind"), rows)
    say(f"first question of a worker that was just started: {found['cold']:.1f} s; click: {found['click']}")


def measured(work: Workshop, n: int, browser: bool) -> dict[str, Any]:
    """Return every number of the file."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    cold = through_the_queue(work, question(None, 0))
    seconds = {}
    for i, (name, edit) in enumerate(EDITS.items()):
        first = through_the_queue(work, question(edit, 1 + 200 * i))
        pid = work.workers()[0].pid
        used = cpu_of(pid)
        job = [through_the_queue(work, question(edit, 2 + k)) for k in range(n)]
        used = cpu_of(pid) - used
        own = time.process_time()
        page = [through_the_page(work, question(edit, 30 + k)) for k in range(n)]
        cpu = {"worker": round(used / n, 3), "app": round((time.process_time() - own) / n, 3)}
        found, drawn = zip(*page, strict=True)
        seconds[name] = {
            "first": round(first, 3),
            "job": spread(job),
            "answer": spread(found),
            "page": spread(drawn),
            "cpu": cpu,
        }
        say(f"{name}: {seconds[name]}")
    click = spread(in_a_browser(work.root, n)) if browser else None
    about = {"cores": os.cpu_count(), "python": platform.python_version(), "load_per_core": round(load, 2)}
    return {"model": "mental-math", "machine": about, "cold": round(cold, 2), "seconds": seconds, "click": click}


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
