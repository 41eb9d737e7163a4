"""Peeking as data: edges listed by hand for five tokens, and the patterns they leave on five architectures."""

import numpy as np
import pytest

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods.masks import MODES, bos_edges, cut, last_edges, others_edges, peek
from tests.families import FAMILIES, N_HEADS, N_LAYERS, family, random_prompts
from tests.methods.planted import BOS, EQ, make_prompts, sum_prompts

FIVE = sum_prompts(np.arange(4), np.arange(4))  # bos a op1 b eq
OTHERS = {("op1", "a"), ("b", "a"), ("b", "op1")}
LAST = {("eq", "a"), ("eq", "op1"), ("eq", "b")}
SINK = {("a", "bos"), ("op1", "bos"), ("b", "bos"), ("eq", "bos")}
HIDDEN = {
    "full": OTHERS,
    "self": OTHERS | LAST,
    "full_no_bos": OTHERS | SINK,
    "self_no_bos": OTHERS | LAST | SINK,
    "full_others_free": set(),
    "self_others_free": LAST,
}


def seen(bridge, batch, edits, layer: int = 1) -> np.ndarray:
    """Which attention weights of a block are not 0, for all prompts alike: bool [head, query, key]."""
    pattern = run(bridge, batch, edits, reads=[Site("pattern", layer)])[Site("pattern", layer)]
    visible = (pattern > 0).numpy()
    assert (visible == visible[:1]).all()
    return visible[0]


def test_the_edges_of_five_tokens() -> None:
    assert set(others_edges(FIVE)) == OTHERS
    assert set(last_edges(FIVE)) == LAST
    assert set(bos_edges(FIVE)) == SINK


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_hides_the_edges_of_its_name(mode: str) -> None:
    edits = peek(FIVE, [3, 5], mode)
    assert [edit.site for edit in edits] == ([] if mode == "full_others_free" else [Site("attn", 3), Site("attn", 5)])
    for edit in edits:
        assert set(edit.where) == HIDDEN[mode]
        assert len(edit.where) == len(HIDDEN[mode])


def test_there_are_no_edges_to_a_bos_that_is_not_there() -> None:
    toy = make_prompts({"a": np.arange(3), "b": np.arange(3), "eq": np.full(3, EQ)}, np.arange(3))
    assert bos_edges(toy) == ()
    assert set(others_edges(toy)) == {("b", "a")}
    assert set(peek(toy, [0], "self_no_bos")[0].where) == {("b", "a"), ("eq", "a"), ("eq", "b")}


def test_full_peek_hides_nothing_from_the_last_token_of_a_long_template() -> None:
    """The published code lets the last token see its ten latest keys; here it sees every one of thirty."""
    words = {f"w{i}": np.full(2, 3) for i in range(1, 28)}
    long = make_prompts({"bos": np.full(2, BOS), "a": np.arange(2), **words, "eq": np.full(2, EQ)}, np.arange(2))
    assert len(long.roles) == 30
    for mode in ("full", "full_others_free"):
        assert all(query != "eq" for edit in peek(long, [0], mode) for query, _ in edit.where)
    assert {key for query, key in peek(long, [0], "self")[0].where if query == "eq"} == {"a", *words}


def test_heads_are_masks_of_their_own() -> None:
    edits = peek(FIVE, [1, 2], "self", heads=[0, 3])
    assert [edit.site for edit in edits] == [Site("attn", layer, head) for layer in (1, 2) for head in (0, 3)]
    assert peek(FIVE, [1, 2], "self", heads=[]) == []


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(InterpError, match=r"unknown peek 'ful'\. Did you mean full"):
        peek(FIVE, [0], "ful")


# laws, on five architectures


@pytest.fixture(params=FAMILIES)
def bridge(request: pytest.FixtureRequest):
    return family(request.param).bridge


def test_every_row_keeps_exactly_its_keys(bridge) -> None:
    """Rows q >= 2 of self peek have two keys that are not 0, row 1 is as before; no_bos rows never touch BOS."""
    batch = random_prompts()
    last, causal = len(batch.roles) - 1, np.tril(np.ones((6, 6), dtype=bool))
    itself, alone = np.eye(6, dtype=bool), np.eye(6, dtype=bool)
    itself[:, 0] = True
    rows = {
        "self": (itself, itself),
        "full": (itself, causal),
        "self_no_bos": (alone, alone),
        "full_no_bos": (alone, causal & (np.arange(6) > 0)),
        "self_others_free": (causal, itself),
        "full_others_free": (causal, causal),
    }
    for mode, (others, of_last) in rows.items():
        expected = np.where(np.arange(6)[:, None] == last, of_last, others)
        visible = seen(bridge, batch, peek(batch, range(N_LAYERS), mode))
        assert (visible == expected).all(), mode


def test_only_the_queries_named_are_touched(bridge) -> None:
    """others_free leaves the other rows bit for bit; self peek leaves the first token after BOS as it was."""
    batch, site = random_prompts(), Site("pattern", 0)
    plain = run(bridge, batch, reads=[site])[site]
    free = run(bridge, batch, peek(batch, [0], "self_others_free"), reads=[site])[site]
    assert bool((free[:, :, :-1] == plain[:, :, :-1]).all())
    assert not bool((free[:, :, -1] == plain[:, :, -1]).all())
    alone = run(bridge, batch, peek(batch, [0], "self"), reads=[site])[site]
    assert bool((alone[:, :, :2] == plain[:, :, :2]).all())


def test_a_mask_of_some_heads_leaves_the_others(bridge) -> None:
    batch = random_prompts()
    edits = peek(batch, [1], "full") + peek(batch, [1], "self", heads=[2])
    visible = seen(bridge, batch, edits)
    assert visible[:, -1].sum(axis=-1).tolist() == [2 if head == 2 else 6 for head in range(N_HEADS)]
    assert (visible[:, 2:-1].sum(axis=-1) == 2).all()


def test_cutting_no_edge_is_no_intervention(bridge) -> None:
    assert cut((), range(N_LAYERS)) == []
    assert cut(last_edges(FIVE), []) == []
