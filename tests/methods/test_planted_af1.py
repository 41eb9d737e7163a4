"""AF1 on models whose window is known: the whole passing region, its controls, and models that have no window.

planted (w, t):  subgraph (l_wait, l_transfer) right  <=>  l_wait <= w and l_wait + l_transfer >= w + t
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from interp.execute import answer
from interp.methods.af1 import af1_interventions
from interp.methods.faithfulness import faithful
from interp.methods.means import reference_means
from interp.models import load
from interp.models.export import export
from interp.models.planted import Planted
from interp.store import Spec
from interp.tasks import build, named_task

TASKS = ("a+b@0..19", "a+b+c@0..9")
FAST = [
    *((TASKS[0], Planted(w, t, layers=layers)) for layers, w, t in ((1, 0, 1), (2, 1, 1), (4, 1, 2), (8, 5, 3))),
    *((TASKS[1], Planted(w, t)) for w, t in ((3, 2), (0, 1), (7, 1))),
]
SLOW = [
    *((TASKS[0], Planted(w, t, layers=n)) for n in (1, 2, 4) for w in range(n) for t in range(1, n - w + 1)),
    *((TASKS[(w + t) % 2], Planted(w, t)) for w in range(8) for t in range(1, 9 - w)),
    *((TASKS[1], Planted(w, t, layers=12, seed=w)) for w, t in ((0, 1), (0, 12), (3, 4), (6, 6), (9, 2), (11, 1))),
]
ONE_ANSWER = 0.4
"""Twenty-eight sums of three digits are not evenly spread: a guess of the mean is right more often than 1 in 28."""


def shown(value) -> str:
    return value.name.removeprefix("planted:") if isinstance(value, Planted) else str(value)


def cells(truth: Planted, task: str) -> np.ndarray:
    """Faithfulness of every subgraph [l_wait, l_transfer], one full forward each; nan outside the model."""
    model, layers = load(truth.name), truth.layers
    everything = build(named_task(task), model.arith.tokenizer, "plain", "all", None)
    prompts = everything.sample(40, seed=0)
    means = reference_means(model, everything)
    found = np.full((layers + 1, layers + 1), np.nan)
    for l_wait, l_transfer in itertools.product(range(layers + 1), repeat=2):
        if l_wait + l_transfer <= layers:
            edits = af1_interventions(means, prompts, layers, l_wait, l_transfer)
            found[l_wait, l_transfer] = faithful(model, prompts, edits).mean()
    return found


def check_region(truth: Planted, task: str) -> None:
    found = cells(truth, task)
    l_wait, l_transfer = np.indices(found.shape)
    inside = l_wait + l_transfer <= truth.layers
    right = inside & (l_wait <= truth.reads.start) & (l_wait + l_transfer >= truth.reads.stop)
    right &= truth.mix is None
    assert (found[right] == 1.0).all()
    assert (found[inside & ~right] < ONE_ANSWER).all()


@pytest.mark.parametrize(("task", "truth"), FAST, ids=shown)
def test_exactly_the_planted_region_passes(task, truth):
    check_region(truth, task)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "truth"), SLOW, ids=shown)
def test_exactly_the_planted_region_passes_everywhere(task, truth):
    check_region(truth, task)


@pytest.mark.parametrize("truth", [Planted(mix=0, layers=4), Planted(mix=2, layers=4)], ids=shown)
def test_no_cell_passes_where_operands_mix_early(truth):
    check_region(truth, TASKS[1])


@pytest.mark.slow
@pytest.mark.parametrize(("task", "mix"), [(task, mix) for task in TASKS for mix in range(7)], ids=shown)
def test_no_cell_passes_wherever_operands_mix(task, mix):
    check_region(Planted(mix=mix), task)


def asked(method: str, model: str, task: str = "a+b@0..29", **parameters):
    small = {"n_reference": 600, "n_selection": 40, "n_test": 40} if method == "af1" else {"split": "all", "n": 60}
    return answer(Spec(method=method, model=model, task=task, parameters=small | parameters))


@pytest.mark.parametrize(("w", "t"), [(3, 2), (0, 1), (6, 2)])
def test_the_search_finds_the_planted_window_and_its_controls_fail(w, t):
    found = asked("af1", f"planted:wait={w},transfer={t}")
    assert (int(found["found"]), int(found["l_wait"]), int(found["l_transfer"])) == (1, w, t)
    assert (float(found["faithfulness"]), float(found["accuracy_full"])) == (1.0, 1.0)
    assert w == 0 or max(float(found["faithfulness_mean"]), float(found["faithfulness_zero"])) < 0.2
    alone = found["wait_faithfulness"].sel(variant="cama").values
    assert (alone[: w + 1] == 1).all()
    assert (alone[w + 1 :] < ONE_ANSWER).all()


def test_the_search_finds_it_in_a_directory_that_says_nothing(tmp_path):
    export("planted:wait=2,transfer=3,layers=6,seed=5", tmp_path / "riddle")
    found = asked("af1", str(tmp_path / "riddle"))
    assert (int(found["found"]), int(found["l_wait"]), int(found["l_transfer"])) == (1, 2, 3)


@pytest.mark.parametrize("mix", [0, 2])
def test_the_search_finds_nothing_where_operands_mix_early(mix):
    """The second time although waiting alone, every later block unrestricted, looks fine up to the mixing block."""
    found = asked("af1", f"planted:mix={mix}")
    assert (int(found["found"]), int(found["l_transfer"]), int(found["l_wait"])) == (0, -1, mix)
    assert float(found["accuracy_full"]) == 1.0
    assert float(found["best_faithfulness"]) < 0.2
    alone = found["wait_faithfulness"].sel(variant="cama").values
    assert (alone[: mix + 1] == 1).all()
    assert (alone[mix + 1 :] < ONE_ANSWER).all()


@pytest.mark.parametrize(("model", "reads"), [("planted:wait=3,transfer=2", [3, 4]), ("planted:mix=2", [3])])
def test_cutting_the_last_token_hurts_in_the_reading_blocks_alone(model, reads):
    """Though it looks at the operands in every block: what it copies in the others is a decoy."""
    last = asked("peeking", model, variants=["last"])["faithfulness"].sel(variant="last").values
    assert np.flatnonzero(last < 0.2).tolist() == reads
    assert np.flatnonzero(last == 1).tolist() == [block for block in range(8) if block not in reads]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["a+b", "a+b+c"])
@pytest.mark.parametrize(("w", "t", "layers"), [(3, 2, 8), (0, 8, 8), (7, 1, 8), (4, 5, 12)])
def test_the_defaults_of_the_search_find_it(task, w, t, layers):
    found = answer(Spec(method="af1", model=f"planted:wait={w},transfer={t},layers={layers}", task=task))
    assert (int(found["found"]), int(found["l_wait"]), int(found["l_transfer"])) == (1, w, t)
    assert (float(found["faithfulness"]), int(found["n"])) == (1.0, 1000)
