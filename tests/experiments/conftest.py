"""Experiments record their runs: in tests in a store of their own, never in the one of the repository."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_store(tmp_path_factory) -> Iterator[None]:
    """The default store of this session's experiments; kept through the session, as their results are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARITHMOSCOPE_STORE", str(tmp_path_factory.mktemp("store")))
        yield
