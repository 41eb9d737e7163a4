"""The AF1 search: by hand, on planted readers, and as laws on five architectures."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods.af1 import af1, af1_interventions, best_window, last_passing, search
from interp.methods.cama import cama
from interp.methods.means import Means, reference_means
from interp.methods.peeking import last_edges, others_edges, peek, peeking
from interp.methods.waiting import VARIANTS, wait
from interp.methods.window import window
from tests.families import FAMILIES, N_LAYERS, ROLES, family
from tests.methods.planted import N_TOKENS, SHARP, copy_prompts, make_prompts

PAIRS = np.stack(np.meshgrid(np.arange(10), np.arange(10), indexing="ij")).reshape(2, -1)
TRAIN, SELECTION, TEST = (copy_prompts(*PAIRS[:, PAIRS.sum(0) % 3 == k], split=str(k)) for k in range(3))


def prompts(n: int):
    """`n` of the 36 prompts bos a op1 b op2 eq with operands among six tokens; everything else is constant."""
    a, b = (column[:n] for column in np.divmod(np.random.default_rng(0).permutation(36), 6))
    constant = dict(zip(ROLES, (1, 0, 30, 0, 31, 32), strict=True))
    columns = {role: np.full(len(a), token) for role, token in constant.items()}
    return make_prompts(columns | {"a": a + 5, "b": b + 5}, a + 5)


def fitted(model, reference=None, fewest: int = 1) -> Means:
    return reference_means(model, TRAIN if reference is None else reference, fewest=fewest)


def build_reader(n_layers: int, reads_at: int):
    """A copier of `n_layers` blocks whose last token reads `a` in block `reads_at` and nowhere else."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    d = N_TOKENS + 4
    config = TransformerBridgeConfig(
        n_layers=n_layers, d_model=d, n_ctx=4, d_head=d, n_heads=1, d_mlp=4, d_vocab=N_TOKENS, act_fn="relu",
        normalization_type=None, positional_embedding_type="standard", seed=0,
    )  # fmt: skip
    model = TransformerBridge.boot_native(config).eval().requires_grad_(False)
    weights = {name.replace("._original_component", ""): p for name, p in model.named_parameters()}
    attn = f"layers.{reads_at}.attn."
    with torch.no_grad():
        for p in weights.values():
            p.zero_()
        weights["tok_embed.weight"][:, :N_TOKENS] = torch.eye(N_TOKENS)
        weights["pos.weight"][:, N_TOKENS:] = torch.eye(4)
        weights["head.weight"][:10, :10] = torch.eye(10)
        weights[attn + "q.weight"][0, N_TOKENS + 3] = SHARP
        weights[attn + "k.weight"][0, N_TOKENS + 1] = SHARP
        weights[attn + "v.weight"][:N_TOKENS, :N_TOKENS] = torch.eye(N_TOKENS)
        weights[attn + "o.weight"][:N_TOKENS, :N_TOKENS] = torch.eye(N_TOKENS)
    return model


@pytest.mark.parametrize(("n_layers", "reads_at"), [(2, 0), (3, 1), (4, 2), (4, 3)])
def test_the_search_finds_the_planted_window(n_layers: int, reads_at: int) -> None:
    """The reader waits for `reads_at` blocks and transfers in one; the controls at that window know nothing."""
    model = build_reader(n_layers, reads_at)
    result = af1(model, fitted(model), SELECTION, TEST)
    assert (bool(result["found"]), int(result["l_wait"]), int(result["l_transfer"])) == (True, reads_at, 1)
    assert float(result["faithfulness"]) == 1.0
    assert int(result["n"]) == len(TEST)
    assert float(result["faithfulness_mean"]) < 0.3
    assert float(result["faithfulness_zero"]) < 0.3
    swept = result["wait_faithfulness"].sel(variant="cama").to_numpy()
    np.testing.assert_array_equal(swept[: reads_at + 1], 1.0)
    assert (swept[reads_at + 1 :] < 0.3).all()
    assert float(result["transfer_faithfulness"][0]) < 0.3
    assert (int(result["paper_index"]), int(result["best_paper_index"])) == (reads_at - 1, reads_at - 1)


