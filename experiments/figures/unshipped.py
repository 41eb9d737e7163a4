"""What would it take to judge a claim on the model it was published for? A line "not run", the command and the cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from experiments.figures.experiment import Judged
from interp.store import Spec
from interp.verdicts import Claim, judge


def not_run(claims: Iterable[Claim], model: str, command: str, cost: str) -> Iterator[Judged]:
    """Yield a verdict "not run" on each claim, for a model that is not shipped."""
    for claim in claims:
        said = f"not run: {model} is not shipped. Cost: {cost}."
        yield Judged(judge(claim, model, None, said=said), model, "-", command)


def cost(specs: Iterable[Spec]) -> str:
    """Return what questions to one model cost, from its shape alone: no weights, no network."""
    from interp.models.shapes import shape_of
    from interp.plan import plan

    asked = list(specs)
    shape = shape_of(asked[0].model)
    plans = [plan(spec, shape, 512) for spec in asked]
    through, memory = sum(each.through for each in plans), max(each.memory for each in plans)
    return f"about {through:,.0f} prompts through {shape.n_layers} blocks, {memory / 1e9:.0f} GB on the device"
