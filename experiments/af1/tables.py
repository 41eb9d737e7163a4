"""T1 to T4: the numbers of the protocol as tables, each with its interval, n and null.

t1   task        accuracy of the full model, faithfulness of the subgraph (plain style)
t2   model       window, both ways of counting it, faithfulness by task; the published rows beside ours
t3   style x operation    accuracy of the full model, least, mean and most of three seeds; faithfulness
t4   every other way to wait and to mask, at the same window

python -m experiments.af1.tables [t1 t2 ...] --model mental-math
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.af1.protocol import DISCOVERY, OPERATIONS, SEEDS, TASKS
from interp.store import Store
from interp.tasks import STYLES

PUBLISHED = Path(__file__).with_name("published.json")
Runs = Mapping[str, str]


def said(summary: Mapping[str, object], name: str = "faithfulness") -> str:
    """Return "mean [low, high]" of a headline number; "-" where it is not defined."""
    values = [summary.get(f"{name}{end}") for end in ("", "_low", "_high")]
    if not all(isinstance(value, int | float) for value in values):
        return "-"
    return "{:.3f} [{:.3f}, {:.3f}]".format(*values)


def block_index(l_wait: int) -> str:
    """Return the paper's 0-based index of the last waiting block; none where CAMA stands at the embeddings."""
    return str(l_wait - 1) if l_wait else "none: embeddings"


def t1(store: Store, runs: Runs) -> pd.DataFrame:
    """Return a line a task: the full model and the subgraph, plain style."""
    lines = []
    for task in TASKS:
        summary = store.open(runs[f"window {task} plain"]).summary
        lines.append(
            {
                "task": task + (" (discovery)" if task == DISCOVERY else ""),
                "full model": said(summary, "accuracy_full"),
                "AF1 faithfulness": said(summary),
                "unconditional mean": said(summary, "faithfulness_mean"),
                "zero": said(summary, "faithfulness_zero"),
                "best constant": f"{summary['null_majority'] or 0:.3f}",
                "n": str(summary["n"]),
            }
        )
    lines.append({"task": "four more tasks of the paper: not specified"})
    return pd.DataFrame(lines).fillna("")


def t2(store: Store, runs: Runs) -> pd.DataFrame:
    """Return a column a model: ours from its search, and the published ones."""
    search = store.open(runs["search"])
    summary, model = search.summary, search.manifest["spec"]["model"]
    found = bool(summary["found"])
    window = store.open(runs[f"window {DISCOVERY} plain"]).summary
    line = {
        "model": model if model.count("/") < 2 else Path(model).name,
        "source": "measured here",
        "found": "yes" if found else "no: best cell",
        "l_wait": window["l_wait"],
        "block index": block_index(window["l_wait"]),
        "l_transfer": window["l_transfer"],
        **{task: said(store.open(runs[f"window {task} plain"]).summary) for task in TASKS},
    }
    rows = []
    for given in json.loads(PUBLISHED.read_text())["reference_rows"]:
        facts = {task: f"{given[task]:.3f}" if task in given else "" for task in TASKS}
        rows.append(
            {
                "model": given["model"],
                "source": "published",
                "found": "yes",
                "l_wait": given["l_wait"],
                "block index": block_index(given["l_wait"]),
                "l_transfer": given["l_transfer"],
                **facts,
            }
        )
    columns = pd.DataFrame([line, *rows]).set_index("model").T
    return columns.rename_axis(None, axis=1).rename_axis("what").reset_index()


def t3(store: Store, runs: Runs) -> pd.DataFrame:
    """Return a line a style and operation: accuracy over the seeds, and faithfulness of the subgraph."""
    lines = []
    for style in STYLES:
        for task in OPERATIONS:
            base = [store.open(runs[f"base {task} {style} {seed}"]).summary["accuracy"] for seed in SEEDS]
            summary = store.open(runs[f"window {task} {style}"]).summary
            lines.append(
                {
                    "style": style,
                    "task": task,
                    "full: least": f"{min(base):.3f}",
                    "mean": f"{np.mean(base):.3f}",
                    "most": f"{max(base):.3f}",
                    "AF1 faithfulness": said(summary),
                    "unconditional mean": said(summary, "faithfulness_mean"),
                    "best constant": f"{summary['null_majority'] or 0:.3f}",
                    "n": summary["n"],
                }
            )
    return pd.DataFrame(lines)


def t4(store: Store, runs: Runs) -> pd.DataFrame:
    """Return a line an alternative: what it keeps at the same window."""
    dataset = store.open(runs["t4"]).dataset
    lines = []
    for name in dataset["alternative"].values:
        row = dataset.sel(alternative=name)
        ends = (float(row[f"faithfulness{end}"]) for end in ("", "_low", "_high"))
        lines.append(
            {
                "kind": str(row["kind"].item()),
                "alternative": str(name),
                "faithfulness": "{:.3f} [{:.3f}, {:.3f}]".format(*ends),
                "n": int(dataset["n"]),
            }
        )
    return pd.DataFrame(lines)


TABLES: dict[str, tuple[Callable[[Store, Runs], pd.DataFrame], str]] = {
    "t1": (t1, "What the subgraph keeps on each task (plain style, held-out operands)"),
    "t2": (t2, "The window of each model; published rows beside"),
    "t3": (t3, "Styles: the full model over three seeds, and the subgraph"),
    "t4": (t4, "Other ways to wait and to mask, at the same window"),
}
