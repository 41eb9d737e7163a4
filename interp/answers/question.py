"""What is put to the model? The prompts of a Spec, drawn with its seed, how many there were, and their hash.

A toy model has one task of its own, which its recipe describes; a language model takes a task by name, or a file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from interp.errors import InterpError
from interp.models import zoo
from interp.progress import Progress, silent
from interp.store import Spec
from interp.store import parameters as asked
from interp.tasks import Prompts, Twins, build, check_task, named_task, read_pairs, read_prompts, twins


@dataclass
class Question:
    """A Spec put to an open model. `short` says of each split that had fewer prompts than were asked for how many.

    `drawn` are the digests of the prompts that were drawn, in order: those measured, and those of references.
    """

    model: Any
    spec: Spec
    batch_size: int = 512
    progress: Progress = silent
    short: dict[str, tuple[int, int]] = field(default_factory=dict)
    drawn: list[str] = field(default_factory=list)

    @property
    def how(self) -> dict[str, Any]:
        """Return what every method takes beside its question: batch size, progress and seed."""
        return {"batch_size": self.batch_size, "progress": self.progress, "seed": self.spec.seed}

    def prompts(self, split: str, n: int | None) -> Prompts:
        """Return `n` prompts of the task and style from `split`; the lines of a JSONL file of one's own.

        A split that has fewer gives all it has, which `short` notes. Raises InterpError for a task the model cannot
        take.
        """
        found = self._prompts(split, n)
        self._note(found, n)
        return found

    def pairs(self, settings: asked.Patching) -> Twins:
        """Return the clean/corrupted pairs of a patching Spec. Raises InterpError where there are none."""
        found = self._pairs(settings)
        self._note(found.clean, settings.n)
        self.drawn.append(found.corrupted.digest)
        return found

    @property
    def prompts_sha256(self) -> str:
        """Return one sha256 over all prompts that were drawn, in order; "" where none were."""
        return hashlib.sha256("\n".join(self.drawn).encode()).hexdigest() if self.drawn else ""

    def _note(self, found: Prompts, n: int | None) -> None:
        self.drawn.append(found.digest)
        if n is not None and len(found) < n:
            self.short[found.split] = (len(found), n)

    def _prompts(self, split: str, n: int | None) -> Prompts:
        seed, task, tokenizer = self.spec.seed, str(self.spec.task), self.model.arith.tokenizer
        if self.model.arith.task is not None:
            return _toy_prompts(self.model, split).sample(n, seed)
        if task.endswith(".jsonl"):
            found = read_prompts(task, tokenizer).sample(n, seed)
        else:
            named = named_task(task)
            check_task(named, tokenizer)
            found = build(named, tokenizer, self.spec.style, split, n, seed)
        return inside(self.model, replace(found, task=short_name(task)))

    def _pairs(self, settings: asked.Patching) -> Twins:
        task, tokenizer, seed = str(self.spec.task), self.model.arith.tokenizer, self.spec.seed
        if self.model.arith.task is not None:
            raise InterpError(f"patching needs a task with twins, e.g. --task a+b; {self.spec.model!r} has none.")
        if task.endswith(".jsonl"):
            pairs = read_pairs(task, tokenizer)
            rows = np.arange(len(pairs))
            if settings.n < len(pairs):
                rows = np.sort(np.random.default_rng(seed).choice(len(pairs), size=settings.n, replace=False))
            pairs = replace(pairs, clean=pairs.clean[rows], corrupted=pairs.corrupted[rows])
        else:
            named = named_task(task)
            check_task(named, tokenizer)
            how = (settings.split, settings.n, settings.recipe, settings.place, seed)
            pairs = twins(named, tokenizer, self.spec.style, *how)
        sides = {side: replace(getattr(pairs, side), task=short_name(task)) for side in ("clean", "corrupted")}
        inside(self.model, sides["corrupted"])
        return replace(pairs, clean=inside(self.model, sides["clean"]), corrupted=sides["corrupted"])


def shortfall(short: dict[str, tuple[int, int]]) -> str:
    """Return in words which splits had fewer prompts than were asked for; "" where all had enough."""
    return "; ".join(
        f"the {split} split has {had:,} prompts, {n:,} were asked for: all of them are used"
        for split, (had, n) in short.items()
    )


def short_name(task: str) -> str:
    """The name of a task as results show it: of a file its own name, without the path."""
    return task.replace("\\", "/").rpartition("/")[2] if task.endswith((".json", ".jsonl")) else task


def inside(model: Any, prompts: Prompts) -> Prompts:
    """Return `prompts` when the model has all their tokens: a tokenizer may have more than its model."""
    top, d_vocab = int(max(prompts.tokens.max(), prompts.answer_ids.max())), model.cfg.d_vocab
    if top >= d_vocab:
        raise InterpError(
            f"the tokenizer gives token {top}, but the model has 0..{d_vocab - 1}; "
            "they do not belong together: restore the checkpoint."
        )
    if prompts.tokens.shape[1] > model.cfg.n_ctx:
        raise InterpError(
            f"these prompts have {prompts.tokens.shape[1]} tokens, the model has room for {model.cfg.n_ctx}; "
            "choose a shorter style."
        )
    return prompts


def _toy_prompts(model: Any, split: str) -> Prompts:
    from interp.tasks.modular import modular_prompts

    if split == "selection":
        raise InterpError("a modular-addition model has no selection split; use train, test or all.")
    if not (model.arith.directory / "recipe.json").exists():  # written by hand, not trained: any halves are apart
        return modular_prompts(model.arith.config["p"], split)
    recipe = zoo.read_recipe(model.arith.directory)
    return modular_prompts(recipe["p"], split, recipe["train_fraction"], recipe["seed"])
