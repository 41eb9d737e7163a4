"""In what order are the parts made? As written, several at once where there are cores, each after those it waits for.

What is made and still follows from the present code is left alone, so a stopped command goes on where it was.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

from experiments.figures.build import Place, build, read_part, stamp
from experiments.figures.experiment import Experiment, Part
from interp.cli.output import say
from interp.progress import SAY_EVERY, bar


class Job(NamedTuple):
    """One part that has to be made, and the stamp it gets."""

    experiment: str
    part: Part
    mark: str

    @property
    def name(self) -> str:
        """Return EXPERIMENT/PART."""
        return f"{self.experiment}/{self.part.name}"


def missing(found: tuple[Experiment, ...], out: Path, fresh: bool = False) -> list[Job]:
    """Return the parts that are not made, or not of the present code, in order."""
    jobs = []
    for each in found:
        mark = stamp(each.name)
        here = [Job(each.name, part, mark) for part in each.parts]
        jobs += [job for job in here if fresh or read_part(out / each.name / job.part.name).get("stamp") != mark]
    return jobs


def make(jobs: list[Job], place: Place, workers: int) -> None:
    """Make the parts with `workers` processes, telling what is done and about how long the rest takes."""
    clock = Clock(jobs, workers)
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            with bar(job.name) as progress:
                spent = build(job.experiment, job.part.name, place, job.mark, progress)
            clock.done(job, spent)
        return
    # a fresh interpreter for each: torch and its threads do not survive a fork
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_one_thread)
    try:
        _together(pool, workers, jobs, place, clock)
    finally:
        pool.shutdown(cancel_futures=True)


def _together(pool: ProcessPoolExecutor, workers: int, jobs: list[Job], place: Place, clock: Clock) -> None:
    """Hand out the parts as soon as those they wait for are done; a failure ends it after what is running."""
    waiting, running, unfinished = list(jobs), dict[Future[float], Job](), {job.name for job in jobs}
    while waiting or running:
        for job in list(waiting):
            first = {f"{job.experiment}/{name}" for name in job.part.after}
            if not first & unfinished and len(running) < workers:
                running[pool.submit(build, job.experiment, job.part.name, place, job.mark)] = job
                waiting.remove(job)
        done, _ = wait(running, timeout=SAY_EVERY, return_when=FIRST_COMPLETED)
        for future in done:
            job = running.pop(future)
            spent = future.result()
            unfinished.discard(job.name)
            clock.done(job, spent)
        if not done:
            clock.tell(f"at work: {', '.join(job.name for job in running.values())}")


def _one_thread() -> None:
    """Let each process compute on one core; parts that run beside each other would fight for more."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a part at once; its folder appears whole or not at all
    os.environ["ARITHMOSCOPE_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)


class Clock:
    """Says what is done and how long the rest takes, by the measured minutes of each part."""

    def __init__(self, jobs: list[Job], workers: int) -> None:
        self.began, self.left, self.count, self.made = time.monotonic(), list(jobs), len(jobs), 0.0
        self.workers = workers
        if jobs:
            minutes = sum(job.part.minutes for job in jobs)
            say(f"{len(jobs)} parts to make, about {minutes / workers:.0f} minutes with {workers} processes")

    def done(self, job: Job, spent: float) -> None:
        """Tell that a part is made, and in how many seconds of CPU."""
        self.left.remove(job)
        self.made += job.part.minutes
        self.tell(f"{job.name} ({spent:.0f} s of CPU)")

    def tell(self, what: str) -> None:
        """Say how far the work is: at the pace so far, or at two cores' where nothing is done yet."""
        spent = (time.monotonic() - self.began) / 60
        pace = spent / self.made if self.made else 1 / self.workers
        rest = pace * sum(each.part.minutes for each in self.left)
        say(f"[{self.count - len(self.left)}/{self.count}] {what}; {spent:.0f} min gone, about {rest:.0f} min left")
