"""All windows at once, with shared trunks, are the windows one by one; and they cost a few tens of forwards."""

import numpy as np
import pytest
import torch

from experiments.benchmarks import af1_grid
from interp.engine import Blocks, run
from interp.errors import Cancelled, InterpError
from interp.methods import metrics
from interp.methods.means import reference_means
from interp.methods.window import af1_interventions
from interp.methods.windows import grid, inside, places_and_sight, windows
from tests.families import FAMILIES, N_LAYERS, family, fresh
from tests.methods.planted import make_prompts

SAME = 1e-4  # logits of size about 1
CELLS = (N_LAYERS + 1) * (N_LAYERS + 2) // 2


def prompts(n: int, columns=("bos", "a", "op1", "b", "op2", "c", "eq"), seed: int = 0):
    """`n` prompts with up to three operands among six tokens; "op1" varies too, so CAMA has more than operands."""
    rng = np.random.default_rng(seed)
    token = {"bos": 1, "op2": 31, "eq": 32, "op1": 30 + 3 * rng.integers(2, size=n)}
    token |= {name: 5 + rng.integers(6, size=n) for name in ("a", "b", "c")}
    return make_prompts({name: np.broadcast_to(token[name], n) for name in columns}, 5 + rng.integers(6, size=n))


TEMPLATES = {
    "two operands": ("bos", "a", "op1", "b", "eq"),
    "three operands": ("bos", "a", "op1", "b", "op2", "c", "eq"),
    "no BOS": ("a", "op1", "b", "eq"),
    "the last token varies": ("bos", "op2", "a", "b"),
}


def one_by_one(model, means, batch, batch_size=512):
    """{window: logits [prompt, vocab]} of the slow twin: one forward under interventions for each."""
    return {
        (l_wait, t): run(
            model, batch, af1_interventions(means, batch, N_LAYERS, l_wait, t), batch_size=batch_size
        ).logits
        for l_wait in range(N_LAYERS + 1)
        for t in range(N_LAYERS + 1 - l_wait)
    }


def at_once(model, means, batch, batch_size=512):
    found = {}
    for each in windows(model, means, batch, batch_size=batch_size):
        there = found.setdefault((each.l_wait, each.l_transfer), torch.full((len(batch), each.logits.shape[1]), np.nan))
        there[each.rows] = each.logits
    return found


@pytest.fixture(params=FAMILIES)
def bridge(request: pytest.FixtureRequest):
    return family(request.param).bridge


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_window_is_the_window_run_alone(bridge, template):
    batch = prompts(9, TEMPLATES[template])
    means = reference_means(bridge, prompts(60, TEMPLATES[template], seed=1), fewest=1)
    assert means.covers(batch).all()
    fast, slow = at_once(bridge, means, batch), one_by_one(bridge, means, batch)
    assert fast.keys() == slow.keys()
    assert len(slow) == CELLS
    for window in slow:
        torch.testing.assert_close(fast[window], slow[window], atol=SAME, rtol=0)
    for one in slow:  # the windows differ, so that a mixed-up one would be seen
        for other in slow:
            if one < other and N_LAYERS not in (one[0], other[0]):
                assert (slow[one] - slow[other]).abs().max() > 10 * SAME


def test_the_grid_is_what_is_answered(bridge):
    """Each window is right on every tenth prompt at least, so that cells differ; ties aside, the grids agree."""
    batch = prompts(40)
    means = reference_means(bridge, prompts(80, seed=1), fewest=1)
    slow = one_by_one(bridge, means, batch)
    for k, logits in enumerate(slow.values()):
        batch.answer_ids[k::CELLS] = logits[k::CELLS].argmax(-1).numpy()
    right = grid(bridge, means, batch)
    assert right.shape == (N_LAYERS + 1, N_LAYERS + 1, 40)
    assert not right[~inside(N_LAYERS)].any()
    assert (right.sum(-1)[inside(N_LAYERS)] >= 4).all()
    assert not right.all(-1)[inside(N_LAYERS)].all()
    for window, logits in slow.items():
        top = logits.topk(2).values
        clear = (top[:, 0] - top[:, 1] > 2 * SAME).numpy()
        expected = metrics.correct(logits, batch).numpy()
        np.testing.assert_array_equal(right[window][clear], expected[clear])


@pytest.mark.parametrize("batch_size", [1, 4, 9])
def test_batch_size_is_irrelevant(batch_size):
    """Also where a batch has one operator alone: what counts as constant is a matter of all prompts."""
    bridge, batch = family("llama").bridge, prompts(9)
    means = reference_means(bridge, prompts(60, seed=1), fewest=1)
    whole, parts = at_once(bridge, means, batch), at_once(bridge, means, batch, batch_size)
    for window in whole:
        torch.testing.assert_close(parts[window], whole[window], atol=SAME, rtol=0)


def test_what_the_tails_see():
    """Two tails behind bos a op1 b eq: BOS and themselves; the prompt is in full peek and sees no tail."""
    places, visible = places_and_sight(prompts(3, TEMPLATES["two operands"]), 2)
    assert places.tolist() == [0, 1, 2, 3, 4, 4, 4]
    assert visible.astype(int).tolist() == [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 0, 1, 0, 0, 0, 0],
        [1, 0, 0, 1, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 0],
        [1, 0, 0, 0, 0, 1, 0],
        [1, 0, 0, 0, 0, 0, 1],
    ]


