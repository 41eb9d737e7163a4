"""What the app is started with: which store, on which address, and whether it may write."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from interp.errors import InterpError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _default_store() -> Path:
    return Path(os.environ.get("ARITHMOSCOPE_STORE") or "store")


@dataclass(frozen=True)
class Settings:
    """Raises InterpError for an address other machines could reach, or a port that is none.

    `store` is the store's root ($ARITHMOSCOPE_STORE, else ./store). `host` is taken from here alone: Dash would let
    the environment variable HOST decide. The app has no users and no passwords, so it serves this machine only.
    """

    store: Path = field(default_factory=_default_store)
    host: str = "127.0.0.1"
    port: int = 8050
    read_only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", Path(self.store))
        if self.host not in LOOPBACK:
            raise InterpError(
                f"The app serves this machine only, not {self.host!r}: it has no login. Use 127.0.0.1, and an SSH "
                "tunnel (ssh -L 8050:127.0.0.1:8050 HOST) to look at it from elsewhere."
            )
        if not 0 < self.port < 65536:
            raise InterpError(f"{self.port} is not a port. Choose one from 1 to 65535, such as 8050.")
