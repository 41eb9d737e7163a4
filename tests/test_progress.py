"""Progress reaches a terminal as a bar, a log as a line now and then, and nothing else."""

import io
import sys

from interp import progress


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_whose_rate_is_of_this_sitting(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.bar("train") as report:
        report(900, 1000, "loss 0.1")
        report(901, 1000, "loss 0.2")
    assert "train" in screen.getvalue()
    assert "901/1000" in screen.getvalue()
    assert "loss 0.2" in screen.getvalue()


def test_a_log_gets_a_line_every_half_minute(monkeypatch, capsys):
    clock = iter([0.0, 10.0, 31.0, 31.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.bar("train") as report:
        report(1, 9, "one")
        report(2, 9, "two")
        report(3, 9, "three")
    shown = capsys.readouterr()
    assert shown.err == "train: 2/9 two\n"
    assert shown.out == ""


def test_silence_is_silent(capsys):
    progress.silent(1, 2, "three")
    assert capsys.readouterr() == ("", "")
