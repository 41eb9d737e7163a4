"""What did one prompt give, clean and under an intervention, side by side with its control?

    predictions   the most likely next tokens of each run, the target's filled
    lens          P(target) by the logit lens, layer x role, the lens's top token written in each cell
    attention     one head, query role x key role

One prompt has no interval: n = 1, and every figure says so. The control (a change of the same kind without its content)
is the null of the edit; uniform attention that of a head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.errors import InterpError
from interp.figures import maps, schema
from interp.figures import theme as look
from interp.figures.twin import Twin

if TYPE_CHECKING:
    import xarray as xr

ONE = "n = 1 prompt, an example: no interval"
HOVER = "n = 1 [no interval]"
COLOURS = {"clean": look.BLUE, "edited": look.VERMILLION, "control": look.NULL}
MOST_WRITTEN = 120  # cells of a panel that still have room for a token


def predictions(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the top next tokens of each run as bars; the target's are solid, others pale."""
    shares = schema.values(dataset, "top_probability", "run", "place")
    tokens, runs, target = dataset["top_token"].to_numpy(), schema.labels(dataset, "run"), dataset.attrs["target"]
    figure = make_subplots(
        cols=len(runs), horizontal_spacing=0.12 if len(runs) > 1 else 0, subplot_titles=panels(dataset)
    )
    for i, name in enumerate(runs):
        places = list(range(shares.shape[1]))
        solid = [look.faded(COLOURS[name], 1.0 if token == target else 0.45) for token in tokens[i]]
        figure.add_trace(
            go.Bar(
                name=name if name != "control" else "control (null)",
                orientation="h",
                x=shares[i],
                y=places,
                marker={"color": solid, "line": {"width": 0}},
                text=[f"{share:.3f}" if share >= 5e-4 else f"{share:.0e}" for share in shares[i]],
                textposition="outside",
                cliponaxis=False,
                hovertext=[
                    f"<b>{name}: {shown(t)}</b><br>{p:.4g}<br>{HOVER}"
                    for t, p in zip(tokens[i], shares[i], strict=True)
                ],
                hoverinfo="text",
                showlegend=False,
            ),
            row=1,
            col=i + 1,
        )
        ticks = [shown(token) + (" ◂" if token == target else "") for token in tokens[i]]
        figure.update_yaxes(
            tickmode="array", tickvals=places, ticktext=ticks, autorange="reversed", showgrid=False, col=i + 1
        )
    figure.update_xaxes(range=[0, 1.18], tickvals=[0, 0.5, 1], title_text="probability")
    figure.update_annotations(font={"size": 12})
    figure.update_layout(template=look.template(theme), title=_title(dataset, "Most likely next tokens", "probability"))
    return figure


