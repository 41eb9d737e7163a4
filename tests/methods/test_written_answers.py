"""Digits foretold, attention and heads of written arithmetic: against plain runs, by hand, and a planted staircase."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.engine import Intervention, Site, Zero, run
from interp.errors import InterpError
from interp.methods.head_subtasks import head_subtasks
from interp.methods.staircase import diagonal, staircase
from interp.methods.written_answers import foretold, form_of_model
from interp.tasks import written
from tests.families import FAMILIES, family

BY_DIGIT = written.Form("*", 2, 1, "ordinal")
REVERSED = written.Form("*", 2, 1, "reversed")


def asked(form, n, seed=0):
    ab = written.draw(form, n, seed)
    return written.prompts(form, ab), written.cells(form, ab)


def cut(prompts, form, column):
    """Return the prompts as far as c_column is foretold, for the engine's plain run: the slow twin."""
    from dataclasses import replace

    end = prompts.position(written.foretold_at(form, column)) + 1
    return replace(prompts, tokens=prompts.tokens[:, :end], roles=prompts.roles[:end])


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("form", [BY_DIGIT, REVERSED])
def test_every_digit_is_what_a_plain_run_says_edited_or_not(name, form):
    model, (prompts, _) = family(name).bridge, asked(form, 6)
    for edits in ([], [Intervention(Site("z", 1, 2), "#", Zero())]):
        found = foretold(model, form, prompts, edits, batch_size=4)
        for k in range(form.width):
            logits = run(model, cut(prompts, form, k), edits).logits
            right = torch.tensor(prompts.variables[f"c{k}"])
            nats = torch.nn.functional.cross_entropy(logits, right, reduction="none")
            np.testing.assert_allclose(found.nats[:, k], nats.numpy(), atol=1e-4)
            np.testing.assert_array_equal(found.right[:, k], (logits.argmax(-1) == right).numpy())


@pytest.mark.parametrize("name", FAMILIES)
def test_attention_is_the_mean_of_the_patterns(name):
    model, (prompts, _) = family(name).bridge, asked(REVERSED, 7)
    found = staircase(model, REVERSED, prompts, untrained=model, batch_size=3)
    np.testing.assert_allclose(found.attention.sum("role"), 1, atol=1e-4)
    np.testing.assert_allclose(found.attention_null.sum("role"), 1)
    np.testing.assert_allclose(found.attention, found.attention_untrained)
    site = Site("pattern", 2)
    pattern = run(model, prompts, reads=[site])[site].double().numpy()
    for k in range(REVERSED.width):
        query = prompts.position(written.foretold_at(REVERSED, k))
        np.testing.assert_allclose(found.attention.sel(layer=2)[:, k], pattern[:, :, query].mean(0), atol=1e-5)
        assert (found.attention_null[k] > 0).sum() == query + 1


@pytest.mark.parametrize("name", FAMILIES)
def test_a_head_is_missed_as_the_engine_misses_it(name):
    model, form = family(name).bridge, BY_DIGIT
    (prompts, masks), (reference, _) = asked(form, 60), asked(form, 9, seed=1)
    found = head_subtasks(model, form, prompts, reference, masks, n_random=2)
    clean = foretold(model, form, prompts)
    edit = Intervention(Site("z", 1, 3), prompts.roles[form.start :], Zero())
    without = foretold(model, form, prompts, [edit])
    rise = without.nats - clean.nats
    np.testing.assert_allclose(found.rise_by_digit.sel(kind="zero", layer=1, head=3), rise, atol=1e-6)
    for cell in found.subtask.values:
        here = found.sel(kind="zero", layer=1, head=3, subtask=cell)
        assert float(here.rise) == pytest.approx(rise[masks[cell]].mean(), abs=1e-5)
        assert float(here.wrong) == pytest.approx((~without.right)[masks[cell]].mean())
        if int(here.cells) > 20:  # of a rare cell some draws have none, and the interval is nan
            assert float(here.rise_low) <= float(here.rise) <= float(here.rise_high)
        assert int(here.cells) == masks[cell].sum()
    assert found.rise_null.dims == ("kind", "layer", "draw", "subtask")
    assert float(np.abs(found.rise_null).min()) > 0


