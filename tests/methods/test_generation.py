"""Generation is the plain model's without edits, and a run of the whole grown sequence with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from interp.engine import Constant, Hidden, Intervention, Rows, Site, Zero, from_run, run
from interp.errors import InterpError
from interp.methods.continuations import Writes, following, logits_after
from interp.methods.generation import ENDED, Greedy, Sampled, generate
from tests.families import D_MODEL, ROLES, random_prompts, tokenizer

NEW = 5


def plain_greedy(model, tokens: np.ndarray, n_new: int) -> np.ndarray:
    """The slow twin: the top token of the plain model's forward, again and again."""
    whole = torch.tensor(tokens, device=next(model.parameters()).device)
    for _ in range(n_new):
        with torch.no_grad():
            out = model(whole, attention_mask=torch.ones_like(whole))
        logits = out if isinstance(out, torch.Tensor) else out.logits
        whole = torch.cat([whole, logits[:, -1].float().argmax(-1, keepdim=True)], dim=1)
    return whole[:, tokens.shape[1] :].cpu().numpy()


def grown(prompts, new: np.ndarray):
    """The prompts with `new` tokens [prompt, t] as roles n1, n2, ..."""
    roles = (*prompts.roles, *(f"n{i + 1}" for i in range(new.shape[1])))
    return replace(prompts, tokens=np.concatenate([prompts.tokens, new], axis=1), roles=roles)


def test_greedy_without_edits_is_the_plain_models_own(tiny):
    if tiny.dtype != torch.float32:
        pytest.skip("near ties fall either way in bfloat16")
    prompts = random_prompts(5)
    found = generate(tiny.bridge, prompts, Greedy(NEW), batch_size=2)
    own = tiny.bridge if tiny.plain is None else tiny.plain
    assert found.tokens.tolist() == plain_greedy(own, prompts.tokens, NEW).tolist()
    if tiny.plain is not None:
        tokens = torch.tensor(prompts.tokens, device=tiny.device)
        theirs = tiny.plain.generate(
            tokens, attention_mask=torch.ones_like(tokens), do_sample=False, max_new_tokens=NEW, min_new_tokens=NEW,
            eos_token_id=None, pad_token_id=2,
        )  # fmt: skip
        assert found.tokens.tolist() == theirs[:, 6:].tolist()


EDITS = {
    "prompt role": [Intervention(Site("mlp_out", 1), ("b",), Zero())],
    "last": [Intervention(Site("resid_pre", 1), ("last",), Constant(torch.linspace(-2, 2, D_MODEL)))],
    "all": [Intervention(Site("mlp_out", 0), "all", Zero())],
    "edges": [Intervention(Site("attn", 1, 2), (("last", "a"), ("last", "b"), ("op2", "a")), Hidden())],
    "two": [
        Intervention(Site("mlp_out", 1), ("eq",), Zero()),
        Intervention(Site("mlp_out", 1), ("last",), Constant(torch.ones(D_MODEL)), alpha=0.5),
    ],
}


def at_every_token(interventions, n_new: int) -> list[Intervention]:
    """What "generated" means, written out: each write at `last` also at n1 ... n_new."""
    found = list(interventions)
    for each in interventions:
        for role in (f"n{i + 1}" for i in range(n_new)):
            where = tuple(role if p == "last" else (role, p[1]) for p in each.where if p == "last" or p[0] == "last")
            if where:
                found.append(replace(each, where=where))
    return found


def named(interventions) -> list[Intervention]:
    """The writes with `last` and "all" spelled out, so that they mean the same in a longer sequence."""
    found = []
    for each in interventions:
        places = ROLES if each.where == ("all",) else each.where
        where = tuple(
            "eq" if p == "last" else p if isinstance(p, str) else (p[0].replace("last", "eq"), p[1]) for p in places
        )
        found.append(replace(each, where=where))
    return found


@pytest.mark.parametrize("last", ["prompt", "generated"])
@pytest.mark.parametrize("name", EDITS)
def test_each_step_is_a_run_of_the_whole_sequence(tiny, name, last):
    prompts, edits = random_prompts(4), EDITS[name]
    if tiny.dtype != torch.float32:
        pytest.skip("near ties fall either way in bfloat16")
    found = generate(tiny.bridge, prompts, Greedy(3), edits, last=last, batch_size=3)
    for step in range(3):
        longer = grown(prompts, found.tokens[:, :step])
        written = named(edits) + (at_every_token(edits, step)[len(edits) :] if last == "generated" else [])
        logits = run(tiny.bridge, longer, written).logits
        assert found.tokens[:, step].tolist() == logits.argmax(-1).tolist()
        expected = torch.log_softmax(logits, -1).max(-1).values
        assert found.logprobs[:, step] == pytest.approx(expected.cpu().numpy(), abs=20 * tiny.tolerance)


