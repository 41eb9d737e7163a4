"""One page of recorded runs, to send to a colleague: figures, numbers, the question, circumstances, how to open it.

    run_page(store, ("20261121-...",))         a study brings its parts along

Reading only: what the page says is what the runs hold. A damaged run is an error, never a page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.errors import InterpError
from interp.figures import FIGURES, Drawing
from interp.figures.card import Card, Facts, card
from interp.figures.page import Block, Page, Section
from interp.figures.page_blocks import Listing, Sheet
from interp.figures.twin import twin
from interp.store.facts import facts, snippet

if TYPE_CHECKING:
    import xarray as xr

    from interp.store import OpenRun, Store


def run_page(store: Store, run_ids: Sequence[str]) -> Page:
    """Return the page of the runs, each checked byte by byte first; a study is followed by its parts.

    Raises InterpError for a run that is unknown or damaged.
    """
    chosen = _with_parts(store, run_ids)
    for run_id in chosen:
        wrong = store.verify(run_id)
        if wrong:
            raise InterpError(f"run {run_id!r} is damaged and was not exported: {wrong[0]}")
    opened = [store.open(run_id) for run_id in chosen]
    names = [_asked(run.manifest["spec"]) for run in opened]
    title = names[0] if len(opened) == 1 else f"{names[0]}, and {len(opened) - 1} more runs"
    commits = {str((run.manifest.get("git") or {}).get("commit"))[:12] for run in opened} - {"None"}
    made = f", made at commit {', '.join(sorted(commits))}" if 0 < len(commits) < 4 else ""
    return Page(
        title,
        f"Recorded runs of Arithmoscope{made}.",
        tuple(_section(run, name) for run, name in zip(opened, names, strict=True)),
    )


def _with_parts(store: Store, run_ids: Sequence[str]) -> list[str]:
    """The runs, each study followed by its parts; accuracies, which its table holds already, come last."""
    found: dict[str, None] = {}
    for run_id in run_ids:
        manifest = store.open(run_id).manifest
        study = manifest["spec"]["method"] == "study"
        parents = manifest.get("parents") or () if study else ()
        found |= dict.fromkeys([run_id, *sorted(parents, key=lambda each: each.startswith("accuracy-"))])
    return list(found)


def _asked(spec: dict[str, Any]) -> str:
    """What was asked, for a heading: method, task, style, model."""
    model = str(spec["model"]).rstrip("/").rsplit("/", 1)[-1]
    parts = (spec["method"], spec.get("task"), spec.get("style") if spec.get("task") else None, model)
    return " · ".join(str(part) for part in parts if part)


def _section(run: OpenRun, name: str) -> Section:
    manifest, run_id = run.manifest, run.run_id
    dataset, spec = run.load(), manifest["spec"]
    about: Facts = (("model", str(dataset.attrs.get("model", spec["model"]))), ("run", run_id))
    blocks: list[Block] = [run_card(run_id, drawing, dataset, about) for drawing in FIGURES.get(spec["method"], ())]
    if spec["method"] == "study":
        blocks.append(_accuracies(run_id, dataset))
    blocks += [
        _pairs(f"{run_id}--numbers", "Headline numbers", run.summary),
        _pairs(f"{run_id}--provenance", "Provenance", facts(manifest)),
        Listing(f"{run_id}--python", "Open it in Python", snippet(run_id, Path("store")), aside=True),
        Listing(f"{run_id}--spec", "The question (spec)", json.dumps(spec, indent=2, ensure_ascii=False), aside=True),
    ]
    return Section(run_id, name, str(run.summary.get("finding") or ""), tuple(blocks))


def run_card(run_id: str, drawing: Drawing, dataset: xr.Dataset, about: Facts = ()) -> Card | Listing:
    """Return the card of one drawing of a run; where the run does not hold what it shows, a note that says so."""
    name = f"{run_id}--{drawing.name}"
    try:
        drawn = drawing(dataset)
        said, table = drawing.summary(dataset), twin(dataset, drawing.shows)
    except (InterpError, KeyError) as error:  # a run of another release
        return Listing(
            name, f"{drawing.name}: not drawn", f"This run does not hold what the figure shows: {error.args[0]}"
        )
    return card(name, drawn, said=said, table=table, facts=about)


def _pairs(name: str, title: str, values: dict[str, Any]) -> Sheet:
    rows = [(str(key), f"{value:.5g}" if isinstance(value, float) else str(value)) for key, value in values.items()]
    return Sheet(name, title, ("what", "value"), tuple(rows), aside=True)


def _accuracies(run_id: str, dataset: xr.Dataset) -> Sheet:
    """The accuracy table of a study: a line a task, interval in brackets, the largest null beside."""
    styles = [str(style) for style in dataset["style"].values]
    rows = []
    for task in dataset["task"].values:
        row = dataset.sel(task=task)
        ends = zip(*(row[f"accuracy{end}"].values for end in ("", "_low", "_high")), strict=True)
        cells = (f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in ends)
        rows.append((str(task), *cells, f"{float(row['null_majority'].max()):.3f}"))
    columns = ("task", *styles, "null: best constant")
    counts = sorted({int(n) for n in dataset["n"].values.ravel()})
    asked = " to ".join(f"{each:,}" for each in (counts[0], counts[-1])[: len(counts)])
    n = f"n = {asked} prompts a cell, 95 % intervals"
    return Sheet(f"{run_id}--accuracy", "Accuracy by task and style", columns, tuple(rows), n)