@pytest.mark.parametrize(("n_layers", "reads_at"), [(2, 0), (4, 2)])
def test_the_windows_that_pass_are_those_that_hold_the_read(n_layers: int, reads_at: int) -> None:
    """{l_wait <= w, l_wait + l_transfer >= w + 1}; of its cells the one that waits longest, then reads shortest."""
    model = build_reader(n_layers, reads_at)
    result = af1(model, fitted(model), SELECTION, TEST)
    share = result["grid_faithfulness"]
    assert share.dims == ("l_wait_tried", "l_transfer_grid")
    l_wait, l_transfer = np.indices(share.shape)
    fits = l_wait + l_transfer <= n_layers
    holds = fits & (l_wait <= reads_at) & (l_wait + l_transfer > reads_at)
    for name in ("grid_faithfulness", "grid_faithfulness_low", "grid_faithfulness_high"):
        np.testing.assert_array_equal(np.isnan(result[name]), ~fits)
    np.testing.assert_array_equal(share.to_numpy()[holds], 1.0)
    assert (share.to_numpy()[fits & ~holds] < 0.3).all()
    assert int(result["n_passing"]) == holds.sum()
    assert (int(result["best_l_wait"]), int(result["best_l_transfer"])) == (reads_at, 1)
    assert float(result["best_faithfulness"]) == 1.0
    row = share.sel(l_wait_tried=reads_at).dropna("l_transfer_grid")
    np.testing.assert_array_equal(row, result["transfer_faithfulness"])
    assert result["transfer_faithfulness"].shape == (n_layers - reads_at + 1,)


def test_the_window_is_chosen_on_selection_and_judged_on_test() -> None:
    """Wrong answers on test take nothing from the search; wrong ones on selection take everything."""
    model = build_reader(3, 1)
    wrong = replace(TEST, answer_ids=(TEST.answer_ids + 1) % 10)
    result = af1(model, fitted(model), SELECTION, wrong)
    assert (bool(result["found"]), int(result["l_wait"]), int(result["l_transfer"]), int(result["n"])) == (
        True,
        1,
        1,
        0,
    )
    assert np.isnan(float(result["faithfulness"]))
    wrong = replace(SELECTION, answer_ids=(SELECTION.answer_ids + 1) % 10)
    result = af1(model, fitted(model), wrong, TEST)
    assert (bool(result["found"]), int(result["n_selection"]), int(result["n"])) == (False, 0, len(TEST))
    assert (int(result["n_passing"]), int(result["l_transfer"])) == (0, -1)
    assert np.isnan(result["grid_faithfulness"]).all()
    assert np.isnan(float(result["best_faithfulness"]))


def rights(shares, n: int = 100) -> np.ndarray:
    """Right answers bool [..., n] with these shares."""
    return np.arange(n) < np.round(np.asarray(shares)[..., None] * n)


# l_wait 0, 1, 2; nothing outside a model of two blocks
GRID = [[0.10, 0.96, 0.97], [0.20, 0.95, 0], [0.30, 0, 0]]


@pytest.mark.parametrize(
    ("waits", "grid", "found", "window"),
    [
        ([1, 0.95, 0.2], GRID, (True, 1, 1), (1, 1)),
        ([1, 0.94, 1], GRID, (True, 0, 1), (0, 1)),  # the first failure ends the sweep; 0.96 is before 0.97
        ([1, 1, 1], GRID, (False, 2, -1), (0, 2)),  # waiting alone is harmless, but nothing passes after it
        ([0.5, 1, 1], GRID, (False, 0, -1), (0, 2)),
        ([1, 0.5, 0.5], [[0.1, 0.2, 0.3], [0.3, 0.2, 0], [0.3, 0, 0]], (False, 0, -1), (2, 0)),
        ([1, 0.5, 0.5], [[0.1, 0.3, 0.3], [0.1, 0.2, 0], [0.2, 0, 0]], (False, 0, -1), (0, 1)),
    ],
)
def test_the_protocol_by_hand(monkeypatch, waits, grid, found, window) -> None:
    monkeypatch.setattr("interp.methods.af1.require_operands", lambda *_: None)
    monkeypatch.setattr("interp.methods.af1.wait_sweep", lambda *_, **__: rights([waits, [0] * 3, [0] * 3]))
    monkeypatch.setattr("interp.methods.af1.grid", lambda *_, **__: rights(grid))
    result = search(None, None, copy_prompts(np.arange(100) % 10, 0), 0.95)  # type: ignore[arg-type]
    assert (result.found, result.l_wait, result.l_transfer) == found
    assert result.window == window
    assert result.passing.sum() == (np.array(grid) >= 0.95).sum()
    assert result.n == 100


