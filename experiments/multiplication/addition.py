"""Addition with one layer: digits, staircase, heads, failures by cascade, and are they the look-back algorithm's?

    python -m experiments.multiplication.addition [--trained DIR] [--out DIR]

Draws and judges what `addition.json` beside this file holds. With --trained (a finished training of the recipe add-5)
everything is measured again and written there first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import plotly.graph_objects as go
import typer
import xarray as xr

from experiments.multiplication import written_figures as draw
from experiments.multiplication.dissect import frame
from experiments.multiplication.dissect_rules import fallen_steps, share
from interp.tasks.lookback import cascade_frequencies, cascades, error_rate, fails, undecided
from interp.verdicts import Verdict, judge, read_claims

HERE = Path(__file__).parent
RESULTS, PUBLISHED = HERE / "addition.json", HERE / "published" / "addition.json"
N_WRONG, REACHES, DIGITS = 50_000, (1, 2, 3, 4), 5
FREQUENCIES = (0.0503, 0.7757, 0.1606, 0.0126, 0.0008, 0.00004)
OURS = {"look-back error": "look-back", "cascade frequencies": "cascades"}
"""Claims that are about no model: they are judged as what was published."""


def measure(directory: Path) -> dict[str, Any]:
    """Return everything the figures and verdicts need, from one finished adder of five digits."""
    from experiments.multiplication import written_evidence as evidence
    from interp.methods.failures import failures_by_class, overlap
    from interp.models.written import form_of
    from interp.models.zoo import read_recipe

    form = form_of(read_recipe(directory))
    ab = evidence.held_out(form, N_WRONG)
    wrong = ~evidence.told(directory, ab).all(1)
    return {
        "accuracy": evidence.accuracy(directory),
        "curves": evidence.curves(directory),
        **evidence.heads(directory),
        "by_cascade": failures_by_class(wrong, cascades(*ab.T, DIGITS)),
        "overlap": {str(reach): overlap(wrong, fails(*ab.T, DIGITS, reach)) for reach in REACHES},
        "undecided": {str(reach): overlap(wrong, undecided(*ab.T, DIGITS, reach)) for reach in REACHES},
        "wrong": {"wrong": int(wrong.sum()), "n": len(wrong)},
        "examples": [f"{a} + {b}" for a, b in ab[wrong][:20].tolist()],
    }


def lookback_error(_: dict[str, Any]) -> tuple[bool, float | None, str]:
    """The exact rate of the two-column look-back."""
    rate = error_rate(DIGITS)
    return abs(rate - 0.013469) <= 0.000231, rate, f"{1e6 * rate:,.0f} of a million, exact"


def cascade_shares(_: dict[str, Any]) -> tuple[bool, float | None, str]:
    """The exact shares of S0 .. S5."""
    exact = cascade_frequencies(DIGITS)
    apart = float(np.abs(exact - np.array(FREQUENCIES)).max())
    return apart <= 0.0005, apart, ", ".join(f"S{k} {value:.5f}" for k, value in enumerate(exact))


def million(found: dict[str, Any]) -> tuple[bool, float | None, str]:
    """Failures of a million, within a factor of two."""
    from interp.methods.intervals import wilson

    wrong, n = found["wrong"]["wrong"], found["wrong"]["n"]
    rate, (low, high) = wrong / n, wilson(wrong, n)
    said = f"{1e6 * rate:,.0f} [{1e6 * float(low):,.0f}, {1e6 * float(high):,.0f}] of a million, n = {n:,}"
    return 0.5 <= rate / 0.012621 <= 2, rate, f"{said}; writing alone exact {share(found['accuracy'])}"


def _right(by_class: xr.Dataset, classes: list[int]) -> tuple[float, int]:
    here = by_class.sel({"class": [k for k in classes if k in by_class["class"]]})
    n = int(here.n.sum())
    return 1 - float((here.wrong * here.n).sum()) / max(n, 1), n


def one_nine(found: dict[str, Any]) -> tuple[bool, float | None, str]:
    """S2 is right."""
    right, n = _right(found["by_cascade"], [2])
    return right >= 0.95, None, f"right of S2: {right:.4f}, n = {n:,}"


def longer(found: dict[str, Any]) -> tuple[bool, float | None, str]:
    """S3 and more are wrong."""
    right, n = _right(found["by_cascade"], [3, 4, 5])
    each = ", ".join(
        f"S{int(k)} {1 - float(row):.3f} (n = {int(count)})"
        for k, row, count in zip(*(found["by_cascade"][name].values for name in ("class", "wrong", "n")), strict=True)
        if count
    )
    return right <= 0.5, None, f"right of S3 and longer: {right:.3f}, n = {n:,}; by class {each}"


def same_questions(found: dict[str, Any]) -> tuple[bool, float | None, str]:
    """The failures are the look-back's."""
    words = []
    for reach, each in found["overlap"].items():
        precision, recall, p = (float(each[name]) for name in ("precision", "recall", "overlap_p"))
        both, ours, theirs = (int(each[name]) for name in ("overlap", "model_only", "algorithm_only"))
        counts = f"{both} in both, {ours} the model's alone, {theirs} its"
        null = f"null {float(each.overlap_null):.1f}, p {p:.1g}"
        words.append(f"{reach} columns: {counts} alone (precision {precision:.2f}, recall {recall:.2f}, {null})")
    two = found["overlap"]["2"]
    holds = float(two.precision) > 0.5 and float(two.recall) > 0.5 and float(two.overlap_p) < 0.001
    return holds, None, "; ".join(words)


