"""`interp jobs`, `interp worker`, `interp app`: long work that outlives a terminal, and the page that shows it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interp.cli import options as opt
from interp.cli.output import as_json, say, table

if TYPE_CHECKING:
    from interp.progress import Progress
    from interp.store import Job, Jobs, Spec

jobs = typer.Typer(help="Queued work: list, submit, cancel, log.", no_args_is_help=True)


def add(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("worker")(worker)
    app.command("app")(serve)


def worker(
    once: Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")] = False,
    idle: Annotated[float | None, typer.Option(min=1, help="Stop after so many seconds without a job.")] = None,
    store: opt.Root = None,
    batch_size: opt.Batch = 512,
) -> None:
    """Take jobs from the queue and do them, one at a time, holding the model. With --once, exits 1 if one failed."""
    import time

    from interp.store import Jobs, Store
    from interp.store import worker as loop
    from interp.store.tried import Answers

    opened = Store(store)

    def explore(spec: Spec, progress: Progress) -> None:
        from interp.execute import answer, computing_threads, pinned
        from interp.store.facts import commit
        from interp.store.provenance import git

        began = time.time()
        with computing_threads():
            found = answer(spec, progress, batch_size)
        found.attrs["weights_sha256"] = pinned(spec).weights_sha256
        found.attrs["git_commit"] = commit(git()) or ""
        Answers(opened.root).write(spec, found, time.time() - began)

    def execute(spec: Spec, progress: Progress) -> str:
        from interp.execute import record
        from interp.study import study

        if spec.method == "study":
            return study(spec, opened, progress, batch_size=batch_size)[0]
        return record(spec, opened, progress, batch_size=batch_size)

    say(f"working on {opened.root}; stop with Ctrl-C")
    earlier = {job.id for job in Jobs(opened.root).list("failed")}
    ended = loop(opened.root, execute, once=once, explore=explore, idle=idle)
    failed = sorted({job.id for job in Jobs(opened.root).list("failed")} - earlier)
    ends = "1 job" if ended == 1 else f"{ended} jobs"
    say(f"{ends} ended, {len(failed)} failed{''.join(f'; see: interp jobs log {i}' for i in failed)}")
    if failed:
        raise typer.Exit(1)


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but this machine is refused.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8050,
    store: opt.Root = None,
) -> None:
    """Open the app on this store: http://127.0.0.1:8050. It reads results and runs no model."""
    from interp.store import default_root

    root = str(store or default_root())
    arguments = ["-m", "apps.dashboard", "--store", root, "--host", host, "--port", str(port)]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *arguments])


@jobs.command("list")
def listing(store: opt.Root = None, json: opt.Json = False) -> None:
    """List the jobs, newest first."""
    from dataclasses import asdict

    found = _jobs(store).list()
    if json:
        as_json({"jobs": [_plain(asdict(job)) for job in found]})
        return
    table("jobs", ("job", "state", "what", "progress", "message", "run"), [_row(job) for job in found])


@jobs.command()
def submit(
    method: Annotated[str, typer.Argument(help="A method, or study.")],
    model: opt.Model = "mental-math",
    task: opt.Task = None,
    style: opt.Style = "plain",
    split: opt.Split = None,
    n: opt.Count = None,
    sets: opt.Sets = None,
    seed: opt.Seed = 0,
    device: opt.Device = "cpu",
    dtype: opt.Dtype = "float32",
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """Put a question in the queue for a worker."""
    from interp.execute import pinned
    from interp.store import Jobs

    asked = opt.parameters(sets, split=split, n=n)
    spec = pinned(opt.spec(method, model, task, style, parameters=asked, seed=seed, device=device, dtype=dtype))
    job = Jobs(opt.opened(store).root).submit(spec, "study" if method == "study" else "method")
    if json:
        as_json({"job": job.id, "state": job.state})
    else:
        say(f"job {job.id} is {job.state}; start a worker with: interp worker")


@jobs.command()
def cancel(
    job_id: Annotated[int, typer.Argument(help="The number of the job.")],
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """Ask a job to stop; a running one stops at its next batch and leaves nothing half-written."""
    job = _jobs(store).request_cancel(job_id)
    if json:
        as_json({"job": job.id, "state": job.state})
    else:
        say(f"job {job.id} is {job.state}")


@jobs.command()
def log(job_id: Annotated[int, typer.Argument(help="The number of the job.")], store: opt.Root = None) -> None:
    """Print the log of a job."""
    found = _jobs(store)
    text = found.log(job_id)
    print(text or f"job {job_id} is {found.get(job_id).state} and has written no log yet", end="" if text else "\n")


def _jobs(store: Path | None) -> Jobs:
    """The jobs of a store that is there: to look at a queue makes none."""
    from interp.store import Jobs

    return Jobs(opt.opened(store, create=False).root)


def _plain(job: dict[str, Any]) -> dict[str, Any]:
    """A job as JSON: its spec as an object, not as text."""
    from json import loads

    return {"spec": loads(job.pop("spec_json")), **job}


def _row(job: Job) -> tuple[object, ...]:
    spec = _plain({"spec_json": job.spec_json})["spec"]
    what = f"{spec['method']} of {spec['model']}" + (f" on {spec['task']} ({spec['style']})" if spec["task"] else "")
    progress = f"{job.done}/{job.total}" if job.total else "-"
    return job.id, job.state, what, progress, job.error or job.message, job.run_id
