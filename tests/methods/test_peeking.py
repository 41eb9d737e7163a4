"""One block cut at a time: planted reads and mixing, and a control of equal size."""

import numpy as np
import pytest

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods.masks import cut, last_edges, others_edges
from interp.methods.metrics import correct
from interp.methods.peeking import VARIANTS, peeking
from tests.families import FAMILIES, N_HEADS, N_LAYERS, family, random_prompts
from tests.methods.planted import EQ as EQUALS
from tests.methods.planted import Move, build_mover, copy_prompts, make_prompts, sum_prompts

PAIRS = np.stack(np.divmod(np.arange(100), 10))
TEST = copy_prompts(*PAIRS)
A, B, EQ = 1, 2, 3


def long_prompts(n: int = 30):
    """Prompts bos a op1 b op2 c eq: the last token reads five others, the others ten."""
    rng = np.random.default_rng(0)
    columns = {role: rng.integers(3, 10, n) for role in ("a", "op1", "b", "op2", "c")}
    return make_prompts({"bos": np.ones(n), **columns, "eq": np.full(n, EQUALS)}, columns["a"])


def own_answers(bridge, batch):
    """The prompts with what the model says as their answers."""
    said = run(bridge, batch).logits.argmax(-1).numpy()
    return type(batch)(**{**batch.__dict__, "answer_ids": said})


def test_the_dips_are_where_the_planted_model_reads() -> None:
    """Block 0: b reads a. Block 2: eq reads it from b. `others` must dip at 0 alone and `last` at 2 alone, where eq is
    left with what even attention brought it in block 0: a and b alike, so that it says the smaller one."""
    model = build_mover([Move(B, {A: 1}), None, Move(EQ, {B: 1}, 1, 2), None], 2)
    kept = peeking(model, TEST)["faithfulness"]
    for variant, block, most in (("others", 0, 0.3), ("last", 2, 0.6), ("random_head", 2, 0.6)):
        line = kept.sel(variant=variant).to_numpy()
        assert line[block] < most, variant
        np.testing.assert_array_equal(np.delete(line, block), 1.0)


def test_random_edges_are_as_many_and_never_the_last_token_s() -> None:
    batch = own_answers(family("native").bridge, long_prompts())
    result = peeking(family("native").bridge, batch, seed=3)
    assert tuple(result["variant"].values) == VARIANTS
    assert result["cut_edges"].dims == ("layer", "role", "key")
    allowed = {(batch.position(q), batch.position(k)) for q, k in others_edges(batch)}
    assert len(allowed) == 10
    drawn = [{(int(q), int(k)) for q, k in np.argwhere(block)} for block in result["cut_edges"].values]
    assert [len(edges) for edges in drawn] == [len(last_edges(batch))] * N_LAYERS == [5] * N_LAYERS
    assert all(edges <= allowed for edges in drawn)
    assert len({frozenset(edges) for edges in drawn}) > 1, "each block has a draw of its own"
    again = peeking(family("native").bridge, batch, variants=["random_edges"], seed=3)
    np.testing.assert_array_equal(again["cut_edges"], result["cut_edges"])
    other = peeking(family("native").bridge, batch, variants=["random_edges"], seed=4)
    assert not (other["cut_edges"] == result["cut_edges"]).all()


def test_with_five_tokens_the_random_edges_are_all_the_others() -> None:
    batch = sum_prompts(np.arange(3), np.arange(3))
    native = family("native").bridge
    result = peeking(native, own_answers(native, batch))
    of = result["correct"].sel
    np.testing.assert_array_equal(of(variant="random_edges"), of(variant="others"))
    assert int(result["cut_edges"].sum()) == 3 * N_LAYERS


def test_too_few_edges_leave_the_control_out() -> None:
    """bos a b eq: the last token reads two others, and only b <- a is left to draw from."""
    model = build_mover([Move(EQ, {A: 1}), None])
    result = peeking(model, TEST)
    assert tuple(result["variant"].values) == ("last", "others", "random_head")
    assert "cut_edges" not in result
    with pytest.raises(InterpError, match=r"random_edges needs 2 edges .* have 1: leave this control out"):
        peeking(model, TEST, variants=["last", "random_edges"])
    with pytest.raises(InterpError, match=r"unknown peeking variant 'first'\."):
        peeking(model, TEST, variants=["first"])


@pytest.mark.parametrize("name", FAMILIES)
def test_each_cell_is_the_run_with_its_edges_cut(name: str) -> None:
    bridge = family(name).bridge
    batch = own_answers(bridge, random_prompts(40))
    result = peeking(bridge, batch, seed=1)
    assert int(result["n"]) == 40
    for layer in range(N_LAYERS):
        drawn = [(batch.roles[q], batch.roles[k]) for q, k in np.argwhere(result["cut_edges"][layer].values)]
        head = int(result["cut_head"][layer])
        assert 0 <= head < N_HEADS
        edits = {
            "last": cut(last_edges(batch), [layer]),
            "others": cut(others_edges(batch), [layer]),
            "random_head": cut(last_edges(batch), [layer], [head]),
            "random_edges": cut(drawn, [layer]),
        }
        for variant, edit in edits.items():
            assert {each.site.name for each in edit} == {Site("attn", 0).name}
            right = correct(run(bridge, batch, edit).logits, batch).numpy()
            np.testing.assert_array_equal(result["correct"].sel(variant=variant, layer=layer), right)
    assert 0 < float(result["faithfulness"].min()) < 1
