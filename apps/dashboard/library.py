"""The app's view of the store: which runs there are, the newest for a question, and their datasets, read once.

It computes nothing and writes nothing but what people say about runs (stars, tags, notes). Whatever is wrong with a
run comes out as one InterpError line to show.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.dashboard.drawn import Drawn, Source, drawn
from apps.dashboard.error_log import ErrorLog
from interp.errors import InterpError
from interp.figures import Drawing
from interp.store import Notes, OpenRun, RunSummary, Store

if TYPE_CHECKING:
    import xarray as xr

COMPLETE = "complete"
log = logging.getLogger(__name__)


class Library:
    """The runs of one store, for reading, and what went wrong with them; safe for the threads of a server."""

    def __init__(self, root: Path, read_only: bool = False) -> None:
        self.root, self.read_only = root, read_only
        self.errors = ErrorLog()
        self._load = lru_cache(maxsize=128)(self._load_once)
        self._draw = lru_cache(maxsize=256)(self._draw_once)

    def store(self) -> Store:
        """Return the store; InterpError when there is none at the root (yet)."""
        return Store(self.root, create=False)

    def runs(self) -> list[RunSummary]:
        """Return every run, newest first; an absent store has none."""
        try:
            return self.store().list()
        except InterpError:
            return []

    def models(self) -> list[str]:
        """Return the models that have runs, the one with most runs first."""
        counts = Counter(line.model for line in self.runs() if line.status == COMPLETE)
        return [name for name, _ in counts.most_common()]

    def of(self, method: str) -> list[RunSummary]:
        """Return the complete runs of a method, newest first."""
        return [line for line in self.runs() if line.method == method and line.status == COMPLETE]

    def notes(self) -> dict[str, Notes]:
        """Return what people said, by run; runs of which nothing was said are left out."""
        folder = self.root / "annotations"
        names = sorted(path.stem for path in folder.glob("*.jsonl")) if folder.is_dir() else []
        known = {line.run_id for line in self.runs()}
        return {name: self.store().notes(name) for name in names if name in known}

    def say(self, run_id: str, **said: Any) -> Notes:
        """Add one star, tag or note to a run (see `Store.annotate`) and return all that is said of it now."""
        if self.read_only:
            raise InterpError("This app was started read only: start it without --read-only, or use interp runs note.")
        return self.store().annotate(run_id, **said)

    def opened(self, run_id: str) -> OpenRun:
        """Return a run; InterpError when it is unknown or damaged."""
        return self.store().open(run_id)

    def dataset(self, run_id: str) -> xr.Dataset:
        """Return the dataset of a run, in memory; InterpError when the run is unknown or damaged."""
        return self._load(run_id, self.opened(run_id).digest)

    def drawn(self, run_id: str, drawing: Drawing, theme: str) -> Drawn:
        """Return a figure of a run, ready for a card, from the cache where it was drawn before; do not change it."""
        return self._draw(run_id, self.opened(run_id).digest, drawing, theme)

    def _draw_once(self, run_id: str, digest: str, drawing: Drawing, theme: str) -> Drawn:
        dataset = self._load(run_id, digest)
        try:
            return replace(drawn(drawing, dataset, theme), source=Source(run_id, drawing.name))
        except InterpError:
            raise
        except Exception as error:  # one figure that fails must not take its page with it
            log.error("Figure %s of run %s failed", drawing.name, run_id, exc_info=error)
            self.errors.add(f"figure {drawing.name} of run {run_id}", error)
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:160]
            raise InterpError(f"The figure {drawing.name} of run {run_id} failed ({reason}).") from error

    def _load_once(self, run_id: str, digest: str) -> xr.Dataset:
        """Read a dataset; `digest` keys the cache, so a replaced run is read again."""
        try:
            return self.opened(run_id).dataset.load()
        except InterpError:
            raise
        except Exception as error:  # whatever a damaged array raises, the page must say which run it is
            self.errors.add(f"run {run_id}", error)
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:160]
            raise InterpError(
                f"Run {run_id} cannot be read ({reason}). Check it: interp runs verify {run_id}"
            ) from error