def test_variants_and_edits_matter(llama):
    prompts = random_prompts(6)
    edits = EDITS["last"]
    plain = generate(llama, prompts, Greedy(NEW)).logprobs
    once, every = (generate(llama, prompts, Greedy(NEW), edits, last=v).logprobs for v in ("prompt", "generated"))
    assert np.abs(once - plain).max() > 0.01
    assert once[:, 0] == pytest.approx(every[:, 0])
    assert np.abs(once[:, 1:] - every[:, 1:]).max() > 0.01


def test_a_patch_from_another_run_stays_at_its_role(llama):
    """The whole stream of another prompt at every role before block 0: its continuation."""
    prompts, others = random_prompts(4), random_prompts(4, seed=1)
    site = Site("resid_pre", 0)
    rows = from_run(run(llama, others, reads=[site]), site)
    patched = generate(llama, prompts, Greedy(NEW), [Intervention(site, "all", rows)])
    assert patched.tokens.tolist() == generate(llama, others, Greedy(NEW)).tokens.tolist()
    assert isinstance(rows, Rows)


def test_batches_do_not_matter(llama):
    prompts = random_prompts(7)
    for how in (Greedy(4), Sampled(4, temperature=1.5, seed=3)):
        one, many = (generate(llama, prompts, how, EDITS["last"], batch_size=size) for size in (2, 512))
        assert one.tokens.tolist() == many.tokens.tolist()


def test_samples_follow_the_models_distribution(llama):
    prompts = random_prompts(1)
    many = replace(prompts, tokens=np.repeat(prompts.tokens, 2000, axis=0), texts=("",) * 2000, answers=("",) * 2000,
                   answer_ids=np.zeros(2000, dtype=int), variables={})  # fmt: skip
    drawn = generate(llama, many, Sampled(1, temperature=0.7, seed=1)).tokens[:, 0]
    share = torch.softmax(run(llama, prompts).logits[0].double() / 0.7, -1).numpy()
    counts = np.bincount(drawn, minlength=len(share))
    spread = np.sqrt(2000 * share * (1 - share))
    assert (np.abs(counts - 2000 * share) < 4 * spread + 1).all()
    again = generate(llama, many, Sampled(1, temperature=0.7, seed=2)).tokens[:, 0]
    assert (again != drawn).any()


def test_a_low_temperature_is_greedy(llama):
    prompts = random_prompts(5)
    cold = generate(llama, prompts, Sampled(NEW, temperature=1e-4)).tokens
    assert cold.tolist() == generate(llama, prompts, Greedy(NEW)).tokens.tolist()


def test_a_stop_token_ends_a_text(llama):
    prompts = random_prompts(6)
    whole = generate(llama, prompts, Greedy(NEW))
    stop = int(whole.tokens[0, 1])
    cut = generate(llama, prompts, Greedy(NEW, (stop,)), batch_size=4)
    for own, left, logprobs in zip(whole.tokens, cut.tokens, cut.logprobs, strict=True):
        end = own.tolist().index(stop) + 1 if stop in own else NEW
        assert left[:end].tolist() == own[:end].tolist()
        assert (left[end:] == ENDED).all()
        assert np.isnan(logprobs[end:]).all()
        assert np.isfinite(logprobs[:end]).all()
    assert cut.texts(tokenizer(), (stop,))[0] == f"t{whole.tokens[0, 0]}"


def test_teacher_forced_logits_are_those_of_each_prefix(llama):
    prompts = random_prompts(3)
    new = np.random.default_rng(0).integers(3, 30, (3, 4))
    whole = np.concatenate([prompts.tokens, new], axis=1)
    found = logits_after(llama, prompts, whole, Writes.of(EDITS["last"], "generated"), np.arange(3))
    for step in range(5):
        written = named(EDITS["last"]) + at_every_token(EDITS["last"], step)[1:]
        assert torch.allclose(found[:, step], run(llama, grown(prompts, new[:, :step]), written).logits, atol=1e-5)


def test_bad_input(llama):
    prompts, both = random_prompts(3), Intervention(Site("mlp_out", 1), ("a", "last"), Zero())
    with pytest.raises(InterpError, match=r"room for 16; generate at most 11"):
        generate(llama, prompts, Greedy(12))
    assert generate(llama, prompts, Greedy(11)).tokens.shape == (3, 11)
    with pytest.raises(InterpError, match="Did you mean generated"):
        generate(llama, prompts, Greedy(1), last="generate")
    with pytest.raises(InterpError, match="intervention of their own"):
        generate(llama, prompts, Greedy(2), [both], last="generated")
    assert following([both], "prompt") == []
    with pytest.raises(InterpError, match="no prompts"):
        generate(llama, prompts[:0], Greedy(2))
    with pytest.raises(InterpError, match="unknown role 'c'"):
        generate(llama, prompts, Greedy(2), [Intervention(Site("mlp_out", 1), ("c",), Zero())])
    with pytest.raises(InterpError, match="at least 1 token"):
        Greedy(0)
    with pytest.raises(InterpError, match="above 0"):
        Sampled(3, temperature=0.0)
