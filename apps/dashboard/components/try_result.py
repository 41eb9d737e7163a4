"""What one prompt gave: tokens, the finding, predictions, the lens and one head, each run beside the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import figure_card
from apps.dashboard.components.choice import choice
from apps.dashboard.components.notice import commands
from apps.dashboard.drawn import Answer, Drawn, untitled, words
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import trial
from interp.figures.twin import Twin, seen, twin

if TYPE_CHECKING:
    import xarray as xr

SMALL, TALL = 250, 320
MOST_CELLS = 1500  # of a table twin


def result(
    dataset: xr.Dataset, theme: str, command: str, source: Answer, at: tuple[int | None, int | None] = (None, None)
) -> Component:
    """Return the figures of a try, which follow its finding (`tokens`); `source` says where they are from.

    `at` is the block and head whose attention is shown, by default the most telling one.
    """
    block, head = trial.chosen_head(dataset, *at)
    blocks = [(str(v), str(v)) for v in dataset["block"].to_numpy().tolist()]
    heads = [(str(v), str(v)) for v in dataset["head"].to_numpy().tolist()]
    keyboard = html.Div(
        [
            html.Span("Another head:", className="muted"),
            choice(ids.TRY_BLOCK, "Block", blocks, str(block), 120),
            choice(ids.TRY_HEAD, "Head", heads, str(head), 120),
        ],
        className="keyboard",
    )
    chosen = replace(source, query=at_head(block, head))
    cards = [
        _card("predictions", predictions(dataset, theme), ids.TRY_PREDICTIONS, source),
        _card("lens", lens(dataset, theme), ids.TRY_LENS, source),
        _card("attention", attention(dataset, theme, block, head), ids.TRY_ATTENTION, chosen, keyboard),
    ]
    terminal = html.Details([html.Summary("The same in a terminal"), commands(command)], className="after")
    return html.Div([html.Div(cards, className="grid try-cards"), terminal])


def _card(name: str, drawn: Drawn, card: str, source: Answer, *extra: Component) -> Component:
    height = SMALL if name == "predictions" else TALL
    return figure_card(replace(drawn, source=replace(source, drawing=name)), card, height, extra=extra)


def tokens(dataset: xr.Dataset) -> Component:
    """Return the tokens under their roles, what was done, and the effect beside its control."""
    roles, texts = dataset["role"].to_numpy().tolist(), dataset["token"].to_numpy().tolist()
    table = html.Table(
        [
            html.Thead(html.Tr([html.Th(role, scope="col") for role in roles])),
            html.Tbody(html.Tr([html.Td(html.Code(trial.shown(text))) for text in texts])),
        ],
        className="tokens",
    )
    lines = [html.P(trial.summary(dataset), className="finding")]
    if "edit" in dataset.attrs:
        effect = dict(zip(dataset["run"].to_numpy().tolist(), dataset["effect"].to_numpy().tolist(), strict=True))
        target = trial.shown(dataset.attrs["target"])
        lines += [
            html.P(f"Edited: {dataset.attrs['edit']}. log P({target}) changes by {effect['edited']:+.2f} nats."),
            html.P(f"Control: {_control(dataset, effect)}.", className="muted"),
        ]
    return html.Section([html.Div(table, className="scroll"), *lines], className="card try-said")


def _control(dataset: xr.Dataset, effect: dict[str, float]) -> str:
    said = dataset.attrs["control"]
    return f"{said}, {effect['control']:+.2f} nats" if "control" in effect else said


def predictions(dataset: xr.Dataset, theme: str) -> Drawn:
    """Return the predictions, ready for a card, with the tokens in their table."""
    return _ready(
        dataset,
        trial.predictions(dataset, theme=theme),
        trial.predictions_table(dataset),
        trial.predictions_summary(dataset),
    )


def lens(dataset: xr.Dataset, theme: str) -> Drawn:
    """Return the logit lens, ready for a card."""
    return _ready(dataset, trial.lens(dataset, theme=theme), _twin(dataset, "lens_answer"), trial.lens_summary(dataset))


def attention(dataset: xr.Dataset, theme: str, block: int, head: int) -> Drawn:
    """Return the attention of one head, ready for a card. Raises InterpError for a head that is not there."""
    figure = trial.attention(dataset, block=block, head=head, theme=theme)
    table = _twin(dataset.isel(block=block, head=head), "pattern")
    if table is not None:
        table = seen(table, dataset["key"].to_numpy().tolist())
        table = replace(table, caption=f"attention of head {head}, block {block}: {table.caption}")
    return _ready(dataset, figure, table, trial.attention_summary(dataset, block, head))


def at_head(block: int, head: int) -> str:
    """Return the query that names a head in the address of a file."""
    return Selection(layer=block, head=head).search


def head_of(block: object, head: object) -> tuple[int, int]:
    """Return the numbers of a chosen head. Raises InterpError for what is none."""
    said = str(block), str(head)
    if not all(text.isascii() and text.isdigit() and len(text) < 5 for text in said):
        raise InterpError(f"block {said[0][:20]!r}, head {said[1][:20]!r} are no numbers.")
    return int(said[0]), int(said[1])


def _ready(dataset: xr.Dataset, figure: go.Figure, table: Twin | None, said: str) -> Drawn:
    title, subtitle = words(figure, dataset)
    return Drawn(title, subtitle, untitled(figure), said, table)


def _twin(dataset: xr.Dataset, variable: str) -> Twin | None:
    return twin(dataset, variable) if dataset[variable].size <= MOST_CELLS else None
