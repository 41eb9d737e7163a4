"""Serve the app on this machine with waitress, a production server without a debugger."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import suppress

from apps.dashboard.app import create_app
from apps.dashboard.settings import Settings
from interp.errors import InterpError

THREADS = 8


def serve(settings: Settings) -> None:
    """Serve until Ctrl-C; raises InterpError when the port is taken."""
    from waitress.server import create_server

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every request that waits for a thread
    with listener(settings.host, settings.port) as bound:
        app = create_app(settings)
        server = create_server(app.server, sockets=[bound], threads=THREADS, ident="")
        address = f"http://{settings.host}:{settings.port}"
        print(f"Arithmoscope on {address} (store: {settings.store}; Ctrl-C stops)", file=sys.stderr)
        with suppress(KeyboardInterrupt):
            server.run()
        server.close()


def listener(host: str, port: int) -> socket.socket:
    """Return a socket bound to a loopback address; InterpError when the port is taken."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise InterpError(
            f"Port {port} of {host} cannot be used ({error.strerror}). Choose another: --port {port % 65535 + 1}"
        ) from error
    return bound
