"""What the pointer, a click, a key and a choice do on the Attention page: each a function of the address shown."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, Patch, State, ctx, no_update

from apps.dashboard import ids
from apps.dashboard.components.attention_cards import frames, lock_line, pins_card, shown_head
from apps.dashboard.components.table import CELLS, cells_of
from apps.dashboard.kin import question_of
from apps.dashboard.library import Library
from apps.dashboard.page import address
from apps.dashboard.selection import Selection, parse
from interp.figures import attention_heads, attention_mosaic

PATH = "/attention"
NOTHING = (no_update,) * 10


def register(app: Dash, library: Library) -> None:
    """Install the callbacks; the browser passes clicks on to this page's own store."""
    app.clientside_callback(
        ClientsideFunction("cells", "pointed"),
        Output(ids.ATTENTION_HOVER, "data"),
        Input(ids.graph(ids.ATTENTION_MAP), "hoverData"),
        State(ids.SELECTION, "data"),
        State(ids.ATTENTION_HOVER, "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output(ids.ATTENTION_LAYER, "value"),
        Output(ids.ATTENTION_HEAD, "value"),
        Output(ids.graph(ids.ATTENTION_MAP), "figure", allow_duplicate=True),
        Output(ids.graph(ids.ATTENTION_DETAIL), "figure", allow_duplicate=True),
        Output(ids.part(ids.ATTENTION_DETAIL, "title"), "children"),
        Output(ids.part(ids.ATTENTION_DETAIL, "summary"), "children"),
        Output(ids.ATTENTION_LOCK, "children"),
        Output(ids.ATTENTION_PINS, "children"),
        Output(ids.part(ids.ATTENTION_DETAIL, "table"), CELLS),
        Input(ids.ATTENTION_CLICK, "data"),
        Input(ids.ATTENTION_HOVER, "data"),
        Input(ids.ATTENTION_LAYER, "value"),
        Input(ids.ATTENTION_HEAD, "value"),
        State(ids.SELECTION, "data"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def move(click: Any, hover: Any, layer: Any, head: Any, shown: Any, theme: str) -> tuple:
        search = (shown or {}).get("search", "")
        causes = set(ctx.triggered_prop_ids.values())  # a quick click comes together with the pointer's tile
        if ids.ATTENTION_CLICK in causes:
            return clicked(library, search, click, theme)
        if ids.ATTENTION_HOVER in causes:
            return pointed(library, search, hover)
        return chosen(library, search, layer, head, theme)

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.ATTENTION_QUERY, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def ask(role: Any, shown: Any) -> Any:
        return asked(library, (shown or {}).get("search", ""), role)


def clicked(library: Library, search: str, click: Any, theme: str) -> tuple:
    """Return the ten outputs of a click on the mosaic or of Esc; nothing changes for a click elsewhere."""
    shown = parse(search)[0]
    if not isinstance(click, dict) or shown.run is None:
        return NOTHING
    if click.get("unlock"):
        free = shown.but(layer=None, head=None, pin=())
        return NOTHING if free == shown else moved(library, free, theme, pins=bool(shown.pin))
    if click.get("graph") != ids.ATTENTION_MAP:
        return NOTHING
    found = attention_mosaic.head_at(library.dataset(shown.run), click.get("x"), click.get("y"))
    if found is None:
        return NOTHING
    if click.get("shift"):
        return moved(library, shown.pinned("{}.{}".format(*found)), theme, pins=True)
    return lock(library, shown, found, theme)


def chosen(library: Library, search: str, layer: Any, head: Any, theme: str) -> tuple:
    """Return the ten outputs of a choice by keyboard; a block alone takes its head 0."""
    shown = parse(search)[0]
    if shown.run is None or (layer is None and head is None):
        return NOTHING
    return lock(library, shown, attention_heads.named(library.dataset(shown.run), f"{layer or 0}.{head or 0}"), theme)


def lock(library: Library, shown: Selection, found: tuple[int, int], theme: str) -> tuple:
    """Return the ten outputs of locking a head; nothing changes where it is locked already."""
    if found == (shown.layer, shown.head):
        return NOTHING
    return moved(library, shown.but(layer=found[0], head=found[1]), theme, pins=bool(shown.pin))


def moved(library: Library, shown: Selection, theme: str, *, pins: bool) -> tuple:
    """Return the ten outputs of a new selection; the comparison is drawn again where `pins` asks for it."""
    dataset = library.dataset(shown.run or "")
    head = shown_head(dataset, shown)
    overlay = Patch()
    overlay["layout"]["shapes"] = frames(dataset, shown)
    *words, cells = head_of(dataset, head)
    locked = [None if each is None else str(each) for each in (shown.layer, shown.head)]
    compared = pins_card(dataset, shown, "dark" if theme == "dark" else "light") if pins else no_update
    lock = lock_line(question_of(library, shown.run or ""), shown)
    return (address(PATH, shown), *locked, overlay, *words, lock, compared, cells)


def pointed(library: Library, search: str, hover: Any) -> tuple:
    """Return the ten outputs of the pointer over a tile: the head in full follows, as long as none is locked."""
    shown = parse(search)[0]
    if shown.run is None or shown.layer is not None or not isinstance(hover, dict):
        return NOTHING
    dataset = library.dataset(shown.run)
    found = attention_mosaic.head_at(dataset, hover.get("x"), hover.get("y"))
    if found is None:
        return NOTHING
    *words, cells = head_of(dataset, found)
    return (*NOTHING[:4], *words, *NOTHING[:2], cells)


def head_of(dataset: Any, head: tuple[int, int]) -> tuple[Patch, str, str, str]:
    """Return the change of the head card: its first panel, title, sentence and table."""
    detail = Patch()
    for name, value in attention_heads.head_trace(dataset, *head).items():
        detail["data"][0][name] = value
    detail["layout"]["annotations"][0]["text"] = f"head {head[0]}.{head[1]}"
    cells = cells_of(attention_heads.table(dataset, [head]))
    return detail, f"What head {head[0]}.{head[1]} reads", attention_heads.says(dataset, *head), cells


def asked(library: Library, search: str, role: Any) -> Any:
    """Return the query of the address for another token that reads; no update where it is the one shown."""
    shown = parse(search)[0]
    if shown.run is None or not isinstance(role, str):
        return no_update
    roles = [str(each) for each in library.dataset(shown.run)["role"].to_numpy()]
    if role not in roles or role == (shown.role or roles[-1]):
        return no_update
    return shown.but(role=role).search
