"""A plan before anything is fetched: what would run, how much of it, and what cannot be."""

from __future__ import annotations

import pytest

LLAMA = "meta-llama/Meta-Llama-3-8B"
ASK = ["--model", LLAMA, "--task", "a+b+c", "--device", "cuda", "--dtype", "bfloat16", "--dry-run"]


@pytest.fixture
def nothing(monkeypatch, no_network):
    """No network and no weights: whoever opens or hashes a model fails the test."""
    import interp.models
    from interp.models import zoo

    for module, name in ((interp.models, "load"), (zoo, "_fetch"), (zoo, "weights_sha256")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("touched a model"))
    yield
    assert no_network == []


def test_a_plan_for_a_model_that_is_not_there(interp, nothing, tmp_path):
    found = interp("run", "af1", *ASK, "--json").json
    assert {name: entry["prompts"] for name, entry in found["sets"].items()} == {
        "reference": 4096,
        "selection": 500,
        "test": 1000,
    }
    assert found["batches"] >= 8 + 1 + 2 * 4
    assert found["prompts_through_the_model"] > 4096 + 500 + 1000
    memory = found["memory_bytes"]
    assert memory["weights"] == 2 * 8_030_261_248
    assert memory["total"] == memory["weights"] + memory["activations"] + memory["means"]
    assert found["spec"]["weights_sha256"] is None
    said = interp("run", "af1", *ASK).out
    for words in ("reference", "selection", "test", "16.06 GB", "prompts through 32 blocks", "batches", "on cuda"):
        assert words in said
    assert not (tmp_path / "store").exists()


def test_a_smaller_batch_needs_less_memory_and_more_batches(interp, nothing):
    large = interp("run", "af1", *ASK, "--json").json
    small = interp("run", "af1", *ASK, "--batch-size", 64, "--json").json
    assert small["batches"] > large["batches"]
    assert small["memory_bytes"]["activations"] < large["memory_bytes"]["activations"]
    assert small["prompts_through_the_model"] == large["prompts_through_the_model"]


@pytest.mark.parametrize("model", ["meta-llama/Llama-3.1-8B", "EleutherAI/pythia-6.9b", "EleutherAI/gpt-j-6b@main"])
@pytest.mark.parametrize("method", ["accuracy", "cama", "abp", "peeking", "window", "alternatives", "heads"])
def test_every_method_has_a_plan_for_every_known_model(interp, nothing, model, method):
    where = ["--set", "l_wait=9", "--set", "l_transfer=3"] if method == "window" else []
    found = interp("run", method, "--model", model, "--task", "a-b", *where, "--dry-run", "--json").json
    assert found["prompts_through_the_model"] > 0
    assert found["n_layers"] in (28, 32)


WRONG = {
    "unknown hub model": (["af1", "--model", "someone/else", "--task", "a+b"], "'someone/else' is not known without"),
    "misspelt hub model": (
        ["af1", "--model", "EleutherAI/gpt-j-6", "--task", "a+b"],
        "Did you mean EleutherAI/gpt-j-6b",
    ),
    "unknown task": (["af1", "--model", LLAMA, "--task", "a+d"], "unknown task 'a+d'"),
    "no task": (["af1", "--model", LLAMA], "needs a task"),
    "unknown style": (["af1", "--model", LLAMA, "--task", "a+b", "--style", "prose"], "no style 'prose'"),
    "window outside": (
        ["window", "--model", LLAMA, "--task", "a+b", "--set", "l_wait=31", "--set", "l_transfer=2"],
        "the window l_wait 31, l_transfer 2 is outside meta-llama/Meta-Llama-3-8B, which has 32 blocks",
    ),
    "answers of two tokens": (
        ["af1", "--model", "EleutherAI/pythia-6.9b", "--task", "a+b@0..300"],
        "needs integers up to 600 as single tokens, but EleutherAI/pythia-6.9b has 0..530",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_planned_is_one_line(interp, nothing, name):
    arguments, said = WRONG[name]
    assert said in interp("run", *arguments, "--dry-run").line


def test_a_window_may_end_with_the_model(interp, nothing):
    ask = ["window", "--model", LLAMA, "--task", "a+b", "--set", "l_wait=30", "--set", "l_transfer=2"]
    assert interp("run", *ask, "--dry-run").code == 0


def test_a_local_model_is_planned_too(interp, checkpoint, tmp_path):
    said = interp("run", "patching", "--model", checkpoint, "--task", "a+b", "--dry-run", "--json")
    assert said.json["prompts_through_the_model"] > 1000
    assert said.json["spec"]["parameters"]["n"] == 200
    assert not (tmp_path / "store").exists()
    assert "prompts through 2 blocks" in interp("run", "lens", "--model", checkpoint, "--task", "a+b", "--dry-run").out


def test_a_split_that_is_too_small_is_told_beforehand(interp, checkpoint):
    ask = ["run", "lens", "--model", checkpoint, "--task", "a+b@0..9", "--split", "all", "--n", 400, "--dry-run"]
    assert interp(*ask, "--json").json["sets"]["evaluated"] == {"prompts": 100, "asked": 400, "forwards": 1}
    assert "100 (all there are; 400 asked for)" in interp(*ask).out