def lens(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return P(target) by the logit lens, layer x role, one panel a run, with the lens's top token in each cell."""
    values = schema.values(dataset, "lens_answer", "run", "layer", "role")
    top = schema.values(dataset, "lens_top", "run", "layer", "role")
    tokens, layers = dataset["lens_token"].transpose("run", "layer", "role").to_numpy(), schema.labels(dataset, "layer")
    roles, target = schema.labels(dataset, "role"), dataset.attrs["target"]

    def hover(run: str, i: int) -> list[list[str]]:
        return [
            [
                f"<b>{run}, layer {layer}, role {role}</b><br>top of the lens {shown(tokens[i, j, r])} "
                f"{schema.number(top[i, j, r])}<br>P({shown(target)}) {schema.number(values[i, j, r])}<br>{HOVER}"
                for r, role in enumerate(roles)
            ]
            for j, layer in enumerate(layers)
        ]

    write = values[0].size <= MOST_WRITTEN
    drawn = [
        maps.Panel(title, values[i], hover(name, i), _cut(tokens[i]) if write else None)
        for i, (name, title) in enumerate(zip(schema.labels(dataset, "run"), panels(dataset), strict=True))
    ]
    figure = maps.panel_maps(
        drawn,
        maps.Axis("layer (0 = embeddings)", [str(layer) for layer in layers]),
        maps.Axis("role", [str(role) for role in roles]),
        title=_title(dataset, "Logit lens: where the target can be read", f"P({shown(target)}), top token in the cell"),
        unit="probability",
        bounds=(0.0, 1.0),
        theme=theme,
    )
    return figure.update_xaxes(tickangle=0 if len(roles) <= 6 else -90)


def attention(
    dataset: xr.Dataset, *, block: int | None = None, head: int | None = None, theme: str = "light"
) -> go.Figure:
    """Return the attention of one head, query role x key role, one panel a run (default: `chosen_head`)."""
    block, head = chosen_head(dataset, block, head)
    values = schema.values(dataset, "pattern", "run", "block", "head", "role", "key")[:, block, head]
    roles, uniform = schema.labels(dataset, "role"), schema.values(dataset, "pattern_uniform", "role")
    future = np.triu(np.ones(values.shape[1:], dtype=bool), 1)
    values = np.where(future, np.nan, values)

    def hover(run: str, i: int) -> list[list[str]]:
        return [
            [
                ""
                if future[q, k]
                else f"<b>{run}: {query} looks at {key}</b><br>{values[i, q, k]:.3f}"
                f"<br>uniform, the null {uniform[q]:.3f}<br>{HOVER}"
                for k, key in enumerate(roles)
            ]
            for q, query in enumerate(roles)
        ]

    drawn = [
        maps.Panel(title, values[i], hover(name, i), maps.written(values[i]))
        for i, (name, title) in enumerate(zip(schema.labels(dataset, "run"), panels(dataset), strict=True))
    ]
    figure = maps.panel_maps(
        drawn,
        maps.Axis("query role", _places(dataset)),
        maps.Axis("key role", [str(role) for role in roles]),
        title=_title(dataset, f"Attention of head {head}, block {block}", "share of attention; null: 1 / visible keys"),
        unit="attention",
        bounds=(0.0, 1.0),
        theme=theme,
    )
    return figure.update_yaxes(autorange="reversed").update_xaxes(tickangle=0 if len(roles) <= 6 else -90)


def chosen_head(dataset: xr.Dataset, block: int | None = None, head: int | None = None) -> tuple[int, int]:
    """Return the head asked for; else the one whose last-token row the edit changes most, or that looks hardest at
    another token than the first. Raises InterpError for a head that is not there."""
    pattern = schema.values(dataset, "pattern", "run", "block", "head", "role", "key")[..., -1, :]
    n_blocks, n_heads = pattern.shape[1:3]
    if block is not None and head is not None:
        if not (0 <= block < n_blocks and 0 <= head < n_heads):
            raise InterpError(f"no head {head} in block {block}; use blocks 0..{n_blocks - 1}, heads 0..{n_heads - 1}.")
        return block, head
    moved = np.abs(pattern[1] - pattern[0]).sum(-1) if len(pattern) > 1 else np.zeros((n_blocks, n_heads))
    if moved.max() < 1e-6:
        moved = pattern[0, :, :, 1:-1].max(-1) if pattern.shape[-1] > 2 else pattern[0].max(-1)
    found = maps.largest(moved)
    return found[0], found[1]


def summary(dataset: xr.Dataset) -> str:
    """Return what the clean run says, and what the edit and its control make of it, in a sentence."""
    runs, target = schema.labels(dataset, "run"), shown(dataset.attrs["target"])
    share = dict(zip(runs, schema.values(dataset, "answer_probability", "run"), strict=True))
    top = dict(zip(runs, dataset["top_token"].to_numpy()[:, 0], strict=True))
    said = f"{dataset.attrs['prompt']!r}: the model says {shown(top['clean'])} (P({target}) = {share['clean']:.3f})"
    if "edited" in runs:
        said += f"; edited it says {shown(top['edited'])} (P({target}) = {share['edited']:.3f})"
    if "control" in runs:
        said += f", under the control {shown(top['control'])} ({share['control']:.3f})"
    return f"{said}; one prompt, n = 1."


def predictions_summary(dataset: xr.Dataset) -> str:
    """Return the top token of each run and which one is the target."""
    tokens, shares = (
        dataset["top_token"].to_numpy()[:, 0],
        schema.values(dataset, "top_probability", "run", "place")[:, 0],
    )
    runs = schema.labels(dataset, "run")
    most = ", ".join(f"{name} {shown(t)} ({p:.3f})" for name, t, p in zip(runs, tokens, shares, strict=True))
    marked = f"{shown(dataset.attrs['target'])}, {dataset.attrs['target_is']}"
    return f"Most likely: {most}; ◂ marks {marked}; one prompt, n = 1."


def lens_summary(dataset: xr.Dataset) -> str:
    """Return from which layer on the last token's lens says the target, in each run."""
    tokens = dataset["lens_token"].transpose("run", "layer", "role").to_numpy()[:, :, -1]
    layers, target, said = schema.labels(dataset, "layer"), dataset.attrs["target"], []
    for name, column in zip(schema.labels(dataset, "run"), tokens.tolist(), strict=True):
        since = next((layers[i] for i in range(len(layers)) if all(t == target for t in column[i:])), None)
        said.append(f"{name}: {'never' if since is None else f'from layer {since} on'}")
    return f"At the last role the lens says {shown(target)}: {', '.join(said)}; one prompt, n = 1."


def attention_summary(dataset: xr.Dataset, block: int, head: int) -> str:
    """Return what the last role looks at most by one head, in each run."""
    rows = schema.values(dataset, "pattern", "run", "block", "head", "role", "key")[:, block, head, -1]
    keys, runs = schema.labels(dataset, "key"), schema.labels(dataset, "run")
    most = [f"{name}: {keys[int(row.argmax())]} {row.max():.2f}" for name, row in zip(runs, rows, strict=True)]
    return f"{keys[-1]} looks most at ({', '.join(most)}; uniform: {1 / len(keys):.2f}); one prompt, n = 1."


def predictions_table(dataset: xr.Dataset) -> Twin:
    """Return the top tokens of each run with their probabilities: the table twin of `predictions`."""
    runs, tokens = schema.labels(dataset, "run"), dataset["top_token"].to_numpy()
    shares = schema.values(dataset, "top_probability", "run", "place")
    rows = tuple(
        (str(place + 1), *(f"{shown(tokens[i, place])} {shares[i, place]:.4f}" for i in range(len(runs))))
        for place in range(shares.shape[1])
    )
    return Twin(f"Most likely next tokens, {ONE}", ("place", *runs), rows, 1)


def panels(dataset: xr.Dataset) -> list[str]:
    """Return the title of each run's panel."""
    names = {"clean": "clean", "edited": "edited", "control": "null: control"}
    return [names.get(str(name), str(name)) for name in schema.labels(dataset, "run")]


def shown(token: str) -> str:
    """Return a token as people can see it: a space and a line end are marked, an empty one said."""
    return token.replace(" ", "␣").replace("\n", "⏎").replace("<", "‹").replace(">", "›") or "(nothing)"


def _cut(tokens: np.ndarray) -> list[list[str]]:
    return [[shown(token)[:5] for token in row] for row in tokens.tolist()]


def _places(dataset: xr.Dataset) -> list[str]:
    """The roles, each with its token under it."""
    pairs = zip(schema.labels(dataset, "role"), dataset["token"].to_numpy().tolist(), strict=True)
    return [f"{role}<br>{shown(token)[:8]}" if len(dataset["role"]) <= 16 else role for role, token in pairs]


def _title(dataset: xr.Dataset, what: str, unit: str) -> dict:
    control = (
        f"control (null): {dataset.attrs['control']}" if "control" in schema.labels(dataset, "run") else "null: none"
    )
    return schema.heading(dataset, f"{what} after {dataset.attrs['prompt']!r}", unit, ONE, control)
