"""What does the full grid of AF1 windows cost, in forwards of the same prompts, and does it give the same answers?

    python -m experiments.benchmarks.af1_grid            writes af1_grid.json beside this file, prints a table

    forward       one plain `run` of the prompts: the median of several, before and after the grid
    grid          all (L + 1)(L + 2) / 2 windows with shared trunks (interp/methods/windows.py)
    one by one    one `run` under `subgraph` interventions for each window of a sample (`cells`), times all windows

on a random Llama with a token for each number and five-token prompts a+b=. Time is CPU time of this process
(time.process_time) on one thread: the numbers of the file beside were taken on a machine of 2 cores that others used
meanwhile, where wall time says nothing and CPU time is good to about a tenth. In every window of the sample the logits
must agree to `SAME`, and the top token wherever the two best differ by more than that; else this raises.

A small model (`--layers 6`) is compared in all of its windows.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from experiments.benchmarks.random_llama import saved
from interp.cli.output import say
from interp.engine import run
from interp.errors import InterpError
from interp.methods.after_waiting import subgraph
from interp.methods.means import Means, reference_means
from interp.methods.windows import inside, windows
from interp.models import load
from interp.models.devices import threads
from interp.models.number_tokenizer import number_tokenizer
from interp.progress import bar
from interp.tasks import build, named_task
from interp.tasks.prompts import Prompts

OPERANDS = range(32)
SAME = 1e-3
"""Logits have a standard deviation of about 1; float32 rounding through 32 blocks stays well below this."""
OUT = Path(__file__).with_suffix(".json")
BATCH = 256
"""Prompts in a plain forward; a block of the grid takes as many rows in a call."""


def random_llama(n_layers: int, d_model: int) -> Any:
    """Return a seeded Llama with matrices of scale 1 / sqrt(fan in), so that every block moves the logits."""
    from transformers import LlamaConfig

    tokenizer = number_tokenizer(999)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=d_model, intermediate_size=8 * d_model // 3, num_hidden_layers=n_layers,
        num_attention_heads=d_model // 32, num_key_value_heads=max(1, d_model // 128), tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, max_position_embeddings=64,
    )  # fmt: skip
    with saved(config, tokenizer) as directory:
        return load(directory)


def seconds(work: Callable[[], Any]) -> float:
    """Return the CPU seconds of `work`."""
    began = time.process_time()
    work()
    return time.process_time() - began


def compared(model: Any, means: Means, prompts: Prompts, cells: np.ndarray, grid: dict) -> tuple[list[float], float]:
    """Return the CPU seconds of each cell run alone, and the largest difference of logits. Raises InterpError."""
    taken, largest = [], 0.0
    with bar("one by one") as progress:
        for i, (l_wait, l_transfer) in enumerate(cells.tolist()):
            progress(i, len(cells), f"l_wait {l_wait}, l_transfer {l_transfer}")
            began = time.process_time()
            edits = subgraph(model, prompts, means, l_wait, l_transfer)
            slow = run(model, prompts, edits, batch_size=BATCH).logits
            taken.append(time.process_time() - began)
            fast, top = grid[l_wait, l_transfer], slow.topk(2).values
            clear = top[:, 0] - top[:, 1] > SAME
            gap = float((fast - slow).abs().max())
            if not gap <= SAME or not torch.equal(fast.argmax(-1)[clear], slow.argmax(-1)[clear]):
                raise InterpError(f"window l_wait {l_wait}, l_transfer {l_transfer} differs by {gap:.2g}.")
            largest = max(largest, gap)
    return taken, largest


def measure(n_layers: int, d_model: int, n: int, n_cells: int | None, repeats: int = 4) -> dict[str, Any]:
    """Return the costs and what they were measured on; `n_cells` None compares every window."""
    model = random_llama(n_layers, d_model)
    task = named_task("a+b").within(OPERANDS[0], OPERANDS[-1])
    reference = build(task, model.tokenizer, split="all")
    prompts = reference.sample(n, seed=0)
    means = reference_means(model, reference)
    cells = np.argwhere(inside(n_layers))
    sample = cells[np.sort(np.random.default_rng(0).permutation(len(cells))[:n_cells])]
    found = {(l_wait, l_transfer): torch.zeros(n, model.cfg.d_vocab) for l_wait, l_transfer in sample.tolist()}

    def forward() -> Any:
        return run(model, prompts, batch_size=BATCH)

    def all_windows() -> None:
        for each in windows(model, means, prompts, batch_size=BATCH):
            if (each.l_wait, each.l_transfer) in found:
                found[each.l_wait, each.l_transfer][each.rows] = each.logits

    forward()
    plain = [seconds(forward) for _ in range(repeats)]
    grid = seconds(all_windows)
    plain += [seconds(forward) for _ in range(repeats)]
    alone, gap = compared(model, means, prompts, sample, found)
    once = float(np.median(plain))
    return {
        "n_layers": n_layers, "d_model": d_model, "vocabulary": model.cfg.d_vocab, "prompts": n,
        "tokens": len(prompts.roles), "windows": len(cells), "windows_compared": len(alone),
        "largest_logit_difference": gap,
        "forward_seconds": once, "forward_seconds_range": [min(plain), max(plain)], "grid_seconds": grid,
        "one_by_one_seconds": float(np.mean(alone)) * len(cells),
        "grid_forwards": grid / once, "one_by_one_forwards": float(np.mean(alone)) * len(cells) / once,
        "counted_forwards": (n_layers + 1) / 2 + (n_layers**2 - 1) / (6 * len(prompts.roles)) + 1,
    }  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """Return the costs as lines of text."""
    shape = "{n_layers} blocks, d_model {d_model}, {prompts} prompts of {tokens} tokens".format(**found)
    same = "{windows_compared} of {windows} windows compared: equal to {largest_logit_difference:.1e}".format(**found)
    rows = [
        ("one forward", found["forward_seconds"], 1.0),
        ("grid, shared trunks", found["grid_seconds"], found["grid_forwards"]),
        ("  (token, block) pairs", None, found["counted_forwards"]),
        ("one by one", found["one_by_one_seconds"], found["one_by_one_forwards"]),
    ]
    lines = [f"{name:24}{'' if cpu is None else f'{cpu:.2f}':>10}{forwards:10.1f}" for name, cpu, forwards in rows]
    return "\n".join([shape, f"{'':24}{'CPU s':>10}{'forwards':>10}", *lines, same])


def main(
    layers: int = 32,
    d_model: int = 256,
    n: int = 256,
    cells: Annotated[int, typer.Option(help="Windows run one by one, drawn by seed; 0 = all.")] = 40,
    out: Path = OUT,
) -> None:
    """Measure the grid of AF1 windows against one forward a window."""
    with threads(1):
        found = measure(layers, d_model, n, cells or None)
    versions = {"torch": torch.__version__, "python": platform.python_version(), "threads": 1}
    note = "CPU seconds of one process (time.process_time), one thread, on 2 cores shared with other work"
    out.write_text(json.dumps({"note": note, **versions, **found}, indent=2) + "\n", encoding="utf-8")
    say(table(found))


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
