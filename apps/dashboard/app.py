"""Build the app: a Dash object over one store. Nothing is global, so two apps live in one process."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from dash import Dash
from flask import request

from apps.dashboard import mishaps, router, whence
from apps.dashboard.components.shell import Theme, shell
from apps.dashboard.downloads import add_downloads
from apps.dashboard.library import Library
from apps.dashboard.pages import PAGES
from apps.dashboard.security import guard
from apps.dashboard.settings import Settings
from apps.dashboard.view_state import add_view_state

THEME_COOKIE = "arithmoscope_theme"

INDEX = """<!DOCTYPE html>
<html lang="en" data-theme="light">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>"""


class ThemedDash(Dash):
    """Dash that writes the reader's theme into the page, so that a dark page never flashes white."""

    def interpolate_index(self, **kwargs: Any) -> str:
        """Return the index page in the theme of the request's cookie."""
        return super().interpolate_index(**kwargs).replace('data-theme="light"', f'data-theme="{theme()}"', 1)


def theme() -> Theme:
    """Return the theme of the present request: "dark" or "light"."""
    return "dark" if request.cookies.get(THEME_COOKIE) == "dark" else "light"


def import_readers() -> None:
    """Import, before any request, what reads datasets.

    The threads of a server must not import these: two threads inside the circular imports of zarr break both, and
    plotly fails on a pandas that another thread is still importing.
    """
    for name in ("pandas", "xarray", "zarr"):
        import_module(name)


def create_app(settings: Settings) -> Dash:
    """Return the app over the store of `settings`; the store need not exist yet."""
    import_readers()
    library = Library(settings.store, settings.read_only)
    app = ThemedDash(
        "arithmoscope",
        assets_folder=str(Path(__file__).parent / "assets"),
        title="Arithmoscope",
        update_title="",
        index_string=INDEX,
        suppress_callback_exceptions=True,
        serve_locally=True,
        enable_mcp=False,
        health_endpoint="health",
        on_error=mishaps.teller(library.errors),
    )
    app.layout = lambda: shell(theme(), str(settings.store), settings.read_only)
    router.register(app, library)
    whence.register(app, library)
    mishaps.register(app, library.errors)
    add_downloads(app.server, library)
    add_view_state(app.server, library)
    for module in PAGES:
        module.register(app, library)
    guard(app.server, list(app.csp_hashes()))
    return app
