"""The Clock and the Pizza: figures 2 to 7 from the released networks and runs, and the verdicts on what was published.

    python -m experiments.fourier.zhong [--out DIR] [--reference DIR]

The networks and the run table are third-party data; where the folder is absent, the verdicts on them say "not run". Our
own networks (three seeds of modadd-59) are one layer of 64 dimensions with ordinary attention that reads out at '='.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import plotly.graph_objects as go
import typer
import xarray as xr

from experiments.fourier.attention_rates import measured_rates
from experiments.fourier.files import frame, write
from experiments.fourier.zhong_runs import (
    CIRCULAR,
    IRRELEVANT,
    PUBLISHED,
    SYMMETRIC,
    Measured,
    base_runs,
    measured_table,
    phases,
    runs,
)
from interp.figures import FIGURES
from interp.figures.phase_plot import phase_plot
from interp.verdicts import Claim, Verdict, judge, read_claims

REPOSITORY = Path(__file__).parents[2]
REFERENCE = REPOSITORY.parent / "shared" / "reference"
SEEDS = ("modadd-59", "modadd-59-seed1", "modadd-59-seed2")
MANY, DRAWS = 20_000, 3
OURS = ("ordinary attention makes a clock", "phase change in small networks")


@functools.lru_cache(maxsize=1)
def datasets(pizza: Path) -> dict[str, xr.Dataset]:
    """Return the whole evidence about the two released networks, each beside untrained ones of its configuration."""
    from interp.fourier.clock_pizza import clock_pizza
    from interp.fourier.released import released, untrained

    found = {}
    for name in ("model_a", "model_b"):
        config = pizza / f"{name}.config.json"
        net = released(pizza / f"{name}.safetensors", config)
        found[name] = clock_pizza(net, [untrained(config, seed) for seed in range(DRAWS)], n_triples=MANY)
    return found


def measured_network(letter: str, found: xr.Dataset, pizza: Path) -> Measured:
    """Return what one released network gives for the claims about it."""
    from interp.fourier.released import released
    from interp.fourier.symmetricity import published_triples, symmetricity

    name, label = f"model_{letter.lower()}", found.attrs["label"]
    net = released(pizza / f"{name}.safetensors", pizza / f"{name}.config.json")
    hundred, many = symmetricity(net, published_triples()), float(found.symmetricity)
    symmetric, q = (lambda s: (s > SYMMETRIC) == (letter == "A")), found.q.values.tolist()
    small = [(value < IRRELEVANT) == (letter == "A") for value in q]
    ends = f"[{float(found.symmetricity_low):.4f}, {float(found.symmetricity_high):.4f}]"
    round_, shuffled = float(found.circularity), float(found.circularity_null.max())
    return {
        f"symmetricity of {letter}": (symmetric(hundred.mean), hundred.mean, f"{hundred.mean:.7f}, n = {hundred.n}"),
        f"symmetricity of {letter}, many triples": (symmetric(many), many, f"{many:.4f} {ends}, n = {int(found.n):,}"),
        f"distance irrelevance of {letter}": (small[0], q[0], f"{q[0]:.7f}, n = {net.p**2:,} pairs"),
        f"margin of {letter}": (small[1], q[1], f"{q[1]:.4f}, n = {net.p**2:,} pairs"),
        f"circularity of {letter}": (round_ >= CIRCULAR, round_, f"{round_:.6f} (shuffled: at most {shuffled:.2f})"),
        "A is a pizza" if letter == "A" else "B is a clock": (
            label == {"A": "pizza", "B": "clock"}[letter],
            None,
            label,
        ),
    }


def measured_circles(pizza: Path) -> Measured:
    """Return what the formulas explain of the six circles of model A, isolated and standardised as published."""
    from interp.fourier.circles import FORMULAS, explained, principal_circles
    from interp.fourier.released import released

    net = released(pizza / "model_a.safetensors", pizza / "model_a.config.json")
    circles, found = principal_circles(net), {}
    for claim, formula, chosen in (
        ("pizza formula", "pizza", circles[:3]),
        ("clock formula", "clock", circles[:3]),
        ("accompanying formula", "accompanying", circles[3:]),
    ):
        each = [explained(c.logits, FORMULAS[formula](net.p, c.frequency), "whole") for c in chosen]
        words = ", ".join(f"{v:.4f} (k = {c.frequency})" for v, c in zip(each, chosen, strict=True))
        found[claim] = (min(each) > 0.5, float(np.mean(each)), words)
    return found


def measured_untrained(found: dict[str, xr.Dataset]) -> Measured:
    """Return the symmetricity of untrained networks of both released configurations."""
    values = np.concatenate([each.symmetricity_null.values for each in found.values()])
    words = "; ".join(f"{name}: " + ", ".join(f"{v:.3f}" for v in each.symmetricity_null.values)
                      for name, each in found.items())  # fmt: skip
    return {"untrained networks are symmetric": (bool(values.min() > SYMMETRIC), float(values.min()), words)}


def measured_seeds() -> Measured:
    """Return which algorithm the rule names for our networks, all of ordinary attention."""
    from interp.fourier.algorithm import classify, evidence
    from interp.fourier.two_operand import two_operand
    from interp.models import zoo
    from interp.models.native import load_native

    there = [name for name in SEEDS if name in zoo.zoo_names()]
    found = {name: evidence(two_operand(load_native(zoo.resolve(name)), name)) for name in there}
    labels = {name: classify(each) for name, each in found.items()}
    words = "; ".join(f"{name}: {labels[name]}, s = {each.symmetricity.mean:.3f}" for name, each in found.items())
    return {OURS[0]: (set(labels.values()) == {"clock"}, None, words)} if labels else {}


def verdicts(reference: Path = REFERENCE) -> list[Verdict]:
    """Return a verdict on every published claim; "not run" where the reference folder is absent."""
    pizza, found = reference / "pizza", measured_seeds() | measured_rates()
    if (pizza / "model_a.safetensors").is_file():
        nets = datasets(pizza)
        for letter, name in (("A", "model_a"), ("B", "model_b")):
            found |= measured_network(letter, nets[name], pizza)
        found |= measured_circles(pizza) | measured_untrained(nets)
    if (pizza / "1l_fixedwidth.csv.gz").is_file():
        found |= measured_table(pizza / "1l_fixedwidth.csv.gz")
    return [_judged(claim, found) for claim in read_claims(PUBLISHED).values()]


def _judged(claim: Claim, found: Measured) -> Verdict:
    if claim.name not in found:
        missing = "none of our networks is there" if claim.name in OURS else "the reference folder is absent"
        return judge(claim, claim.models[0], None, said=f"not run: {missing}")
    model = "our networks" if claim.name in OURS else claim.models[0]
    return judge(claim, model, *found[claim.name])


def pictures(reference: Path = REFERENCE) -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure): the evidence, circles and logit map of both networks, and the phase plot."""
    pizza = reference / "pizza"
    for name, found in datasets(pizza).items():
        for drawing in FIGURES["clock_pizza"]:
            if drawing.shows in found.variables:
                yield f"zhong-{name}-{drawing.name}", drawing(found)
    yield "zhong-phases", phase_plot(phases(base_runs(runs(pizza / "1l_fixedwidth.csv.gz"))))


def main(
    out: Path = Path("experiments/fourier/out"),
    reference: Annotated[Path, typer.Option(help="Folder of third-party results.")] = REFERENCE,
) -> None:
    """Write figures and the verdicts."""
    from interp.cli.output import say

    write(out, {"zhong-verdicts": frame(verdicts(reference))}, ())
    if not (reference / "pizza").is_dir():
        say(f"{reference / 'pizza'} is not there: the verdicts on released networks and runs say 'not run'")
        return
    phases(base_runs(runs(reference / "pizza" / "1l_fixedwidth.csv.gz"))).to_dataframe().to_csv(
        out / "zhong-phases.csv"
    )
    n = write(out, {}, pictures(reference))
    say(f"{n} figures and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
