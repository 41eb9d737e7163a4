"""What a figure shows, as files: `/download/RUN/DRAWING.csv` and `.html`, made when asked and kept nowhere.

The CSV is the variable the figure shows with its interval, nulls and n, one line a point, in full precision. The HTML
page holds the figure and plotly itself, and opens without a server or a network. An address may say what of the run was
chosen (`?metric=accuracy`, see chosen_files.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, request

from apps.dashboard.chosen_files import chosen_data, chosen_figure
from apps.dashboard.library import Library
from apps.dashboard.selection import RUN_ID
from interp.counted import count_name, on_selection
from interp.errors import InterpError
from interp.figures import FIGURES, GRAPH_CONFIG, Drawing, schema

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import xarray as xr

NULLS = "null"
"""The dim along which a result keeps several nulls."""


def add_downloads(server: Flask, library: Library) -> None:
    """Add the two addresses to the server; what does not exist is a 404 that says so."""

    @server.get("/download/<run_id>/<name>.csv")
    def csv(run_id: str, name: str) -> Response:
        drawing, method, dataset = _found(library, run_id, name)
        data = partial(chosen_data, drawing, dataset, method, _search())
        return _made(lambda: _csv(*data()), f"{run_id}-{name}.csv", "text/csv")

    @server.get("/download/<run_id>/<name>.html")
    def page(run_id: str, name: str) -> Response:
        drawing, method, dataset = _found(library, run_id, name)
        figure = partial(chosen_figure, drawing, dataset, method, _search())
        return _made(lambda: as_html(figure()), f"{run_id}-{name}.html", "text/html")


def _search() -> str:
    return request.query_string.decode("utf-8", "replace")


def _csv(dataset: xr.Dataset, shows: str | None) -> str:
    return as_csv(dataset, shows) if shows else dataset.to_dataframe().to_csv(index=False)


def as_csv(dataset: xr.Dataset, shows: str) -> str:
    """Return `shows` and what stands beside it (interval, nulls, n) as a table, one line for each of its points."""
    schema.need(dataset, shows)
    main = dataset[shows]
    chosen = main.to_dataset(name=shows).assign(_beside(dataset, shows))
    chosen = chosen.drop_vars([str(name) for name in chosen.coords if name not in main.dims])
    if not main.dims:
        return chosen.expand_dims("estimate").to_dataframe().to_csv(index=False)
    return chosen.to_dataframe().reset_index().to_csv(index=False)


def _beside(dataset: xr.Dataset, shows: str) -> dict[str, xr.DataArray]:
    """Return the columns beside `shows`; of nulls that a result keeps several of, one column each."""
    found: dict[str, xr.DataArray] = {}
    for name in (str(each) for each in dataset.data_vars if each != shows and _belongs(str(each), shows)):
        array, extra = dataset[name], set(dataset[name].dims) - set(dataset[shows].dims)
        if not extra:
            found[name] = array
        elif extra == {NULLS}:
            labels = dataset[NULLS].to_numpy() if NULLS in dataset.coords else range(dataset.sizes[NULLS])
            found |= {f"{name}_{label}": array.isel({NULLS: i}, drop=True) for i, label in enumerate(labels)}
    return found


def _belongs(name: str, shows: str) -> bool:
    """Return whether `name` is an interval, a null or the n of `shows`, of the same split."""
    if name == count_name(shows) or name.startswith(f"{shows}_"):
        return True
    return "null" in name and (not name.startswith("null_majority") or on_selection(name) == on_selection(shows))


def as_html(figure: go.Figure) -> str:
    """Return the figure as a page that stands alone."""
    return figure.to_html(include_plotlyjs=True, config=GRAPH_CONFIG, full_html=True)


def _found(library: Library, run_id: str, name: str) -> tuple[Drawing, str, xr.Dataset]:
    if not RUN_ID.fullmatch(run_id):
        abort(404, f"{run_id[:40]!r} is not a run id.")
    try:
        method = library.opened(run_id).manifest["spec"]["method"]
        drawing = next((each for each in FIGURES.get(method, ()) if each.name == name), None)
        if drawing is None:
            abort(404, f"Run {run_id} has no figure {name[:40]!r}.")
        return drawing, method, library.dataset(run_id)
    except InterpError as error:
        abort(404, str(error))


def _made(make: Callable[[], str], name: str, mimetype: str) -> Response:
    """Return what `make` makes as a file; a result that lacks what the figure shows is a 404 that says so."""
    try:
        text = make()
    except InterpError as error:
        abort(404, str(error))
    return Response(text, mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'})
