"""What slider, keys, choices and clicks do on the Operands page: each a function of the address shown.

A step sends the numbers of the new map (40 kB for 100 x 100) into figures that are there already, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update

from apps.dashboard import ids
from apps.dashboard.components import operand_cards as made
from apps.dashboard.components.operand_pair import pair_card
from apps.dashboard.components.table import CELLS, cells_of
from apps.dashboard.kin import question_of
from apps.dashboard.library import Library
from apps.dashboard.operand_choice import Choice, choice_of
from apps.dashboard.page import address
from apps.dashboard.pages.operand_changes import bar_patch, line_patch, map_patch
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import operand_parts as parts
from interp.figures import operand_tables, operands, schema

if TYPE_CHECKING:
    import xarray as xr

PATH = "/operands"
NOTHING = (no_update,) * 15
NEEDED = ("behaviour", "explained_behaviour", "explained_null", "group", "text", "answer", "answered")


def require(dataset: xr.Dataset) -> None:
    """Raise InterpError for a result that lacks what the page shows."""
    schema.need(dataset, *NEEDED)


def register(app: Dash, library: Library) -> None:
    """Install the callbacks."""

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output(ids.OPERANDS_RANK, "value"),
        Output(ids.OPERANDS_ITEM, "value"),
        Output(ids.graph(ids.OPERANDS_MAP), "figure", allow_duplicate=True),
        Output(ids.graph(ids.OPERANDS_LINE), "figure", allow_duplicate=True),
        Output(ids.graph(ids.OPERANDS_BARS), "figure", allow_duplicate=True),
        Output(ids.part(ids.OPERANDS_MAP, "title"), "children"),
        Output(ids.part(ids.OPERANDS_LINE, "title"), "children"),
        Output(ids.part(ids.OPERANDS_MAP, "summary"), "children"),
        Output(ids.OPERANDS_SAID, "children"),
        Output(ids.OPERANDS_PAIR, "children"),
        Output(ids.OPERANDS_PINS, "children"),
        Output(ids.part(ids.OPERANDS_BARS, "title"), "children"),
        Output(ids.part(ids.OPERANDS_LINE, "table"), CELLS),
        Output(ids.OPERANDS_WRONG, "children"),
        Input(ids.OPERANDS_RANK, "value"),
        Input(ids.OPERANDS_ITEM, "value"),
        Input(ids.OPERANDS_CLICK, "data"),
        Input(ids.OPERANDS_PIN, "n_clicks"),
        Input(ids.OPERANDS_TYPED, "data"),
        State(ids.SELECTION, "data"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def move(rank: Any, item: Any, click: Any, pins: Any, *rest: Any) -> tuple:
        pair, shown, theme = rest
        search, causes = (shown or {}).get("search", ""), set(ctx.triggered_prop_ids.values())
        if ids.OPERANDS_CLICK in causes:
            return clicked(library, search, click, theme)
        if ids.OPERANDS_PIN in causes and pins:
            return clicked(library, search, {"graph": ids.OPERANDS_MAP, "shift": True}, theme)
        if ids.OPERANDS_RANK in causes:
            return stepped(library, search, rank, theme)
        if ids.OPERANDS_TYPED in causes:
            a, b = pair if isinstance(pair, list) and len(pair) == 2 else ("", "")
            return typed(library, search, a, b, theme)
        return named(library, search, item, theme)

    fields = [(ids.OPERANDS_A, "value"), (ids.OPERANDS_B, "value")]
    app.clientside_callback(  # a frame after what was selected is seen
        ClientsideFunction("operands", "follow"),
        *(Output(*field, allow_duplicate=True) for field in fields),
        Input(ids.SELECTION, "data"),
        *(State(*field) for field in fields),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("operands", "typed"),
        Output(ids.OPERANDS_TYPED, "data"),
        *(Input(*field) for field in fields),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.OPERANDS_BY, "value"),
        Input(ids.OPERANDS_CLICK, "data"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def order(by: Any, click: Any, shown: Any) -> Any:
        clicked_bar = ids.OPERANDS_CLICK in set(ctx.triggered_prop_ids.values())
        return reordered(library, (shown or {}).get("search", ""), bar_of(click) if clicked_bar else by)


def looked_at(library: Library, search: str) -> tuple[xr.Dataset, Choice] | None:
    """Return the dataset and choice of an address; None where it names no run."""
    asked = parse(search)[0]
    if asked.run is None:
        return None
    dataset = library.dataset(asked.run)
    return dataset, choice_of(dataset, asked.run, asked)[0]


def stepped(library: Library, search: str, rank: Any, theme: str) -> tuple:
    """Return the outputs of the slider at a place of the order."""
    found = looked_at(library, search)
    if found is None or not isinstance(rank, int | float):
        return NOTHING
    dataset, chosen = found
    order = parts.ordered(dataset, chosen.family, chosen.by)
    if not 0 <= int(rank) < len(order):
        return NOTHING
    return _moved(library, chosen, chosen.but(item=order[int(rank)]), theme)


def named(library: Library, search: str, item: Any, theme: str) -> tuple:
    """Return the outputs of the choice of a map by its name."""
    found = looked_at(library, search)
    if found is None or not isinstance(item, str):
        return NOTHING
    dataset, chosen = found
    parts.shown(dataset, chosen.family, item)
    return _moved(library, chosen, chosen.but(item=item), theme)


def clicked(library: Library, search: str, click: Any, theme: str) -> tuple:
    """Return the outputs of a click on the map: its pair; with shift, the map is pinned or let go; Esc lets all go."""
    found = looked_at(library, search)
    if found is None or not isinstance(click, dict):
        return NOTHING
    dataset, chosen = found
    if click.get("unlock"):
        return _moved(library, chosen, chosen.but(cell=None, pins=()), theme)
    if click.get("graph") != ids.OPERANDS_MAP:
        return NOTHING
    if click.get("shift"):
        return _moved(library, chosen, chosen.but(pins=Selection(pin=chosen.pins).pinned(chosen.name).pin), theme)
    a, b = click.get("y"), click.get("x")
    if not isinstance(a, int) or not isinstance(b, int):
        return NOTHING
    try:
        parts.cell_of(dataset, a, b)
    except InterpError:  # a gap in the grid
        return NOTHING
    return _moved(library, chosen, chosen.but(cell=(a, b)), theme)


def typed(library: Library, search: str, a: Any, b: Any, theme: str) -> tuple:
    """Return the outputs of a pair typed in as two numbers: those of a click on it, or what is wrong with them."""
    found = looked_at(library, search)
    if found is None:
        return NOTHING
    dataset, chosen = found
    names = parts.operand_names(dataset)
    missing = [name for name, value in zip(names, (a, b), strict=True) if value in ("", None)]
    if missing:
        return _wrong("" if len(missing) == 2 else f"Give {missing[0]} too.")
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (a, b)):
        return _wrong(f"{names[0]} and {names[1]} are whole numbers; nothing was changed.")
    try:
        parts.cell_of(dataset, a, b)
    except InterpError as error:
        return _wrong(f"{error} Nothing was changed.")
    if (a, b) == chosen.cell:
        return _wrong("")
    return _moved(library, chosen, chosen.but(cell=(a, b)), theme)


def _wrong(text: str) -> tuple:
    return (*NOTHING[:-1], text)


def bar_of(click: Any) -> Any:
    """Return the property whose bar was clicked, None for a click elsewhere."""
    return click.get("y") if isinstance(click, dict) and click.get("graph") == ids.OPERANDS_BARS else None


def reordered(library: Library, search: str, by: Any) -> Any:
    """Return the query of the address for another property; no update where it is the one shown, or none."""
    found = looked_at(library, search)
    if found is None or not isinstance(by, str):
        return no_update
    dataset, chosen = found
    parts.place_of(dataset, by)
    return no_update if by == chosen.by else parse(chosen.but(by=by).selection.search)[0].search


def _moved(library: Library, before: Choice, after: Choice, theme: str) -> tuple:
    """Return the fifteen outputs of a new choice: of every part only what changes."""
    if after == before:
        return NOTHING
    theme, dataset = "dark" if theme == "dark" else "light", library.dataset(after.run)
    one = parts.shown(dataset, after.family, after.item)
    same_map = after.item == before.item
    order = parts.ordered(dataset, after.family, after.by)
    rank = order.index(after.item)
    pins = no_update if after.pins == before.pins and (same_map or not after.pins) else made.pins_card(
        dataset, after, theme
    )  # fmt: skip
    pair = no_update if same_map and (after.cell, after.pins) == (before.cell, before.pins) else pair_card(
        dataset, after, question_of(library, after.run)
    )  # fmt: skip
    if same_map:
        head = (no_update,) * 2
        figures = (map_patch(dataset, one, after, numbers=False), *(no_update,) * 2)
        words, rest = (no_update,) * 4, (no_update,) * 2
    else:
        head = (rank, after.item)
        figures = (map_patch(dataset, one, after), line_patch(dataset, one, after), bar_patch(dataset, one))
        words = (
            one.title, f"By {after.by}: {one.title}", operands.says(dataset, one),
            made.rank_text(after, rank, len(order)),
        )  # fmt: skip
        rest = (operands.explains(one), cells_of(operand_tables.by_property(dataset, one, after.by)))
    nothing_wrong = ""
    return (address(PATH, after.selection), *head, *figures, *words, pair, pins, *rest, nothing_wrong)
