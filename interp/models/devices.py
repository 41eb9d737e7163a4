"""Where is it computed, and on how many threads? Checked before the work, put back after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from interp.errors import InterpError


def check_device(device: str) -> None:
    """Raise InterpError unless tensors can be computed on `device`."""
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InterpError(
            f"device {device!r} cannot be used ({reason:.60}); use cpu, or cuda where there is a GPU."
        ) from None


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Compute on `count` threads inside the block (None: as many as before).

    The order of sums, and so the last bit of a number, depends on it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
