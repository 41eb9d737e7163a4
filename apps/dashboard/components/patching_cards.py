"""The cards of the Patching page: the map beside its null, the pinned places, every component, heads, attribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card, figure_card, missing_card
from apps.dashboard.components.choice import choice
from apps.dashboard.components.dressed import dressed
from apps.dashboard.components.patching_try import cell_link
from apps.dashboard.components.still import still_card
from apps.dashboard.drawn import Source
from apps.dashboard.kin import command, same_cell
from apps.dashboard.library import Library
from apps.dashboard.patches import STREAM, component_of, label_of, place_of, siblings
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import drawing, pairs_compared, patch_maps, patch_tables, places
from interp.figures.places import Cell
from interp.store import RunSummary

if TYPE_CHECKING:
    import xarray as xr

MAP_HEIGHT = 430
SELECTED, PINNED = "#D55E00", "#CC79A7"


def map_card(library: Library, line: RunSummary, cell: Cell, shown: Selection, theme: str) -> Component:
    """Return the card of the map, and the choice of a cell by keyboard."""
    dataset = library.dataset(line.run_id)
    metric = shown.metric or places.kept(dataset)[0]
    figure = patch_maps.metric_map(dataset, metric, theme=theme)
    figure.update_layout(shapes=frames(library, line, dataset, cell, shown.pin))
    layers, roles = sorted({layer for layer, _ in places.rows_of(dataset)}), places.roles_of(dataset)
    heads = sorted({head for _, head in places.rows_of(dataset) if head is not None})
    head = choice(ids.PATCHING_HEAD, "Head", _options(heads), None if cell.head is None else str(cell.head), 116)
    keyboard = html.Div(
        [
            html.Span("Click a cell, or choose it:", className="muted"),
            choice(ids.PATCHING_LAYER, "Layer", _options(layers), str(cell.layer), 116),
            html.Div(head, hidden=not heads),
            choice(ids.PATCHING_ROLE, "Role", _options(roles), cell.role, 126),
        ],
        className="keyboard",
    )
    pins = "Shift-click pins a cell for comparison (up to four); Esc lets go. "
    hint = html.P([pins, *cell_link(library, line, shown)], className="subtitle")
    said, table = patch_maps.summary(dataset, metric), patch_tables.table({component_of(line): dataset}, metric)
    ready = dressed(figure, dataset, said, table=table, source=source(line, metric))
    return figure_card(ready, ids.PATCHING_MAP, MAP_HEIGHT, extra=[keyboard, hint])


def source(line: RunSummary, metric: str) -> Source:
    """Return where the map of a metric comes from; its files are of that metric."""
    return Source(line.run_id, drawing(line.method).name, Selection(metric=metric).search)


def pins_card(library: Library, line: RunSummary, cell: Cell, shown: Selection, theme: str) -> list[Component]:
    """Return the card of the pinned places and the selected one, pair by pair; nothing where nothing is pinned."""
    if not shown.pin:
        return []
    dataset = library.dataset(line.run_id)
    metric = shown.metric or places.kept(dataset)[0]
    compared = {name: place_of(library, line, name) for name in shown.pin}
    compared.setdefault(f"{component_of(line)} {cell.row} {cell.role}", (dataset, cell))
    try:
        figure = pairs_compared.side_by_side(compared, metric, example=shown.example, theme=theme)
        said, table = pairs_compared.summary(compared, metric), pairs_compared.table(compared, metric)
    except InterpError as error:
        return [broken_card("The same pairs at the pinned places", str(error))]
    ready = dressed(figure, dataset, said, table=table, source=Source(line.run_id, None))
    return [figure_card(ready, ids.PATCHING_COMPARED, 320)]


def components_card(library: Library, line: RunSummary, metric: str, theme: str) -> Component:
    """Return the card of all components of the stream on one scale, and how to run those that are missing."""
    title = "Every component of the stream"
    found = stream_runs(library, line, metric)
    known = siblings(library, line)
    lacking = [name for name in STREAM if name not in found]
    again = "; ".join(name for name in lacking if name in known)
    how = (
        html.Div(
            html.Details(
                [
                    html.Summary(
                        f"Not run for this question: {', '.join(lacking)}"
                        + (f" (run before this metric was kept with its null: {again})" if again else "")
                    ),
                    *(html.Pre(html.Code(_command(line, name)), className="commands") for name in lacking),
                ],
                className="fold",
            ),
            className="needs",
        )
        if lacking
        else html.Div()
    )
    if len(found) < 2:
        lines = [_command(line, name) for name in ("attn_out", "mlp_out")]
        return missing_card(title, "Only one component was run for this question. Run others:", *lines)
    datasets = {name: library.dataset(run.run_id) for name, run in found.items()}
    try:
        figure = patch_maps.components(datasets, metric, theme=theme)
    except InterpError as error:
        return broken_card(title, str(error))
    first = next(iter(datasets.values()))
    said = "A click opens the map of that component, with its null and its pairs."
    where = Source(next(iter(found.values())).run_id, None)
    ready = dressed(figure, first, said, table=patch_tables.table(datasets, metric), source=where)
    return figure_card(ready, ids.PATCHING_COMPONENTS, 300, extra=[how])


def stream_runs(library: Library, line: RunSummary, metric: str) -> dict[str, RunSummary]:
    """Return the runs of the components of the stream that keep `metric`, in the order of the panels."""
    found = siblings(library, line)
    return {
        name: found[name]
        for name in STREAM
        if name in found and metric in places.kept(library.dataset(found[name].run_id))
    }


def heads_run(library: Library, line: RunSummary) -> RunSummary | None:
    """Return the run of heads that stands beside a map of the stream: of their outputs, else of any part of them."""
    found = siblings(library, line)
    return next((found[name] for name in found if name not in STREAM), None)


def heads_card(library: Library, line: RunSummary, metric: str, theme: str) -> Component:
    """Return the card of heads patched one by one, for the question of `line`."""
    run, title = heads_run(library, line), "Heads, one by one"
    if run is None:
        return missing_card(title, "Not run yet for this question.", _command(line, "z"))
    try:
        dataset = library.dataset(run.run_id)
        shown = metric if metric in places.kept(dataset) else places.kept(dataset)[0]
        figure, said = patch_maps.metric_map(dataset, shown, theme=theme), patch_maps.summary(dataset, shown)
        said, table = f"{said} A click opens that head.", patch_tables.table({component_of(run): dataset}, shown)
        ready = dressed(figure, dataset, said, table=table, source=source(run, shown))
    except InterpError as error:
        return broken_card(title, str(error))
    return figure_card(ready, ids.PATCHING_HEADS, 420)


def attribution_cards(library: Library, line: RunSummary, theme: str) -> list[Component]:
    """Return attribution against exact patching of the same model, task and style, and the map of both."""
    run = same_cell(library, "attribution", line)
    if run is None:
        return [missing_card("Attribution against exact", "Not run yet for this cell.", command("attribution", line))]
    title = "Attribution against exact"
    return [still_card(library, run, name, theme, 420, title=title) for name in ("agreement", "node_maps")]


def frames(library: Library, line: RunSummary, dataset: xr.Dataset, cell: Cell, pins: tuple[str, ...]) -> list[dict]:
    """Return the frames on the map and on its null: the selected cell, and the pinned ones of this map, numbered."""
    marks = []
    for i, name in enumerate(pins, start=1):
        if name.startswith(f"{component_of(line)} "):
            _, pinned = place_of(library, line, name)
            marks += _frame(places.index_of(dataset, pinned), PINNED, "dot", str(i))
    return [*marks, *_frame(places.index_of(dataset, cell), SELECTED, "solid", "")]


def _frame(place: tuple[int, int], colour: str, dash: str, label: str) -> list[dict]:
    y, x = place
    box = {"type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    line = {"line": {"color": colour, "width": 3, "dash": dash}}
    named = {"label": {"text": label, "textposition": "top left", "font": {"color": colour, "size": 12}}}
    return [{**box, **line, **named, "xref": axis, "yref": "y"} for axis in ("x", "x2")]


def _command(line: RunSummary, component: str) -> str:
    """Return what to type for another component of the question of `line`."""
    asked = {"component": component, **({"direction": "noising"} if ", noising" in label_of(line) else {})}
    return command("patching" if component in STREAM else "head_patching", line, **asked)


def _options(values: list) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]
