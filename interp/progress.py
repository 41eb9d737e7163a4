"""How long work reports: a callable `(done, total, message)`, called between batches.

The same protocol feeds a terminal bar, the job table and nothing at all. A progress callable may raise
`interp.errors.Cancelled`; loops call it between batches and never catch it, so cancelling is cooperative.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, message: str) -> None:
    """Report nothing."""


SAY_EVERY = 30.0  # seconds between lines where there is no terminal to draw on


@contextmanager
def bar(label: str) -> Iterator[Progress]:
    """Yield a progress callable: a bar on stderr, or a line there every half minute when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield _lines(label)
        return
    from tqdm import tqdm

    with tqdm(desc=label, total=None, file=sys.stderr, leave=False) as drawn:

        def show(done: int, total: int, message: str) -> None:
            if drawn.total is None:
                drawn.initial = done  # work that goes on from earlier: the rate is of this sitting
            drawn.total = total
            drawn.set_postfix_str(message, refresh=False)
            drawn.n = done
            drawn.refresh()

        yield show


def _lines(label: str) -> Progress:
    said = time.monotonic()

    def show(done: int, total: int, message: str) -> None:
        nonlocal said
        if time.monotonic() - said >= SAY_EVERY:
            said = time.monotonic()
            print(f"{label}: {done}/{total} {message}", file=sys.stderr, flush=True)

    return show
