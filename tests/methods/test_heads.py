"""The head method: planted readers are what is left, decoys and idle heads go first at no cost; laws on a Llama.

The planted model has 4 blocks of 5 heads and the prompts bos a op1 b eq with digits 0..4. A head may move the digit
at one position into a slot of the last token; the answer is the pair token of what stands in slots A and B. With both
known it is right, with one known the first pair that fits wins (right one time in five), with none never.
"""

import numpy as np
import pytest
import torch

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods.elimination import Answers, Elimination, random_orders
from interp.methods.faithfulness import faithful
from interp.methods.heads import heads
from interp.methods.knockout import knocked_out
from interp.methods.means import reference_means
from interp.methods.removals import af1_without
from interp.methods.survivors import surviving
from interp.store import arrays
from tests.families import N_HEADS, N_LAYERS, family
from tests.methods.planted import make_prompts
from tests.methods.test_removals import prompts as random_prompts

DIGITS, N_BLOCKS, N_HEADS_PLANTED, SHARP = 5, 4, 5, 40.0
BOS, PLUS, EQ, PAIRS = 5, 6, 7, 8
POSITIONS = {"bos": 0, "a": 1, "op1": 2, "b": 3, "eq": 4}
SLOTS = {"A": 2 * DIGITS, "B": 3 * DIGITS, "junk": 4 * DIGITS}  # after the token's digit and the position
READERS = {(1, 2): ("a", "A"), (2, 4): ("b", "B")}
DECOYS = {(1, 0): ("b", "junk"), (2, 1): ("a", "junk")}