def work(n_layers: int, n_pos: int, monkeypatch, n: int = 256) -> float:
    """(Row, block) pairs of the grid of `n` prompts, in forwards of their tokens; the blocks themselves do nothing."""
    rows = []

    def through(self, layer, resid, *_):
        rows.append(resid.shape[0] * resid.shape[1])
        return resid

    monkeypatch.setattr(Blocks, "of", classmethod(lambda cls, model, batch: cls(model, [None] * n_layers, n_pos)))
    monkeypatch.setattr(Blocks, "embed", lambda self, tokens: torch.zeros(*tokens.shape, 1))
    monkeypatch.setattr(Blocks, "logits", lambda self, resid: resid)
    monkeypatch.setattr(Blocks, "through", through)
    monkeypatch.setattr("interp.methods.windows.wait", lambda *_: [])
    columns = TEMPLATES["two operands" if n_pos == 5 else "three operands"]
    means = reference_means(family("native").bridge, prompts(9, columns), [0], fewest=1)
    n_windows = sum(1 for _ in windows(None, means, prompts(n, columns), batch_size=n))
    assert n_windows == (n_layers + 1) * (n_layers + 2) // 2
    return sum(rows) / (n_layers * n_pos * n)


def test_the_grid_of_a_model_of_32_blocks_costs_52_forwards(monkeypatch):
    cost = work(32, 5, monkeypatch)
    assert cost == pytest.approx(33 / 2 + (32**2 - 1) / (6 * 5) + 1, abs=0.1)
    assert cost <= 60


@pytest.mark.parametrize(("n_layers", "n_pos"), [(8, 5), (32, 7)])
def test_the_cost_is_the_formula(n_layers, n_pos, monkeypatch):
    expected = (n_layers + 1) / 2 + (n_layers**2 - 1) / (6 * n_pos) + 1
    assert work(n_layers, n_pos, monkeypatch) == pytest.approx(expected, abs=0.1)


def test_a_batch_holds_no_more_rows_than_a_plain_run(monkeypatch):
    rows, real = [], Blocks.through

    def counted(self, layer, resid, *more):
        rows.append(resid.shape[0] * resid.shape[1])
        return real(self, layer, resid, *more)

    monkeypatch.setattr(Blocks, "through", counted)
    bridge, batch = family("llama").bridge, prompts(30)
    list(windows(bridge, reference_means(bridge, batch, fewest=1), batch, batch_size=10))
    assert max(rows[2 * N_LAYERS :]) <= 10 * len(batch.roles)


def test_progress_is_told_and_a_cancel_is_heard():
    bridge, batch = family("llama").bridge, prompts(12)
    means = reference_means(bridge, batch, fewest=1)
    told = []
    grid(bridge, means, batch, batch_size=6, progress=lambda *report: told.append(report))
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert {total for _, total, _ in told} == {12}
    assert (told[0][0], told[-1][0]) == (0, 12)
    assert len({message for _, _, message in told}) == N_LAYERS + 2

    def cancel(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        grid(bridge, means, batch, progress=cancel)


def test_no_prompts_are_no_answers():
    bridge, batch = family("llama").bridge, prompts(6)
    means = reference_means(bridge, batch, fewest=1)
    assert grid(bridge, means, batch[:0]).shape == (N_LAYERS + 1, N_LAYERS + 1, 0)


def test_means_of_another_template_are_refused():
    bridge = family("llama").bridge
    means = reference_means(bridge, prompts(6), fewest=1)
    with pytest.raises(InterpError, match="same task and style"):
        grid(bridge, means, prompts(6, TEMPLATES["two operands"]))


def test_means_without_a_layer_are_refused():
    bridge = family("llama").bridge
    means = reference_means(bridge, prompts(6), [0, 1, 3], fewest=1)
    with pytest.raises(InterpError, match="no means at l_wait 2"):
        grid(bridge, means, prompts(6))


def test_a_model_that_cannot_be_run_block_by_block_is_refused():
    bridge, _ = fresh("llama")
    bridge.original_model.register_forward_hook(lambda module, args, out: out.__setitem__("logits", 2 * out.logits))
    with pytest.raises(InterpError, match="block by block"):
        grid(bridge, reference_means(bridge, prompts(6), fewest=1), prompts(6))


def test_the_benchmark_compares_every_window():
    """On a model of two blocks: all six, and the table says so."""
    found = af1_grid.measure(2, 64, 20, None, repeats=1)
    assert (found["windows"], found["windows_compared"], found["tokens"]) == (6, 6, 5)
    assert found["largest_logit_difference"] < af1_grid.SAME
    assert "6 of 6 windows compared" in af1_grid.table(found)


def test_the_benchmark_does_not_pass_a_grid_that_differs(monkeypatch):
    real = af1_grid.subgraph
    monkeypatch.setattr(af1_grid, "subgraph", lambda *window: real(*window[:3], 0, 0))
    with pytest.raises(InterpError, match=r"window l_wait 0, l_transfer 1 differs by"):
        af1_grid.measure(2, 64, 20, None, repeats=1)
