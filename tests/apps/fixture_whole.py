"""A store in which every page has something to show, and for each page what a link to it may name there."""

from __future__ import annotations

import xarray as xr

from apps.dashboard.library import Library
from apps.dashboard.selection import Selection
from tests.apps import (
    fixture_circuits,
    fixture_clock_pizza,
    fixture_digits,
    fixture_grokking,
    fixture_number_codes,
    fixture_operands,
    fixture_probes,
    fixture_spectra,
    fixture_store,
)
from tests.apps.fixture_parts import MODEL

TASK = "a+b"
PROBES = ("probe_controls", "probe_learning", "probe_transfer", "probe_directions", "probe_causal")
CIRCUITS = ("attribution", "circuits", "head_patching", "interchange", "key_heads")
CODES = ("helix", "filters", "planes")
DIGITS = ("digit_probes", "digit_rotation", "digit_codes", "convergence")


def results() -> list[xr.Dataset]:
    """Return one result of each method that has a page, on one task."""
    cells = (fixture_store.accuracy("a+b", "plain"), fixture_store.spectrum(), fixture_clock_pizza.clock_pizza())
    again = fixture_store.patching("a+b").assign_attrs(title="patching again")
    made = [*cells, again, fixture_operands.operands(), fixture_grokking.grokking().assign_attrs(task=None)]
    for module, names in (
        (fixture_probes, PROBES),
        (fixture_circuits, CIRCUITS),
        (fixture_number_codes, CODES),
        (fixture_digits, DIGITS),
        (fixture_spectra, ("spectra",)),
    ):
        made += [getattr(module, name)(TASK) for name in names]
    return made + [
        method(TASK) for method in (*fixture_store.CELL_METHODS, fixture_store.af1, *fixture_store.AF1_METHODS)
    ]


def full(library: Library) -> list[tuple[str, Selection]]:
    """Return, for each page that takes one, as full a selection as the store can satisfy."""

    def run(method: str) -> str:
        return library.of(method)[0].run_id

    asked = Selection(model=MODEL, task=TASK, style="plain")
    heads = {"layer": 3, "head": 1, "role": "eq"}
    spectra = asked.but(style=None, view="spectra", period=10.0, layer=1, pin=("T=5", "T=2"))
    return [
        ("/", Selection(model=MODEL)),
        ("/af1", Selection(run=run("af1"), window="2-3", pin=("2-4", "3-3"))),
        ("/patching", Selection(run=run("patching"), layer=4, role="eq", example=7, pin=("resid_pre 2 a",))),
        ("/patching", Selection(run=run("head_patching"), layer=1, head=2, role="eq", pin=("resid_pre 2 a",))),
        ("/patching", Selection(run=run("circuits"), view="circuit", metric="signed", node="MLP 1")),
        ("/probing", Selection(run=run("probe_controls"), target="b", layer=1, role="eq", pin=("carry@2@eq",))),
        ("/probing", Selection(run=run("probing"), target="result", layer=6, role="eq", pin=("a@2@a", "b@1@b"))),
        ("/fourier", spectra),
        ("/training", Selection(model="modadd-59", step=10, pin=("modadd-59-seed1", "step=20"))),
        ("/operands", Selection(run=run("operands"), view="behaviour", a=3, b=4)),
        ("/compare", Selection(run=library.of("patching")[0].run_id, against=library.of("patching")[1].run_id)),
        ("/attention", Selection(run=run("attention"), pin=("3.1", "0.2"), **heads)),
        ("/try", asked.but(view="head", a=17, b=25, **heads)),
        ("/study", asked),
        ("/runs", Selection(run=run("lens"), view="method")),
    ]
