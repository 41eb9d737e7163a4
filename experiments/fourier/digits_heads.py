"""Are the outputs of mental-math's heads at '=' sums of one part for each operand's digit?"""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

MODEL = "mental-math"
Measured = dict[str, tuple[bool, float | None, str]]


@functools.cache
def heads() -> pd.DataFrame:
    """Return a line a head of mental-math at '=', the two-way fit of its output on the operands' tens (and units)."""
    from interp.fourier.minkowski import head_two_way
    from interp.models import load
    from interp.tasks import build, named_task

    model, lines = load(MODEL), []
    prompts = build(named_task("a+b"), model.arith.tokenizer, "plain", "test", 1000, 0)
    for digit, names in (("tens", ("a1", "b1")), ("units", ("a0", "b0"))):
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):
                fit, null, attention = head_two_way(model, prompts, layer, head, names, draws=5)
                seen = attention["a"] / (attention["a"] + attention["b"])
                null_cell = float(np.mean([each.cell for each in null]))
                null_parallel = float(np.nanmax([each.parallel for each in null]))
                lines.append({"digit": digit, "layer": layer, "head": head, "additive": fit.additive, "cell": fit.cell,
                              "cell_null": null_cell, "alpha": fit.alpha, "attention": seen,
                              "similarity": fit.similarity, "parallel": fit.parallel, "parallel_null": null_parallel,
                              "cosine": float(fit.cosines[0])})  # fmt: skip
    return pd.DataFrame(lines)


def minkowski_sums(table: pd.DataFrame) -> Measured:
    """Return what the claims about heads came to: does it hold, the number, in words."""
    first = table[(table.digit == "tens") & (table.layer == 0)]
    good = first[(first.additive >= 0.8) & (first.cell - first.additive <= 0.1) & (first.parallel > 0.8)]
    later = table[(table.digit == "tens") & (table.layer > 0)]
    words = (
        f"{len(good)} of {len(first)} heads: additive {first.additive.min():.2f} to {first.additive.max():.2f} of "
        f"cells {first.cell.min():.2f} to {first.cell.max():.2f}; later blocks additive {later.additive.min():.2f} to "
        f"{later.additive.max():.2f}; units nothing ({table[table.digit == 'units'].additive.max():.2f} at most)"
    )
    off = float((first.alpha - first.attention).abs().max())
    pairs = ", ".join(f"{a:.2f} ({s:.2f})" for a, s in zip(first.alpha, first.attention, strict=True))
    return {
        "Minkowski sum": (len(good) > 0, None, words),
        "implied alpha": (off <= 0.1, None, f"alpha (attention): {pairs}; largest difference {off:.2f}"),
    }
