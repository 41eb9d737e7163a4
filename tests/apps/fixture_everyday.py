"""Synthetic results of the everyday methods: direct logit attribution, answers of several tokens."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_parts import LAYERS, N_LAYERS, attributes, interval, step


def dla(task: str) -> xr.Dataset:
    """Return direct contributions of 4 heads and an MLP a layer, late MLPs the largest."""
    rng = np.random.default_rng(6)
    heads, mlps = rng.normal(0, 0.1, (N_LAYERS, 4)), 3 * step(np.arange(N_LAYERS), 5.5)
    heads[4, 2] = 1.4
    neurons = np.sort(rng.exponential(0.2, (2, 5)))[:, ::-1]
    means = {
        "embed": ("", 0.2), "bias": ("", -0.1), "heads": (("layer", "head"), heads), "mlps": ("layer", mlps),
        "neurons": (("neuron_layer", "rank"), 0.4 * neurons), "neuron_sizes": (("neuron_layer", "rank"), neurons),
        "accumulated": ("depth", 9 * step(LAYERS, 5.6)),
    }  # fmt: skip
    data: dict = {}
    for name, (dims, mean) in means.items():
        dims = () if dims == "" else dims
        data |= interval(name, dims, mean, 0.05, -20, 20)
        data |= interval(f"{name}_null", dims, 0.03 * np.asarray(mean), 0.05, -20, 20)
    return xr.Dataset(
        {
            **data,
            **interval("lens", "depth", 8.5 * step(LAYERS, 6), 0.2, -20, 20),
            **interval("total", (), 9.0, 0.3, -20, 20),
            "neuron": (("neuron_layer", "rank"), rng.integers(0, 48, (2, 5))),
            "n": ((), 200),
        },
        coords={
            "layer": np.arange(N_LAYERS), "head": np.arange(4), "depth": LAYERS, "neuron_layer": [6, 7],
            "rank": np.arange(5),
        },
        attrs={**attributes("dla", task), "against": "twin"},
    )  # fmt: skip


def long_answers(task: str) -> xr.Dataset:
    """Return answers of up to three digits, of which the tens are hardest and generation is a little worse."""
    forced, generated = np.array([0.97, 0.88, 0.95]), np.array([0.97, 0.84, 0.9])
    shares = {"teacher_forced": forced, "generated": generated}
    data: dict = {}
    for side, value in shares.items():
        data |= interval(f"token_{side}", "token", value, 0.02) | interval(f"digit_{side}", "digit", value[::-1], 0.02)
        data |= interval(f"exact_{side}", (), value.prod(), 0.02)
    counts = {"n_tokens": ("token", [500, 500, 320]), "n_digits": ("digit", [500, 500, 320])}
    nulls = {"token_null": ("token", [0.4, 0.11, 0.12]), "digit_null": ("digit", [0.12, 0.11, 0.9])}
    whole = {"runs_on": ((), 0.01), "null_majority": ((), 0.02), "null_shuffled": ((), 0.01), "n": ((), 500)}
    coords = {"token": np.arange(3), "digit": np.arange(3)}
    return xr.Dataset({**data, **counts, **nulls, **whole}, coords=coords, attrs=attributes("long_answers", task))
