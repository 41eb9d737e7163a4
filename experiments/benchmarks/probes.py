"""What does it cost to probe every place of a model: one ridge from streamed sums, or a loop of logistic regressions?

    python -m experiments.benchmarks.probes       writes probes.json beside this file

    24 places, 2,000 training rows of 256 features, 10 classes; 500 validation rows choose the penalty, 2,000 test rows
    "isotropic"    class means plus white noise
    "correlated"   the same behind a random map whose singular values fall as 1/sqrt(k): features are correlated

Ridge: float64 sums over batches of 500, one eigendecomposition a place, nine penalties, one-hot labels, argmax.
Logistic: scikit-learn's LogisticRegression (L-BFGS, its defaults) on standardised features, place by place, nine values
of C, each fit starting from scratch as a loop does; `one fit` is the same at the single C and alpha that validation
chooses most often, so nothing is searched: its ridge needs no eigenvectors and solves by Cholesky. A penalty is chosen
by validation accuracy in both. CPU time of one process on one thread, rounds in shuffled order, medians.
"""

from __future__ import annotations

import json
import platform
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from experiments.benchmarks.subject import ratio, rounds
from interp.cli.output import say
from interp.methods.gram import Ladder
from interp.methods.ridge import PENALTIES, Moments
from interp.models.devices import threads

OUT = Path(__file__).with_suffix(".json")
PLACES, TRAIN, VALIDATION, TEST, WIDTH, CLASSES, BATCH = 24, 2000, 500, 2000, 256, 10, 500
STRENGTHS = tuple(float(c) for c in np.logspace(-5, 3, 9))  # C: small is strong
SIGNAL = 0.165  # distance of the class means in units of the noise: about .77 of the test rows right


