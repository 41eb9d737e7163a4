"""The command behind `interp figures`: what is missing is made, then the page and the verdict table are written."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from experiments.figures.build import Place
from experiments.figures.gallery import write_gallery
from experiments.figures.make import make, missing
from experiments.figures.registry import chosen, experiments
from interp.cli.output import say, table
from interp.errors import InterpError
from interp.figures.export import STILLS, browser


class How(NamedTuple):
    """How many processes work, which pictures are written beside the page, and whether all is drawn again."""

    processes: int = 1
    stills: str = ""
    fresh: bool = False

    @property
    def formats(self) -> tuple[str, ...]:
        """Return the formats of the pictures. Raises InterpError for one that cannot be written here."""
        found = tuple(name for name in self.stills.split(",") if name)
        for name in found:
            if name not in STILLS:
                raise InterpError(f"pictures cannot be written as {name!r}; choose from {', '.join(STILLS)}.")
        if found and browser() is None:
            raise InterpError("pictures need a Chromium (found none, also not at $BROWSER_PATH); leave out --stills.")
        return found


def listing(only: tuple[str, ...], out: Path) -> None:
    """Print the parts, whether each is made, and the measured minutes of one core."""
    found = chosen(only)
    todo = {job.name for job in missing(found, out)}
    rows = []
    for each in found:
        for part in each.parts:
            name = f"{each.name}/{part.name}"
            rows.append((name, part.title, "no" if name in todo else "yes", f"{part.minutes:g}", part.command))
    table("parts", ("part", "what it shows", "made", "minutes", "command"), rows)


def make_all(only: tuple[str, ...], out: Path, store: Path | None, how: How) -> list[Path]:
    """Make what is missing among `only` (all when empty), write the page of all that is made; return what changed."""
    from interp.store.store import default_root

    place = Place((store or default_root()).resolve(), out, how.formats)
    todo = missing(chosen(only), out, how.fresh)
    make(todo, place, how.processes)
    changed = write_gallery(experiments(), out)
    say(f"{len(todo)} parts made, {len(changed)} files of the gallery written; open {out / 'index.html'}")
    return changed
