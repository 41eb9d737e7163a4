"""A price on attention outside a window: its edges and its size by hand, and a training that learns to avoid it."""

from __future__ import annotations

import math

import pytest
import torch

from interp.models.language import answer_loss, build_model
from interp.models.language_batches import Table
from interp.models.language_recipe import MENTAL_MATH, complete, state_digest
from interp.models.number_tokenizer import number_tokenizer
from interp.models.train import train
from interp.models.training_directory import read_log
from interp.models.window_penalty import forbidden_edges, leak, lowered, masses, window_penalty

from .recipes import TINY, result, written

WINDOW = {"l_wait": 1, "l_transfer": 1, "weight": 2.0, "tolerance": 1.0, "bias": 0.0}
KNOTS = {"l_wait": 1, "l_transfer": 1, "weight": [[0, 1]], "tolerance": [[0, 1]], "bias": [[0, 0]]}
WAITING = {"l_wait": 1, "l_transfer": 0, "weight": 1.0, "tolerance": 1.0, "bias": 0.0}


def test_edges_by_hand():
    edges = forbidden_edges(3, 4, WINDOW).int().tolist()
    others = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert edges == [[*others, [0, 1, 1, 0]], [*others, [0, 0, 0, 0]], [*others, [0, 1, 1, 0]]]


def test_a_window_that_reads_everywhere_leaves_only_the_other_tokens():
    edges = forbidden_edges(2, 5, {"l_wait": 0, "l_transfer": 2})
    assert not edges[:, -1].any()
    assert forbidden_edges(2, 5, {"l_wait": 2, "l_transfer": 0})[:, -1].sum() == 2 * 3


def uniform(length: int) -> torch.Tensor:
    """One head that looks at everything it may, alike: [1, 1, query, key]."""
    seen = torch.ones(length, length).tril()
    return (seen / seen.sum(-1, keepdim=True))[None, None]


def test_penalty_by_hand():
    """Length 4, two blocks. Priced: query 2 in both (1 of 3 keys), the last query in block 0 (2 of 4 keys)."""
    expected = 2.0 * (2 * -math.log(2 / 3) - math.log(2 / 4)) / 3
    assert window_penalty([uniform(4)] * 2, WINDOW).item() == pytest.approx(expected, rel=1e-6)


def test_tolerance_by_hand():
    """Of the same prompts, with forbidden to allowed as 1 to 2 and 2 to 2."""
    expected = 2.0 * (2 * math.log(1 + 1 / 2 / 0.01) + math.log(1 + 2 / 2 / 0.01)) / 3
    assert window_penalty([uniform(4)] * 2, {**WINDOW, "tolerance": 0.01}).item() == pytest.approx(expected, rel=1e-6)


def test_with_a_small_tolerance_every_halving_of_the_mass_earns_the_same():
    def price(mass: float) -> float:
        return window_penalty([torch.tensor([1 - mass, mass, 0.0]).expand(1, 1, 3, 3)], {**WAITING, "tolerance": 1e-6})

    assert price(0.02) - price(0.01) == pytest.approx(math.log(2), rel=0.02)
    assert price(2e-3) - price(1e-3) == pytest.approx(math.log(2), rel=0.02)
    assert price(2e-9) < 0.003


def test_forbidden_and_allowed_mass_are_everything():
    patterns = [torch.softmax(torch.randn(3, 2, 6, 6).masked_fill(~torch.ones(6, 6).tril().bool(), -1e9), -1)] * 4
    forbidden, allowed = masses(patterns, WINDOW)
    assert forbidden.shape == (3, 2, 4 * 3 + 3)  # queries 2, 3, 4 in four blocks, the last in three
    assert torch.allclose(forbidden + allowed, torch.ones_like(allowed), atol=1e-6)


def test_attention_to_oneself_and_bos_is_free_and_all_mass_elsewhere_is_dear_but_finite():
    free = torch.zeros(1, 1, 4, 4)
    free[..., range(4), range(4)] = 0.5
    free[..., 0] += 0.5
    assert window_penalty([free] * 2, WINDOW) == 0
    dear = torch.zeros(1, 1, 4, 4)
    dear[..., 1] = 1
    assert 50 < window_penalty([dear] * 2, WINDOW) < 1e3


def test_a_small_leak_counts_although_bfloat16_rounds_the_rest_to_one():
    pattern = torch.tensor([1.0, 1e-4, 0.0]).bfloat16().expand(1, 1, 3, 3)
    assert window_penalty([pattern], WAITING).item() == pytest.approx(1e-4, rel=1e-2)


@pytest.mark.parametrize("depth", [5.0, 40.0, 60.0, 68.0, 80.0])
def test_the_gradient_is_finite_and_pulls_however_deep_the_allowed_keys_lie(depth):
    """Past exp(-69), about TINY, the barrier has no slope left; up to there every unit of score is worth one nat."""
    scores = torch.tensor([-depth, 0.0, -depth]).repeat(1, 1, 3, 1).requires_grad_()
    priced = torch.softmax(scores, -1).bfloat16()
    window_penalty([priced], WAITING).backward()
    slope = scores.grad[0, 0, 2]
    assert torch.isfinite(slope).all()
    assert slope[1] > 0.9 if depth < 69 else slope[1] >= 0


