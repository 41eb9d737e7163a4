"""Help comes at once: half a second of computing and none of the heavy packages."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

ASK = """
import contextlib, io, sys
sys.argv = ["interp", *sys.argv[1:]]
from interp.cli import main
try:
    main()
finally:
    heavy = {"torch", "pydantic", "transformers", "xarray", "numpy", "plotly", "rich", "dash"}
    print("HEAVY", sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
COMMANDS = [
    "models",
    "tasks",
    "train",
    "run",
    "study",
    "generate",
    "activations",
    "figures",
    "runs",
    "index",
    "jobs",
    "worker",
    "app",
    "doctor",
]


def test_help_is_quick_and_imports_nothing_heavy():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", ASK, "--help"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)
    assert set(done.stderr.split("HEAVY ")[1].strip("[]\n").replace("'", "").split(", ")) <= {"rich", ""}
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(interp, command):
    said = interp(command, "--help")
    assert said.code == 0
    assert "Usage: interp" in said.out
    assert said.err == ""


def test_no_command_shows_help(interp):
    said = interp()
    assert said.code == 2
    assert "Usage: interp" in said.out + said.err
    assert "interp: \n" not in said.err