def test_of_equal_windows_the_one_that_waits_longest_then_reads_shortest_is_best() -> None:
    assert best_window(rights(np.full((4, 4), 0.5))) == (3, 0)
    assert best_window(rights([[0.1, 0.9, 0.9], [0.2, 0.2, 0.9], [0, 0, 0.9]])) == (0, 1), "outside does not count"


def test_a_window_that_is_not_found_is_judged_at_the_best_cell() -> None:
    """With 19 answered prompts nothing is found, though the best cell is right everywhere."""
    model = build_reader(3, 1)
    means = fitted(model)
    result = af1(model, means, SELECTION[:19], TEST)
    best = window(model, means, TEST, int(result["best_l_wait"]), int(result["best_l_transfer"]))
    assert (bool(result["found"]), int(result["l_wait"]), int(result["l_transfer"])) == (False, 1, -1)
    for name in ("faithfulness", "faithfulness_mean", "faithfulness_zero", "accuracy_full", "n", "correct"):
        np.testing.assert_array_equal(result[name], best[name])
    assert float(result["faithfulness"]) == 1.0


def test_the_null_of_the_sweeps_is_that_of_the_selection_prompts() -> None:
    model = build_reader(2, 0)
    result = af1(model, fitted(model), SELECTION[::2], TEST)
    for name, batch in (("null_majority_selection", SELECTION[::2]), ("null_majority", TEST)):
        assert float(result[name]) == pytest.approx(np.bincount(batch.answer_ids).max() / len(batch))


def test_peeking_dips_only_where_the_model_reads() -> None:
    result = peeking(build_reader(4, 2), TEST)
    last = result["faithfulness"].sel(variant="last").to_numpy()
    np.testing.assert_array_equal(last[[0, 1, 3]], 1.0)
    assert last[2] < 0.3
    np.testing.assert_array_equal(result["faithfulness"].sel(variant="others"), 1.0)


def test_a_model_that_answers_nothing_is_reported_not_hidden() -> None:
    """The answers are all wrong: no faithful prompt, n = 0, nan, not found."""
    wrong = [copy_prompts(p.variables["a"], p.variables["b"]) for p in (SELECTION, TEST)]
    wrong = [type(p)(**{**p.__dict__, "answer_ids": (p.answer_ids + 1) % 10}) for p in wrong]
    model = build_reader(2, 0)
    result = af1(model, fitted(model), *wrong)
    assert (bool(result["found"]), int(result["n"])) == (False, 0)
    assert np.isnan(float(result["faithfulness"]))


def test_a_few_lucky_answers_are_not_a_mechanism() -> None:
    model = build_reader(2, 0)
    result = af1(model, fitted(model), SELECTION[:19], TEST)
    assert (bool(result["found"]), int(result["l_transfer"]), int(result["n_selection"])) == (False, -1, 19)
    assert bool(af1(model, fitted(model), SELECTION[:20], TEST)["found"])


def test_every_example_is_kept() -> None:
    """The means are the means of the kept examples."""
    model = build_reader(3, 1)
    swept, found, cut = (
        cama(model, TEST, fitted(model), variants=VARIANTS),
        af1(model, fitted(model), SELECTION, TEST),
        peeking(model, TEST),
    )
    np.testing.assert_allclose(swept["correct"].mean("prompt"), swept["faithfulness"])
    np.testing.assert_allclose(cut["correct"].mean("prompt"), cut["faithfulness"])
    assert float(found["correct"].sel(variant="cama").mean()) == float(found["faithfulness"])
    assert tuple(swept["prompt"].values) == TEST.texts
    for result in (swept, found, cut):
        assert float(result["null_majority"]) == pytest.approx(np.bincount(TEST.answer_ids).max() / len(TEST))


