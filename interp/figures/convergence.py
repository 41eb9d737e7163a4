"""Do energy, Fisher ratio and a held-out probe agree on which residues an embedding holds?

    share[T]   energy between the residues mod T over all energy, as a multiple of what shuffled labels give
    kappa[T]   Cohen's kappa of a linear probe on numbers held out, interleaved and in blocks

How to read: a period counts where all three stand above grey. Energy without kappa is a spectrum that no probe can
use; kappa that falls when a covariate is regressed out (hollow) was that covariate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

COLOURS = {"interleaved": look.BLUE, "blocks": look.ORANGE}


def measures(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return energy and Fisher ratio over their shuffles (above) and kappa (below), one column an embedding."""
    sites = [str(site) for site in schema.labels(dataset, "site")]
    periods = [int(period) for period in schema.labels(dataset, "period")]
    at = list(range(len(periods)))
    figure = make_subplots(rows=2, cols=len(sites), shared_xaxes=True, shared_yaxes=True, vertical_spacing=0.08,
                           horizontal_spacing=0.05, subplot_titles=sites)  # fmt: skip
    for i, site in enumerate(sites):
        here = dataset.sel(site=site)
        _ratios(figure, here.sel(variant="raw"), at, periods, i + 1)
        _kappas(figure, here, at, periods, i + 1)
    figure.update_xaxes(tickvals=at, ticktext=[str(period) for period in periods])
    figure.update_xaxes(title_text="period T", row=2)
    figure.update_yaxes(title_text="over shuffled labels", type="log", row=1, col=1)
    figure.update_yaxes(title_text="kappa, held out", range=[-0.55, 1.05], row=2, col=1)
    curves.panel_titles(figure)
    told = (f"{schema.count_text(dataset)} numbers", "bands: 95 % interval", "hollow: after regressing out a covariate")
    title = schema.heading(dataset, "Residues of numbers: energy, Fisher ratio, probe", *told)
    figure.update_layout(template=look.template(theme), title=title)
    return figure


def _ratios(figure: go.Figure, here: xr.Dataset, at: list[int], periods: list[int], column: int) -> None:
    place, first = {"row": 1, "col": column}, column == 1
    for j, (name, title, colour) in enumerate(
        (("share", "energy", look.GREEN), ("fisher", "Fisher ratio", look.PURPLE))
    ):
        value, null, high = (schema.values(here, f"{name}{end}", "period") for end in ("", "_null", "_null_high"))
        hover = [f"<b>{title}, T = {t}</b><br>{value[k]:.4g}<br>shuffled [{null[k]:.4g}, {high[k]:.4g}]<br>"
                 f"{schema.count_text(here)}" for k, t in enumerate(periods)]  # fmt: skip
        line = schema.Estimates(value / null, None, None)
        curves.add_curve(figure, curves.Curve(title, at, line, hover, colour, j + 2), place, legend=first)
        curves.add_null(figure, f"{title} of shuffled labels, 95 %", at, high / null, place, legend=first)


def _kappas(figure: go.Figure, here: xr.Dataset, at: list[int], periods: list[int], column: int) -> None:
    place: Any = {"row": 2, "col": column}
    first = column == 1
    for j, split in enumerate(str(name) for name in schema.labels(here, "split")):
        raw = here.sel(variant="raw", split=split)
        hover = [f"<b>{split}, T = {t}</b><br>kappa {{}}<br>{schema.count_text(here)}" for t in periods]
        found = schema.estimates(raw, "kappa", "period")
        curve = curves.Curve(f"kappa, {split}", at, found, hover, COLOURS.get(split, look.SKY), j)
        curves.add_curve(figure, curve, place, legend=first)
        figure.data[-1].customdata = periods
        ends, level = curves.level(float(raw["kappa_null_high"]), at)
        curves.add_null(figure, f"shuffled labels ({split}), 95 % of maps", ends, level, place, legend=first)
    for name in (str(variant) for variant in schema.labels(here, "variant") if str(variant) != "raw"):
        value = schema.values(here.sel(variant=name, split="interleaved"), "kappa", "period")
        figure.add_trace(
            go.Scatter(
                name=f"kappa {name}", legendgroup=name, showlegend=first, x=at, y=value, mode="markers",
                marker={"symbol": "circle-open", "size": 9, "color": look.BLUE},
                hovertext=[f"<b>{name}, T = {t}</b><br>kappa {value[k]:.3f}" for k, t in enumerate(periods)],
                hoverinfo="text",
            ),
            **place,
        )  # fmt: skip


def agreed(here: xr.Dataset) -> list[int]:
    """Return the periods of one embedding whose energy, Fisher ratio and kappa (both splits) all stand above grey."""
    raw, found = here.sel(variant="raw"), []
    for period in schema.labels(here, "period"):
        one = raw.sel(period=period)
        over = [float(one[name]) > float(one[f"{name}_null_high"]) for name in ("share", "fisher")]
        told = (schema.values(one, "kappa", "split") > schema.values(one, "kappa_null_high", "split")).all()
        found += [int(period)] if all(over) and told else []
    return found


def summary(dataset: xr.Dataset) -> str:
    """Return for each embedding the periods on which all measures agree, and those with energy alone."""
    parts = []
    for site in schema.labels(dataset, "site"):
        here = dataset.sel(site=site)
        raw, both = here.sel(variant="raw"), agreed(here)
        share, high = (schema.values(raw, name, "period") for name in ("share", "share_null_high"))
        energy = [int(t) for k, t in enumerate(schema.labels(here, "period")) if share[k] > high[k] and t not in both]
        listed = [", ".join(map(str, each)) or "none" for each in (both, energy)]
        parts.append(f"{site}: {listed[0]} (energy above shuffles but not all three: {listed[1]})")
    told = "Periods on which energy, Fisher ratio and held-out probe agree"
    return f"{told}, {'; '.join(parts)}; {schema.count_text(dataset)}."
