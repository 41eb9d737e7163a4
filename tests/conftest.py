"""What every test may ask for: a checkpoint that no one has heard of, and a machine without a network."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkpoint import save_checkpoint


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory) -> Iterator[Path]:
    """Where planted models are built in tests: not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("cache")
        patch.setenv("ARITHMOSCOPE_CACHE", str(place))
        yield place


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """A plain checkpoint directory outside the zoo (`tests.checkpoint`). Tests leave it as it is."""
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def no_network(monkeypatch) -> list[object]:
    """Refuse every connection and return the list of attempts; the switches that turn the hub off are off."""
    import huggingface_hub.constants

    tried: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        tried.append(arguments)
        raise OSError("no network in this test")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    return tried
