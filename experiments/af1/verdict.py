"""Which published findings hold on a model? Each claim of `published.json`, judged on the recorded runs of a protocol.

The rules stand in the claims' texts; they were written down before the first run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.af1.protocol import OPERATIONS
from experiments.af1.tables import block_index, said
from interp.store import Store
from interp.verdicts import Claim, Verdict, judge, read_claims

PUBLISHED = Path(__file__).with_name("published.json")
WORK, FAIL, HURT, REMOVABLE, WAITING, SHORT, FEWEST = 0.8, 0.2, 0.9, 0.8, 1 / 3, 4, 20
Judged = tuple[bool | None, float | None, str]
"""Whether a claim holds (None: it cannot be said here), the number measured, and both in words."""
WORKING, FAILING = ("verbal", "question", "instruction"), ("word_problem", "python")


def verdicts(store: Store, runs: Mapping[str, str]) -> list[Verdict]:
    """Return a verdict on every published claim, in the order of the file."""
    search = store.open(runs["search"])
    model = search.manifest["spec"]["model"]
    return [_judge(claim, model, store, runs) for claim in read_claims(PUBLISHED).values()]


def _judge(claim: Claim, model: str, store: Store, runs: Mapping[str, str]) -> Verdict:
    needs = {"a-b-c": "window a-b-c plain", "necessity": "f1d", "heads": "heads", "alternatives": "t4"}
    if needs.get(claim.name, "search") not in runs or (claim.name == "styles" and "window a+b plain" not in runs):
        return judge(claim, model, None, said="not recorded")
    holds, ours, words = RULES[claim.name](store, runs)
    return judge(claim, model, holds, ours, words)


def _discovery(store: Store, runs: Mapping[str, str]) -> Judged:
    summary = store.open(runs["search"]).summary
    words = f"{said(summary)} (n {summary['n']}), found: {'yes' if summary['found'] else 'no'}"
    return bool(summary["found"]) and summary["faithfulness"] >= summary["threshold"], summary["faithfulness"], words


def _another_task(store: Store, runs: Mapping[str, str]) -> Judged:
    found, summary = store.open(runs["search"]).summary, store.open(runs["window a-b-c plain"]).summary
    if summary["n"] < FEWEST:
        return None, None, f"the full model answers {summary['n']} of these prompts: too few to say"
    words = f"{said(summary)} (n {summary['n']})"
    return bool(found["found"]) and summary["faithfulness"] >= found["threshold"], summary["faithfulness"], words


def _waits(store: Store, runs: Mapping[str, str]) -> Judged:
    found = store.open(runs["search"])
    n_layers = found.dataset.sizes["l_wait_tried"] - 1
    l_wait = found.summary["l_wait"]
    words = f"l_wait {l_wait} of {n_layers} blocks (block index {block_index(l_wait)})"
    return bool(found.summary["found"]) and l_wait >= WAITING * n_layers, l_wait, words


def _transfers(store: Store, runs: Mapping[str, str]) -> Judged:
    l_transfer = store.open(runs["search"]).summary["l_transfer"]
    if l_transfer is None:
        return False, None, "no number of transfer blocks passes"
    return l_transfer <= SHORT, l_transfer, f"l_transfer {l_transfer}"


def _necessary(store: Store, runs: Mapping[str, str]) -> Judged:
    cut = store.open(runs["f1d"]).dataset.sel(variant="last")
    hurt = [int(layer) for layer in cut["layer"].values[cut["faithfulness_high"].values < HURT]]
    summary = store.open(runs["search"]).summary
    window = range(summary["l_wait"], summary["l_wait"] + (summary["l_transfer"] or 0))
    words = f"blocks that hurt: {hurt or 'none'}; transfer blocks: {list(window) or 'none found'}"
    return bool(hurt) and set(hurt) <= set(window), None, words


def _heads(store: Store, runs: Mapping[str, str]) -> Judged:
    dataset = store.open(runs["heads"]).dataset
    found = store.open(runs["search"]).summary
    curve = dataset["curve"].values
    failing = np.flatnonzero(~(curve >= found["threshold"]))
    total = len(curve) - 1
    removable = int(failing[0]) - 1 if len(failing) else total
    if removable < 0:
        return False, 0.0, f"the subgraph with all {total} transfer heads is below the threshold"
    return removable >= REMOVABLE * total, removable / total, f"{removable} of {total} transfer heads can go"


def _styles(store: Store, runs: Mapping[str, str]) -> Judged:
    kept: dict[str, list[Any]] = {
        style: [store.open(runs[f"window {task} {style}"]).summary["faithfulness"] for task in OPERATIONS]
        for style in (*WORKING, *FAILING)
    }
    words = "; ".join(
        f"{style} {' '.join('-' if v is None else f'{v:.2f}' for v in found)}" for style, found in kept.items()
    )
    if any(value is None for found in kept.values() for value in found):
        return None, None, f"{words} (- = the full model answers none)"
    works = all(min(kept[style]) >= WORK for style in WORKING)
    return works and all(max(kept[style]) <= FAIL for style in FAILING), None, words


def _best(store: Store, runs: Mapping[str, str]) -> Judged:
    dataset, found = store.open(runs["t4"]).dataset, store.open(runs["search"]).summary
    rivals = dataset.isel(alternative=np.isin(dataset["kind"].values, ["wait", "peek"]))
    better = [str(name) for name in rivals["alternative"].values[rivals["difference_low"].values > 0]]
    words = f"better than CAMA with ABP: {', '.join(better) or 'none'}; the window passes: {bool(found['found'])}"
    return bool(found["found"]) and not better, None, words


def _other_models(store: Store, runs: Mapping[str, str]) -> Judged:
    found = store.open(runs["search"])
    if found.manifest["spec"]["model"].partition("@")[0] not in read_claims(PUBLISHED)["other models"].models:
        return None, None, "a claim about these two models alone"
    n_layers, summary = found.dataset.sizes["l_wait_tried"] - 1, found.summary
    words = f"l_wait {summary['l_wait']} of {n_layers}, l_transfer {summary['l_transfer']}, {said(summary)}"
    shorter = summary["l_wait"] / n_layers < 15 / 32
    longer = summary["l_transfer"] is not None and summary["l_transfer"] > 2
    return bool(summary["found"]) and shorter and longer and summary["faithfulness"] < 0.995, None, words


RULES = {
    "discovery": _discovery,
    "a-b-c": _another_task,
    "l_wait": _waits,
    "l_transfer": _transfers,
    "necessity": _necessary,
    "heads": _heads,
    "styles": _styles,
    "alternatives": _best,
    "other models": _other_models,
}
"""How each claim is judged on the discovery task (A+B+C) or, where it says so, another."""
