"""What do the multiplying models show, in three tables? Accuracies, running sums, and verdicts on published claims.

    python -m experiments.multiplication.tables [--store DIR]        writes them into the README beside this file

Numbers come from recorded runs (what is missing is computed), none is typed by hand: the text between the two marks of
README.md is replaced.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from experiments.multiplication.icot import Found, all_measured, frame
from experiments.multiplication.icot_rules import failing, middle
from experiments.multiplication.icot_shapes import ends
from interp.errors import InterpError
from interp.store import Store

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- written by experiments.multiplication.tables -->", "<!-- end -->"


def written(found: dict[str, list[Found]]) -> str:
    """Return the three tables in Markdown, each with a line of how to read it."""
    models = [each for group in found.values() for each in group]
    return "\n".join([*_accuracies(models), "", *_sums(models), "", *_verdicts(found)])


def replaced(text: str, tables: str) -> str:
    """Return a text with the tables between the marks. Raises InterpError where the marks are not, once each."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise InterpError(f"expected {BEGIN} and {END} once each in the README; restore them.")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.split(END)[1]}"


def _accuracies(models: list[Found]) -> list[str]:
    lines = [
        "**T1.** *Told*: every digit foretold after the right ones before it; *free*: the model writes alone. "
        "*Digits*: share of answer digits; *tokens*: signs counted too. In brackets 95 %; *fails*: digits right in "
        "less than half of the problems, beyond the interval.",
        "",
        "| model | mode | exact | digits | tokens | each digit, c0 first | fails | n |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for found in models:
        here = found["product_accuracy"]
        for mode in here["mode"].values:
            at = here.sel(mode=mode)
            token = ends(here, "token") if mode == "told" else ""
            each = " ".join(f"{float(at.accuracy.sel(column=c)):.2f}" for c in here.column.values)
            lines.append(f"| {_name(found)} | {mode} | {ends(at, 'exact')} | {ends(at, 'digit')} | {token} | {each} | "
                         f"{', '.join(failing(at)) or 'none'} | {int(here.n):,} |")  # fmt: skip
    null = models[0]["product_accuracy"] if models else None
    if null is not None:
        each = " ".join(f"{value:.2f}" for value in null.accuracy_majority_null.values)
        digit = float(null.digit_majority_null)
        lines.append(f"| null: best constant | | {float(null.exact_majority_null):.3f} | {digit:.3f} | | {each} | | |")
    return lines


def _sums(models: list[Found]) -> list[str]:
    lines = [
        "**M2.** Errors of the running-sum probes over the best constant's, between attention and MLP of the last "
        "block where the digit has been read (the published place), beside the same probe on the digits alone, on the "
        "network before training (its best site), and the largest ratio anywhere in the map beside what shuffled sums "
        "reach.",
        "",
    ]
    if not models:
        return lines
    columns = middle(models[0]["running_sums"].column.values)
    head = [part for c in columns for part in (c, "digits", "untrained")]
    lines += [f"| model | {' | '.join(head)} | worst anywhere | shuffled |", "|---" * (len(head) + 3) + "|"]
    for found in models:
        here, cells = found["running_sums"], []
        site = [str(name) for name in here.site.values if str(name).startswith("resid_mid")][-1]
        for c in middle(here.column.values):
            at, constant = here.sel(column=c), float(here.mae_constant_null.sel(column=c))
            value, low, high = (float(at[f"mae_input{end}"].sel(site=site)) / constant for end in ("", "_low", "_high"))
            cells += [f"{value:.3f} [{low:.3f}, {high:.3f}]", f"{float(at.mae_input_digits_null) / constant:.3f}",
                      f"{float(at.mae_input_untrained_null.min()) / constant:.3f}"]  # fmt: skip
        lines.append(f"| {_name(found)} | {' | '.join(cells)} | {float(here.worst):.3f} | "
                     f"{float(here.ratio_null_high):.3f} |")  # fmt: skip
    return lines


def _verdicts(found: dict[str, list[Found]]) -> list[str]:
    table = frame(found)
    counts = ", ".join(f"{name}: {n}" for name, n in table["verdict"].value_counts().items())
    lines = [
        f"**Verdicts** ({counts}). Values are published for 4x4 digits and d_model 768, so a claim that holds on ours "
        "is *scaled*, and no tolerance applies; rules were fixed before our models were there. A claim has to hold on "
        "every seed.",
        "",
        "| claim | published | rule | value | ours | verdict | training (seeds) | measured |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for line in table.to_dict("records"):
        said, _, rule = str(line["published"]).partition("; here: ")
        value, ours = ("" if pd.isna(line[k]) else f"{line[k]:.3g}" for k in ("value", "ours"))
        cells = [line["claim"], said, rule, value, ours, line["verdict"], f"{line['training']} ({line['seeds']})",
                 line["measured"]]  # fmt: skip
        lines.append("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |")
    return lines


def _name(found: Found) -> str:
    return Path(found["product_accuracy"].attrs["model"]).name


def main(store: Annotated[Path | None, typer.Option(help="Where runs are kept.")] = None) -> None:
    """Write the three tables into the README."""
    from interp.cli.output import say

    found = all_measured(Store(store))
    README.write_text(replaced(README.read_text(), written(found)))
    say(f"{README} has the tables of {sum(len(each) for each in found.values())} models")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
