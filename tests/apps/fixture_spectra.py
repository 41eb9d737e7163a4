"""A synthetic result of spectra: the result is held in tens at the last token, from the middle of the model on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from interp.fourier.spectra import dataset_of
from tests.apps.fixture_parts import attributes

READINGS = ["a at a", "b at b", "a at eq", "b at eq", "result at eq"]


def spectra(task: str) -> xr.Dataset:
    """Return spectra of three layers, one of them with a period, and the embeddings of `eq` that do not vary."""
    shape = (3, len(READINGS), 2, 50)
    shares = np.random.default_rng(4).dirichlet(np.full(50, 4.0), shape[:3])
    levels, p = np.full(shape, 0.08), np.full(shape, 0.6)
    shares[2, 4, :, 9], p[2, 4, :, 9] = 0.3, 0.0005
    shares[0, 2:] = np.nan
    made = dataset_of(shares, levels, p, 100)
    made = made.assign_coords(layer=[0, 1, 2], reading=READINGS, variant=["raw", "detrended"])
    made["n"], made["n_fewest"] = ((), 100), ("reading", [40, 40, 40, 40, 12])
    return made.assign_attrs(attributes("spectra", task), place="resid")
