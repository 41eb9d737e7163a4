"""The figures of a tried prompt as files: `/download/try/JOB/lens.csv`, `attention.html?layer=2&head=1`.

They are made of the answer when asked, and are gone with it: an answer that is not kept stays for a day.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from flask import Flask, Response, abort, request

from apps.dashboard.downloads import as_html
from apps.dashboard.library import Library
from apps.dashboard.pages.try_answer import dataset_of
from apps.dashboard.selection import Selection, parse
from apps.dashboard.workshop import workshop
from interp.errors import InterpError
from interp.figures import trial

HELD = {
    "predictions": ("top_token", "top_probability"),
    "lens": ("lens_token", "lens_top", "lens_answer"),
    "attention": ("pattern", "pattern_uniform"),
}
"""Name of a figure -> the arrays that it shows."""


def as_file(dataset: xr.Dataset, name: str, kind: str, asked: Selection) -> str:
    """Return a figure of an answer as "csv", its numbers in full, or as a page that stands alone ("html").

    Raises InterpError for a head that is not there.
    """
    block, head = trial.chosen_head(dataset, asked.layer, asked.head)
    if kind == "csv":
        here = dataset[list(HELD[name])]
        if name == "attention":  # a key after the query cannot be seen: no line
            rank = np.arange(here.sizes["role"])
            earlier = xr.DataArray(rank[:, None] >= rank, dims=("role", "key"))
            here = here.isel(block=block, head=head).where(earlier)
            return here.to_dataframe().dropna(subset=["pattern"]).reset_index().to_csv(index=False)
        return here.to_dataframe().reset_index().to_csv(index=False)
    if name == "attention":
        return as_html(trial.attention(dataset, block=block, head=head))
    return as_html(trial.lens(dataset) if name == "lens" else trial.predictions(dataset))


def add_try_files(server: Flask, library: Library) -> None:
    """Add the addresses to the server; an answer that is gone is a 404 that says so."""
    work = workshop(library)

    @server.get("/download/try/<int:number>/<any(predictions, lens, attention):name>.<any(csv, html):kind>")
    def try_file(number: int, name: str, kind: str) -> Response:
        try:
            dataset = dataset_of(work, library, work.job(number))
            if dataset is None or dataset.attrs.get("method") != "try":
                abort(404, f"There is no answer of job {number}, or it has expired; ask again.")
            asked = parse(request.query_string.decode("utf-8", "replace"))[0]
            text = as_file(dataset, name, kind, asked)
        except InterpError as error:
            abort(404, str(error))
        headers = {"Content-Disposition": f'attachment; filename="try-{number}-{name}.{kind}"'}
        return Response(text, mimetype=f"text/{kind}", headers=headers)
