"""Does the answer turn as far as a digit of a number was turned?

    follows[steps] = share of answers whose digit moved by `steps` when the operand's was turned by `steps`

How to read: a curve high at every step is a digit that the model uses on those directions. The grey lines are the same
turns in random directions, and the answer's other digit when this one was turned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

COLOURS = {"code": look.BLUE, "circle": look.ORANGE, "probe": look.GREEN}
NAMES = {"code": "all waves of the digit", "circle": "its circle", "probe": "the probe's plane"}
PLACES = ("units", "tens", "hundreds", "thousands")


def dose_curve(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return how often the answer follows, by steps turned (0 has nothing to follow), one panel a digit."""
    places = [int(place) for place in schema.labels(dataset, "rotated")]
    turned = dataset.isel(steps=slice(1, None))
    steps = [int(step) for step in schema.labels(turned, "steps")]
    titles = [place_name(dataset, place) for place in places]
    figure = make_subplots(cols=len(places), shared_yaxes=True, horizontal_spacing=0.06, subplot_titles=titles)
    for i, place in enumerate(places):
        where, first = {"row": 1, "col": i + 1}, i == 0
        for j, kind in enumerate(str(name) for name in schema.labels(dataset, "kind")):
            here = turned.sel(kind=kind, rotated=place)
            kept = schema.values(here, "kept", "steps")
            about = f"layer {int(here['layer_used'])}, {schema.count_text(dataset)}"
            hover = [
                f"<b>{NAMES.get(kind, kind)}, {step} steps</b><br>follows {{}}<br>unmoved {kept[k]:.3f}<br>{about}"
                for k, step in enumerate(steps)
            ]
            found = schema.estimates(here, "follows", "steps")
            curve = curves.Curve(NAMES.get(kind, kind), steps, found, hover, COLOURS.get(kind, look.PURPLE), j)
            curves.add_curve(figure, curve, where, legend=first)
        code = turned.sel(rotated=place, kind=schema.labels(dataset, "kind")[-1])
        null = schema.values(code, "follows_null", "draw", "steps").max(0)
        curves.add_null(figure, "all waves in random directions, highest draw", steps, null, where, legend=first)
        if len(places) > 1:
            wrong = np.nanmax(schema.values(code, "wrong", "read", "steps"), axis=0)
            curves.add_null(figure, "another digit of the answer", steps, wrong, where, legend=first)
    figure.update_xaxes(title_text="steps turned", tickvals=steps)
    curves.accuracy_axis(figure, "answer follows", col=1)
    curves.panel_titles(figure)
    told = (f"{dataset.attrs.get('variable')} at {dataset.attrs.get('role')}", schema.count_text(dataset),
            "layer chosen on other prompts", "bands: 95 % interval")  # fmt: skip
    figure.update_layout(
        template=look.template(theme),
        title=schema.heading(dataset, f"Turning a digit of {dataset.attrs.get('variable', 'a number')}", *told),
    )
    return figure


def place_name(dataset: xr.Dataset, place: int) -> str:
    """Return `units`, `tens` ... in base 10, else the power of the base."""
    base = dataset.attrs.get("base", 10)
    return PLACES[place] if base == 10 and place < len(PLACES) else f"digit of {base}^{place}"


def summary(dataset: xr.Dataset) -> str:
    """Return for each digit how often the answer follows on average, beside random directions."""
    turned, parts = dataset.isel(steps=slice(1, None)), []
    for place in schema.labels(dataset, "rotated"):
        here = {str(kind): turned.sel(kind=kind, rotated=place) for kind in schema.labels(dataset, "kind")}
        means = {kind: schema.values(found, "follows", "steps").mean() for kind, found in here.items()}
        each = [f"{NAMES.get(kind, kind)} {mean:.2f}" for kind, mean in means.items()]
        last = turned.sel(kind=schema.labels(dataset, "kind")[-1], rotated=place)
        null = schema.values(last, "follows_null", "draw", "steps").mean()
        parts.append(f"{place_name(dataset, int(place))}: {', '.join(each)} (random directions {null:.2f})")
    told = "Share of answers that follow a turned digit, over all steps"
    return f"{told}: {'; '.join(parts)}; {schema.count_text(dataset)}."