def build(reads: dict[tuple[int, int], tuple[str, str]]):
    """Return the model in which the last token makes `reads` {(block, head): (role, slot)}; other heads are idle."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    config = TransformerBridgeConfig(
        n_layers=N_BLOCKS, d_model=5 * DIGITS, n_ctx=32, d_head=DIGITS, n_heads=N_HEADS_PLANTED, d_mlp=4,
        d_vocab=PAIRS + DIGITS**2, act_fn="relu", normalization_type=None, positional_embedding_type="standard", seed=0,
    )  # fmt: skip
    model = TransformerBridge.boot_native(config).eval().requires_grad_(False)
    weights = {name.replace("._original_component", ""): p for name, p in model.named_parameters()}
    one = torch.eye(DIGITS)
    with torch.no_grad():
        for p in weights.values():
            p.zero_()
        weights["tok_embed.weight"][:DIGITS, :DIGITS] = one
        weights["pos.weight"][: len(POSITIONS), DIGITS : 2 * DIGITS] = one
        for (layer, head), (role, slot) in reads.items():
            attn, first = f"layers.{layer}.attn.", head * DIGITS
            weights[attn + "q.weight"][first, DIGITS + POSITIONS["eq"]] = SHARP
            weights[attn + "k.weight"][first, DIGITS + POSITIONS[role]] = SHARP
            weights[attn + "v.weight"][first : first + DIGITS, :DIGITS] = one
            weights[attn + "o.weight"][SLOTS[slot] : SLOTS[slot] + DIGITS, first : first + DIGITS] = one
        for a, b in np.ndindex(DIGITS, DIGITS):
            weights["head.weight"][PAIRS + DIGITS * a + b, [SLOTS["A"] + a, SLOTS["B"] + b]] = 1.0
    return model


def pairs(rows: slice, split: str):
    a, b = (x[rows] for x in np.divmod(np.random.default_rng(0).permutation(DIGITS**2), DIGITS))
    columns = {"bos": BOS, "a": a, "op1": PLUS, "b": b, "eq": EQ}
    return make_prompts(
        {role: np.broadcast_to(x, a.shape) for role, x in columns.items()}, PAIRS + DIGITS * a + b, split
    )


ALL, SEARCH, TEST = pairs(slice(None), "all"), pairs(slice(0, 12), "selection"), pairs(slice(12, None), "test")
A, B = (TEST.variables[name] for name in "ab")


def planted(reads, window=(1, 2), n_random=1, **more):
    model = build(reads)
    means = reference_means(model, ALL, fewest=1)
    return heads(model, means, SEARCH, TEST, *window, n_random=n_random, **more)


@pytest.fixture(scope="module")
def result():
    return planted(READERS | DECOYS, n_random=4, seed=3)


def removed(result) -> list[tuple[int, int]]:
    return list(zip(result["removed_layer"].values.tolist(), result["removed_head"].values.tolist(), strict=True))


def test_the_readers_survive_and_all_others_go_first_at_no_cost(result) -> None:
    spared = [(layer, head) for layer in (1, 2) for head in range(N_HEADS_PLANTED) if (layer, head) not in READERS]
    assert removed(result)[:9] == [(-1, -1), *spared], "idle heads and decoys tie: the lowest first"
    assert set(removed(result)[9:]) == set(READERS)
    np.testing.assert_array_equal(result["curve"][:9], 1.0)
    np.testing.assert_array_equal(result["search_curve"][:9], 1.0)
    np.testing.assert_array_equal(result["margin"][:9], 1.0)
    assert result["survivor"].values.tolist() == ["L1H2", "L2H4"]
    assert list(zip(result["survivor_layer"].values, result["survivor_head"].values, strict=True)) == list(READERS)
    assert (int(result["n_survivors"]), float(result["survivor_faithfulness"])) == (2, 1.0)


def test_the_end_of_the_curve_by_hand(result) -> None:
    """One reader left: right where the other operand is 0; none left: never."""
    left = next(pair for pair in READERS if pair != removed(result)[9])
    unknown = B if READERS[left][0] == "a" else A
    np.testing.assert_array_equal(result["correct"][9], unknown == 0)
    np.testing.assert_array_equal(result["correct"][10], 0)
    assert result["curve"].sizes == {"n_removed": 11}
    np.testing.assert_allclose(result["correct"].mean("prompt"), result["curve"])
    assert (result["curve_low"] <= result["curve"]).all()
    assert (result["curve_high"] >= result["curve"]).all()


def test_random_removal_loses_with_the_first_reader_it_meets(result) -> None:
    orders = random_orders(4, 2, N_HEADS_PLANTED, seed=3)
    for draw, order in enumerate(orders):
        met = [k for k, (j, h) in enumerate(order) if (j + 1, h) in READERS]
        curve = result["curve_random"][draw].to_numpy()
        np.testing.assert_array_equal(curve[: met[0] + 1], 1.0)
        assert (curve[met[0] + 1 :] < 0.5).all()
        np.testing.assert_array_equal(curve[met[1] + 1 :], 0.0)
    assert (result["curve_random"].values[:, :9] <= result["curve"].values[:9]).all()
    np.testing.assert_allclose(result["correct_random"].mean("prompt"), result["curve_random"])


def test_what_the_survivors_attend_to(result) -> None:
    expected = {"L1H2": "a", "L2H4": "b"}
    for name, role in expected.items():
        attention = result["attention"].sel(survivor=name)
        np.testing.assert_allclose(attention, [float(r == role) for r in POSITIONS], atol=1e-6)
        assert result["role"].values[int(result["reads"].sel(survivor=name))] == role
    np.testing.assert_allclose(result["attention_null"], 1 / 5)
    assert result["heads_reading"].values.tolist() == [0, 1, 0, 1, 0]
    np.testing.assert_allclose(result["attention_total"], [0, 1, 0, 1, 0], atol=1e-6)
    assert result.attrs["operands"] == "a b"


def test_the_full_model_needs_the_same_heads_here(result) -> None:
    knocked = {tuple(cell) for cell in np.argwhere(result["knockout"].values < 1)}
    assert knocked == set(READERS)
    assert result["knockout"].sizes == {"layer": N_BLOCKS, "head": N_HEADS_PLANTED}
    np.testing.assert_allclose(result["knockout_correct"].mean("prompt"), result["knockout"])
    np.testing.assert_array_equal(result["knockout_correct"].sel(layer=1, head=2), A == 0)


def test_of_two_heads_that_read_the_same_one_is_spared_and_no_knockout_shows_it() -> None:
    result = planted({(1, 2): ("a", "A"), (2, 0): ("a", "A"), (2, 4): ("b", "B")})
    assert result["survivor"].values.tolist() == ["L2H0", "L2H4"]
    np.testing.assert_array_equal(result["curve"][:9], 1.0)
    assert {tuple(cell) for cell in np.argwhere(result["knockout"].values < 1)} == {(2, 4)}


def test_counts_nulls_and_names(result) -> None:
    assert [int(result[name]) for name in ("n", "n_search", "n_uncovered", "n_reference")] == [13, 12, 0, 25]
    assert [float(result[name]) for name in ("l_wait", "l_transfer", "threshold", "accuracy_full")] == [1, 2, 0.95, 1]
    assert float(result["null_majority"]) == pytest.approx(1 / 13)
    assert (result["prompt"].values.tolist(), result["search_prompt"].values.tolist()) == (
        list(TEST.texts),
        list(SEARCH.texts),
    )
    assert (result.attrs["seed"], result.attrs["search_split"], result.attrs["split"]) == (3, "selection", "test")
    for name, variable in result.data_vars.items():
        assert variable.attrs["units"], name
        assert variable.attrs["description"], name


def test_where_af1_itself_fails_there_is_no_smallest_set() -> None:
    """After the readers nothing is left to read: all heads are listed, -1 says so."""
    result = planted(READERS, window=(3, 1))
    assert (int(result["n_survivors"]), result.sizes["survivor"]) == (-1, N_HEADS_PLANTED)
    assert float(result["survivor_faithfulness"]) == float(result["curve"][0]) < 0.1


def test_where_nothing_is_needed_nobody_survives(tmp_path) -> None:
    result = planted(READERS, threshold=0.0)
    assert (int(result["n_survivors"]), result.sizes["survivor"]) == (0, 0)
    assert float(result["survivor_faithfulness"]) == float(result["curve"][-1]) == 0.0
    np.testing.assert_array_equal(result["heads_reading"], 0)
    arrays.save(result, tmp_path / "heads")
    assert arrays.load(tmp_path / "heads").sizes == result.sizes


def test_a_head_that_only_blurs_the_answer_goes_first_by_the_margin() -> None:
    """A head that reads `b` into slot A makes pair (b, b) as likely as (a, b): right where a <= b, by nothing."""
    result = planted(READERS | {(2, 0): ("b", "A")})
    assert int(result["n"]) == (A <= B).sum()
    assert removed(result)[1] == (2, 0)
    kept = SEARCH.variables["a"] <= SEARCH.variables["b"]
    equal = (SEARCH.variables["a"] == SEARCH.variables["b"])[kept]
    np.testing.assert_allclose(result["margin"][:2], [equal.mean(), 1.0], atol=1e-6)
    np.testing.assert_array_equal(result["search_curve"][:9], 1.0)


def test_the_smallest_set_is_looked_for_along_the_whole_curve() -> None:
    order = np.array([[0, 1], [1, 0], [0, 0], [1, 1]])
    right = np.arange(20)[None] < np.array([20, 12, 19, 10, 0])[:, None]
    greedy = Elimination(order, Answers(right, np.zeros(right.shape)))
    n, left = surviving(greedy, (2, 2), 0.95)
    assert (n, left.tolist()) == (2, [[True, False], [False, True]])
    assert surviving(greedy, (2, 2), 1.0)[0] == 4
    none = Elimination(order, Answers(right[:, 15:], np.zeros((5, 5))))
    assert surviving(none, (2, 2), 0.95)[0] == 4
    assert surviving(Elimination(order, Answers(right[1:2].repeat(5, 0), right * 0.0)), (2, 2), 0.95)[0] == -1


def test_a_model_that_answers_nothing_is_reported_not_hidden() -> None:
    model = build(READERS)
    wrong = [type(p)(**{**p.__dict__, "answer_ids": p.answer_ids % 3}) for p in (SEARCH, TEST)]
    result = heads(model, reference_means(model, ALL, fewest=1), *wrong, 1, 2, n_random=1)
    assert [int(result[name]) for name in ("n", "n_search", "n_survivors")] == [0, 0, -1]
    for name in ("curve", "curve_random", "search_curve", "margin", "knockout", "attention", "null_majority"):
        assert np.isnan(result[name]).all(), name
    assert (result["reads"] == -1).all()


def test_a_window_outside_the_model_or_without_transfer_is_an_error() -> None:
    for window in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(InterpError, match="no transfer heads in a model of 4 blocks"):
            planted(READERS, window=window)


def test_on_a_random_llama_every_number_is_that_of_the_slow_runs() -> None:
    """The answers are what the model says, so that all count; patterns differ from those of the full model."""
    model, batch = family("llama").bridge, random_prompts(30)
    said = run(model, batch).logits.argmax(dim=-1).numpy()
    batch = type(batch)(**{**batch.__dict__, "answer_ids": said})
    means = reference_means(model, random_prompts(36), fewest=1)
    result = heads(model, means, batch[:12], batch[12:], 1, 2, threshold=0.4, n_random=1, batch_size=5)
    test, order = batch[12:], removed(result)[1:]
    assert len(np.unique(result["curve"])) > 2
    assert 0 < result.sizes["survivor"] < len(order)
    sets = np.zeros((len(order) + 1, 2, N_HEADS), dtype=bool)
    for k, (layer, head) in enumerate(order):
        sets[k + 1 :, layer - 1, head] = True
    slow = [faithful(model, test, af1_without(means, test, N_LAYERS, 1, each)) for each in sets]
    np.testing.assert_array_equal(result["correct"], slow)
    np.testing.assert_array_equal(result["knockout_correct"], knocked_out(model, test))
    left = ~sets[len(order) - result.sizes["survivor"]]
    assert [(j + 1, h) for j, h in np.argwhere(left)] == list(
        zip(result["survivor_layer"].values, result["survivor_head"].values, strict=True)
    )
    site = Site("pattern", int(result["survivor_layer"][-1]), int(result["survivor_head"][-1]))
    edits = af1_without(means, test, N_LAYERS, 1, ~left)
    pruned, full = (run(model, test, each, reads=[site])[site][:, -1].numpy() for each in (edits, []))
    np.testing.assert_allclose(result["attention"][-1], pruned.mean(axis=0), atol=1e-5)
    assert np.abs(pruned - full).max() > 1e-2
    np.testing.assert_allclose(result["attention"].sum("role"), 1.0, atol=1e-5)
