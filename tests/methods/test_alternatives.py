"""What could stand in the place of AF1: placements by hand, planted windows, laws on five architectures."""

import numpy as np
import pytest
import torch

from interp.engine import Hidden, Site, run
from interp.errors import InterpError
from interp.methods import placements
from interp.methods.after_waiting import PEEKS, subgraph
from interp.methods.alternatives import alternatives, reads_of
from interp.methods.masks import cut, last_edges, peek
from interp.methods.means import reference_means
from interp.methods.waiting import References
from tests.families import FAMILIES, N_HEADS, N_LAYERS, family, random_prompts
from tests.methods.planted import Move, build_mover, copy_prompts, sum_prompts

PAIRS = np.stack(np.divmod(np.arange(100), 10))
TRAIN, TEST = (copy_prompts(*PAIRS[:, PAIRS.sum(0) % 2 == k], split=str(k)) for k in range(2))
FIVE = sum_prompts(np.arange(4), np.arange(4))
A, EQ = 1, 3
LAST = {("eq", "a"), ("eq", "op1"), ("eq", "b")}


def references(model, reference=TRAIN) -> References:
    return References(model, reference, reference_means(model, reference, fewest=1))


def reader(n_layers: int, reads_at: int):
    """Waits for `reads_at` blocks; then the last token reads a, and nothing happens after."""
    return build_mover([Move(EQ, {A: 1}) if layer == reads_at else None for layer in range(n_layers)])


def masks(edits) -> dict[int, set]:
    """{block: hidden edges} of masks on all heads."""
    found: dict[int, set] = {}
    for edit in edits:
        if isinstance(edit.source, Hidden):
            found.setdefault(edit.site.layer, set()).update(edit.where)
    return found


# by hand


@pytest.mark.parametrize(
    ("at", "cama", "blocks"),
    [
        (2, 2, {2: "full", 3: "self", 4: "self"}),
        (4, 2, {2: "self", 3: "self", 4: "full"}),
        (1, 1, {1: "full", 2: "self", 3: "self", 4: "self"}),
        (0, 0, {0: "full", 1: "self", 2: "self", 3: "self", 4: "self"}),
    ],
)
def test_a_window_elsewhere_by_hand(at: int, cama: int, blocks: dict[int, str]) -> None:
    """Window (2, 1) of five blocks, moved: CAMA stays when the transfer comes later and goes with it when earlier."""
    model = reader(5, 2)
    edits = placements.placed(references(model), TEST, 5, 2, 1, at)
    assert [edit.site for edit in edits if not isinstance(edit.source, Hidden)] == [Site("resid_pre", cama)]
    others, last = {("b", "a")}, {("eq", "a"), ("eq", "b")}
    assert masks(edits) == {block: others | (last if mode == "self" else set()) for block, mode in blocks.items()}


def test_shifts_stay_inside_the_model() -> None:
    assert placements.shifted(8, 0, 4) == {1: 1, 2: 2, 3: 3, 4: 4}
    assert placements.shifted(8, 3, 2) == {-3: 0, -2: 1, -1: 2, 1: 4, 2: 5, 3: 6}
    assert placements.shifted(32, 15, 2) == {shift: 15 + shift for shift in range(-4, 5) if shift}
    assert placements.shifted(4, 0, 4) == {}


def test_the_complement_of_five_tokens() -> None:
    assert masks(placements.complement(FIVE, range(1, 3))) == {1: LAST, 2: LAST}


def test_drawn_windows_are_different_and_elsewhere() -> None:
    drawn = placements.random_windows(8, 3, 2, 100, 0)
    assert sorted(drawn) == [0, 1, 2, 4, 5, 6]
    assert placements.random_windows(8, 3, 2, 3, 0) == drawn[:3]
    assert placements.random_windows(8, 3, 2, 3, 1) != drawn[:3]
    assert placements.random_windows(4, 0, 4, 5, 0) == []


def test_drawn_heads_are_as_many_as_the_window_has() -> None:
    drawn = placements.random_heads((8, 4), 3, 2, 6, 0)
    assert drawn.shape == (6, 8, 4)
    assert drawn.sum(axis=(1, 2)).tolist() == [8] * 6
    assert not drawn[:, :3].any()
    assert drawn[:, 3:].any(axis=(0, 2)).all(), "every later block is drawn from"
    assert len({each.tobytes() for each in drawn}) == 6
    assert not (placements.random_heads((8, 4), 3, 2, 6, 1) == drawn).all()


