"""The cards of the Attention page: all heads, one head beside its null, the pinned heads, one query of all heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import figure_card
from apps.dashboard.components.choice import choice
from apps.dashboard.components.dressed import dressed
from apps.dashboard.components.try_link import try_link
from apps.dashboard.drawn import Source
from apps.dashboard.selection import Selection
from interp.figures import attention, attention_heads, attention_mosaic
from interp.figures.twin import seen, twin

if TYPE_CHECKING:
    import xarray as xr

HEIGHT = 420
MOST_KEYS = 10
DRAWINGS = {"attention": "all_heads", "attention_tree": "heads"}


def mosaic_card(dataset: xr.Dataset, chosen: Selection, theme: str) -> Component:
    """Return the card of all heads, and the choice of a head by keyboard."""
    figure = attention_mosaic.all_heads(dataset, theme=theme).update_layout(shapes=frames(dataset, chosen))
    layers, heads = ([int(each) for each in dataset[dim].to_numpy()] for dim in ("layer", "head"))
    locked = chosen.layer is not None
    keyboard = html.Div(
        [
            html.Span("Point at a head, click it, or choose it:", className="muted"),
            choice(ids.ATTENTION_LAYER, "Block", _options(layers), str(chosen.layer) if locked else None, 116),
            choice(ids.ATTENTION_HEAD, "Head", _options(heads), str(chosen.head) if locked else None, 116),
        ],
        className="keyboard",
    )
    said, table = attention.summary(dataset), seen(twin(dataset, "pattern"), dataset["key"].to_numpy().tolist())
    ready = dressed(figure, dataset, said, table=table, source=source(dataset, chosen))
    return figure_card(ready, ids.ATTENTION_MAP, HEIGHT, extra=[keyboard])


def head_card(dataset: xr.Dataset, chosen: Selection, theme: str) -> Component:
    """Return the card of one head in full and uniform attention beside it."""
    head = shown_head(dataset, chosen)
    figure = attention_heads.one_head(dataset, head=head, theme=theme)
    said, table = attention_heads.says(dataset, *head), attention_heads.table(dataset, [head])
    ready = dressed(figure, dataset, said, table=table, source=source(dataset, chosen))
    return figure_card(ready, ids.ATTENTION_DETAIL, HEIGHT)


def pins_card(dataset: xr.Dataset, chosen: Selection, theme: str) -> list[Component]:
    """Return the card of the pinned heads and the locked one on one scale; nothing where nothing is pinned."""
    if not chosen.pin:
        return []
    heads = [attention_heads.named(dataset, name) for name in chosen.pin]
    if chosen.layer is not None and chosen.head is not None and (chosen.layer, chosen.head) not in heads:
        heads.append((chosen.layer, chosen.head))
    figure = attention_heads.side_by_side(dataset, heads, theme=theme)
    said = " ".join(attention_heads.says(dataset, *head, most=1) for head in heads)
    table = attention_heads.table(dataset, heads)
    ready = dressed(figure, dataset, said, table=table, source=source(dataset, chosen))
    return [figure_card(ready, ids.ATTENTION_COMPARED, 330)]


def query_card(dataset: xr.Dataset, chosen: Selection, theme: str) -> list[Component]:
    """Return the card of what one token reads, heads x layers for each key; nothing where there are too many keys."""
    roles = [str(role) for role in dataset["role"].to_numpy()]
    if dataset.sizes["key"] > MOST_KEYS:
        return []
    role = chosen.role or roles[-1]
    figure = attention.from_last(dataset, role=role, theme=theme)
    asked = html.Div(
        choice(ids.ATTENTION_QUERY, "Token that reads", [(each, each) for each in roles], role, 220),
        className="keyboard",
    )
    said = f"What {role} reads, head by head: one map for each token that is read, 0 = uniform attention."
    table = twin(dataset.sel(role=role).isel(key=slice(roles.index(role) + 1)), "pattern")
    ready = dressed(figure, dataset, said, table=table, source=source(dataset, chosen))
    return [figure_card(ready, ids.ATTENTION_QUERIED, 300, extra=[asked])]


def frames(dataset: xr.Dataset, chosen: Selection) -> list[dict]:
    """Return the frames of the mosaic: the head that is shown, and the pinned ones with their numbers."""
    pins = [attention_heads.named(dataset, name) for name in chosen.pin]
    marks = [attention_mosaic.frame(dataset, *head, label=str(i)) for i, head in enumerate(pins, start=1)]
    return [*marks, attention_mosaic.frame(dataset, *shown_head(dataset, chosen))]


def shown_head(dataset: xr.Dataset, chosen: Selection) -> tuple[int, int]:
    """Return the locked head, else the one that looks hardest."""
    if chosen.layer is not None and chosen.head is not None:
        return chosen.layer, chosen.head
    return attention_heads.hardest(dataset)


def lock_line(question: Selection, chosen: Selection) -> list[Component | str]:
    """Return what a click would do now, and for a locked head the way to try it on one prompt."""
    if chosen.layer is None:
        return [lock_text(chosen)]
    asked = question.but(layer=chosen.layer, head=chosen.head, view="head")
    return [f"{lock_text(chosen)} ", try_link(asked, "this head knocked out in one prompt.")]


def lock_text(chosen: Selection) -> str:
    """Return what a click would do now."""
    pinned = f" Pinned for comparison: {', '.join(chosen.pin)}." if chosen.pin else ""
    if chosen.layer is None:
        return f"Point at a head to see its weights; a click locks it, shift-click pins it (up to four).{pinned}"
    return f"Locked on head {chosen.layer}.{chosen.head}; Esc lets go, shift-click pins another beside it.{pinned}"


def source(dataset: xr.Dataset, chosen: Selection) -> Source | None:
    """Return where the numbers are from."""
    drawing = DRAWINGS.get(str(dataset.attrs.get("method")))
    return Source(chosen.run, drawing) if chosen.run and drawing else None


def _options(values: list[int]) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]
