"""At which periods do the number embeddings vary, beyond what noise and a smooth number line give?

    power[k] = |F_k|^2 / sum_{j > 0} |F_j|^2,   period = N / k

Nulls: white noise and shuffled embeddings (no order), and a number line (embeddings that vary smoothly). A peak is
a frequency above the 95 % limit of every null, corrected for looking at all frequencies where the result carries
that limit; the lowest components alone are what any smooth curve shows. The solid line is the raw spectrum; the
faint one is what is left after the linear trend is removed.

Source: Zhou et al. 2024; Kantamneni & Tegmark 2025.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from interp.figures import schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

_DASH = ("dash", "dot", "dashdot")
NAME_SIZE = 0.12, 0.16


def power(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the power of each frequency with the band of each null; peaks above every null carry their period."""
    raw = _variant(dataset, "raw")
    figure = go.Figure(layout={"template": look.template(theme)})
    _nulls(figure, raw)
    _spectra(figure, dataset)
    _label_peaks(figure, raw)
    figure.update_xaxes(title_text="frequency k (period = N / k)", showgrid=False)
    figure.update_yaxes(title_text="fraction of power", type="log", exponentformat="power", dtick=1)
    figure.update_layout(
        title=schema.heading(
            dataset,
            f"Fourier power of the number {_rows(dataset)}",
            "fraction of the non-constant power",
            f"{schema.count_text(dataset)} numbers",
            "grey: 5 % to 95 % of each null",
        ),
    )
    return figure


def _rows(dataset: xr.Dataset) -> str:
    return "unembeddings" if dataset.attrs.get("site") == "unembed" else "embeddings"


def _spectra(figure: go.Figure, dataset: xr.Dataset) -> None:
    """Add the raw spectrum and, faint behind it, the one without the linear trend where the result has it."""
    raw = _variant(dataset, "raw")
    component = schema.labels(raw, "component")
    if "variant" in dataset.dims and "detrended" in schema.labels(dataset, "variant"):
        figure.add_trace(
            go.Scatter(
                name="without the linear trend",
                x=component,
                y=schema.values(_variant(dataset, "detrended"), "power", "component"),
                mode="lines",
                line={"color": look.faded(look.BLUE, 0.45), "width": 1},
                hoverinfo="skip",
            )
        )
    figure.add_trace(
        go.Scatter(
            name=f"number {_rows(dataset)}",
            x=component,
            y=schema.values(raw, "power", "component"),
            mode="lines+markers",
            line={"color": look.BLUE, "width": 1.5},
            marker={"size": 5},
            customdata=schema.values(raw, "period", "component").tolist(),
            hovertext=_hover(raw),
            hoverinfo="text",
        )
    )


def _variant(dataset: xr.Dataset, name: str) -> xr.Dataset:
    """Return one variant of a result that has several, else the result as it is."""
    return dataset.sel(variant=name) if "variant" in dataset.dims else dataset


def _nulls(figure: go.Figure, dataset: xr.Dataset) -> None:
    component = schema.labels(dataset, "component")
    low, median, high = (
        schema.values(dataset, f"null_{name}", "null", "component") for name in ("low", "median", "high")
    )
    for i, name in enumerate(str(name) for name in schema.labels(dataset, "null")):
        group = {"legendgroup": name, "hoverinfo": "skip", "mode": "lines"}
        figure.add_trace(
            go.Scatter(
                name=f"null: {name}, 5 % to 95 %",
                showlegend=False,
                x=[*component, *component[::-1]],
                y=np.concatenate([high[i], low[i][::-1]]),
                fill="toself",
                fillcolor=look.faded(look.NULL, 0.22),
                line={"width": 0},
                **group,
            )
        )
        line = {"color": look.NULL, "width": 1.5, "dash": _DASH[i % 3]}
        figure.add_trace(go.Scatter(name=f"null: {name}", x=component, y=median[i], line=line, **group))


def above_nulls(dataset: xr.Dataset) -> list[int]:
    """Return the positions of the components above the (corrected) limit of every null, strongest first."""
    dataset = _variant(dataset, "raw")
    value = schema.values(dataset, "power", "component")
    limit = "null_high_corrected" if "null_high_corrected" in dataset.variables else "null_high"
    high = schema.values(dataset, limit, "null", "component").max(axis=0)
    return [int(i) for i in np.argsort(-value) if value[i] > high[i]]


def _label_peaks(figure: go.Figure, dataset: xr.Dataset, most: int = 5) -> None:
    """Name the period of the highest peaks above every null, strongest first, where no name stands over another."""
    component, period = schema.labels(dataset, "component"), schema.values(dataset, "period", "component")
    value = schema.values(dataset, "power", "component")
    tops = [i for i in above_nulls(dataset) if value[i] == value[max(i - 1, 0) : i + 2].max()]
    for i, anchor in apart(tops, component, np.log10(value))[:most]:
        place = {"x": component[i], "y": float(np.log10(value[i])), "yshift": 11, "xanchor": anchor}
        figure.add_annotation(text=f"T={period[i]:.3g}", showarrow=False, font={"size": 11}, **place)


def apart(places: list[int], x: Sequence[Any], y: Sequence[float] | np.ndarray) -> list[tuple[int, str]]:
    """Return those of `places`, in their order, whose names need not touch that of an earlier one, and their anchors.

    A name stands over its point, else ends or begins there. It takes up to `NAME_SIZE` of the width and height of the
    plot: 11 px in a small card.
    """
    across, up = (np.ptp(np.asarray(each, dtype=float)) * size for each, size in zip((x, y), NAME_SIZE, strict=True))
    kept: list[tuple[int, str, float]] = []
    for i in places:
        for anchor, shift in (("center", 0.0), ("right", -across / 2), ("left", across / 2)):
            middle = float(x[i]) + shift
            if all(abs(middle - other) >= across or abs(y[i] - y[j]) >= up > 0 for j, _, other in kept):
                kept.append((i, anchor, middle))
                break
    return [(i, anchor) for i, anchor, _ in kept]


def _hover(dataset: xr.Dataset) -> list[str]:
    low, high = (schema.values(dataset, f"null_{name}", "null", "component") for name in ("low", "high"))
    value, period = (schema.values(dataset, name, "component") for name in ("power", "period"))
    names = [str(name) for name in schema.labels(dataset, "null")]
    return [
        f"<b>frequency {k}, period {period[i]:.4g}</b><br>power {value[i]:.4f}"
        + "".join(f"<br>null, {name}: [{low[m, i]:.4f}, {high[m, i]:.4f}]" for m, name in enumerate(names))
        for i, k in enumerate(schema.labels(dataset, "component"))
    ]


def summary(dataset: xr.Dataset) -> str:
    """Return the strongest periods that stand above every null."""
    dataset = _variant(dataset, "raw")
    value, period = (schema.values(dataset, name, "component") for name in ("power", "period"))
    peaks = above_nulls(dataset)
    if not peaks:
        return f"No frequency stands above every null ({', '.join(map(str, schema.labels(dataset, 'null')))})."
    named = ", ".join(f"{period[i]:.3g} ({value[i]:.1%})" for i in peaks[:4])
    return f"{len(peaks)} of {len(value)} frequencies stand above every null; strongest periods {named} of the power."
