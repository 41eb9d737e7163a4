"""The app: it shows what the store holds, in a browser, on this machine only. It runs no model and imports no torch.

from apps.dashboard import Settings, create_app, serve
serve(Settings(store="store"))          # http://127.0.0.1:8050
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.dashboard.settings import Settings

if TYPE_CHECKING:
    from apps.dashboard.app import create_app
    from apps.dashboard.serve import serve

__all__ = ["Settings", "create_app", "serve"]


def __getattr__(name: str) -> Any:
    """Import Dash only when the app is built, so that reading the settings costs nothing."""
    if name == "create_app":
        from apps.dashboard.app import create_app

        return create_app
    if name == "serve":
        from apps.dashboard.serve import serve

        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