@pytest.mark.parametrize(
    ("shares", "expected"), [([1, 1, 0.2], 1), ([0.5, 1, 1], -1), ([1, 0.9, 1], 0), ([1, 1, 1], 2), ([0.95, 0.949], 0)]
)
def test_last_passing_stops_at_the_first_failure(shares: list[float], expected: int) -> None:
    assert last_passing(np.array(shares), 0.95) == expected


def test_errors_say_what_to_do() -> None:
    model = build_reader(2, 0)
    means = reference_means(model, TRAIN, fewest=1)
    for outside in ((0, 3), (-1, 1), (2, 1), (0, -1), (3, 0)):
        with pytest.raises(InterpError, match="outside a model of 2 blocks"):
            af1_interventions(means, TEST, 2, *outside)
        with pytest.raises(InterpError, match="outside a model of 2 blocks"):
            window(model, means, TEST, *outside)
    for threshold in (0.0, 1.01, np.nan):
        with pytest.raises(InterpError, match="threshold is a faithfulness above 0"):
            af1(model, means, SELECTION, TEST, threshold=threshold)
    for some in ((SELECTION, TEST[:0]), (SELECTION[:0], TEST)):
        with pytest.raises(InterpError, match="no prompts"):
            af1(model, means, *some)
    with pytest.raises(InterpError, match="same task and style"):
        af1(model, means, SELECTION, prompts(8))
    with pytest.raises(InterpError, match="same task and style"):
        window(model, means, prompts(8), 0, 1)
    with pytest.raises(InterpError, match=r"unknown CAMA variant 'camma'\. Did you mean cama"):
        wait(means, TEST, 0, "camma")
    with pytest.raises(InterpError, match="unknown peek"):
        peek(TEST, [0], "sideways")
    with pytest.raises(InterpError, match="same task and style"):
        cama(model, prompts(8), means)


# laws, on five architectures


@pytest.fixture(params=FAMILIES)
def bridge(request: pytest.FixtureRequest):
    return family(request.param).bridge


def test_self_peek_leaves_two_keys_and_full_peek_frees_the_last_token(bridge) -> None:
    batch = prompts(5)
    for mode in ("self", "full"):
        pattern = run(bridge, batch, peek(batch, range(N_LAYERS), mode), reads=[Site("pattern", 1)])[Site("pattern", 1)]
        seen = (pattern > 0).sum(dim=-1)
        last = len(batch.roles) - 1
        assert (seen[:, :, 2:last] == 2).all()
        assert (seen[:, :, last] == (2 if mode == "self" else last + 1)).all()
        assert (seen[:, :, 1] == 2).all()


def test_without_transfer_the_operands_are_unknown_and_with_it_they_are_not(bridge) -> None:
    """AF1 with l_transfer 0 gives one output for all prompts; one full-peek block is enough to change that."""
    means = reference_means(bridge, prompts(36), fewest=1)
    batch = prompts(12)
    for l_wait in (1, 2):
        deaf = run(bridge, batch, af1_interventions(means, batch, N_LAYERS, l_wait, 0)).logits
        torch.testing.assert_close(deaf, deaf[:1].expand_as(deaf), atol=1e-5, rtol=0)
        hearing = run(bridge, batch, af1_interventions(means, batch, N_LAYERS, l_wait, 1)).logits
        assert (hearing - hearing[:1]).abs().max() > 1e-3


def test_no_wait_and_full_peek_differs_from_the_model_by_the_other_tokens_alone(bridge) -> None:
    batch = prompts(6)
    means = reference_means(bridge, prompts(36), fewest=1)
    everything = run(bridge, batch, af1_interventions(means, batch, N_LAYERS, 0, N_LAYERS)).logits
    others_cut = run(bridge, batch, peek(batch, range(N_LAYERS), "full")).logits
    torch.testing.assert_close(everything, others_cut, atol=1e-5, rtol=1e-5)


def test_the_edges_are_the_earlier_tokens_but_bos() -> None:
    assert last_edges(TEST) == (("eq", "a"), ("eq", "b"))
    assert others_edges(TEST) == (("b", "a"),)
