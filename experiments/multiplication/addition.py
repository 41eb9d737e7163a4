"""Addition with one layer: digits, staircase, heads, failures by cascade, and are they the look-back algorithm's?

    python -m experiments.multiplication.addition [--trained DIR] [--out DIR]

Draws and judges what `addition.json` beside this file holds. With --trained (a directory with finished trainings:
`data/zoo` has add-5; `experiments.multiplication.written_trainings` makes add-5-seed1 and add-5-uniform too) everything
is measured again and written there first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import plotly.graph_objects as go
import typer

from experiments.multiplication import written_figures as draw
from experiments.multiplication.addition_rules import DIGITS, RULES
from experiments.multiplication.written_verdicts import Line, frame, line
from interp.tasks.lookback import cascades, fails, undecided
from interp.verdicts import Verdict, read_claims

HERE = Path(__file__).parent
RESULTS, PUBLISHED = HERE / "addition.json", HERE / "published" / "addition.json"
N_WRONG, REACHES = 50_000, (1, 2, 3, 4)
OURS = {"look-back error": "look-back", "cascade frequencies": "cascades"}
"""Claims that are about no model: they are judged as what was published."""
COMMAND = "python -m experiments.multiplication.addition"
EXACT, ENRICHED, UNIFORM = "no model", "add-5", "add-5-uniform"
SEEDS = {ENRICHED: ("add-5", "add-5-seed1"), UNIFORM: ("add-5-uniform",)}
SCALES = {
    EXACT: "exact, no model",
    ENRICHED: "d_model 96 (published 510), 4,000 steps of 128 (30,000 of 64), four in ten questions with more nines",
    UNIFORM: "d_model 96 (published 510), 4,000 steps of 128 (30,000 of 64), uniform questions",
}


def measure(directory: Path) -> dict[str, Any]:
    """Return everything the figures and verdicts need of one finished adder of five digits."""
    from experiments.multiplication import written_evidence as evidence
    from experiments.multiplication.adder_reach import reach
    from interp.methods.failures import failures_by_class, overlap
    from interp.models.written import form_of
    from interp.models.zoo import read_recipe

    form = form_of(read_recipe(directory))
    ab = evidence.held_out(form, N_WRONG)
    a, b = ab[:, 0], ab[:, 1]
    wrong = np.logical_not(evidence.told(directory, ab).all(1))
    return {
        "accuracy": evidence.accuracy(directory),
        "curves": evidence.curves(directory),
        **evidence.heads(directory),
        "reach": reach(directory, form, ab),
        "by_cascade": failures_by_class(wrong, cascades(a, b, DIGITS)),
        "overlap": {str(reach): overlap(wrong, fails(a, b, DIGITS, reach)) for reach in REACHES},
        "undecided": {str(reach): overlap(wrong, undecided(a, b, DIGITS, reach)) for reach in REACHES},
        "wrong": {"wrong": int(wrong.sum()), "n": len(wrong)},
        "examples": [f"{first} + {second}" for first, second in ab[wrong][:20].tolist()],
    }


def lines(results: Path = RESULTS) -> list[Line]:
    """Return every published claim, by training, beside what is recorded; "not run" where nothing is."""
    from experiments.multiplication.written_evidence import read

    found = read(results) if results.is_file() else {}
    seeds = {name: [found[seed] for seed in each if seed in found] for name, each in SEEDS.items()}
    judged = []
    for claim in read_claims(PUBLISHED).values():
        if claim.name in OURS:
            judged.append(line(claim, RULES[claim.name], EXACT, [{}], OURS[claim.name]))
            continue
        there = [name for name in SEEDS if seeds[name]] or [ENRICHED]
        judged += [line(claim, RULES[claim.name], name, seeds[name]) for name in there]
    return judged


def verdicts(results: Path = RESULTS) -> list[Verdict]:
    """Return the verdict of every line."""
    return [each.verdict for each in lines(results)]


def pictures(found: dict[str, Any]) -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure) of every figure."""
    for training, here in found.items():
        name = f"five-digit addition, {training}"
        yield f"{training}-learning", draw.learning(here["curves"], name)
        yield f"{training}-staircase", draw.stairs(here["staircase"], name)
        yield f"{training}-heads", draw.missed(here["heads"], name)
        yield f"{training}-reach", draw.reach(here["reach"], name)
        yield f"{training}-failures", draw.classes({"longest cascade S": here["by_cascade"]}, name)


def main(
    trained: Annotated[Path | None, typer.Option(help="Measure again from the trainings add-5* in there.")] = None,
    out: Path = Path("experiments/multiplication/out"),
) -> None:
    """Write figures and verdicts; measure first where a training is named."""
    from experiments.multiplication.written_evidence import read, write
    from interp.cli.output import say
    from interp.figures.export import export, possible

    if trained is not None:
        names = [name for each in SEEDS.values() for name in each if (trained / name / "SHA256SUMS").is_file()]
        write(RESULTS, {name: measure(trained / name) for name in names})
    out.mkdir(parents=True, exist_ok=True)
    drawn: dict[str | Path, Any] = {out / f"addition-{key}": picture for key, picture in pictures(read(RESULTS))}
    frame(lines(), SCALES, COMMAND).to_csv(out / "addition-verdicts.csv", index=False)
    export(drawn, possible("html", "png"))
    say(f"{len(drawn)} figures and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
