"""The shipped grokked model has a few key frequencies in its embeddings; before training it has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from interp.fourier.embedding import embedding_spectrum
from interp.fourier.spectrum import significant_periods
from interp.models.native import load_native

ZOO = Path(__file__).parents[2] / "data" / "zoo" / "modadd-59"


def test_key_frequencies_grow_in_training():
    after, before = (embedding_spectrum(load_native(ZOO, step=step), None, 0, 58, n_null=199) for step in (None, 0))
    assert int(after["n"]) == 59
    assert significant_periods(before) == []
    assert {round(59 / period) for period in significant_periods(after)} == {12, 18, 20, 25}
    share = after["power"].sel(variant="raw", component=[12, 18, 20, 25]).sum()
    assert float(share) == pytest.approx(0.92, abs=0.01)
