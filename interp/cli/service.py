"""`interp jobs`, `interp worker`, `interp app`: long work that outlives a terminal, and the page that shows it."""

from __future__ import annotations

import os
import sys
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
    store: opt.Root = None,
    batch_size: opt.Batch = 512,
) -> None:
    """Take jobs from the queue and do them, one at a time, holding the model. Stop with Ctrl-C."""
    from interp.store import Store
    from interp.store import worker as loop

    opened = Store(store)

    def execute(spec: Spec, progress: Progress) -> str:
        from interp.execute import record
        from interp.study import study

        if spec.method == "study":
            return study(spec, opened, progress, batch_size=batch_size)[0]
        return record(spec, opened, progress, batch_size=batch_size)

    say(f"working on {opened.root}; stop with Ctrl-C")
    loop(opened.root, execute, once=once)


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
        as_json({"jobs": [asdict(job) for job in found]})
        return
    table("jobs", ("job", "state", "what", "progress", "message", "run"), [_row(job) for job in found])


@jobs.command()
def submit(
    method: Annotated[str, typer.Argument(help="A method, or study.")],
    model: opt.Model = "mental-math",
    task: opt.Task = None,
    style: opt.Style = "plain",
    sets: opt.Sets = None,
    seed: opt.Seed = 0,
    device: opt.Device = "cpu",
    dtype: opt.Dtype = "float32",
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """Put a question in the queue for a worker."""
    from interp.execute import pinned

    asked = opt.parameters(sets)
    spec = pinned(opt.spec(method, model, task, style, parameters=asked, seed=seed, device=device, dtype=dtype))
    job = _jobs(store).submit(spec, "study" if method == "study" else "method")
    if json:
        as_json({"job": job.id, "state": job.state})
    else:
        say(f"job {job.id} is {job.state}; start a worker with: interp worker")


@jobs.command()
def cancel(job_id: Annotated[int, typer.Argument(help="The number of the job.")], store: opt.Root = None) -> None:
    """Ask a job to stop; a running one stops at its next batch and leaves nothing half-written."""
    found = _jobs(store)
    found.request_cancel(job_id)
    say(f"job {job_id} is {found.get(job_id).state}")


@jobs.command()
def log(job_id: Annotated[int, typer.Argument(help="The number of the job.")], store: opt.Root = None) -> None:
    """Print the log of a job."""
    found = _jobs(store)
    job = found.get(job_id)
    path = found.logs / f"{job.id}.log"
    print(path.read_text() if path.exists() else f"job {job.id} is {job.state} and has written no log yet")


def _jobs(store: Any) -> Jobs:
    from interp.store import Jobs

    return Jobs(store)


def _row(job: Job) -> tuple[object, ...]:
    spec = job.spec
    what = f"{spec.method} of {spec.model}" + (f" on {spec.task} ({spec.style})" if spec.task else "")
    progress = f"{job.done}/{job.total}" if job.total else "-"
    return job.id, job.state, what, progress, job.error or job.message, job.run_id