def test_blocks_cut_elsewhere_are_as_many_and_outside() -> None:
    drawn = placements.cut_elsewhere(8, range(3, 5), 50, 0)
    assert set(drawn) <= {(i, j) for i in range(8) for j in range(i + 1, 8) if not {i, j} & {3, 4}}
    assert len(drawn) == len(set(drawn)) > 5
    assert placements.cut_elsewhere(8, range(4), 5, 0) == [(4, 5, 6, 7)]
    assert placements.cut_elsewhere(8, range(5), 5, 0) == []
    assert placements.cut_elsewhere(8, range(3, 3), 5, 0) == []


def test_a_head_reads_while_it_sees_any_other() -> None:
    native, batch = family("native").bridge, random_prompts(2)
    edges = last_edges(batch)
    edits = cut(edges[:-1], [0]) + cut(edges, [1], [2]) + cut((("eq", "bos"),), [2])
    expected = np.ones((N_LAYERS, N_HEADS), dtype=int)
    expected[1, 2] = 0
    np.testing.assert_array_equal(reads_of(native, batch, edits), expected)


# planted


def test_a_planted_window_is_special_in_place_and_heads() -> None:
    """The reader waits two blocks and reads in block 2 of six: what still reads there answers, all else fails."""
    model = reader(6, 2)
    result = alternatives(model, references(model), TEST, 2, 1, n_random=4)
    kept = dict(zip(result["alternative"].values.tolist(), result["faithfulness"].values.tolist(), strict=True))
    assert int(result["n"]) == len(TEST)
    answering = {"cama", "resample", "early", "isolated", *PEEKS}
    assert answering <= set(kept)
    for name, value in kept.items():
        if name in answering:
            assert value == 1.0, name
        elif not name.startswith("random_head"):
            assert value < 0.3, name
    names = [name for name in kept if name.startswith("shift")]
    assert names == ["shift -2", "shift -1", "shift +1", "shift +2", "shift +3"]
    assert {name for name in kept if name.startswith("random_window")} == {f"random_window {i}" for i in range(4)}
    for i in range(4):
        row = result.sel(alternative=f"random_head {i}")
        assert (float(row["faithfulness"]) == 1.0) == bool(row["reads"][2, 0]), "one head a block: drawn or not"
    np.testing.assert_array_equal(result["cut_elsewhere"], 1.0)
    assert not result["cut_elsewhere_blocks"][:, 2].any()


def test_rows_say_where_they_act() -> None:
    model = reader(6, 2)
    result = alternatives(model, references(model), TEST, 2, 2, n_random=1)
    reads = result["reads"].squeeze("head")
    where = {
        "cama": (2, 2, [1, 1, 1, 1, 0, 0]),
        "abp": (2, 2, [1, 1, 1, 1, 0, 0]),
        "shift +2": (2, 4, [1, 1, 0, 0, 1, 1]),
        "shift -1": (1, 1, [1, 1, 1, 0, 0, 0]),
        "complement": (-1, 2, [1, 1, 0, 0, 1, 1]),
    }
    for name, (cama_block, transfer_block, seen) in where.items():
        row = result.sel(alternative=name)
        assert (int(row["cama_block"]), int(row["transfer_block"])) == (cama_block, transfer_block), name
        assert reads.sel(alternative=name).values.tolist() == seen, name
    kinds = dict(zip(result["alternative"].values.tolist(), result["kind"].values.tolist(), strict=True))
    assert (kinds["mean"], kinds["frozen"], kinds["shift +1"], kinds["complement"]) == (
        "wait",
        "peek",
        "window",
        "window",
    )
    assert {kinds["random_window 0"], kinds["random_head 0"]} == {"control"}
    assert int(result["transfer_block"].sel(alternative="random_head 0")) == -1
    drawn = alternatives(model, references(model), TEST, 2, 2, n_random=4)
    drawn = drawn.isel(alternative=[name.startswith("random_window") for name in drawn["alternative"].values])
    assert sorted(drawn["transfer_block"].values) == [0, 1, 3, 4]
    np.testing.assert_array_equal(drawn["cama_block"], np.minimum(drawn["transfer_block"], 2))


