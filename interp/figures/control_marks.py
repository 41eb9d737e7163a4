"""How is every draw of two kinds of controls drawn beside what they control for? Grey marks, the kinds side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from interp.figures import schema
from interp.figures import theme as look

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class ControlMarks:
    """The symbol of each kind of control (and its name, where it is not its own), how large and how far aside."""

    symbols: Mapping[str, str]
    size: int
    aside: float
    names: Mapping[str, str] = field(default_factory=dict)

    def add(self, figure: go.Figure, found: xr.Dataset, dim: str, place: dict[str, Any]) -> None:
        """Add `accuracy_null` [dim, control, draw] to a panel: a mark a draw at the place of each item of `dim`."""
        value = schema.values(found, "accuracy_null", dim, "control", "draw")
        for c, control in enumerate(str(name) for name in schema.labels(found, "control")):
            name = f"control: {self.names.get(control, control)}"
            x = np.repeat(np.arange(len(value)) + (-self.aside if c == 0 else self.aside), value.shape[2])
            symbol = self.symbols.get(control, "circle-open")
            figure.add_trace(
                go.Scatter(
                    name=name, legendgroup=control, showlegend=place["col"] == 1, x=x, y=value[:, c].ravel(),
                    mode="markers", hovertext=[f"{name}<br>{v:.3f}" for v in value[:, c].ravel()], hoverinfo="text",
                    marker={"color": look.NULL, "size": self.size, "symbol": symbol, "line": {"width": 1.5}},
                ),
                **place,
            )  # fmt: skip
