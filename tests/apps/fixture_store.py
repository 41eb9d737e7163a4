"""A store of synthetic results in the schemas of the methods, for the tests of the app and its screenshots.

The numbers are made up, with the shapes a trained model gives: operands move to the last token half way up. Run as a
script it writes the store to the directory given: `python -m tests.apps.fixture_store STORE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr

from tests.apps.fixture_af1 import abp, af1, cama, peeking, window
from tests.apps.fixture_heads import alternatives, heads
from tests.apps.fixture_parts import LAYERS, MODEL, N_LAYERS, ROLES, attributes, interval, step

TASKS = ("a+b", "a-b", "a+b+c", "a+b-c", "a-b+c", "a-b-c")
STYLES = ("plain", "verbal", "question", "instruction", "word_problem", "python")


def _presence(task: str, at: float) -> np.ndarray:
    """Return [layer, role]: operands carry the answer below layer `at`, the last token above it."""
    roles = ROLES[task]
    out = np.zeros((len(LAYERS), len(roles)))
    for j, role in enumerate(roles):
        if role in ("a", "b", "c"):
            out[:, j] = 1 - step(LAYERS, at + 0.5 * j / len(roles))
        elif role == "eq":
            out[:, j] = step(LAYERS, at)
    return out


def accuracy(task: str, style: str, n: int = 500) -> xr.Dataset:
    """Return an accuracy result; `python` and `word_problem` are worse."""
    rng = np.random.default_rng(len(task) * 7 + len(style))
    right = {"plain": 0.998, "python": 0.93, "word_problem": 0.95}.get(style, 0.985) - 0.002 * len(task)
    correct = (rng.random(n) < right).astype(np.int8)
    a, b = rng.integers(0, 50, n), rng.integers(0, 50, n)
    mean = correct.mean()
    half = 1.96 * np.sqrt(mean * (1 - mean) / n) + 0.001
    return xr.Dataset(
        {
            "correct": ("prompt", correct),
            "predicted": ("prompt", (a + b + 1 - correct).astype(str)),
            "answer_logprob": ("prompt", np.where(correct, -0.01, -3.0)),
            **interval("accuracy", (), mean, half),
            "n": ((), n),
            "null_majority": ((), 0.018 if len(task) == 3 else 0.027),
            "null_shuffled": ((), 0.011),
        },
        coords={"prompt": [f"{x}{task[1]}{y}=" for x, y in zip(a, b, strict=True)]},
        attrs=attributes("accuracy", task, style),
    )


def patching(task: str, n: int = 200) -> xr.Dataset:
    """Return a patching map with per-pair values; only operand `a` differs between the twins."""
    rng = np.random.default_rng(3)
    roles = ROLES[task]
    mean = _presence(task, 3.5)
    mean[:, [j for j, role in enumerate(roles) if role not in ("a", "eq")]] *= 0.04
    clean, corrupted = rng.normal(9, 1.5, n), rng.normal(-8, 1.5, n)
    share = np.clip(mean + rng.normal(0, 0.12, (n, *mean.shape)) * (mean * (1 - mean) * 4 + 0.03), -0.3, 1.2)
    value = corrupted[:, None, None] + share * (clean - corrupted)[:, None, None]
    recovered = (value - corrupted[:, None, None]).mean(0) / (clean - corrupted).mean()
    null = -0.35 * mean + rng.normal(0, 0.03, mean.shape)
    operands = rng.integers(0, 50, (n, 3))
    text = [f"{a}+{b}=" for a, b, _ in operands] if task == "a+b" else [f"{a}+{b}+{c}=" for a, b, c in operands]
    twin = [f"{(int(t.split('+', 1)[0]) + 17) % 50}+{t.split('+', 1)[1]}" for t in text]
    return xr.Dataset(
        {
            **interval("recovered", ("layer", "role"), recovered, 0.02, -2, 2),
            "recovered_null": (("layer", "role"), null),
            "logit_diff": (("prompt", "layer", "role"), value),
            "logit_diff_clean": ("prompt", clean),
            "logit_diff_corrupted": ("prompt", corrupted),
            "n": ((), n),
        },
        coords={
            "layer": LAYERS,
            "role": list(roles),
            "prompt": text,
            "prompt_corrupted": ("prompt", twin),
        },
        attrs=attributes("patching", task),
    )


def ablation(task: str) -> xr.Dataset:
    """Return accuracy under zero, mean and resample ablation."""
    need = np.clip(_presence(task, 3.5), 0, 1)
    value = np.stack([0.99 - 0.97 * need, 0.99 - 0.95 * need, 0.99 - 0.96 * need])
    return xr.Dataset(
        {
            **interval("accuracy", ("kind", "layer", "role"), value, 0.02),
            "accuracy_clean": ((), 0.99),
            "null_majority": ((), 0.018),
            "n": ((), 500),
        },
        coords={"kind": ["zero", "mean", "resample"], "layer": LAYERS, "role": list(ROLES[task])},
        attrs=attributes("ablation", task),
    )


def lens(task: str) -> xr.Dataset:
    """Return the logit lens by layer and role."""
    value = np.zeros((len(LAYERS), len(ROLES[task])))
    value[:, -1] = step(LAYERS, 6.2, 0.4) * 0.99
    return xr.Dataset(
        {
            **interval("accuracy", ("layer", "role"), value, 0.02),
            "rank": (("layer", "role"), np.round(1 + 60 * (1 - value))),
            "logprob": (("layer", "role"), -6 * (1 - value) - 0.02),
            "accuracy_null": (("layer", "role"), 0.011 * (value > 0.5) + 0.006),
            "n": ((), 500),
        },
        coords={"layer": LAYERS, "role": list(ROLES[task])},
        attrs=attributes("lens", task),
    )


def probing(task: str) -> xr.Dataset:
    """Return ridge probes of the causal variables."""
    roles, rng = ROLES[task], np.random.default_rng(5)
    targets = (
        ["a", "b", "result", "a0", "a1", "carry1"] if task == "a+b" else ["a", "b", "c", "partial", "result", "carry1"]
    )
    score = rng.normal(-0.02, 0.02, (len(targets), len(LAYERS), len(roles)))
    for i, target in enumerate(targets):
        for j, role in enumerate(roles):
            if role == target[0] and target != "carry1":
                score[i, :, j] = 0.99 - 0.02 * LAYERS - (0.25 if len(target) > 1 else 0)
            if role == "eq":
                rise = {"result": 4.6, "partial": 4.0, "carry1": 4.8}.get(target, 3.4)
                top = {"result": 0.98, "carry1": 0.45}.get(target, 0.85)
                score[i, :, j] = top * step(LAYERS, rise, 0.4) - 0.01
    return xr.Dataset(
        {
            **interval("score", ("target", "layer", "role"), score, 0.03, -1, 1),
            "score_null": (("target", "layer", "role"), rng.normal(-0.05, 0.01, score.shape)),
            "score_null_high": ((), 0.06),
            "n": ((), 1000),
        },
        coords={"target": targets, "layer": LAYERS, "role": list(roles)},
        attrs=attributes("probing", task),
    )


def attention(task: str, n_heads: int = 4) -> xr.Dataset:
    """Return mean attention by role."""
    roles, rng = ROLES[task], np.random.default_rng(9)
    size = len(roles)
    logits = rng.normal(0, 1, (N_LAYERS, n_heads, size, size))
    logits[3:5, :2, -1, 1] += 3
    logits[3:5, 2:, -1, 3] += 3
    logits[:, :, :, 0] += 1.5
    logits = np.where(np.tril(np.ones((size, size))), logits, -np.inf)
    pattern = np.exp(logits)
    pattern /= pattern.sum(-1, keepdims=True)
    uniform = np.tril(np.ones((size, size))) / np.arange(1, size + 1)[:, None]
    return xr.Dataset(
        {
            "pattern": (("layer", "head", "role", "key"), pattern),
            "pattern_uniform": (("role", "key"), uniform),
            "n": ((), 500),
        },
        coords={"layer": np.arange(N_LAYERS), "head": np.arange(n_heads), "role": list(roles), "key": list(roles)},
        attrs=attributes("attention", task),
    )


def spectrum(size: int = 100) -> xr.Dataset:
    """Return the spectrum of the number embeddings with peaks at periods 2, 5, 10 and 50."""
    component = np.arange(1, size // 2 + 1)
    rng = np.random.default_rng(1)
    power = 0.004 * rng.gamma(4, 0.25, len(component)) + 0.1 / component**2
    for period, height in ((2, 0.06), (5, 0.05), (10, 0.11), (50, 0.09), (2.5, 0.03)):
        power[round(size / period) - 1] += height
    power /= power.sum()
    smooth = 1 / component**2 / (1 / component**2).sum()
    flat = np.full(len(component), 1 / len(component))
    median = np.stack([np.stack([flat, flat * 0.95, smooth]), np.stack([flat, flat * 0.95, smooth * 0.5])])
    bands = {"null_low": 0.6, "null_median": 1.0, "null_high": 1.5, "null_high_corrected": 1.8}
    return xr.Dataset(
        {
            "power": (("variant", "component"), np.stack([power, power * np.where(component < 4, 0.3, 1.02)])),
            **{name: (("variant", "null", "component"), median * factor) for name, factor in bands.items()},
            "n": ((), size),
        },
        coords={
            "component": component,
            "period": ("component", size / component),
            "variant": ["raw", "detrended"],
            "null": ["white noise", "shuffled embeddings", "number line"],
        },
        attrs=attributes("spectrum"),
    )


CELL_METHODS = (patching, ablation, cama, peeking, lens, probing, attention)
AF1_METHODS = (abp, window, alternatives, heads)


def results(styles: tuple[str, ...] = STYLES) -> list[xr.Dataset]:
    """Return every result of the synthetic study, accuracy in `styles`."""
    found = [accuracy(task, style) for task in TASKS for style in styles]
    for task in ROLES:
        found += [method(task) for method in CELL_METHODS]
        found.append(af1(task, found=task == "a+b"))
    found += [method("a+b") for method in AF1_METHODS]
    kept = {("a-b", "plain"): 0.9, ("a+b+c", "plain"): 0.61, ("a+b", "word_problem"): 0.04}
    found += [window(*cell, value) for cell, value in kept.items()]
    return [*found, spectrum()]


def summary_of(dataset: xr.Dataset) -> dict:
    """Return the headline numbers that a run of the method would record."""
    names = [name for name, array in dataset.data_vars.items() if array.ndim == 0]
    return {str(name): dataset[name].item() for name in names}


def fill(root: Path, datasets: list[xr.Dataset] | None = None) -> list[str]:
    """Write `datasets` (default: the synthetic study) into a store at `root`; return the run ids."""
    from interp.store import Spec, Store

    store, ids = Store(root), []
    for k, dataset in enumerate(results() if datasets is None else datasets):
        attrs = dataset.attrs
        spec = Spec(
            method=attrs["method"],
            model=MODEL,
            task=attrs.get("task"),
            style=attrs["style"],
            parameters={"l_wait": 3, "l_transfer": 2} if attrs["method"] == "window" else {},
            weights_sha256="5f" * 32,
        )
        created = f"2026-11-20T21:{k // 60:02d}:{k % 60:02d}.000Z"
        facts = {"created": created, "finished": created, "seconds": 0.4 + k / 7, "command": "interp study"}
        ids.append(store.write(spec, dataset, provenance=facts, summary=summary_of(dataset)).run_id)
    return ids


if __name__ == "__main__":
    print(len(fill(Path(sys.argv[1]))), "runs")
