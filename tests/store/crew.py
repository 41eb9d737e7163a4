"""Workers in processes of their own.

python crew.py claim ROOT   two forked processes claim jobs until none waits; prints {pid: [ids]}
python crew.py work ROOT    one worker, until none waits; what a job does is its Spec's task (see `execute`)
python crew.py serve ROOT   one worker, until it is stopped
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from interp.errors import InterpError
from interp.progress import Progress
from interp.store import Jobs, Spec, worker


def execute(spec: Spec, progress: Progress) -> str:
    """Do what the task says: quick, steps (asks for news 50 times a second), silent (never), fail, break or exit."""
    print(f"working on {spec.task} as {os.getpid()}", flush=True)
    if spec.task == "fail":
        raise InterpError("the task cannot be done; choose another")
    if spec.task == "break":
        raise RuntimeError("broken\nin two lines")
    if spec.task == "exit":
        sys.exit(3)
    for step in range(500 if spec.task == "steps" else 1):
        progress(step, 500, "step")
        time.sleep(0.02)
    if spec.task == "silent":
        time.sleep(20)
    progress(500, 500, "finished")
    return f"run-{spec.seed}"


def claim(root: Path) -> dict[str, list[int]]:
    jobs = Jobs(root)
    readers = []
    for _ in range(2):
        read, write = os.pipe()
        if os.fork() == 0:
            claimed = []
            while job := jobs.claim():
                claimed.append(job.id)
                time.sleep(0.001)
            os.write(write, json.dumps(claimed).encode())
            os._exit(0)
        os.close(write)
        readers.append(read)
    claims = {}
    for number, read in enumerate(readers):
        os.wait()
        claims[str(number)] = json.loads(os.read(read, 65536))
        os.close(read)
    return claims


if __name__ == "__main__":
    action, root = sys.argv[1], Path(sys.argv[2])
    if action == "claim":
        print(json.dumps(claim(root)))
    else:
        print("ready", flush=True)
        print(worker(root, execute, once=action == "work", poll=0.02, beat=0.1))
