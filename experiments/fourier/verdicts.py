"""Which published findings about periods hold, and where? One table of every script's verdicts.

    python -m experiments.fourier.verdicts [--out DIR]      prints the table and writes verdicts.csv

A script whose material is absent says "not run" and why; nothing is judged by hand.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pandas as pd

from interp.cli.output import say
from interp.verdicts import Verdict

SCRIPTS = ("nanda", "zhong", "groups", "helix", "filters", "closed_forms", "digits")


def verdicts() -> list[tuple[str, Verdict]]:
    """Return (script, verdict) for every published claim."""
    return [(name, verdict) for name in SCRIPTS for verdict in import_module(f"experiments.fourier.{name}").verdicts()]


def frame() -> pd.DataFrame:
    """Return a line a claim: what was published and where, what was measured, the verdict."""
    return pd.DataFrame(
        [
            {
                "script": name,
                "claim": found.claim.name,
                "published": found.claim.text,
                "value": found.claim.value,
                "tolerance": found.claim.tolerance,
                "ours": found.ours,
                "verdict": found.verdict,
                "said": found.said,
                "source": found.claim.source,
                "how we know": found.claim.certainty,
            }
            for name, found in verdicts()
        ]
    )


def main(out: Path = Path("experiments/fourier/out")) -> None:
    """Judge every claim, print the table and keep it."""
    found = frame()
    out.mkdir(parents=True, exist_ok=True)
    found.to_csv(out / "verdicts.csv", index=False)
    for name, lines in found.groupby("script", sort=False):
        say(f"\n{name}")
        for line in lines.to_dict("records"):
            value, ours = ("" if pd.isna(line[name]) else f"{line[name]:.4g}" for name in ("value", "ours"))
            say(f"  {line['verdict']:15} {line['claim']:44} {value:>10} {ours:>10}  {line['said']}")
    counts = found["verdict"].value_counts()
    say("\n" + ", ".join(f"{verdict}: {n}" for verdict, n in counts.items()))


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
