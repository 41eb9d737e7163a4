"""Which recorded runs make up the protocol of "All for One" on one model?

    search      the window (l_wait, l_transfer), chosen on A+B+C, selection split
    f1a  cama   f1b  abp   f1d  peeking   t4  alternatives   f1e, f1f  heads        on the discovery task, test split
    t1, t3      that window on all six tasks in all six styles, and the accuracy of the full model, three seeds

Every part is a Spec, asked and kept by `interp.execute.record`: what is recorded already is not computed again.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650; seeds and
sizes as in the authors' code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from interp.errors import InterpError
from interp.execute import record
from interp.models.zoo import zoo_names
from interp.progress import Progress
from interp.store import Spec, Store
from interp.tasks import BUILT_IN, STYLES

DISCOVERY = "a+b+c"
TASKS = tuple(task.name for task in BUILT_IN)
OPERATIONS = ("a+b", "a-b")
SEEDS = (42, 123, 999)


class Protocol(NamedTuple):
    """What is asked of one model. `operands` narrows every task, as in "0..49", for tokenizers with fewer numbers."""

    model: str
    device: str = "cpu"
    dtype: str = "float32"
    operands: str | None = None
    seed: int = 0
    n_reference: int = 4096
    n_selection: int = 500
    n: int = 1000
    n_search: int = 200

    def ask(self, method: str, task: str, style: str = "plain", seed: int | None = None, **parameters: Any) -> Spec:
        """Return the Spec of one part. A directory is named by its absolute path, so that a later run finds it."""
        known = self.model in zoo_names() or not Path(self.model).is_dir()
        return Spec(
            method=method,
            model=self.model if known else str(Path(self.model).resolve()),
            task=task if self.operands is None else f"{task}@{self.operands}",
            style=style,
            seed=self.seed if seed is None else seed,
            device=self.device,
            dtype=self.dtype,  # type: ignore[arg-type]  # checked by the Spec
            weights_sha256=None,
            parameters=parameters,
        )

    @property
    def search(self) -> Spec:
        """Return the search for the window on the discovery task."""
        sizes: dict[str, Any] = {"n_reference": self.n_reference, "n_selection": self.n_selection, "n_test": self.n}
        return self.ask("af1", DISCOVERY, **sizes)

    def parts(self, l_wait: int, l_transfer: int) -> dict[str, Spec]:
        """Return everything that is asked once the window is known, by name."""
        window: dict[str, Any] = {"l_wait": l_wait, "l_transfer": l_transfer}
        means: dict[str, Any] = {"n": self.n, "n_reference": self.n_reference}
        found = {
            "f1a": self.ask("cama", DISCOVERY, variants=None, **means),
            "f1b": self.ask("abp", DISCOVERY, l_wait=l_wait, **means),
            "f1d": self.ask("peeking", DISCOVERY, n=self.n),
            "t4": self.ask("alternatives", DISCOVERY, **window, **means),
        }
        if l_transfer:  # without a transfer block there is no head to remove
            found["heads"] = self.ask("heads", DISCOVERY, **window, **means, n_search=self.n_search)
        for task in TASKS:
            for style in STYLES:
                found[f"window {task} {style}"] = self.ask("window", task, style, **window, **means)
        for task in OPERATIONS:
            for style in STYLES:
                for seed in SEEDS:
                    found[f"base {task} {style} {seed}"] = self.ask("accuracy", task, style, seed, n=self.n)
        return found


def follow(
    protocol: Protocol,
    store: Store,
    progress: Progress,
    *,
    given: tuple[int, int] | None = None,
    only: tuple[str, ...] | None = None,
    batch_size: int = 512,
) -> dict[str, str]:
    """Return {part: run id}, recording what is missing; `search` first, whose window the rest uses unless `given`.

    `only` names the parts wanted (by their first word); the search is always among them. Raises InterpError.
    """
    runs = {"search": record(protocol.search, store, progress, batch_size=batch_size)}
    wanted = protocol.parts(*(given or window_of(store, runs["search"])))
    chosen = {name: spec for name, spec in wanted.items() if only is None or name.split()[0] in only}
    for i, (name, spec) in enumerate(chosen.items()):
        runs[name] = record(spec, store, _step(progress, i, len(chosen), name), batch_size=batch_size)
    return runs


def window_of(store: Store, run_id: str) -> tuple[int, int]:
    """Return (l_wait, l_transfer) of a recorded search: the window found, or the best cell where none was."""
    summary = store.open(run_id).summary
    if not summary["n"]:
        raise InterpError(f"the model answers none of the prompts of {DISCOVERY}: there is no window to judge.")
    if summary["found"]:
        return int(summary["l_wait"]), int(summary["l_transfer"])
    return int(summary["best_l_wait"]), int(summary["best_l_transfer"])


def _step(progress: Progress, done: int, total: int, name: str) -> Progress:
    def report(_done: int, _total: int, message: str) -> None:
        progress(done, total, f"{name}: {message}")

    report(0, 0, "")
    return report
