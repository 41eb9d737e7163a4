"""Logs of trainings as files: `/download/log/multiply-icot/digit_loss.csv`, in full or at some steps (`?step=100`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import Flask, Response, abort, request

from apps.dashboard.downloads import as_csv, as_html
from apps.dashboard.pages.training_choice import read
from apps.dashboard.selection import MOST_PINS
from interp.errors import InterpError
from interp.figures.training import at_step, parts
from interp.figures.training_parts import nearest
from interp.places import zoo_directory
from interp.store.training_logs import trainings

STEP = re.compile("[0-9]{1,6}", re.ASCII)


def as_file(name: str, measure: str, kind: str, steps: Sequence[int] = ()) -> str:
    """Return one measure of a log, as "csv" or as a page that stands alone ("html"): in full, or at the logged steps
    nearest to `steps`."""
    zoo = zoo_directory()
    if name not in trainings(zoo):
        raise InterpError(f"There is no training {name[:40]!r}.")
    log = read(zoo / name)
    if measure not in log.data_vars:
        raise InterpError(f"The training {name} logged no {measure[:40]!r}.")
    if not steps:
        return as_csv(log, measure) if kind == "csv" else as_html(parts(log, measure))
    if kind == "csv":
        return as_csv(log.isel(step=[nearest(log, measure, step) for step in steps]), measure)
    return as_html(at_step({name: log}, measure, steps))


def add_files(server: Flask) -> None:
    """Add the addresses of logs as files; what does not exist is a 404 that says so."""

    @server.get("/download/log/<name>/<measure>.<any(csv, html):kind>")
    def log_file(name: str, measure: str, kind: str) -> Response:
        try:
            asked = [int(step) for step in request.args.getlist("step") if STEP.fullmatch(step)]
            text = as_file(name, measure, kind, asked[: MOST_PINS + 1])
        except InterpError as error:
            abort(404, str(error))
        head = {"Content-Disposition": f'attachment; filename="{name}-{measure}.{kind}"'}
        return Response(text, mimetype=f"text/{kind}", headers=head)