def test_means_are_of_the_reference_at_each_token():
    model, form = family("gpt2").bridge, BY_DIGIT
    (prompts, masks), (reference, _) = asked(form, 5), asked(form, 9, seed=1)
    found = head_subtasks(model, form, prompts, reference, masks, n_random=1)
    site = Site("z", 0)
    means = run(model, reference, reads=[site])[site][:, form.start :, 1].mean(0)

    def put(z, hook):
        z[:, form.start :, 1] = means
        return z

    with torch.no_grad():
        logits = model.run_with_hooks(torch.tensor(prompts.tokens), fwd_hooks=[(site.hook_name(model), put)])
    right = torch.tensor(np.stack([prompts.variables[f"c{k}"] for k in form.columns], axis=1))
    nats = torch.nn.functional.cross_entropy(logits[:, form.start :].transpose(1, 2), right, reduction="none")
    rise = nats.numpy()[:, ::-1] - foretold(model, form, prompts).nats
    np.testing.assert_allclose(found.rise_by_digit.sel(kind="mean", layer=0, head=1), rise, atol=1e-4)


def planted(form, lags, directory):
    """Return a GPT-2 whose heads look only at a_(k - lag) when c_k is foretold; positions are one-hot, tokens 0."""
    from transformers import GPT2Config, GPT2LMHeadModel

    from interp.models import load
    from interp.models.symbol_tokenizer import symbol_tokenizer

    places, width = len(written.roles(form)), 16
    shape = {"n_layer": 1, "n_head": len(lags), "n_embd": width * len(lags), "n_positions": width, "vocab_size": 16}
    model = GPT2LMHeadModel(GPT2Config(attn_implementation="eager", bos_token_id=14, eos_token_id=14, **shape))
    roles = list(written.roles(form))
    with torch.no_grad():
        model.transformer.wte.weight.zero_()
        model.transformer.wpe.weight.copy_(torch.eye(width, width * len(lags)))
        weight = model.transformer.h[0].attn.c_attn.weight.zero_()
        for head, lag in enumerate(lags):
            keys = slice(width * (len(lags) + head), width * (len(lags) + head + 1))
            weight[:places, keys] = torch.eye(places, width)
            for k in range(form.width):
                if f"a{k - lag}" in roles:
                    query, key = roles.index(written.foretold_at(form, k)), roles.index(f"a{k - lag}")
                    weight[query, width * head + key] = 20.0
    model.save_pretrained(directory)
    symbol_tokenizer().save_pretrained(directory)
    return load(str(directory))


@pytest.mark.parametrize("order", written.ORDERS)
def test_a_planted_staircase_is_found_and_its_neighbour_is_not(tmp_path, order):
    form = written.Form("*", 4, 1, order)
    model = planted(form, (0, 1), tmp_path)
    found = staircase(model, form, asked(form, 20)[0])
    own, below = diagonal(found, 0), diagonal(found, 1)
    assert own.sel(layer=0, head=0).values.tolist() == [True] * 4 + [False]  # c4 has no digit of its own
    assert below.sel(layer=0, head=1).values.tolist() == [False] + [True] * 4
    assert not own.sel(layer=0, head=1).any()
    assert not below.sel(layer=0, head=0)[:4].any()
    assert float(found.attention.sel(layer=0, head=0, column="c2", role="a2")) > 0.95
    with pytest.raises(InterpError, match="no model of written arithmetic"):
        form_of_model(model)


def test_without_cells_there_is_nothing_to_miss():
    form = written.Form("*", 2, 2, "ordinal")
    prompts, masks = asked(form, 3)
    with pytest.raises(InterpError, match="no cells"):
        head_subtasks(family("gpt2").bridge, form, prompts, prompts, masks)
