"""On which waves of Z_10 do the digits of a multiplying model lie, and do the states before a digit form a prism?

    embedding, unembedding, mlp l, final      as `interp.fourier.digit_codes`; final: states that foretell c_k
    states                                    mean final state of each value of c_k: one 10-vector a dimension

and the same of the network before training, named "... before". For a prism of states, the first component over
the ten means is parity and the next two are the waves of period 5: `angle` to those waves near 0 for all three.

How to read: as `interp.fourier.prism`: {0, 1, 2, 5} rewards any number line; {0, 2, 5} and the prism against their
relabelings tell. States of a model that foretells c_k differ by digit whatever the code; the question is its shape.
Source: Bai et al. 2025, arXiv:2510.00184 (medians on {0, 1, 2, 5}: .84, .95, .99; the prism as a picture).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from interp.engine import Site, run
from interp.errors import InterpError
from interp.fourier import prism
from interp.fourier.digit_codes import digit_codes, digit_vectors
from interp.methods.result import attributes
from interp.progress import Progress, silent
from interp.tasks.products import asked

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def product_digits(
    model: Any,
    prompts: Prompts,
    column: int,
    *,
    untrained: Any = None,
    draws: int = 2000,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the prism scores of every site where c_`column` is foretold: a Dataset as `digit_codes` gives.

    `prompts` are `product_prompts`. Raises InterpError for no such column, or a value of it that never occurs.
    """
    here = asked(prompts, column)
    vectors = site_vectors(model, here, batch_size)
    if untrained is not None:
        before = site_vectors(untrained, here, batch_size)
        vectors |= {f"{site} before": rows for site, rows in before.items() if site != "unembedding"}
    found = digit_codes(vectors, draws=draws, seed=seed, progress=progress)
    title = f"Waves of the ten digits where c{column} is foretold, beside relabelings and the untrained network."
    return found.assign_attrs(attributes("product_digits", model, here, title, column=column, draws=draws, seed=seed))


def site_vectors(model: Any, here: Prompts, batch_size: int) -> dict[str, np.ndarray]:
    """Return the 10-vectors {site: float64 [row, digit]} of prompts that end where a digit is foretold."""
    found = digit_vectors(model, here, batch_size=batch_size)
    site = Site("resid_pre", model.cfg.n_layers)
    final = run(model, here, reads=[site], batch_size=batch_size)[site][:, -1].double().cpu().numpy()
    return found | {"states": state_means(final, here.answer_ids)}


def state_means(
    states: Float[np.ndarray, "problem d"], digit: Int[np.ndarray, " problem"]
) -> Float[np.ndarray, "d digit"]:
    """Return the mean state of every digit. Raises InterpError when one of the ten never occurs."""
    counts = np.bincount(digit, minlength=prism.DIGITS)
    if not counts.all():
        gone = ", ".join(map(str, np.flatnonzero(counts == 0)))
        raise InterpError(f"The digits {gone} never stand in this column: take more problems, or a middle column.")
    sums = np.zeros((prism.DIGITS, states.shape[1]))
    np.add.at(sums, digit, states)
    return (sums / counts[:, None]).T
