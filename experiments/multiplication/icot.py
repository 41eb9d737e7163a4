"""Why can't transformers learn multiplication: M1 to M7 and the table of accuracies on our models, with verdicts.

    python -m experiments.multiplication.icot [--out DIR] [--models plain=DIR --models icot=DIR ...]

Our models multiply 3 by 3 digits with d_model 128 (published: 4 by 4, 768), so a claim that holds is "scaled", and
every figure says so. The published size is one command away: recipes/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import plotly.graph_objects as go
import typer
import xarray as xr

from experiments.multiplication.icot_rules import RULES
from interp.figures import FIGURES
from interp.models import zoo
from interp.store.product_parameters import OF_PRODUCTS
from interp.verdicts import Claim, Verdict, judge, read_claims

PUBLISHED = Path(__file__).parent / "published" / "icot.json"
REGIMES = ("plain", "icot", "aux")
SEEDS = ("", "-seed1")
Found = dict[str, xr.Dataset]


def present() -> dict[str, list[str]]:
    """Return the models of the zoo by training, {regime: names}; a training without a model is left out."""
    there = zoo.zoo_names()
    found = {regime: [name for seed in SEEDS if (name := f"multiply-{regime}{seed}") in there] for regime in REGIMES}
    return {regime: names for regime, names in found.items() if names}


def measured(model: str, **small: Any) -> Found:
    """Return the results of every method on one model; `small` gives some methods other parameters."""
    from interp.execute import answer
    from interp.store import spec_from

    return {
        method: answer(spec_from({"method": method, "model": model, "parameters": small.get(method, {})}))
        for method in OF_PRODUCTS
    }


def verdicts(found: dict[str, list[Found]] | None = None) -> list[Verdict]:
    """Return a verdict on every published claim; `found` are the results by training (default: of the zoo's models)."""
    if found is None:
        found = {regime: [measured(name) for name in names] for regime, names in present().items()}
    return [_judged(claim, found) for claim in read_claims(PUBLISHED).values()]


def pictures(found: dict[str, list[Found]]) -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure) of every result, with a caption that says how large the model is."""
    for regime, models in found.items():
        for i, results in enumerate(models):
            for method, dataset in results.items():
                for drawing in FIGURES[method]:
                    yield f"icot-{regime}{SEEDS[i % 2]}-{method}-{drawing.name}", captioned(drawing(dataset), dataset)


def captioned(figure: go.Figure, dataset: xr.Dataset) -> go.Figure:
    """Return the figure with a line below it: the size of the model beside the published one."""
    size = dataset.attrs["task"]
    if size.startswith("4x4"):
        return figure
    note = f"Our model: {size}, smaller than the published one (4x4 digits, d_model 768)."
    place = {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": -0.19,
        "yanchor": "top",
        "xanchor": "left",
        "showarrow": False,
    }
    figure.add_annotation(text=note, font={"size": 11}, **place)
    return figure.update_layout(margin={"b": 110})


def frame(found: list[Verdict]) -> pd.DataFrame:
    """Return a line a claim: what was published, what was measured, the verdict."""
    return pd.DataFrame(
        [
            {"claim": each.claim.name, "published": each.claim.text, "measured": each.said, "verdict": each.verdict}
            for each in found
        ]
    )


def accuracies(found: dict[str, list[Found]]) -> pd.DataFrame:
    """Return the table of accuracies: exact, digit and token, and every column, of every model."""
    rows = []
    for regime, models in found.items():
        for i, results in enumerate(models):
            here = results["product_accuracy"]
            for mode in here["mode"].values:
                at = here.sel(mode=mode)
                row = {"model": f"{regime}{SEEDS[i % 2]}", "mode": str(mode), "n": int(here.n)}
                for name in ("exact", "digit"):
                    row |= {f"{name}{end}": float(at[f"{name}{end}"]) for end in ("", "_low", "_high")}
                row["token"] = float(here.token) if mode == "told" else None
                rows.append(row | {str(c): float(at.accuracy.sel(column=c)) for c in here.column.values})
    return pd.DataFrame(rows)


def main(
    out: Path = Path("experiments/multiplication/out"),
    models: Annotated[list[str] | None, typer.Option(help="REGIME=DIRECTORY of each model; default the zoo's.")] = None,
) -> None:
    """Measure every model, write its figures, the table of accuracies and the verdicts."""
    from interp.cli.output import say
    from interp.figures.export import browser, export

    names = _given(models) if models else present()
    if not names:
        say("no multiplying model is there: the verdicts say 'not run'; train one with `interp train multiply-icot`")
    found = {regime: [measured(name) for name in each] for regime, each in names.items()}
    out.mkdir(parents=True, exist_ok=True)
    frame(verdicts(found)).to_csv(out / "icot-verdicts.csv", index=False)
    accuracies(found).to_csv(out / "icot-accuracies.csv", index=False)
    drawn: dict[str | Path, go.Figure] = {out / name: figure for name, figure in pictures(found)}
    if drawn:
        export(drawn, ("html", "png") if browser() else ("html",))
    say(f"{len(drawn)} figures, the accuracies and the verdicts are in {out}")


def _given(models: Sequence[str]) -> dict[str, list[str]]:
    from interp.errors import InterpError, nearest

    found: dict[str, list[str]] = {}
    for text in models:
        regime, _, directory = text.partition("=")
        if regime not in REGIMES or not directory:
            raise InterpError(f"--models {text!r}: write REGIME=DIRECTORY. {nearest(regime, REGIMES)}")
        found.setdefault(regime, []).append(directory)
    return found


def _judged(claim: Claim, found: dict[str, list[Found]]) -> Verdict:
    regime, rule = RULES[claim.name]
    if not found.get(regime):
        return judge(claim, f"multiply-{regime}", None, said=f"not run: no multiply-{regime} is there")
    seeds = [rule(results) for results in found[regime]]
    words = "; ".join(f"{results['product_accuracy'].attrs['model']}: {each.words}"
                      for results, each in zip(found[regime], seeds, strict=True))  # fmt: skip
    size = str(found[regime][0]["product_accuracy"].attrs["task"]).split()[0]
    return judge(claim, f"{regime} {size}", all(each.holds for each in seeds), seeds[0].number, words)


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
