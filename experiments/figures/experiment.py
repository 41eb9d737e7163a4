"""What does a folder of experiments offer? Parts, each of which records what is missing and then draws and judges it.

    EXPERIMENT = Experiment(name, title, parts)          in experiments/<folder>/experiment.py
    found = part.run(store, progress)                    part.pictures(found), part.frames(found), part.verdicts(found)

A part is the unit that is made, kept and made again: its figures, tables and verdicts come from `found` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from interp.progress import Progress
from interp.store import Store
from interp.verdicts import Verdict

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    import xarray as xr

    from interp.figures import Drawing
    from interp.figures.twin import Twin

WHERE = re.compile(r"\b(figures?|tables?|section|appendix|theorem|equation)\s+[A-Z]?\d+[a-z]?(\.\d+)*", re.IGNORECASE)


class Picture(NamedTuple):
    """A figure and its caption: which model it shows, what it says in a sentence, its numbers, the run behind it."""

    name: str
    figure: go.Figure
    model: str = ""
    said: str = ""
    table: Twin | None = None
    run: str = ""


class Frame(NamedTuple):
    """A table of results, written as CSV too."""

    name: str
    title: str
    frame: pd.DataFrame
    note: str = ""


class Judged(NamedTuple):
    """A verdict, and what a reader needs to weigh it: the model, its seeds, the command that measures it, its size.

    A size that is not said is that of the model in the zoo.
    """

    verdict: Verdict
    model: str
    seeds: str = "1"
    command: str = ""
    scale: str = ""

    @property
    def where(self) -> str:
        """Return the figure or table of the paper, where the claim names one."""
        claim = self.verdict.claim
        found = WHERE.search(claim.text) or WHERE.search(claim.source)
        return claim.where or (found[0] if found else "")


def nothing(_: Any) -> Sequence[Any]:
    """Return no pictures, tables or verdicts."""
    return ()


class Part(NamedTuple):
    """What is made at once. `minutes`: of one core, measured; `after`: parts whose recorded runs this one uses."""

    name: str
    title: str
    minutes: float
    command: str
    run: Callable[[Store, Progress], Any]
    pictures: Callable[[Any], Iterable[Picture]] = nothing
    frames: Callable[[Any], Iterable[Frame]] = nothing
    verdicts: Callable[[Any], Iterable[Judged]] = nothing
    after: tuple[str, ...] = ()


class Experiment(NamedTuple):
    """A folder of experiments: its name, what it asks, and its parts in order."""

    name: str
    title: str
    parts: tuple[Part, ...]


def shown(name: str, drawing: Drawing, dataset: xr.Dataset, run: str = "") -> Picture:
    """Return one drawing of a result with its sentence and its numbers."""
    from interp.figures.twin import twin

    model = str(dataset.attrs.get("model", ""))
    return Picture(
        name, drawing(dataset), model, drawing.summary(dataset), twin(dataset, drawing.shows), run
    )  # fmt: skip


def of_run(name: str, store: Store, run: str) -> Iterator[Picture]:
    """Yield every drawing of a recorded run that it holds the numbers for."""
    from interp.errors import InterpError
    from interp.figures import FIGURES

    dataset = store.open(run).load()
    for drawing in FIGURES[str(dataset.attrs["method"])]:
        try:
            yield shown(f"{name}-{drawing.name}", drawing, dataset, run)
        except InterpError:  # a measure that is not asked of this model
            continue


def plain(pairs: Iterable[tuple[str, go.Figure]], model: str) -> Iterator[Picture]:
    """Yield figures that say all in their own subtitles."""
    yield from (Picture(name, figure, model) for name, figure in pairs)