def test_every_example_is_kept_and_compared_in_pairs() -> None:
    model = reader(4, 1)
    result = alternatives(model, references(model), TEST, 1, 1, n_random=2)
    kept, right = result["faithfulness"], result["correct"]
    np.testing.assert_allclose(right.mean("prompt"), kept)
    np.testing.assert_allclose(result["difference"], kept - float(kept.sel(alternative="cama")), atol=1e-12)
    for name in ("faithfulness", "difference"):
        assert (result[f"{name}_low"] <= result[name]).all()
        assert (result[name] <= result[f"{name}_high"]).all()
    assert float(result["difference_high"].sel(alternative="complement")) < 0
    assert float(result["difference_high"].sel(alternative="abp")) > 0
    np.testing.assert_allclose(result["cut_elsewhere_correct"].mean("prompt"), result["cut_elsewhere"])
    assert float(result["null_majority"]) == pytest.approx(np.bincount(TEST.answer_ids).max() / len(TEST))


def test_what_has_no_reference_is_left_out() -> None:
    model = reader(3, 1)
    bare = alternatives(model, references(model).means, TEST, 1, 1)
    assert set(bare["alternative"].values[bare["kind"].values == "wait"]) == {"cama", "mean", "zero", "isolated"}
    assert "mean_attention" not in bare["alternative"]
    own = references(model)
    everything = alternatives(model, References(model, TRAIN, own.means, own.means, own.means), TEST, 1, 1)
    assert {"other_operator", "unfiltered", "resample", "noise", "early"} <= set(everything["alternative"].values)
    assert float(everything["faithfulness"].sel(alternative="unfiltered")) == 1.0


def test_a_model_that_answers_nothing_gives_nan() -> None:
    wrong = type(TEST)(**{**TEST.__dict__, "answer_ids": (TEST.answer_ids + 1) % 10})
    model = reader(3, 1)
    result = alternatives(model, references(model), wrong, 1, 1)
    assert int(result["n"]) == 0
    for name in ("faithfulness", "difference", "difference_low", "cut_elsewhere"):
        assert np.isnan(result[name]).all()


def test_errors_say_what_to_do() -> None:
    model = reader(3, 1)
    with pytest.raises(InterpError, match="outside a model of 3 blocks"):
        alternatives(model, references(model), TEST, 2, 2)
    with pytest.raises(InterpError, match="at least 1"):
        alternatives(model, references(model), TEST, 1, 1, n_random=0)
    with pytest.raises(InterpError, match="same task and style"):
        alternatives(model, references(model), FIVE, 1, 1)


# laws, on five architectures


@pytest.fixture(params=FAMILIES)
def bridge(request: pytest.FixtureRequest):
    return family(request.param).bridge


def test_the_unmoved_window_is_the_subgraph(bridge) -> None:
    batch, refs = random_prompts(6), references(bridge, random_prompts(40))
    moved = run(bridge, batch, placements.placed(refs, batch, N_LAYERS, 1, 1, 1)).logits
    assert torch.equal(moved, run(bridge, batch, subgraph(bridge, batch, refs, 1, 1)).logits)
    later = run(bridge, batch, placements.placed(refs, batch, N_LAYERS, 1, 1, 2)).logits
    assert not torch.allclose(later, moved, atol=1e-3)


def test_drawn_heads_that_are_the_window_are_the_subgraph(bridge) -> None:
    """All heads of block 1: the window (1, 1). One head fewer is another output."""
    batch, refs = random_prompts(6), references(bridge, random_prompts(40))
    heads = np.zeros((N_LAYERS, N_HEADS), dtype=bool)
    heads[1] = True
    window = run(bridge, batch, subgraph(bridge, batch, refs, 1, 1)).logits
    all_heads = run(bridge, batch, placements.reading(refs, batch, 1, heads)).logits
    torch.testing.assert_close(all_heads, window, atol=1e-6, rtol=0)
    heads[1, 2] = False
    pattern = Site("pattern", 1)
    fewer = run(bridge, batch, placements.reading(refs, batch, 1, heads), reads=[pattern])
    assert (fewer[pattern][:, :, -1] > 0).sum(dim=-1).unique(dim=0).tolist() == [[6, 6, 2, 6]]
    assert not torch.allclose(fewer.logits, window, atol=1e-3)


def test_cutting_all_blocks_leaves_the_last_token_alone(bridge) -> None:
    """The complement of the whole model is self peek of the last token with the others free."""
    batch = random_prompts(6)
    alone = run(bridge, batch, placements.complement(batch, range(N_LAYERS))).logits
    assert torch.equal(alone, run(bridge, batch, peek(batch, range(N_LAYERS), "self_others_free")).logits)
    assert torch.equal(alone, run(bridge, batch, cut(last_edges(batch), range(N_LAYERS))).logits)
