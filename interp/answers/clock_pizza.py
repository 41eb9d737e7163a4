"""How is a modular-addition network asked for its algorithm? Beside untrained ones of its shape, and over training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import xarray as xr

from interp.answers.question import Question
from interp.fourier.two_operand import TwoOperand
from interp.store.clock_pizza_parameters import ClockPizza

N_AT_A_STEP = 2000


def clock_pizza(question: Question) -> xr.Dataset:
    from interp.fourier.clock_pizza import clock_pizza, over_training
    from interp.fourier.two_operand import two_operand

    p, spec = cast(ClockPizza, question.spec.settings), question.spec
    net = two_operand(question.model)
    untrained = [_untrained(question, i) for i in range(p.n_untrained)]
    found = clock_pizza(net, untrained, n_triples=p.n_triples, seed=spec.seed, progress=question.progress)
    steps = _chosen_steps(question, p.n_checkpoints)
    if not steps:
        return found
    trained = over_training(_checkpoints(question, steps), min(p.n_triples, N_AT_A_STEP), spec.seed)
    return found.merge(trained, combine_attrs="override")


def _untrained(question: Question, draw: int) -> TwoOperand:
    """A network of the shape of the model that was asked, with the weights that training starts from."""
    from interp.fourier.two_operand import two_operand
    from interp.models.modular import build_model

    cfg = question.model.arith.config["cfg"]
    shape = {name: cfg[name] for name in ("d_model", "n_heads", "d_mlp")} | {"p": cfg["d_vocab_out"]}
    seed = question.spec.seed + draw
    return two_operand(build_model(shape | {"seed": seed}), f"untrained, seed {seed}")


def _chosen_steps(question: Question, n: int) -> list[int]:
    """`n` of the training steps that have a checkpoint, evenly among them, the first and the last included."""
    from interp.models.native import checkpoint_steps

    steps = checkpoint_steps(question.model.arith.directory)
    if len(steps) <= n:
        return steps
    return [steps[i] for i in np.unique(np.linspace(0, len(steps) - 1, n).round().astype(int))] if n else []


def _checkpoints(question: Question, steps: list[int]) -> Iterator[tuple[int, TwoOperand]]:
    from interp.fourier.two_operand import two_operand
    from interp.models.native import load_native

    for i, step in enumerate(steps, start=1):
        yield step, two_operand(load_native(question.model.arith.directory, step=step), f"step {step}")
        question.progress(i, len(steps), "checkpoints")
