"""Digits: read in which base, turned, laid out as a prism, added as a Minkowski sum, told apart as residues.

    python -m experiments.fourier.digits [--out DIR]

On mental-math (six layers, trained on sums below 100) and, as positive control, planted:helix, whose circles are known.
Some five minutes on a CPU.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import plotly.graph_objects as go
import xarray as xr

from experiments.fourier.digits_heads import Measured, heads, minkowski_sums
from experiments.fourier.files import frame, write
from interp.figures import FIGURES
from interp.figures.convergence import agreed
from interp.figures.digit_probes import best
from interp.fourier import prism
from interp.verdicts import Verdict, judge, read_claims

PUBLISHED = Path(__file__).parent / "published" / "digits.json"
OURS, PLANTED = "mental-math", "planted:helix"
ASKED = {
    "digit_probes": {"n": 500, "split": "test"},
    "digit_rotation": {"n": 200, "variable": "a", "split": "test"},
    "digit_codes": {"n": 1000, "split": "test"},
    "convergence": {"n": 2000},
}


@functools.cache
def found(method: str, model: str) -> xr.Dataset:
    """Return one method on a+b, plain, as the command line answers and records it."""
    from interp.execute import record
    from interp.store import Spec, Store

    asked = {"method": method, "model": model, "task": "a+b", "parameters": ASKED[method]}
    store = Store()
    return store.open(record(Spec.model_validate(asked), store)).load()


def measured() -> Measured:
    """Return what each claim came to: does it hold, the number, in words."""
    return _probes() | _turns() | _prism() | _lines() | minkowski_sums(heads()) | _residues()


def _stands_out(dataset: xr.Dataset, target: str) -> tuple[bool, str]:
    """Return whether base 10 is above 9, 11, its null and the rounded line at its best place, and the numbers."""
    layer, role = best(dataset, target)
    here = dataset.sel(target=target, layer=layer, role=role)
    nine, ten, eleven = (float(here.accuracy.sel(base=base)) for base in (9, 10, 11))
    rounded, null = float(here.accuracy_rounded), float(dataset.accuracy_null_high.sel(base=10))
    words = (
        f"{target} at layer {layer}, {role}: base 9, 10, 11 {nine:.2f}, {ten:.2f}, {eleven:.2f}, rounded {rounded:.2f}"
    )
    return ten > max(nine, eleven, rounded, null), words


def _probes() -> Measured:
    ours = [_stands_out(found("digit_probes", OURS), target) for target in ("a", "b")]
    planted = found("digit_probes", PLANTED)
    layer, role = best(planted, "a")
    units = float(planted.digit_accuracy.sel(target="a", base=10, place=0, layer=layer, role=role))
    near = [float(planted.digit_accuracy.sel(target="a", base=b, place=0, layer=layer, role=role)) for b in (9, 11)]
    n = int(found("digit_probes", OURS).n)
    words = f"units digit {units:.2f} at layer {layer}, {role}; of base 9 and 11 {near[0]:.2f}, {near[1]:.2f}"
    return {
        "base 10 stands out": (any(each for each, _ in ours), None, "; ".join(text for _, text in ours) + f"; n = {n}"),
        "base 10 of the planted helix": (units > 0.9 and units > max(near), None, words),
    }


def _turns() -> Measured:
    ours, planted = (found("digit_rotation", name).sel(rotated=0, steps=5) for name in (OURS, PLANTED))
    tens = found("digit_rotation", OURS).sel(rotated=1, steps=5, kind="probe")
    units = ours.sel(kind="probe")
    holds = any(float(each.follows) > float(each.follows_null.max()) + 0.05 for each in (units, tens))
    codes = ours.sel(kind="code")
    words = (
        f"probe's plane: units {float(units.follows):.2f}, tens {float(tens.follows):.2f} of answers follow (they stay "
        f"in {float(units.kept):.2f}); all waves of the units {float(codes.follows):.2f}; n = {int(ours.n)}"
    )
    code, null = planted.sel(kind="code"), float(planted.sel(kind="code").follows_null.max())
    circle, probe = (float(planted.sel(kind=kind).follows) for kind in ("circle", "probe"))
    said = (
        f"all waves {float(code.follows):.2f} (random at most {null:.2f}); circle alone {circle:.2f}, probe {probe:.2f}"
    )
    return {
        "a turned digit turns the answer": (holds, None, words),
        "a turned code of the planted helix": (float(code.follows) > 0.9 and null < 0.2, None, said),
    }


def _prism() -> Measured:
    dataset, out = found("digit_codes", OURS), {}
    last = [site for site in dataset.site.values.tolist() if site.startswith("mlp")][-1]
    for claim, site in (("embeddings", "embedding"), ("MLP", last), ("final states", "final")):
        here = dataset.sel(site=site)
        wide, own = here.sel(subset="0,1,2,5"), here.sel(subset="0,2,5")
        words = (
            f"{float(wide.r2):.3f} (a line .840); on {{0, 2, 5}} {float(own.r2):.3f} against relabelings up to "
            f"{float(own.r2_null_high):.3f}, p = {float(own.r2_p):.3f}"
        )
        out[f"{claim} on waves 0, 1, 2, 5"] = (float(own.r2_p) <= 0.05, float(wide.r2), words)
    p = dataset.prism_p.values
    most = float(dataset.prism.max())
    words = f"smallest p {p.min():.3f} of {len(p)} sites; variance in the best prism at most {most:.2f}"
    out["pentagonal prism"] = (bool(p.min() <= 0.05 / len(p)), None, words)
    return out


def _lines() -> Measured:
    wide, own = prism.SUBSETS["0,1,2,5"], prism.SUBSETS["0,2,5"]
    values = {
        "a line on 0, 1, 2, 5": prism.line_scores(wide)["number line"],
        "log(n + 1) on 0, 1, 2, 5": prism.line_scores(wide)["log(n + 1)"],
        "a line on 0, 2, 5": prism.line_scores(own)["number line"],
        "noise on 0, 1, 2, 5": prism.white_quantile(wide, 0.5),
        "noise on 0, 1, 2, 5, high": prism.white_quantile(wide, 0.95),
    }
    return {name: (True, value, f"{value:.4f}") for name, value in values.items()}


def _residues() -> Measured:
    ours = found("convergence", OURS).sel(site="embedding", variant="raw")
    here = {t: ours.sel(period=t) for t in (2, 5, 10)}
    above = [t for t, each in here.items() if float(each.share) > float(each.share_null_high)]
    words = "; ".join(f"T = {t}: share {float(e.share):.3f}, shuffled {float(e.share_null):.3f}, kappa "
                      f"{float(e.kappa.sel(split='interleaved')):.2f}" for t, e in here.items())  # fmt: skip
    together = agreed(found("convergence", PLANTED).sel(site="embedding"))
    return {
        "peaks at 2, 5, 10": (above == [2, 5, 10], None, words),
        "residues of the planted helix": (set(together) >= {2, 5, 10}, None, f"all three agree on {together}"),
    }


def verdicts() -> list[Verdict]:
    """Return a verdict on every claim; the planted model's claims are judged for it, the others for mental-math."""
    told, out = measured(), []
    for claim in read_claims(PUBLISHED).values():
        ours = claim.models[0] if claim.models[0] in (PLANTED, "line") else OURS
        out.append(judge(claim, ours, *told[claim.name]))
    return out


def pictures() -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure): every figure of the four methods, on both models."""
    for name in (OURS, PLANTED):
        for method in ASKED:
            if (method, name) != ("digit_codes", PLANTED):  # its unembedding is made, nothing to find out
                for drawing in FIGURES[method]:
                    yield f"{name.replace(':', '-')}-{method}-{drawing.name}", drawing(found(method, name))


def main(out: Path = Path("experiments/fourier/out")) -> None:
    """Write the table of heads, the figures and the verdicts."""
    from interp.cli.output import say

    n = write(out, {"minkowski": heads(), "digits-verdicts": frame(verdicts())}, pictures())
    say(f"{n} figures, the heads and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
