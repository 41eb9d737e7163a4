"""What do the surviving heads read? Attention of the last token in each of them, over the roles.

    attention[h, role] = mean over prompts of the last token's attention in head h;   null = 1 / visible keys

A bar above the dashed null is a token the head prefers. Attention says where a head looks, not what it moves; that the
head is needed is what the removal curve says. Few heads are drawn as bars, many as a map.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One), figure 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema
from interp.figures import theme as look
from interp.figures.pruning import survivors

if TYPE_CHECKING:
    import xarray as xr

FEW = 5
_HATCHES = ("", "/", "\\", "x", ".")  # bars differ without colour


def survivor_attention(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the attention of the surviving heads over roles: bars for up to `FEW` heads, a map for more."""
    shown = schema.estimates(dataset, "attention", "survivor", "role")
    heads, roles = head_names(dataset), [str(role) for role in schema.labels(dataset, "role")]
    null = _null(dataset, len(roles))
    if not heads or not np.isfinite(shown.value).any():
        figure = _nothing(dataset, theme)
    elif len(heads) <= FEW:
        figure = _bars(dataset, shown, heads, null, theme)
    else:
        figure = _map(dataset, shown, heads, roles, null, theme)
    figure.update_layout(
        title=schema.heading(
            dataset,
            _title(dataset),
            "mean attention of the last token",
            schema.count_text(dataset),
            "95 % interval on hover" if shown.low is not None else "",
            f"null: uniform, {null[0]:.2f}" if len(null) else "",
        )
    )
    return figure


def head_names(dataset: xr.Dataset) -> list[str]:
    """Return `block 3, head 1` for each surviving head."""
    schema.need(dataset, "survivor_layer", "survivor_head")
    pairs = zip(dataset["survivor_layer"].to_numpy(), dataset["survivor_head"].to_numpy(), strict=True)
    return [f"block {int(layer)}, head {int(head)}" for layer, head in pairs]


def _null(dataset: xr.Dataset, roles: int) -> np.ndarray:
    """Return uniform attention for each role, recorded once or a role."""
    schema.need(dataset, "attention_null")
    null = dataset["attention_null"].to_numpy().astype(float)
    if null.ndim == 2:
        null = null.mean(axis=dataset["attention_null"].dims.index("survivor")) if null.size else null[:0].ravel()
    return np.broadcast_to(null, (roles,)) if null.size else null


def _bars(dataset: xr.Dataset, shown: schema.Estimates, heads: list[str], null: np.ndarray, theme: str) -> go.Figure:
    roles, n = [str(role) for role in schema.labels(dataset, "role")], schema.count_text(dataset)
    figure = go.Figure(layout={"template": look.template(theme)})
    for i, head in enumerate(heads):
        hatch = {"shape": _HATCHES[i], "fillmode": "overlay", "fgcolor": "#ffffff", "fgopacity": 0.55, "size": 6}
        figure.add_trace(
            go.Bar(
                name=head,
                x=list(range(len(roles))),
                y=shown.value[i],
                marker={"color": look.OKABE_ITO[i], "pattern": hatch},
                error_y=shown[i].bars(thickness=1, width=2),
                hovertext=[f"<b>{head}, to {role}</b><br>{shown[i, j].text()}<br>{n}" for j, role in enumerate(roles)],
                hoverinfo="text",
            )
        )
    line = {"color": look.NULL, "width": 1.5, "dash": "dash"}
    ends = [-0.5, len(roles) - 0.5]
    figure.add_trace(go.Scatter(name="null: uniform", x=ends, y=[null[0]] * 2, mode="lines", line=line))
    figure.update_xaxes(title_text="key", tickvals=list(range(len(roles))), ticktext=roles, showgrid=False)
    figure.update_yaxes(title_text="attention", range=[0, 1.03])
    figure.update_layout(barmode="group", bargap=0.25, showlegend=True)
    return figure


def _map(
    dataset: xr.Dataset, shown: schema.Estimates, heads: list[str], roles: list[str], null: np.ndarray, theme: str
) -> go.Figure:
    n = schema.count_text(dataset)
    hover = [
        [f"<b>{head}, to {role}</b><br>{shown[i, j].text()}<br>{n}" for j, role in enumerate(roles)]
        for i, head in enumerate(heads)
    ]
    uniform = np.full((len(heads), 1), null[0])
    panels = [
        maps.Panel("surviving heads", shown.value, hover, maps.written(shown.value)),
        maps.Panel("null", uniform, [[f"null: uniform {value:.3f}"] for value in uniform[:, 0]]),
    ]
    columns = maps.Axis("key", roles)
    axes = [columns, maps.Axis("", ["uniform"])]
    words = {"title": {"text": ""}, "unit": "attention", "bounds": (0.0, 1.0), "theme": theme, "column_axes": axes}
    return maps.panel_maps(panels, maps.Axis("", heads), columns, **words).update_yaxes(autorange="reversed")


def _nothing(dataset: xr.Dataset, theme: str) -> go.Figure:
    figure = go.Figure(layout={"template": look.template(theme)})
    middle = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    text = "no head survives: none is needed at this threshold" if survivors(dataset) == 0 else "nothing to show"
    figure.add_annotation(text=text, showarrow=False, **middle)
    return figure.update_xaxes(visible=False).update_yaxes(visible=False)


def _title(dataset: xr.Dataset) -> str:
    left = survivors(dataset)
    if left is None:
        return "What the transfer heads read (no set of them was enough)"
    if left == 0:
        return "No head is needed, so none survives"
    return f"What the {left} surviving head{'' if left == 1 else 's'} read{'s' if left == 1 else ''}"


def summary(dataset: xr.Dataset) -> str:
    """Return the token that each surviving head prefers (BOS and itself apart), with the null and n."""
    shown = schema.estimates(dataset, "attention", "survivor", "role")
    roles, heads = [str(role) for role in schema.labels(dataset, "role")], head_names(dataset)
    n = schema.count_text(dataset)
    others = [j for j, role in enumerate(roles[:-1]) if role != "bos"]
    if not heads or not others or not np.isfinite(shown.value).any():
        return f"{_title(dataset)}; {n}."
    said = []
    for i, head in enumerate(heads[:6]):
        best = max(others, key=lambda j: shown.value[i, j])
        said.append(f"{head}: {roles[best]} {shown[i, best].text(2)}")
    more = f"; {len(heads) - 6} more" if len(heads) > 6 else ""
    null = _null(dataset, len(roles))[0]
    return f"{_title(dataset)}, besides BOS and itself: {'; '.join(said)}{more} (uniform {null:.2f}; {n})."
