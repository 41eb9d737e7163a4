"""Where do the tables, figures and verdicts of a script go? CSV and HTML in a folder, PNG where there is a Chromium."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from interp.verdicts import Verdict


def frame(found: Iterable[Verdict]) -> pd.DataFrame:
    """Return a line a claim: what was published, what was measured, the verdict."""
    told = [(each.claim.name, each.claim.text, each.said, each.verdict) for each in found]
    return pd.DataFrame(told, columns=["claim", "published", "measured", "verdict"])


def write(out: Path, tables: Mapping[str, pd.DataFrame], figures: Iterable[tuple[str, go.Figure]]) -> int:
    """Write each table, then each figure, under its name in `out`; return how many figures there are."""
    from interp.figures.export import export, possible

    out.mkdir(parents=True, exist_ok=True)
    for name, lines in tables.items():
        lines.to_csv(out / f"{name}.csv", index=False)
    drawn: dict[str | Path, Any] = {out / name: figure for name, figure in figures}
    export(drawn, possible("html", "png"))
    return len(drawn)
