"""`python -m apps.dashboard --store store --port 8050`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from apps.dashboard.settings import Settings
from interp.errors import InterpError


def main(argv: list[str] | None = None) -> int:
    """Serve the app until Ctrl-C; return the exit code (2 for a mistake in the arguments)."""
    parser = argparse.ArgumentParser(prog="arithmoscope-app", description=__doc__)
    parser.add_argument("--store", type=Path, default=Settings().store, help="root of the store (default: %(default)s)")
    parser.add_argument("--host", default=Settings.host, help="a loopback address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=Settings.port, help="default: %(default)s")
    parser.add_argument("--read-only", action="store_true", help="never write to the store")
    options = parser.parse_args(argv)
    try:
        settings = Settings(options.store, options.host, options.port, options.read_only)
        from apps.dashboard.serve import serve

        serve(settings)
    except InterpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