def stairs(found: dict[str, Any]) -> tuple[bool, float | None, str]:
    """Some head on the digit's own pair, some head on the pair below."""
    from interp.methods.staircase import diagonal

    steps = found["staircase"]
    middle = [f"c{k}" for k in range(1, DIGITS)]
    reads = {lag: diagonal(steps, lag) | diagonal(steps, lag, "b") for lag in (0, 1)}
    own, below = (reads[lag].sel(layer=0, column=middle).any("head").values for lag in (0, 1))
    said = f"c1 to c4, own pair: {own.astype(int).tolist()}, pair below: {below.astype(int).tolist()}"
    return bool(own.sum() >= 3 and below.sum() >= 3), None, said


def apart(found: dict[str, Any]) -> tuple[bool, float | None, str]:
    """The digits are learned at different steps."""
    at = fallen_steps(found["curves"], "digits")
    said = "steps: " + ", ".join(f"{name} {step:.0f}" for name, step in at.items())
    return max(at.values()) >= 1.5 * min(at.values()), None, said


RULES: dict[str, Callable[[dict[str, Any]], tuple[bool, float | None, str]]] = {
    "look-back error": lookback_error,
    "cascade frequencies": cascade_shares,
    "failures of a million": million,
    "one nine is handled": one_nine,
    "longer cascades fail": longer,
    "fails where the look-back fails": same_questions,
    "staircase": stairs,
    "digits on their own": apart,
}


def verdicts(results: Path = RESULTS) -> list[Verdict]:
    """Return a verdict on every published claim; "not run" where nothing was recorded for it."""
    from experiments.multiplication.written_evidence import read

    found = read(results) if results.is_file() else {}
    judged = []
    for claim in read_claims(PUBLISHED).values():
        try:
            holds, ours, said = RULES[claim.name](found)
        except KeyError as missing:
            judged.append(judge(claim, "add-5", None, said=f"not run: nothing recorded for {missing}"))
        else:
            judged.append(judge(claim, OURS.get(claim.name, "add-5"), holds, ours, said))
    return judged


def pictures(found: dict[str, Any]) -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure) of every figure."""
    name = "five-digit addition"
    yield "learning", draw.learning(found["curves"], name)
    yield "staircase", draw.stairs(found["staircase"], name)
    yield "heads", draw.missed(found["heads"], name)
    yield "failures", draw.classes({"longest cascade S": found["by_cascade"]}, name)


def main(
    trained: Annotated[Path | None, typer.Option(help="Measure again from this training.")] = None,
    out: Path = Path("experiments/multiplication/out"),
) -> None:
    """Write figures and verdicts; measure first where a training is named."""
    from experiments.multiplication.written_evidence import read, write
    from interp.cli.output import say
    from interp.figures.export import browser, export

    if trained is not None:
        write(RESULTS, measure(trained))
    out.mkdir(parents=True, exist_ok=True)
    drawn: dict[str | Path, Any] = {out / f"addition-{key}": picture for key, picture in pictures(read(RESULTS))}
    frame(verdicts()).to_csv(out / "addition-verdicts.csv", index=False)
    export(drawn, ("html", "png") if browser() else ("html",))
    say(f"{len(drawn)} figures and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
