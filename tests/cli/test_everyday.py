"""Generation and exported activations from the command line, and what is wrong with a question in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from interp.tasks.own_text import question_of

GENERATE = ["generate", "MODEL", "12+34="]
EXPORT = ["activations", "export", "MODEL", "a+b", "--site", "resid_post"]


@pytest.fixture
def ask(interp, checkpoint):
    """Return a function that runs `interp` with MODEL standing for the checkpoint."""
    return lambda *words: interp(*(checkpoint if word == "MODEL" else word for word in words))


def test_plain_and_edited(ask):
    plain = ask(*GENERATE, "--tokens", 3, "--json").json
    assert plain["roles"] == ["bos", "a", "op1", "b", "eq"]
    assert "edited" not in plain
    assert len(plain["plain"]["tokens"]) == 3
    edited = ask(*GENERATE, "--tokens", 3, "--ablate", "mlp_out.0@a,b", "--ablate", "z.1.2@last", "--json").json
    assert edited["plain"] == plain["plain"]
    assert len(edited["edits"]) == 2
    assert edited["edited"]["logprobs"] != plain["plain"]["logprobs"]
    said = ask(*GENERATE, "--tokens", 3, "--ablate", "mlp_out.0@a")
    assert said.code == 0
    assert "edited" in said.out
    assert "roles: bos a op1 b eq; mlp_out.0 @ a <- Zero()" in said.err


def test_a_patched_operand_gives_the_other_prompts_continuation(ask):
    other = ask("generate", "MODEL", "12+31=", "--tokens", 3, "--json").json
    patched = ask(*GENERATE, "--tokens", 3, "--patch", "resid_pre.0@b", "--from", "12+31=", "--json").json
    assert patched["edited"]["tokens"] == other["plain"]["tokens"]
    assert patched["plain"]["tokens"] != other["plain"]["tokens"]


def test_variants_of_last_and_samples(ask):
    edit = ["--tokens", 4, "--ablate", "mlp_out.1@last", "--json"]
    once, every = (ask(*GENERATE, *edit, "--last", last).json["edited"] for last in ("prompt", "generated"))
    assert once["logprobs"][0] == every["logprobs"][0]
    assert once["logprobs"] != every["logprobs"]
    hot = [ask(*GENERATE, "--tokens", 4, "--temperature", 2.0, "--seed", seed, "--json").json for seed in (0, 0, 1)]
    assert hot[0] == hot[1]
    assert hot[0]["plain"] != hot[2]["plain"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--ablate", "mlp_out.0"], "is no place; write SITE.LAYER"),
        (["--ablate", "mlp_ou.0@a"], "Did you mean mlp_out"),
        (["--ablate", "mlp_out.7@a"], "use 0..1"),
        (["--ablate", "mlp_out.0@c"], "unknown role 'c'"),
        (["--patch", "mlp_out.0@a"], "--patch and --from belong together"),
        (["--from", "1+2="], "--patch and --from belong together"),
        (["--patch", "mlp_out.0@a", "--from", "1+2+3="], "not aligned"),
        (["--ablate", "mlp_out.0@last", "--last", "ever"], "unknown variant 'ever'"),
        (["--tokens", 100], "generate at most"),
        (["--temperature", 0], "use a number above 0"),
    ],
)
def test_what_is_wrong_with_a_generation(ask, more, said):
    assert said in ask(*GENERATE, *more).line


def test_prompts_that_cannot_be_read(ask, interp):
    assert "the prompt is empty" in ask("generate", "MODEL", " ").line
    assert "does not know" in ask("generate", "MODEL", "12 apples").line
    assert "without a tokenizer" in interp("generate", "modadd-59", "1+2=").line


def test_an_export_is_read_in_two_lines(ask, tmp_path):
    said = ask(*EXPORT, "--layers", "0,1", "--roles", "a,last", "--n", 20, "--out", "acts.safetensors", "--json").json
    h = load_file(tmp_path / "acts.safetensors")["resid_post.1"]
    assert h.shape == (20, 2, 32)
    assert said["tensors"]["resid_post.1"]["shape"] == [20, 2, 32]
    side = json.loads((tmp_path / "acts.json").read_text())
    assert len(side["variables"]["result"]) == len(side["prompts"]) == 20
    assert np.array_equal(side["positions"], [1, 4])
    assert len(side["weights_sha256"]) == 64


def test_an_export_of_pieces_and_of_all_layers(ask, tmp_path):
    said = ask(*EXPORT[:4], "--site", "z", "--site", "embed", "--pieces", "--n", 5, "--out", "acts.safetensors")
    assert said.code == 0, said.err
    assert sorted(load_file(tmp_path / "acts.safetensors")) == ["embed", "z.0", "z.1"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--layers", "0,9"], "use 0..1"),
        (["--layers", "one"], "'one' is no layer"),
        (["--roles", "a,c"], "unknown role 'c'"),
        (["--site", "resid_pot"], "Did you mean resid_post"),
        (["--out", "acts.npz"], "a name like acts.safetensors"),
        (["--out", "no/acts.safetensors"], "cannot be written"),
        (["--split", "tset"], "tset"),
    ],
)
def test_what_is_wrong_with_an_export(ask, tmp_path, more, said):
    assert said in ask(*EXPORT, "--out", "acts.safetensors", *more).line
    assert not list(tmp_path.glob("*acts*"))


def test_roles_of_a_typed_question():
    spans = question_of("12 + 34-5 = ").spans
    assert spans == {"a": (0, 2), "b": (5, 7), "c": (8, 9), "op1": (3, 4), "op2": (7, 8), "eq": (10, 11)}
    assert question_of("What is 3 plus 4?").spans == {"a": (8, 9), "b": (15, 16)}
    assert list(question_of(" ".join("123456789")).spans) == list("abcdefgh")
