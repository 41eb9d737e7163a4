"""Which questions does a model get wrong: by class, and are they those that a given algorithm gets wrong?

    wrong[class]    share of wrong answers in every class of questions, with Wilson's interval
    overlap         |model wrong and algorithm wrong|,      its null: as many wrong questions at random
    precision       overlap / |model wrong|                 recall = overlap / |algorithm wrong|

How to read: a model that *is* the algorithm has precision and recall 1; one that fails at random questions has the
`overlap_null` (the mean; `overlap_p` is the chance of this overlap or more). Classes that are hard for everyone make
an overlap too, so look at both shares and at what is left over on either side.
Source: Quirke & Barez 2024, arXiv:2310.13121; Quirke, Neo & Barez 2024, arXiv:2402.02619 (classes).
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from jaxtyping import Bool, Int
from scipy.stats import hypergeom

from interp.errors import InterpError
from interp.methods.intervals import wilson
from interp.methods.result import mean_variables, variable


def failures_by_class(wrong: Bool[np.ndarray, " problem"], classes: Int[np.ndarray, " problem"]) -> xr.Dataset:
    """Return the share wrong of classes 0 .. max, `n` of each, and the whole share as `wrong_null`.

    A class without questions is nan. Raises InterpError for no questions or another length.
    """
    wrong, classes = _paired(wrong, classes)
    counts = np.bincount(classes)
    failed = np.bincount(classes, wrong)
    ends = np.full((2, len(counts)), np.nan)
    for k in np.flatnonzero(counts):
        ends[:, k] = wilson(failed[k], int(counts[k]))
    share = np.divide(failed, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    found = {
        **mean_variables("wrong", "class", share, ends, "fraction", "wrong answers in the class"),
        "wrong_null": variable("", wrong.mean(), "fraction", "wrong answers of all questions: no class matters"),
        "n": variable("class", counts, "problems", "questions of the class"),
    }
    return xr.Dataset(found, {"class": range(len(counts))})


def overlap(wrong: Bool[np.ndarray, " problem"], foreseen: Bool[np.ndarray, " problem"]) -> xr.Dataset:
    """Return how far the wrong answers are the `foreseen` ones: overlap, precision, recall, and the null.

    Precision and recall are nan where nothing is wrong or foreseen. Raises InterpError for no questions.
    """
    wrong, foreseen = (each.astype(bool) for each in _paired(wrong, foreseen))
    both, n_wrong, n_foreseen = (int(each.sum()) for each in (wrong & foreseen, wrong, foreseen))
    chance = hypergeom.sf(both - 1, len(wrong), n_foreseen, n_wrong)
    found = {
        "overlap": variable("", both, "problems", "wrong and foreseen"),
        "model_only": variable("", n_wrong - both, "problems", "wrong, not foreseen"),
        "algorithm_only": variable("", n_foreseen - both, "problems", "foreseen, yet right"),
        "overlap_null": variable("", n_wrong * n_foreseen / len(wrong), "problems", "mean overlap at random"),
        "overlap_p": variable("", chance, "probability", "chance of this overlap or more at random"),
        "n": variable("", len(wrong), "problems", "questions"),
    }
    for name, count in (("precision", n_wrong), ("recall", n_foreseen)):
        ends = wilson(both, count) if count else (np.nan, np.nan)
        of = "wrong answers that are foreseen" if name == "precision" else "foreseen questions that are wrong"
        found |= mean_variables(name, "", both / count if count else np.nan, ends, "fraction", of)
    return xr.Dataset(found)


def _paired(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first), np.asarray(second)
    if not len(first) or first.shape != second.shape:
        raise InterpError(f"{len(first)} answers met {len(second)} questions: expected one of each; check the arrays.")
    return first, second
