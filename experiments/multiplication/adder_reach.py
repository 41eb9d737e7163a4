"""How far back does a one-layer adder look for a carry? The pair of one column is hidden, and the digit above asked.

    wrong[hidden] = share of wrong c_4 when the token that foretells it cannot attend to a_j and b_j, j = `hidden`
    attention     = what each head gives that pair, nothing hidden

`nines`: questions whose columns 2 and 3 both sum to nine, so that the carry into c_4 is decided in column 1 or below;
`others`: the rest. How to read: hiding a column that is not used changes nothing (the null is "nothing hidden"); who
looks back two columns guesses on `nines` and loses nothing when column 1 is hidden. A single layer has no other way to
that pair than these edges.
Quirke & Barez 2024, arXiv:2310.13121 (the look-back of two columns).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from interp.engine import Hidden, Intervention, Site
from interp.methods.intervals import wilson
from interp.methods.result import mean_variables, variable
from interp.methods.staircase import staircase
from interp.methods.written_answers import foretold
from interp.models import load
from interp.tasks.prompts import Prompts
from interp.tasks.subtasks import sum_facts
from interp.tasks.written import Form, foretold_at, prompts

DIGITS, N_OTHERS = 5, 2_000
ASKED, ABOVE = "c4", 4
KINDS = ("nines", "others")


def reach(directory: Path, form: Form, ab: np.ndarray) -> xr.Dataset:
    """Return wrong [kind, hidden] in [0, 1] with Wilson's interval (hidden "none" is the null), and attention."""
    model = load(str(directory))
    between = sum_facts(ab[:, 0], ab[:, 1], DIGITS)["MS9"][:, 2:4].all(1)
    asked = {"nines": ab[between], "others": ab[~between][:N_OTHERS]}
    failed, attention = [], []
    for kind in KINDS:
        given = prompts(form, asked[kind], "test")
        failed.append([_wrong(model, form, given, column) for column in (None, *range(DIGITS))])
        seen = staircase(model, form, given).attention.sel(layer=0, column=ASKED)
        pairs = [seen.sel(role=[f"a{j}", f"b{j}"]).sum("role").values for j in range(DIGITS)]
        attention.append(np.stack(pairs, axis=1))
    n = np.array([len(asked[kind]) for kind in KINDS])
    ends = np.stack([np.stack(wilson(count, int(m))) for count, m in zip(failed, n, strict=True)], axis=1)
    found = {
        **mean_variables("wrong", "kind hidden", np.array(failed) / n[:, None], ends, "fraction", "wrong c_4"),
        "attention": variable("kind head column", np.array(attention), "fraction", "mean attention on the pair"),
        "n": variable("kind", n, "problems", "problems"),
    }
    hidden = ["none", *(f"column {j}" for j in range(DIGITS))]
    return xr.Dataset(found, {"kind": list(KINDS), "hidden": hidden, "column": list(range(DIGITS))})


def _wrong(model: Any, form: Form, given: Prompts, column: int | None) -> int:
    """Return how many c_4 are wrong with one pair hidden."""
    query = foretold_at(form, ABOVE)
    edges = () if column is None else ((query, f"a{column}"), (query, f"b{column}"))
    edits = [Intervention(Site("attn", 0), edges, Hidden())] if edges else []
    return int((~foretold(model, form, given, edits).right[:, ABOVE]).sum())
