"""Many sets of removed heads at once: the same as one forward a set under interventions, on five architectures."""

import numpy as np
import pytest
import torch

from interp.engine import run
from interp.errors import InterpError
from interp.methods import removals
from interp.methods.elimination import Answers
from interp.methods.knockout import knocked_out
from interp.methods.masks import cut, last_edges
from interp.methods.means import Means, reference_means
from interp.methods.removals import Removals, af1_without, answers_of
from interp.methods.window import af1_interventions
from interp.tasks.prompts import Prompts
from tests.families import FAMILIES, N_HEADS, N_LAYERS, family
from tests.methods.planted import make_prompts

SAME = 1e-4  # logits of size about 1
WINDOWS = ((0, 1), (0, 3), (1, 1), (1, 2), (2, 1))


def prompts(n: int, first: str = "bos") -> Prompts:
    """`n` of the 36 prompts (bos a op1 b op2 eq); another name for the first role makes it an ordinary token."""
    a, b = (column[:n] for column in np.divmod(np.random.default_rng(0).permutation(36), 6))
    columns = {first: 1, "a": a + 5, "op1": 30, "b": b + 5, "op2": 31, "eq": 32}
    return make_prompts({role: np.broadcast_to(x, a.shape) for role, x in columns.items()}, a + b)


def some_sets(shape: tuple[int, int], n: int = 7) -> np.ndarray:
    """No head, all heads, and random sets, one of them twice: bool [set, *shape]."""
    drawn = np.random.default_rng(1).random((n, *shape)) < 0.5
    ends = np.stack([np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool)])
    return np.concatenate([drawn, ends, drawn[2:3]])


def slowly(model, batch: Prompts, lists: list) -> Answers:
    """The answers of one forward for each list of interventions."""
    logits = torch.stack([run(model, batch, edits).logits for edits in lists], dim=1)
    return answers_of(logits, batch)


def same(fast: Answers, slow: Answers) -> None:
    assert fast.margin.std() > 1e-2, "the sets and the prompts differ"
    np.testing.assert_allclose(fast.margin, slow.margin, atol=SAME, rtol=0)
    clear = np.abs(slow.margin) > 2 * SAME
    np.testing.assert_array_equal(fast.right[clear], slow.right[clear])


@pytest.fixture(params=FAMILIES)
def bridge(request: pytest.FixtureRequest):
    return family(request.param).bridge


@pytest.fixture
def means(bridge) -> Means:
    return reference_means(bridge, prompts(36), fewest=1)


def test_packed_af1_is_one_forward_a_set(bridge, means) -> None:
    batch = prompts(9)
    for l_wait, l_transfer in WINDOWS:
        sets = some_sets((l_transfer, N_HEADS))
        fast = Removals.of_af1(bridge, means, batch, l_wait, l_transfer).judge(sets)
        same(fast, slowly(bridge, batch, [af1_without(means, batch, N_LAYERS, l_wait, each) for each in sets]))


def test_packed_knockout_is_one_forward_a_set(bridge) -> None:
    batch = prompts(9)
    sets = some_sets((N_LAYERS, N_HEADS))
    lists = [[e for j, h in np.argwhere(each) for e in cut(last_edges(batch), [int(j)], [int(h)])] for each in sets]
    same(Removals.of_model(bridge, batch).judge(sets), slowly(bridge, batch, lists))


def test_one_head_at_a_time_is_the_knockout(bridge) -> None:
    batch, shape = prompts(12), (N_LAYERS, N_HEADS)
    logits = run(bridge, batch).logits
    batch = type(batch)(**{**batch.__dict__, "answer_ids": logits.topk(2).indices[:, 0].numpy()})
    one = np.eye(N_LAYERS * N_HEADS, dtype=bool).reshape(-1, *shape)
    fast = Removals.of_model(bridge, batch).judge(one).right.reshape(*shape, -1)
    slow = knocked_out(bridge, batch)
    assert 0 < slow.mean() < 1
    np.testing.assert_array_equal(fast, slow)


def test_no_head_removed_is_af1_and_all_removed_is_af1_without_transfer(bridge, means) -> None:
    batch = prompts(9)
    ends = np.stack([np.zeros((2, N_HEADS), dtype=bool), np.ones((2, N_HEADS), dtype=bool)])
    fast = Removals.of_af1(bridge, means, batch, 1, 2).judge(ends)
    same(fast, slowly(bridge, batch, [af1_interventions(means, batch, N_LAYERS, 1, window) for window in (2, 0)]))


def test_batches_and_the_number_of_copies_do_not_matter(bridge, means, monkeypatch: pytest.MonkeyPatch) -> None:
    af1, sets = Removals.of_af1(bridge, means, prompts(9), 0, 2), some_sets((2, N_HEADS))
    whole = af1.judge(sets)
    monkeypatch.setattr(removals, "COPIES", 3)
    seen: list[tuple[int, int]] = []
    same(af1.judge(sets, lambda done, total, _: seen.append((done, total)), batch_size=2), whole)
    assert seen[0] == (3, 10)
    assert seen[-1] == (10, 10)
    assert len(seen) > 4 * 2, "several batches of prompts for each part of the sets"


def test_prompts_without_bos_see_themselves_alone() -> None:
    model, batch = family("llama").bridge, prompts(9, first="start")
    means = reference_means(model, prompts(36, first="start"), fewest=1)
    sets = some_sets((2, N_HEADS))
    fast = Removals.of_af1(model, means, batch, 0, 2).judge(sets)
    same(fast, slowly(model, batch, [af1_without(means, batch, N_LAYERS, 0, each) for each in sets]))
    with_bos = Removals.of_af1(model, reference_means(model, prompts(36), fewest=1), prompts(9), 0, 2).judge(sets)
    assert np.abs(with_bos.margin - fast.margin).max() > 1e-2


def test_margin_by_hand() -> None:
    """Answers 1 and 0; a tie with the answer has margin 0, and is right only for the token that argmax takes."""
    logits = torch.tensor([[[3.0, 5.0, 1.0], [4.0, 2.0, 1.0]], [[7.0, 7.0, 1.0], [0.0, 0.0, 0.5]]])
    batch = make_prompts({"bos": np.array([0, 0]), "eq": np.array([1, 1])}, np.array([1, 0]))
    found = answers_of(logits, batch)
    assert found.margin.tolist() == [[2.0, 0.0], [-2.0, -0.5]]
    assert found.right.tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize("window", [(0, 0), (-1, 1), (3, 1), (1, 3)])
def test_a_window_without_transfer_heads_is_refused(window: tuple[int, int]) -> None:
    model = family("llama").bridge
    means = reference_means(model, prompts(36), fewest=1)
    with pytest.raises(InterpError, match="no transfer heads in a model of 3 blocks"):
        Removals.of_af1(model, means, prompts(3), *window)
