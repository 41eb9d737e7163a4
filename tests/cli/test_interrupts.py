"""Ctrl-C in a real terminal, in the middle of the work: exit code 130, one line, whole runs and nothing else."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

from interp.store import Store

PARTS = 12


def watch(process: subprocess.Popen[bytes], terminal: int, seen, patience: float = 240) -> str:
    """Return what the process wrote to its terminal until `seen(text)`, or until it ended when `seen` is None."""
    text, end = "", time.monotonic() + patience
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                text += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # the other end is closed
                return text
        if seen is not None and seen(text):
            return text
        if process.poll() is not None and not select.select([terminal], [], [], 0)[0]:
            return text
    raise AssertionError(f"waited in vain; the terminal shows {text[-400:]!r}")


def started(*arguments: object) -> tuple[subprocess.Popen[bytes], int]:
    """Start `interp` with a terminal for its stderr; SIGINT is not ignored, whatever that of the tests is."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))  # a bar needs room
    process = subprocess.Popen(
        [sys.executable, "-c", "from interp.cli import main; main()", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    return process, ours


@pytest.mark.slow
def test_ctrl_c_in_a_study_keeps_the_parts_that_are_done(interp, checkpoint, tmp_path):
    sets = ['styles=["plain"]', "n_accuracy=100", 'cells=["a+b","a-b"]', 'methods=["ablation","patching","probing"]']
    arguments = ["study", "--model", checkpoint, *[word for value in sets for word in ("--set", value)]]
    process, terminal = started(*arguments)
    try:
        watch(process, terminal, lambda text: re.search(rf"[7-9]/{PARTS}", text))  # in the causal methods
        process.send_signal(signal.SIGINT)
        said = watch(process, terminal, None)
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
        os.close(terminal)
    last = said.replace("\r", "\n").strip().splitlines()[-1]
    assert last.endswith("interp: stopped; what was recorded before is kept, nothing is half-written.")
    assert "Traceback" not in said
    done = Store().list()
    assert 6 <= len(done) < PARTS
    assert {run.status for run in done} == {"complete"}
    assert all(list(Store().verify(run.run_id)) == [] for run in done)
    assert {path.name for path in (tmp_path / "store" / "runs").iterdir()} == {run.run_id for run in done}
    parts = interp(*arguments, "--json").json["parts"]
    assert len(parts) == PARTS
    assert {run.run_id for run in done} <= {part["run_id"] for part in parts}  # it went on from there


@pytest.mark.slow
def test_ctrl_c_before_anything_is_asked(interp, checkpoint, tmp_path):
    process, terminal = started("run", "accuracy", "--model", checkpoint, "--task", "a+b")
    try:
        time.sleep(1.5)  # it still imports torch
        process.send_signal(signal.SIGINT)
        said = watch(process, terminal, None)
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
        os.close(terminal)
    assert "Traceback" not in said
    assert not list(tmp_path.glob("store/runs/*"))
