"""Ctrl-C is remembered until the step at hand is over; a second one is obeyed at once."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from interp.models.interrupts import deferred


@pytest.fixture(autouse=True)
def usual_handler():
    """Ctrl-C raises KeyboardInterrupt, as in a fresh interpreter, whatever the tests were started from."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_one_press_is_remembered_and_two_interrupt():
    with deferred() as stopped:
        assert not stopped()
        press()
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            press()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_someone_else_is_left_alone():
    for other in (signal.SIG_IGN, lambda *_: None):
        signal.signal(signal.SIGINT, other)
        with deferred() as stopped:
            assert signal.getsignal(signal.SIGINT) is other
            press()
            assert not stopped()


def test_a_thread_installs_nothing():
    seen = []

    def work() -> None:
        with deferred() as stopped:
            seen.append((stopped(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, signal.default_int_handler)]