def test_loss_adds_the_price_of_every_prompt():
    model = build_model(complete(TINY), number_tokenizer())
    batch = Table(torch.tensor([[200, 5, 210, 7, 211], [200, 9, 210, 3, 211]]), torch.tensor([12, 12]))
    with torch.no_grad():
        plain = answer_loss(model, batch, "cpu", "fp32")
        priced = answer_loss(model, batch, "cpu", "fp32", WINDOW)
        attentions = model(batch.tokens, output_attentions=True).attentions
    assert torch.allclose(priced - plain, 2 * window_penalty(attentions, WINDOW), rtol=1e-4)


def test_lowered_scores_lose_their_odds_in_the_forbidden_blocks_alone_and_only_meanwhile():
    """odds = forbidden / allowed mass of one query; lowering its scores by 3 nats multiplies them by exp(-3).

    Block 0 alone is compared: later ones read other residuals then.
    """
    model = build_model(complete(TINY), number_tokenizer())
    tokens = torch.tensor([[200, 5, 210, 7, 211]])

    def patterns() -> list[torch.Tensor]:
        with torch.no_grad():
            return list(model(tokens, output_attentions=True).attentions)

    def odds(attentions: list[torch.Tensor]) -> torch.Tensor:
        forbidden, allowed = masses(attentions[:1], {**WINDOW, "l_transfer": 0})
        return forbidden / allowed

    before = patterns()
    with lowered(model, 5, {**WINDOW, "bias": 3.0}):
        during = patterns()
    with lowered(model, 5, {**WINDOW, "bias": 1e4}):
        cut = patterns()
    assert torch.allclose(odds(during), odds(before) * math.exp(-3), rtol=1e-4)
    assert leak_of(cut) == 0 < cut[1][:, :, -1, 1:4].min()
    assert all(torch.equal(x, y) for x, y in zip(patterns(), before, strict=True))


def leak_of(attentions: list[torch.Tensor]) -> float:
    return masses(attentions, WINDOW)[0].max().item()


def test_leak_is_the_mean_and_the_largest_forbidden_mass():
    class Uniform(torch.nn.Module):
        def forward(self, input_ids, use_cache, output_attentions):
            pattern = uniform(input_ids.shape[1]).expand(len(input_ids), 1, -1, -1)
            return type("Output", (), {"attentions": [pattern, pattern]})

    found = leak(Uniform(), [torch.zeros(3, 4, dtype=torch.long)], WINDOW)
    assert found["mean"] == pytest.approx((1 / 3 + 1 / 3 + 1 / 2) / 3, rel=1e-6)
    assert found["max"] == pytest.approx(1 / 2, rel=1e-6)


def test_training_with_a_price_stops_the_leak_and_is_resumed_like_any_other(tmp_path):
    changes = {
        "phases": [{"until": 60, "styles": {"plain": 1}}],
        "learning_rate": [[0, 3e-3]],
        "evaluate_every": 30,
        "window": {**KNOTS, "weight": [[0, 0], [10, 10]], "tolerance": [[0, 1], [60, 0.1]]},
    }
    recipe = str(written(tmp_path, **changes))
    train(recipe, tmp_path / "out")
    last = read_log(tmp_path / "out")[-1]["leak"]
    assert last["mean"] < 0.05 < 0.3 < leak_untrained()
    (tmp_path / "out" / "model.safetensors").unlink()
    train(recipe, tmp_path / "out")
    assert result(tmp_path / "out")["log"][-1]["leak"] == last


def leak_untrained() -> float:
    tokens = torch.tensor([[200, 5, 210, 7, 211]])
    return leak(build_model(complete(TINY), number_tokenizer()), [tokens], WINDOW)["mean"]


def test_a_log_without_a_window_has_no_leak(whole):
    assert all("leak" not in line for line in read_log(whole))


def test_the_price_follows_its_knots(tmp_path):
    """A rising price gives other weights than a constant one, and a knot beyond the end changes nothing."""
    weights = {}
    for name, changes in {
        "constant": {},
        "rising": {"weight": [[0, 1], [6, 5]]},
        "falling": {"tolerance": [[0, 1], [6, 0.1]]},
        "lowered": {"bias": [[0, 4], [6, 0]]},
        "later": {"weight": [[0, 1], [12, 1], [20, 9]]},
    }.items():
        train(str(written(tmp_path, window={**KNOTS, **changes})), tmp_path / name)
        weights[name] = (tmp_path / name / "model.safetensors").read_bytes()
    assert weights["later"] == weights["constant"]
    assert len(set(weights.values())) == 4


def test_an_old_recipe_without_the_field_means_the_same():
    old = {name: value for name, value in MENTAL_MATH.items() if name != "window"}
    assert complete(old) == MENTAL_MATH
    assert state_digest(old) == state_digest(MENTAL_MATH) != state_digest(complete({"window": KNOTS}))
