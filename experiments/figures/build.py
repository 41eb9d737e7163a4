"""How is one part made? Its runs are recorded where they are missing, then it is drawn, judged and written at once.

    OUT/<experiment>/<part>/   part.json (stamp, order, verdicts)   <figure>.json <figure>.png   <table>.csv

The folder appears by one rename: killed at any moment, a part is made or it is not. Its stamp is the hash of all that
it follows from; a part whose stamp is the present one is left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

from experiments.figures.experiment import Judged, Part, Picture
from experiments.figures.registry import FOLDER, part_of
from experiments.figures.scale import scale
from interp.progress import Progress, silent
from interp.store import Store

ROOT = FOLDER.parent
CODE = ("answers", "engine", "figures", "fourier", "methods", "models", "store", "tasks", "execute.py", "verdicts.py")
"""What results follow from in `interp`; not the command line, nor how a page is laid out."""
PAGE = ("page.py", "page_blocks.py", "run_page.py", "files.py")


def stamp(experiment: str) -> str:
    """Return the hash of the code, published numbers, kept results and models behind an experiment."""
    code = [path for name in CODE for path in _python(ROOT / "interp" / name) if path.name not in PAGE]
    own = [path for path in (FOLDER / experiment).rglob("*") if path.suffix in (".py", ".json")]
    models = [*(ROOT / "data" / "zoo").glob("*/SHA256SUMS"), *(ROOT.parent / "shared" / "reference").glob("*/*.json")]
    digest = hashlib.sha256()
    for path in sorted({*code, *own, *models, FOLDER / "figures" / "build.py", FOLDER / "figures" / "experiment.py"}):
        if "out" not in path.relative_to(ROOT.parent).parts:
            digest.update(f"{path.relative_to(ROOT.parent)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _python(place: Path) -> list[Path]:
    return [place] if place.suffix == ".py" else list(place.rglob("*.py"))


def read_part(folder: Path) -> dict[str, Any]:
    """Return what part.json of a folder says; nothing where there is none."""
    path = folder / "part.json"
    return json.loads(path.read_text()) if path.is_file() else {}


class Place(NamedTuple):
    """Where runs are kept, where figures go, and the formats of the pictures beside them."""

    store: Path
    out: Path
    stills: tuple[str, ...] = ()


def build(experiment: str, name: str, place: Place, mark: str, progress: Progress = silent) -> float:
    """Make one part: record, draw, judge, write. Return the CPU seconds of this process that it took."""
    began = time.process_time()
    os.environ["ARITHMOSCOPE_STORE"] = str(place.store)  # experiments that open the default store mean this one
    part = part_of(experiment, name)
    found = part.run(Store(place.store), progress)
    write(experiment, part, found, place, mark)
    return time.process_time() - began


def write(experiment: str, part: Part, found: Any, place: Place, mark: str) -> None:
    """Draw and judge what was found and put it into the part's folder by one rename."""
    folder = place.out / experiment / part.name
    draft = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    pictures, about = list(part.pictures(found)), {"experiment": experiment, "part": part.name, "title": part.title}
    cards = [_card(experiment, part, each, draft) for each in pictures]
    if place.stills:
        from interp.figures.export import export

        export({draft / _slug(each.name): each.figure for each in pictures}, place.stills)
    frames = []
    for each in part.frames(found):
        each.frame.to_csv(draft / f"{_slug(each.name)}.csv", index=False)
        frames.append({"name": _slug(each.name), "title": each.title, "note": each.note})
    lines = [told(experiment, each, part) for each in part.verdicts(found)]
    facts = {"stamp": mark, **about, "command": part.command, "cards": cards, "frames": frames, "verdicts": lines}
    _json(draft / "part.json", facts)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(draft, folder)


def _card(experiment: str, part: Part, picture: Picture, draft: Path) -> str:
    """Write one figure as a card of the gallery and return its name."""
    from interp.figures.card import card

    name, size = _slug(picture.name), scale(picture.model)
    facts = (
        ("model", f"{picture.model}{f' ({size})' if size else ''}"),
        ("command", part.command),
        ("run", picture.run),
    )
    made = card(
        f"{experiment}--{part.name}--{name}", picture.figure, said=picture.said, table=picture.table, facts=facts
    )
    _json(draft / f"{name}.json", made.to_json())
    return name


def told(experiment: str, judged: Judged, part: Part) -> dict[str, Any]:
    """Return a verdict as a line of the table."""
    found = judged.verdict
    claim = found.claim
    return {
        "experiment": experiment,
        "paper": claim.source,
        "claim": claim.name,
        "figure or table": judged.where,
        "published": claim.text,
        "value": claim.value,
        "tolerance": claim.tolerance,
        "ours": None if found.ours is None else float(found.ours),
        "verdict": found.verdict,
        "measured": found.said,
        "model": judged.model,
        "model scale": judged.scale or scale(judged.model),
        "seeds": judged.seeds,
        "command": judged.command or part.command,
        "how we know": claim.certainty,
    }


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+=-]+", "-", name)


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