class Data:
    """Rows of every place [place, row, feature] float32 in three parts, and the labels of each part."""

    def __init__(self, shape: str, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.y = {part: rng.integers(CLASSES, size=n) for part, n in
                  (("train", TRAIN), ("validation", VALIDATION), ("test", TEST))}  # fmt: skip
        means = SIGNAL * rng.normal(size=(PLACES, CLASSES, WIDTH))
        mix = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
        if shape == "correlated":
            mix = mix * (8.0 / np.arange(1, WIDTH + 1) ** 0.5) @ np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
        self.x = {
            part: torch.as_tensor((means[:, y] + rng.normal(size=(PLACES, len(y), WIDTH))) @ mix).float()
            for part, y in self.y.items()
        }
        train = self.x["train"].double()
        centre, spread = train.mean(1, keepdim=True), train.std(1, correction=0, keepdim=True)
        self.standard = {part: ((x.double() - centre) / spread).numpy() for part, x in self.x.items()}


def sums(data: Data, place: int) -> Moments:
    """Return the moments of one place, batch by batch."""
    y = torch.eye(CLASSES, dtype=torch.float64)[torch.as_tensor(data.y["train"])]
    parts = [
        Moments.of(data.x["train"][place, i : i + BATCH].double(), y[i : i + BATCH]) for i in range(0, TRAIN, BATCH)
    ]
    return sum(parts[1:], parts[0])


def ridge_path(data: Data) -> list[float]:
    """Return the test accuracy of each place, the penalty chosen on the validation rows."""
    return [_ridge_place(data, place)[0] for place in range(PLACES)]


def _ridge_place(data: Data, place: int) -> tuple[float, float]:
    ladder = Ladder.of(sums(data, place))
    path, held = ladder.path, data.x["validation"][place].double() * ladder.scale
    seen, right = (held - path.mean_x) @ path.vectors, []
    for alpha in PENALTIES:  # from large to small: among equals the largest
        said = path.mean_y + seen @ (path.rotated / (path.values[:, None] + path.n * alpha))
        right.append(float((said.argmax(1).numpy() == data.y["validation"]).mean()))
    alpha = PENALTIES[int(np.argmax(right))]
    said = ladder.at(torch.full((CLASSES,), alpha, dtype=torch.float64)).predict(data.x["test"][place]).argmax(1)
    return float((said.numpy() == data.y["test"]).mean()), alpha


def logistic_path(data: Data) -> list[float]:
    """Return the test accuracy of each place, C chosen on the validation rows."""
    return [_logistic_place(data, place, STRENGTHS)[0] for place in range(PLACES)]


def _logistic_place(data: Data, place: int, strengths: tuple[float, ...]) -> tuple[float, float]:
    x, best = {part: values[place] for part, values in data.standard.items()}, (-1.0, 0.0, 0.0)
    for strength in strengths:  # from strong to weak
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # weak penalties stop at 100 steps: cheaper for them
            model = LogisticRegression(C=strength).fit(x["train"], data.y["train"])
        chosen = model.score(x["validation"], data.y["validation"])
        if chosen > best[0]:
            best = (chosen, model.score(x["test"], data.y["test"]), strength)
    return best[1], best[2]


def ridge_once(data: Data, alpha: float) -> list[float]:
    """Return the test accuracy of each place at one penalty, by Cholesky."""
    found = []
    for place in range(PLACES):
        rows = sums(data, place)
        scale = rows.scale()
        rows = rows.scaled(scale)
        mean_x, mean_y = rows.x / rows.n, rows.y / rows.n
        xx, xy, _ = rows.about(mean_x, mean_y)
        xx.diagonal().add_(rows.n * alpha)
        weights = torch.cholesky_solve(xy, torch.linalg.cholesky(xx))
        said = mean_y + (data.x["test"][place].double() * scale - mean_x) @ weights
        found.append(float((said.argmax(1).numpy() == data.y["test"]).mean()))
    return found


def logistic_once(data: Data, strength: float) -> list[float]:
    """Return the test accuracy of each place at one C."""
    return [_logistic_place(data, place, (strength,))[0] for place in range(PLACES)]


def point(shape: str, n_rounds: int) -> dict[str, Any]:
    """Return what each way costs on one kind of data, and how often it is right."""
    data = Data(shape)
    alphas = [_ridge_place(data, place)[1] for place in range(PLACES)]
    chosen = [_logistic_place(data, place, STRENGTHS)[1] for place in range(PLACES)]
    alpha, strength = (max(set(each), key=each.count) for each in (alphas, chosen))
    right: dict[str, list[float]] = {}

    def keep(name: str, found: list[float]) -> None:
        right[name] = found

    taken = rounds(
        {
            "ridge, nine penalties": lambda: keep("ridge, nine penalties", ridge_path(data)),
            "logistic, nine penalties": lambda: keep("logistic, nine penalties", logistic_path(data)),
            "ridge, one fit": lambda: keep("ridge, one fit", ridge_once(data, alpha)),
            "logistic, one fit": lambda: keep("logistic, one fit", logistic_once(data, strength)),
        },
        n_rounds,
    )
    found = {
        name: {"ms": 1e3 * float(np.median(t)), "accuracy": float(np.mean(right[name]))} for name, t in taken.items()
    }
    ratios = {
        what: ratio(taken[f"logistic, {what}"], taken[f"ridge, {what}"]) for what in ("nine penalties", "one fit")
    }
    return {"data": shape, "alpha": alpha, "C": strength, "ways": found, "ratios": ratios}


def main(out: Path = OUT, n_rounds: int = 3) -> None:
    """Measure both ways on both kinds of data."""
    with threads(1):
        points = [point(shape, n_rounds) for shape in ("isotropic", "correlated")]
    versions = {"torch": torch.__version__, "sklearn": sklearn.__version__, "python": platform.python_version()}
    note = "CPU ms of one process, one thread, all 24 places; ratios: median and quartiles of paired rounds"
    rows = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
    told = {"note": note, **versions, "rounds": n_rounds, "places": PLACES, "width": WIDTH, "classes": CLASSES, **rows}
    out.write_text(json.dumps({**told, "points": points}, indent=2) + "\n", encoding="utf-8")
    for each in points:
        for name, way in each["ways"].items():
            say(f"{each['data']:10} {name:26} {way['ms']:9.0f} ms   accuracy {way['accuracy']:.4f}")
        for what, (middle, low, high) in each["ratios"].items():
            say(f"{each['data']:10} logistic / ridge, {what}: {middle:.1f} [{low:.1f}, {high:.1f}]")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
