"""Single heads cut in the full model: a planted head is found, and five architectures agree with a run by hand."""

import numpy as np
import pytest
import torch

from interp.engine import Hidden, Intervention, Site, run
from interp.errors import InterpError
from interp.methods.knockout import head_knockout
from interp.methods.metrics import correct
from interp.methods.peeking import peeking
from tests.families import FAMILIES, N_HEADS, N_LAYERS, family, random_prompts
from tests.methods.planted import N_TOKENS, SHARP, copy_prompts

PAIRS = np.stack(np.divmod(np.arange(100), 10))
TEST = copy_prompts(*PAIRS)


def build_split_reader(copies: int):
    """A copier of two blocks and four heads: head 2 of block 1 carries what `eq` reads of `a`; with two copies
    head 0 of that block does so too."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    d_head = N_TOKENS
    config = TransformerBridgeConfig(
        n_layers=2, d_model=4 * d_head, n_ctx=4, d_head=d_head, n_heads=4, d_mlp=4, d_vocab=N_TOKENS, act_fn="relu",
        normalization_type=None, positional_embedding_type="standard", seed=0,
    )  # fmt: skip
    model = TransformerBridge.boot_native(config).eval().requires_grad_(False)
    weights = {name.replace("._original_component", ""): p for name, p in model.named_parameters()}
    with torch.no_grad():
        for p in weights.values():
            p.zero_()
        weights["tok_embed.weight"][:, :N_TOKENS] = torch.eye(N_TOKENS)
        weights["pos.weight"][:, N_TOKENS : N_TOKENS + 4] = torch.eye(4)
        weights["head.weight"][:10, :10] = torch.eye(10)
        for head in (2, 0)[:copies]:
            rows = slice(head * d_head, (head + 1) * d_head)
            weights["layers.1.attn.q.weight"][rows.start, N_TOKENS + 3] = SHARP
            weights["layers.1.attn.k.weight"][rows.start, N_TOKENS + 1] = SHARP
            weights["layers.1.attn.v.weight"][rows, :N_TOKENS] = torch.eye(N_TOKENS)
            weights["layers.1.attn.o.weight"][:N_TOKENS, rows] = torch.eye(N_TOKENS)
    return model


def test_the_planted_head_is_the_only_one_that_hurts() -> None:
    result = head_knockout(build_split_reader(1), TEST)
    assert result["head_faithfulness"].dims == ("layer", "head")
    expected = np.ones((2, 4), dtype=bool)
    expected[1, 2] = False
    kept = result["head_faithfulness"].to_numpy()
    np.testing.assert_array_equal(kept[expected], 1.0)
    assert float(kept[1, 2]) < 0.2
    assert int(result["n"]) == len(TEST)
    assert float(result["null_majority"]) == pytest.approx(0.1)
    np.testing.assert_allclose(result["head_correct"].mean("prompt"), kept)
    assert (result["head_faithfulness_low"] <= kept).all()
    assert (result["head_faithfulness_high"] >= kept).all()


def test_heads_that_stand_in_for_each_other_hide_from_the_knockout() -> None:
    """The limit stated in the module: two copies of one head, and neither is needed."""
    model = build_split_reader(2)
    np.testing.assert_array_equal(head_knockout(model, TEST)["head_faithfulness"], 1.0)
    assert float(peeking(model, TEST, variants=["last"])["faithfulness"][0, 1]) < 0.2


def test_peeking_carries_the_heads_where_asked() -> None:
    model = build_split_reader(1)
    alone, together = head_knockout(model, TEST), peeking(model, TEST, heads=True)
    for name in ("head_faithfulness", "head_faithfulness_low", "head_faithfulness_high", "head_correct"):
        np.testing.assert_array_equal(together[name], alone[name])
    assert "head_faithfulness" not in peeking(model, TEST)


def test_a_model_that_answers_nothing_gives_nan() -> None:
    wrong = type(TEST)(**{**TEST.__dict__, "answer_ids": (TEST.answer_ids + 1) % 10})
    result = head_knockout(build_split_reader(1), wrong)
    assert int(result["n"]) == 0
    assert np.isnan(result["head_faithfulness"]).all()
    assert np.isnan(float(result["null_majority"]))
    with pytest.raises(InterpError, match="no prompts"):
        head_knockout(build_split_reader(1), TEST[:0])


@pytest.mark.parametrize("name", FAMILIES)
def test_each_head_equals_its_own_mask(name: str) -> None:
    """Each cell is the run with the edges eq<-a, op1, b, op2 hidden in that head; the full model answers itself."""
    bridge, batch = family(name).bridge, random_prompts(40)
    said = run(bridge, batch).logits.argmax(-1).numpy()
    own = type(batch)(**{**batch.__dict__, "answer_ids": said})
    result = head_knockout(bridge, own)
    assert int(result["n"]) == 40
    edges = tuple(("eq", key) for key in ("a", "op1", "b", "op2"))
    for layer, head in np.ndindex(N_LAYERS, N_HEADS):
        logits = run(bridge, own, [Intervention(Site("attn", layer, head), edges, Hidden())]).logits
        np.testing.assert_array_equal(result["head_correct"][layer, head], correct(logits, own).numpy())
    assert 0 < float(result["head_faithfulness"].min()) < 1
