"""A tiny training that nobody disturbed, a copy to damage, and its recipe."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .recipes import written


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A training in bf16 that nobody disturbed."""
    from interp.models.train import train

    directory = tmp_path_factory.mktemp("whole")
    train(str(written(directory.parent)), directory / "out")
    return directory / "out"


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


@pytest.fixture
def recipe(tmp_path) -> str:
    return str(written(tmp_path))
