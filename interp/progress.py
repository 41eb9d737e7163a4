"""How long work reports: a callable `(done, total, message)`, called between batches.

The same protocol feeds a terminal bar, the job table and nothing at all. A progress callable may raise
`interp.errors.Cancelled`; loops call it between batches and never catch it, so cancelling is cooperative.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, message: str) -> None:
    """Report nothing."""


@contextmanager
def bar(label: str) -> Iterator[Progress]:
    """Yield a progress callable that draws a bar on stderr; draws nothing when stderr is not a terminal."""
    from tqdm import tqdm

    with tqdm(desc=label, total=None, file=sys.stderr, disable=None, leave=False) as drawn:

        def show(done: int, total: int, message: str) -> None:
            drawn.total = total
            drawn.set_postfix_str(message, refresh=False)
            drawn.n = done
            drawn.refresh()

        yield show
