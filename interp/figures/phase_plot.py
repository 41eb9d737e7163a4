"""How do many trained networks divide between clock and pizza as the attention rate grows?

One point a run: gradient symmetricity and distance irrelevance against the attention rate, and one against the other;
lines are medians of a tenth of the rate. How to read: where the two measures change at different rates, the runs in
between are called a pizza by one and a clock by the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr

NAMES = {"symmetricity": ("gradient symmetricity", look.BLUE), "q": ("distance irrelevance", look.ORANGE)}


def phase_plot(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return both measures of every run against the attention rate, and against each other."""
    rate = schema.values(dataset, "attention_rate", "run")
    found = {name: schema.values(dataset, name, "run") for name in NAMES}
    figure = make_subplots(
        cols=2, horizontal_spacing=0.1, subplot_titles=["against the attention rate", "against each other"]
    )
    for name, (title, colour) in NAMES.items():
        points = go.Scattergl(
            name=title, x=rate, y=found[name], mode="markers", marker={"size": 4, "color": colour, "opacity": 0.35},
            hovertemplate=f"{title}<br>rate %{{x:.2f}}: %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
        medians = go.Scatter(
            name=f"{title}: median", x=schema.values(dataset, "middle", "tenth"),
            y=schema.values(dataset, f"{name}_median", "tenth"), mode="lines+markers", line={"color": colour},
        )  # fmt: skip
        figure.add_traces([points, medians], rows=1, cols=1)
    both = go.Scattergl(
        name="runs by rate", x=found["q"], y=found["symmetricity"], mode="markers",
        marker={"size": 4, "color": rate, "coloraxis": "coloraxis"}, showlegend=False,
        hovertemplate="q %{x:.3f}, symmetricity %{y:.3f}<br>rate %{marker.color:.2f}<extra></extra>",
    )  # fmt: skip
    figure.add_trace(both, row=1, col=2)
    curves.accuracy_axis(figure, "value")
    figure.update_xaxes(title_text="attention rate", col=1)
    figure.update_xaxes(title_text="distance irrelevance", col=2)
    figure.update_yaxes(title_text="gradient symmetricity", col=2)
    curves.panel_titles(figure)
    rho, agree = (schema.number(schema.scalar(dataset, name)) for name in ("spearman", "agreement"))
    figure.update_layout(
        template=look.template(theme),
        coloraxis={"autocolorscale": True, "colorbar": {"title": {"text": "rate"}}},
        title=schema.heading(
            dataset, "Clock and pizza over the attention rate", f"{rate.size:,} published runs",
            f"rank correlation {rho}", f"the rules .98 and .6 agree on {agree}",
        ),
    )  # fmt: skip
    return figure
