"""Why can't transformers learn multiplication: M1 to M7 and the table of accuracies on our models, with verdicts.

    python -m experiments.multiplication.icot [--out DIR] [--store DIR] [--models plain=DIR --models icot=DIR ...]

Our models multiply 3 by 3 digits with d_model 128 (published: 4 by 4, 768), so a claim that holds is "scaled", and
every figure says so. The published size is one command away: recipes/README.md. Results are recorded runs: what the
store has is not computed again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import plotly.graph_objects as go
import typer
import xarray as xr

from experiments.multiplication.icot_figures import pictures
from experiments.multiplication.icot_rules import RULES, failing
from interp.figures import FIGURES
from interp.models import zoo
from interp.store import Store, spec_from
from interp.store.product_parameters import OF_PRODUCTS
from interp.verdicts import Claim, Verdict, judge, read_claims

PUBLISHED = Path(__file__).parent / "published" / "icot.json"
REGIMES = ("plain", "icot", "aux", "deep")
NAME = re.compile(rf"(multiply-(?:{'|'.join(REGIMES)}).*?)(-seed\d+)?")
Found = dict[str, xr.Dataset]


def present() -> dict[str, list[str]]:
    """Return the models of the zoo by training, {training: names of its seeds}; one of other length is another."""
    found: dict[str, list[str]] = {}
    for name in zoo.zoo_names():
        if match := NAME.fullmatch(name):
            found.setdefault(match[1], []).append(name)
    return dict(sorted(found.items(), key=lambda each: REGIMES.index(regime_of(each[0]))))


def regime_of(training: str) -> str:
    """Return how the models of a training learned: plain, icot, aux, or plain with twelve blocks (deep)."""
    return next(part for part in training.split("-") if part in REGIMES)


def measured(
    model: str, store: Store, small: Mapping[str, dict[str, Any]] | None = None, methods: Sequence[str] = OF_PRODUCTS
) -> Found:
    """Return the results of methods on one model, recorded in the store; `small` gives some of them parameters."""
    from interp.execute import record

    small = small or {}
    specs = {m: spec_from({"method": m, "model": model, "parameters": small.get(m, {})}) for m in methods}
    return {method: store.open(record(spec, store)).load() for method, spec in specs.items()}


def all_measured(store: Store, names: dict[str, list[str]] | None = None) -> dict[str, list[Found]]:
    """Return the results by training, of the zoo's models or of those named."""
    names = present() if names is None else names
    return {training: [measured(name, store) for name in each] for training, each in names.items()}


def judged(found: dict[str, list[Found]]) -> list[tuple[str, Verdict]]:
    """Return (training, verdict) on every published claim, for every training that it is about."""
    lines = []
    for claim in read_claims(PUBLISHED).values():
        regime = RULES[claim.name][0]
        there = [training for training in found if regime_of(training) == regime and found[training]]
        lines += [(training, _judged(claim, found[training])) for training in there]
        if not there:
            missing = judge(claim, f"multiply-{regime}", None, said=f"not run: no multiply-{regime} is there")
            lines.append((f"multiply-{regime}", missing))
    return lines


def verdicts(found: dict[str, list[Found]] | None = None) -> list[Verdict]:
    """Return a verdict on every published claim; `found` are the results by training (default: of the zoo's models)."""
    return [each for _, each in judged(all_measured(Store()) if found is None else found)]


def frame(found: dict[str, list[Found]]) -> pd.DataFrame:
    """Return a line a claim and training: what was published, what was measured on which models, the verdict."""
    lines = []
    for training, each in judged(found):
        models = [results["product_accuracy"] for results in found.get(training, [])]
        claim = each.claim
        lines.append({
            "claim": claim.name, "training": training, "published": claim.text, "value": claim.value,
            "tolerance": claim.tolerance, "ours": each.ours, "verdict": each.verdict, "measured": each.said,
            "size": models[0].attrs["task"] if models else None, "seeds": len(models), "source": claim.source,
            "how we know": claim.certainty, "command": "python -m experiments.multiplication.icot",
        })  # fmt: skip
    return pd.DataFrame(lines)


def accuracies(found: dict[str, list[Found]]) -> pd.DataFrame:
    """Return the table of accuracies of every model: exact, digit and token, every column, and the failing ones."""
    rows = []
    for results in (each for models in found.values() for each in models):
        here = results["product_accuracy"]
        for mode in here["mode"].values:
            at = here.sel(mode=mode)
            row = {"model": here.attrs["model"], "mode": str(mode), "n": int(here.n)}
            for name in ("exact", "digit"):
                row |= {f"{name}{end}": float(at[f"{name}{end}"]) for end in ("", "_low", "_high")}
            row |= {
                f"token{end}": float(here[f"token{end}"]) if mode == "told" else None for end in ("", "_low", "_high")
            }
            row |= {f"{c}{end}": float(at[f"accuracy{end}"].sel(column=c))
                    for c in here.column.values for end in ("", "_low", "_high")}  # fmt: skip
            rows.append(row | {"failing": " ".join(failing(at))})
    return pd.DataFrame(rows)


def main(
    out: Path = Path("experiments/multiplication/out"),
    store: Annotated[Path | None, typer.Option(help="Where runs are kept.")] = None,
    models: Annotated[list[str] | None, typer.Option(help="REGIME=DIRECTORY of each model; default the zoo's.")] = None,
) -> None:
    """Measure every model, write its figures, the table of accuracies and the verdicts."""
    from interp.cli.output import say
    from interp.figures.export import export, possible

    names = _given(models) if models else present()
    if not names:
        say("no multiplying model is there: the verdicts say 'not run'; train one with `interp train multiply-icot`")
    found = all_measured(Store(store), names)
    out.mkdir(parents=True, exist_ok=True)
    table, verdict = accuracies(found), frame(found)
    table.to_csv(out / "icot-accuracies.csv", index=False)
    verdict.to_csv(out / "icot-verdicts.csv", index=False)
    for results in (each for group in found.values() for each in group):
        accuracy = results["product_accuracy"]
        say(f"{accuracy.attrs['model']}: {FIGURES['product_accuracy'][0].summary(accuracy)}")
    for line in verdict.to_dict("records"):
        say(f"  {line['verdict']:15} {line['claim']:16} {line['measured']}")
    drawn: dict[str | Path, go.Figure] = {out / name: figure for name, figure in pictures(found)}
    if drawn:
        export(drawn, possible("html", "png"))
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


def _judged(claim: Claim, models: list[Found]) -> Verdict:
    regime, rule = RULES[claim.name]
    seeds = [rule(results) for results in models]
    names = [Path(results["product_accuracy"].attrs["model"]).name for results in models]
    words = "; ".join(f"{name}: {each.words}" for name, each in zip(names, seeds, strict=True))
    size = str(models[0]["product_accuracy"].attrs["task"]).split()[0]
    return judge(claim, f"{regime} {size}", all(each.holds for each in seeds), seeds[0].number, words)


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
