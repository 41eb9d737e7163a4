"""Claims about helices on the models they were published for: not shipped, so "not run", with the command and cost."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.figures.experiment import Judged
from experiments.figures.unshipped import cost, not_run
from experiments.fourier.helix import PUBLISHED
from interp.store import Spec
from interp.verdicts import read_claims

HUB = {"GPT-J-6B": "EleutherAI/gpt-j-6b"}
"""The first of the published models, where it lies."""


def helices() -> Iterator[Judged]:
    """Yield a line a claim about helices that names a published model."""
    for name, model in HUB.items():
        claims = [claim for claim in read_claims(PUBLISHED).values() if name in claim.models]
        asked = {"method": "helix", "model": model, "task": "a+b", "device": "cuda", "dtype": "bfloat16"}
        command = f"interp run helix --model {model} --task a+b --device cuda --dtype bfloat16"
        yield from not_run(claims, model, command, cost([Spec.model_validate(asked)]))
