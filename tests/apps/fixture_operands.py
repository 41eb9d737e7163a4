"""A synthetic result of operands: answers fail at large sums, one neuron follows b mod 5, one the sum, others noise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_parts import attributes

BY = ["a", "b", "result", "b mod 5", "carry"]
SCALARS = {"logit_diff": "logits", "probability": "probability", "right": "0 or 1", "error": "numbers"}


def operands(task: str = "a+b", size: int = 12, n_neurons: int = 6, direct: bool = True) -> xr.Dataset:
    """Return maps over `size` x `size` pairs, of which the last has no pair."""
    rng = np.random.default_rng(2)
    a, b = np.indices((size, size)).astype(np.float32)
    total = a + b
    neurons = rng.normal(size=(n_neurons, size, size)).astype(np.float32)
    neurons[1], neurons[2] = 3.0 * (b % 5 == 3), np.cos(total)
    neurons[3] = 0.0
    away = 5 - 0.4 * total
    said = np.stack([away, 1 / (1 + np.exp(-away)), away > 0, np.where(away > 0, 0, -1)]).astype(np.float32)
    maps = {
        "behaviour": (("scalar",), said),
        "activation": (("neuron",), neurons),
        "attention": (("head", "operand"), rng.random((4, 2, size, size)).astype(np.float32)),
        "added": (("head",), rng.normal(size=(4, size, size)).astype(np.float32)),
    }
    read = np.stack([[total, 0 * total], [b, b - total]]).astype(np.float32)
    maps["probed"] = (("probe", "reading"), read)
    group = np.stack([a, b, total, b % 5, (a % 10 + b % 10 >= 10)]).astype(np.float32)
    data: dict = {}
    place = ("operand_a", "operand_b")
    for name, (dims, values) in maps.items():
        if name == "added" and not direct:
            continue
        share = np.stack([_shares(each, group) for each in values.reshape(-1, size, size)])
        shape = (*values.shape[:-2], len(BY))
        data[f"explained_{name}"] = ((*dims, "by"), share.reshape(shape))
        data[f"explained_{name}_null_high"] = ((*dims, "by"), np.full(shape, 0.2))
        values = values.copy()
        values[..., -1, -1] = np.nan
        data[name] = ((*dims, *place), values, {"units": "activation"})
    text = np.array([[f"{int(x)}+{int(y)}=" for y in range(size)] for x in range(size)])
    text[-1, -1] = ""
    answer = np.array([[str(x + y) for y in range(size)] for x in range(size)])
    data |= {"text": (place, text), "answer": (place, answer), "answered": (place, answer)}
    data |= {"group": (("by", *place), group), "explained_null": ("by", np.full(len(BY), 0.05))}
    data |= {"probe_r2": ("probe", [1.0, 0.5]), "probe_r2_null_high": ("probe", [0.01, 0.02])}
    return xr.Dataset(
        {**data, "n": ((), size * size - 1)},
        coords={
            "scalar": list(SCALARS), "scalar_units": ("scalar", list(SCALARS.values())), "operand": ["a", "b"],
            "neuron": [f"5.{i}" for i in range(n_neurons)], "head": [f"{i // 2}.{i % 2}" for i in range(4)],
            "probe": ["result@1", "result@2"], "reading": ["value", "error"],
            "operand_a": np.arange(size), "operand_b": np.arange(size), "by": BY,
        },
        attrs={**attributes("operands", task), "operands": "a b", "n_shuffles": 19},
    )  # fmt: skip


def _shares(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    total = ((values - values.mean()) ** 2).sum()
    if not total:
        return np.full(len(group), np.nan)
    between = [sum((g == v).sum() * (values[g == v].mean() - values.mean()) ** 2 for v in np.unique(g)) for g in group]
    return np.array(between) / total
