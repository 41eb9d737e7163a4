"""How does a training of many steps stop anywhere and go on as if it never had stopped?

    claim the directory -> take up the saved state -> step, log, report, save; step, ... -> seal the checkpoint

A trainer says what is its own (`Training`), this loop does the rest. A step is a function of (recipe, weights,
optimizer, step), so what is saved between two steps is all there is to go on from. Ctrl-C and Cancelled end the step
at hand and save it; a kill loses at most `save_every` steps. The directory is that of
`interp.models.training_directory`; a line of its log is {"step", *losses, "cpu_seconds" until then, *measures}.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import torch

from interp.errors import Cancelled
from interp.models import resume, zoo
from interp.models import training_directory as place
from interp.models.devices import check_device, threads
from interp.models.interrupts import deferred
from interp.models.language_recipe import state_digest
from interp.progress import Progress, silent


class Sitting(TypedDict, total=False):
    """How a training is taken up: keywords of every trainer, with the defaults of `run`."""

    device: str
    resume_from_state: bool
    progress: Progress


class Training(NamedTuple):
    """What one kind of training is: what is trained, one step of it, and what is measured on the way."""

    model: Any  # of transformers; what is kept at the end, with the tokenizer
    tokenizer: Any
    weights: torch.nn.Module  # all that the optimizer moves: the model, and more where more is trained
    optimizer: torch.optim.Optimizer
    last: int  # number of steps
    step: Callable[[int], dict[str, float]]  # takes one step; the losses of its log line, "train_loss" first
    measures: Callable[[int], dict[str, Any]]  # after so many steps; {} where the log has no line
    scores: Callable[[], dict[str, float]]  # on the selection split, at the end


def run(
    begun: Callable[[dict[str, Any], str], Training],
    recipe: dict[str, Any],
    directory: Path,
    device: str = "cpu",
    resume_from_state: bool = True,
    progress: Progress = silent,
) -> dict[str, float]:
    """Train (or continue) `begun(recipe, device)` in `directory` and return its final scores.

    Safe to stop at any moment; the same call goes on. Raises InterpError for a device or a directory that cannot be
    used.
    """
    check_device(device)
    place.claim(directory, recipe, fresh=not resume_from_state)
    with threads(recipe["threads"]):
        training = begun(recipe, device)
        _take_steps(training, recipe, directory, progress)
        place.seal(directory, training.model, training.tokenizer)
        return training.scores()


def _take_steps(training: Training, recipe: dict[str, Any], directory: Path, progress: Progress) -> None:
    """Take every step that is left."""
    state, last = (training.weights, training.optimizer), training.last
    path, digest = directory / zoo.STATE, state_digest(recipe)
    first = resume.load_state(path, *state, digest)
    if first >= last:
        return
    spent = place.begin(directory, recipe, first) - time.process_time()
    with deferred() as stopped:
        for step in range(first, last):
            losses, done = training.step(step), step + 1
            if measures := training.measures(done):
                seconds = round(spent + time.process_time(), 1)
                place.log(directory, {"step": done, **losses, "cpu_seconds": seconds, **measures})
            try:
                progress(done, last, f"loss {losses['train_loss']:.4f}")
                if stopped():
                    raise KeyboardInterrupt(f"training stopped after step {done}; the same command goes on from there.")
            except (KeyboardInterrupt, Cancelled):
                resume.save_state(path, *state, done, digest)
                raise
            if done % recipe["save_every"] == 0 or done == last:
                resume.save_state(path, *state, done, digest)
