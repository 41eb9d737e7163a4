"""How did a model come to add modulo p? Every measure of progress at every checkpoint of its training.

    keys      chosen once, at the last checkpoint, by a named rule; doubles merged, never cut short
    null      restricted and excluded loss with `n_random` random sets of as many frequencies, at every checkpoint;
              Gini and neurons of untrained nets of the same recipe (the largest share over k, as for the net itself)

How to read: restricted (test) loss that falls long before the test loss says that the circuit forms before it shows;
excluded loss that rises says that the model comes to need it. Events lie between two checkpoints, or are "not before"
the last one. Structure (Gini, fve) is given at the step of grokking and at the end, with its plateau if it has one.
Nanda et al. 2023, arXiv:2301.05217, section 5 and figure 7.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from interp.errors import InterpError
from interp.fourier.checkpoint_measures import MEASURES, WEIGHTS, Fixed, checkpoint_measures
from interp.fourier.gini import VARIANTS
from interp.fourier.grokking_course import with_course
from interp.fourier.key_frequencies import QUARTER, key_frequencies, random_keys
from interp.fourier.neuron_nulls import discoveries, empirical_p
from interp.fourier.neurons import THRESHOLD
from interp.fourier.progress_measures import RESTRICTED, SPLITS, sum_of_squares
from interp.fourier.training import Training
from interp.fourier.two_operand import two_operand
from interp.methods.intervals import t_interval, wilson
from interp.methods.result import mean_variables, variable
from interp.progress import Progress, silent


def grokking(
    training: Training,
    *,
    rule: str = "W_L",
    fraction: float = QUARTER,
    n_random: int = 20,
    n_untrained: int = 8,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Return every measure over `step`, with nulls, events and structure; MEASURES names dims and units.

    Raises InterpError for fewer than three checkpoints, an unknown rule, and a last checkpoint without structure.
    """
    steps, name = training.steps, training.name
    if len(steps) < 3:
        raise InterpError(f"{name} has {len(steps)} checkpoints: a course needs at least three; keep more of them.")
    last = two_operand(training.model(steps[-1]), name)
    keys = key_frequencies(last, rule, fraction)
    fixed = Fixed(keys.fundamental, training.train, random_keys(last.p, len(keys.fundamental), n_random, seed))
    rows, squares = [], []
    for done, step in enumerate(steps, start=1):
        model = training.model(step)
        rows.append(checkpoint_measures(two_operand(model, name), fixed))
        squares.append(sum_of_squares({k: w.detach().cpu().numpy() for k, w in model.named_parameters()})["all"])
        progress(done, len(steps), "checkpoints")
    blank = [checkpoint_measures(two_operand(training.untrained(i), name), fixed) for i in range(n_untrained)]
    result = _measured(_stacked(rows), _stacked(blank), squares, fixed, steps)
    return with_course(result, keys, name).assign_attrs(seed=seed, n_random=n_random, n_untrained=n_untrained)


def _stacked(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.stack([row[name] for row in rows]) for name in MEASURES}


def _measured(
    found: dict[str, np.ndarray],
    blank: dict[str, np.ndarray],
    squares: list[float],
    fixed: Fixed,
    steps: tuple[int, ...],
) -> xr.Dataset:
    share, gini = MEASURES["fve"][1], MEASURES["gini"][1]
    variables: dict[str, Any] = {
        name: variable(f"step {dims}", _kept(name, found[name]), units, text)
        for name, (dims, units, text) in MEASURES.items()
    }
    variables |= _over_pairs(found["pair_loss"], found["correct"], fixed.train)
    variables |= _over_neurons(found["fve"], blank["fve"])
    variables |= {
        "excluded_largest": variable(
            "step", found["excluded_by_frequency"].max(1), "nats", "largest of excluded_by_frequency: needs no keys"
        ),
        "sum_squares": variable("step", squares, "sum of squares", "sum of the squares of all weights"),
        "fve_null": variable("untrained neuron", blank["fve"], share, "fve of the neurons of untrained nets"),
        "fve_family_null": variable("untrained neuron", blank["fve_family"], share, "fve_family of untrained nets"),
        "gini_null": variable("untrained weight norms_of", blank["gini"], gini, "gini of untrained nets"),
        "ring_null": variable("untrained circle", blank["ring"], MEASURES["ring"][1], "ring of untrained nets"),
        "null_keys": variable("draw key", fixed.draws, "frequency", "the random sets of frequencies"),
    }
    p = len(fixed.train)
    coords = {
        "step": list(steps),
        "split": list(SPLITS),
        "variant": list(RESTRICTED),
        "component": np.arange(1, p // 2 + 1),
        "weight": list(WEIGHTS),
        "norms_of": list(VARIANTS),
        "operand_a": np.arange(p),
        "operand_b": np.arange(p),
        "circle": list(fixed.keys),
        "axis": ["cos", "sin"],
        "residue": np.arange(p),
    }
    return xr.Dataset(variables, coords)


def _kept(name: str, values: np.ndarray) -> np.ndarray:
    return values.astype({"pair_loss": np.float32, "correct": np.int8}.get(name, values.dtype))


def _over_pairs(loss: np.ndarray, correct: np.ndarray, train: np.ndarray) -> dict[str, xr.Variable]:
    """Return loss and accuracy over [step, split] with their intervals over pairs."""
    chosen = (train, ~train, np.ones_like(train))
    mean = np.stack([loss[:, pairs].mean(1) for pairs in chosen], -1)
    ends = np.stack([t_interval(loss[:, pairs].T) for pairs in chosen], -1)
    right = np.stack([correct[:, pairs].sum(1) for pairs in chosen], -1)
    sizes = np.array([pairs.sum() for pairs in chosen])
    intervals = np.stack([wilson(right[:, i], int(n)) for i, n in enumerate(sizes)], -1)
    dims = "step split"
    return {
        **mean_variables("loss", dims, mean, ends, "nats", "mean cross-entropy, float64"),
        **mean_variables("accuracy", dims, right / sizes, intervals, "fraction", "pairs answered right"),
        "n_pairs": variable("split", sizes, "pairs", "pairs of each split"),
        "n": variable("", sizes[1], "pairs", "test pairs: all that were not trained on"),
    }


def _over_neurons(shares: np.ndarray, null: np.ndarray) -> dict[str, xr.Variable]:
    """Return the median share, and how many neurons have one frequency: by the threshold, and beyond the null."""
    n = shares.shape[1]
    above = (shares > THRESHOLD).sum(1)
    median = [np.median(each[~np.isnan(each)]) if (~np.isnan(each)).any() else np.nan for each in shares]
    beyond = [discoveries(empirical_p(each, null)).mean() for each in shares]
    text = f"neurons of which one frequency explains more than {THRESHOLD}"
    return {
        **mean_variables("single", "step", above / n, wilson(above, n), "fraction", text),
        "single_null": variable("untrained", (null > THRESHOLD).mean(1), "fraction", f"in untrained nets: {text}"),
        "fve_median": variable("step", median, "fraction of variance", "median of fve over neurons that vary"),
        "beyond_null": variable("step", beyond, "fraction", "neurons beyond untrained nets, 5 % false discoveries"),
    }
