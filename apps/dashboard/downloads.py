"""What a figure shows, as files: `/download/RUN/DRAWING.csv` and `.html`, made when asked and kept nowhere.

The CSV is the variable the figure shows with its interval, nulls and n, one line a point, in full precision. The HTML
page holds the figure and plotly itself, and opens without a server or a network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask, Response, abort

from apps.dashboard.library import Library
from apps.dashboard.selection import RUN_ID
from interp.errors import InterpError
from interp.figures import FIGURES, GRAPH_CONFIG, Drawing, schema

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import xarray as xr


def add_downloads(server: Flask, library: Library) -> None:
    """Add the two addresses to the server; what does not exist is a 404 that says so."""

    @server.get("/download/<run_id>/<name>.csv")
    def csv(run_id: str, name: str) -> Response:
        drawing, dataset = _found(library, run_id, name)
        return _made(lambda: as_csv(dataset, drawing.shows), f"{run_id}-{name}.csv", "text/csv")

    @server.get("/download/<run_id>/<name>.html")
    def page(run_id: str, name: str) -> Response:
        drawing, dataset = _found(library, run_id, name)
        return _made(lambda: as_html(drawing(dataset)), f"{run_id}-{name}.html", "text/html")


def as_csv(dataset: xr.Dataset, shows: str) -> str:
    """Return `shows` and what stands beside it (interval, nulls, n) as a table, one line for each of its points."""
    schema.need(dataset, shows)
    main = dataset[shows]
    beside = [
        str(name)
        for name, each in dataset.data_vars.items()
        if name != shows
        and set(each.dims) <= set(main.dims)
        and (str(name).startswith(f"{shows}_") or "null" in str(name) or name == "n")
    ]
    coordinates = [str(name) for name in main.coords if name not in main.dims]
    chosen = dataset[[shows, *beside]].drop_vars(coordinates)
    if not main.dims:
        return chosen.expand_dims("estimate").to_dataframe().to_csv(index=False)
    table = chosen.to_dataframe()
    return table.reset_index().to_csv(index=False)


def as_html(figure: go.Figure) -> str:
    """Return the figure as a page that stands alone."""
    return figure.to_html(include_plotlyjs=True, config=GRAPH_CONFIG, full_html=True)


def _found(library: Library, run_id: str, name: str) -> tuple[Drawing, xr.Dataset]:
    if not RUN_ID.fullmatch(run_id):
        abort(404, f"{run_id[:40]!r} is not a run id.")
    try:
        method = library.opened(run_id).manifest["spec"]["method"]
        drawing = next((each for each in FIGURES.get(method, ()) if each.name == name), None)
        if drawing is None:
            abort(404, f"Run {run_id} has no figure {name[:40]!r}.")
        return drawing, library.dataset(run_id)
    except InterpError as error:
        abort(404, str(error))


def _made(make: Callable[[], str], name: str, mimetype: str) -> Response:
    """Return what `make` makes as a file; a result that lacks what the figure shows is a 404 that says so."""
    try:
        text = make()
    except InterpError as error:
        abort(404, str(error))
    return Response(text, mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'})
