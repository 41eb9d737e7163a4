"""Serve the app on this machine with waitress, a production server without a debugger."""

from __future__ import annotations

import sys
import threading
from importlib import import_module

from apps.dashboard.app import create_app
from apps.dashboard.settings import Settings
from interp.errors import InterpError

THREADS = 8


def warm() -> None:
    """Import what the first page needs, while the reader's browser starts."""
    import_module("xarray")
    import_module("zarr")


def serve(settings: Settings) -> None:
    """Serve until Ctrl-C; raises InterpError when the port is taken."""
    from waitress.server import create_server

    app = create_app(settings)
    threading.Thread(target=warm, daemon=True).start()
    try:
        server = create_server(app.server, host=settings.host, port=settings.port, threads=THREADS, ident="")
    except OSError as error:
        raise InterpError(
            f"Port {settings.port} of {settings.host} cannot be used ({error.strerror}). Choose another: --port "
            f"{settings.port + 1}"
        ) from error
    print(
        f"Arithmoscope on http://{settings.host}:{settings.port} (store: {settings.store}; Ctrl-C stops)",
        file=sys.stderr,
    )
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
