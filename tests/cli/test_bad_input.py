"""Whatever is wrong with a question: one line on stderr, exit code 2, no traceback, and no trace in the store."""

from __future__ import annotations

import errno
import json
import os
import shutil

import pytest

from interp.store import Store

MODEL = "MODEL"


def window(l_wait, l_transfer):
    """The --set options that name a window."""
    return ["--set", f"l_wait={l_wait}", "--set", f"l_transfer={l_transfer}"]


WRONG = {
    "unknown method": (["run", "acuracy"], "unknown method 'acuracy'. Did you mean accuracy?"),
    "unknown command": (["studdy"], "No such command 'studdy'"),
    "unknown option": (["run", "accuracy", "--tsk", "a+b"], "No such option: --tsk"),
    "no method": (["run"], "Missing argument"),
    "unknown model": (["run", "accuracy", "--model", "modad-59"], "unknown model 'modad-59'"),
    "no model": (["run", "accuracy", "--model", ""], "model = '' is not valid"),
    "unknown task": (["run", "accuracy", "--task", "a+d", "--model", MODEL], "unknown task 'a+d'. Did you mean a+b"),
    "no task": (["run", "accuracy", "--model", MODEL], "needs a task, e.g. --task a+b"),
    "unknown style": (
        ["run", "accuracy", "--task", "a+b", "--style", "verbose", "--model", MODEL],
        "no style 'verbose'. Did you mean verbal?",
    ),
    "unknown split": (
        ["run", "accuracy", "--task", "a+b", "--split", "tset", "--model", MODEL],
        "split = 'tset' is not valid",
    ),
    "unknown parameter": (
        ["run", "lens", "--task", "a+b", "--set", "nn=3", "--model", MODEL],
        "unknown parameter 'nn'",
    ),
    "parameter without value": (["run", "lens", "--set", "n", "--model", MODEL], "write --set NAME=VALUE"),
    "parameter of another kind": (
        ["run", "lens", "--task", "a+b", "--set", "n=many", "--model", MODEL],
        "n = 'many' is not valid",
    ),
    "n below one": (["run", "lens", "--task", "a+b", "--n", 0, "--model", MODEL], "n = 0 is not valid"),
    "method without a split": (["run", "af1", "--task", "a+b", "--split", "test", "--model", MODEL], "'split'"),
    "seed below zero": (["run", "lens", "--task", "a+b", "--seed", -1, "--model", MODEL], "seed = -1 is not valid"),
    "batch of none": (["run", "lens", "--task", "a+b", "--batch-size", 0, "--model", MODEL], "--batch-size"),
    "unknown dtype": (["run", "lens", "--task", "a+b", "--dtype", "float8", "--model", MODEL], "dtype = 'float8'"),
    "unknown device": (
        ["run", "lens", "--task", "a+b", "--device", "gpu", "--model", MODEL],
        "device 'gpu' cannot be used",
    ),
    "unknown target": (
        ["run", "probing", "--task", "a+b", "--set", 'targets=["carry"]', "--model", MODEL],
        "no variable 'carry'",
    ),
    "operand out of range": (
        ["run", "accuracy", "--task", "a+b@0..999", "--split", "all", "--model", MODEL],
        "needs integers up to 1998",
    ),
    "range that is none": (["run", "accuracy", "--task", "a+b@9", "--model", MODEL], "write e.g. a+b@0..49"),
    "unknown twin": (
        ["run", "patching", "--task", "a+b", "--set", "recipe=swap", "--model", MODEL],
        "recipe = 'swap' is not valid",
    ),
    "unknown place": (
        ["run", "patching", "--task", "a+b", "--set", "place=c", "--model", MODEL],
        "no operand 'c'",
    ),
    "method that is none": (["run", "qqq"], "unknown method 'qqq'. Choose one of: accuracy, patching,"),
    "one pair": (["run", "patching", "--task", "a+b", "--n", 1, "--model", MODEL], "n = 1 is not valid"),
    "twins with one answer": (
        ["run", "patching", "--task", "a+b", "--set", "recipe=keep_result", "--model", MODEL],
        "recipe = 'keep_result' is not valid",
    ),
    "unknown waiting variant": (
        ["run", "cama", "--task", "a+b", "--set", 'variants=["cma"]', "--model", MODEL],
        "variants.0 = 'cma' is not valid",
    ),
    "unknown peeking variant": (
        ["run", "abp", "--task", "a+b", "--set", 'variants=["bos"]', "--model", MODEL],
        "variants.0 = 'bos' is not valid",
    ),
    "unknown cut": (
        ["run", "peeking", "--task", "a+b", "--set", 'variants=["first"]', "--model", MODEL],
        "variants.0 = 'first' is not valid",
    ),
    "waiting variant that the task lacks": (
        ["run", "cama", "--task", "a+b", "--set", 'variants=["unfiltered"]', "--n", 5, "--model", MODEL],
        "the variant unfiltered needs a reference",
    ),
    "no window": (["run", "window", "--task", "a+b", "--model", MODEL], "window needs 'l_wait'"),
    "half a window": (
        ["run", "heads", "--task", "a+b", "--set", "l_wait=1", "--model", MODEL],
        "give both l_wait and l_transfer, or neither",
    ),
    "window below zero": (
        ["run", "window", "--task", "a+b", *window(-1, 1), "--model", MODEL],
        "l_wait = -1 is not valid",
    ),
    **{
        f"{method} outside the model": (
            ["run", method, "--task", "a+b", *window(1, 2), "--model", MODEL],
            "the window l_wait 1, l_transfer 2 is outside",
        )
        for method in ("window", "alternatives", "heads")
    },
    "abp outside the model": (
        ["run", "abp", "--task", "a+b", "--set", "l_wait=3", "--model", MODEL],
        "abp: the window l_wait 3 is outside",
    ),
    "heads without a transfer block": (
        ["run", "heads", "--task", "a+b", *window(1, 0), "--model", MODEL],
        "l_transfer = 0 is not valid",
    ),
    "operands whose answers are not one token": (
        ["run", "af1", "--task", "a+b@0..700", "--model", MODEL],
        "needs integers up to 1400 as single tokens",
    ),
    "study of a window": (["study", "--set", 'methods=["window"]', "--model", MODEL], "cannot contain"),
    "study as a run": (["run", "study", "--model", MODEL], "use `interp study`"),
    "train as a run": (["run", "train", "--model", MODEL], "use `interp train`"),
    "train as a job": (["jobs", "submit", "train", "--model", MODEL], "use `interp train`"),
    "job of an unknown task": (["jobs", "submit", "lens", "--task", "a+q", "--model", MODEL], "unknown task 'a+q'"),
    "study of an unknown task": (["study", "--set", 'tasks=["a+q"]', "--model", MODEL], "unknown task 'a+q'"),
    "study of an unknown style": (["study", "--set", 'styles=["plane"]', "--model", MODEL], "Did you mean plain?"),
    "study of an unknown cell": (["study", "--set", 'cells=["a*b"]', "--model", MODEL], "unknown task 'a*b'"),
    "study of an unknown method": (["study", "--set", 'methods=["lense"]', "--model", MODEL], "lense"),
    "toy model, foreign task": (["run", "lens", "--task", "a+b", "--model", "modadd-59"], "a toy model of 'modadd'"),
    "toy model, study": (["study", "--model", "modadd-59"], "study needs a language model"),
    "toy model, no selection": (["run", "lens", "--split", "selection", "--model", "modadd-59"], "no selection split"),
    "no such file": (["run", "accuracy", "--task", "gone.jsonl", "--model", MODEL], "gone.jsonl"),
    "no such task file": (["run", "accuracy", "--task", "gone.json", "--model", MODEL], "gone.json: no such file"),
    "no store": (["runs", "list"], "no store at"),
    "no store for jobs": (["jobs", "list"], "no store at"),
    "no store for the index": (["index", "rebuild"], "no store at"),
    "unknown recipe": (
        ["train", "mental-maths", "--out", "x"],
        "unknown recipe 'mental-maths'. Did you mean mental-math?",
    ),
    "no such bundle": (["runs", "import", "gone.zip"], "no bundle at gone.zip"),
    "export of an unknown task": (["tasks", "export", "--task", "b+a"], "unknown task 'b+a'"),
    "export of an unknown split": (["tasks", "export", "--task", "a+b", "--split", "tests"], "Did you mean test?"),
    "export to nowhere": (["tasks", "export", "--task", "a+b", "--jsonl", "no/such/place.jsonl"], "cannot be written"),
    "threads that are none": (["run", "lens", "--task", "a+b", "--model", MODEL], "ARITHMOSCOPE_THREADS is 'two'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_line_and_nothing_recorded(interp, checkpoint, tmp_path, monkeypatch, name):
    arguments, said = WRONG[name]
    if "threads" in name:
        monkeypatch.setenv("ARITHMOSCOPE_THREADS", "two")
    line = interp(*[checkpoint if word == MODEL else word for word in arguments]).line
    assert said in line
    assert not list(tmp_path.glob("store/runs/*"))
    assert {path.name for path in tmp_path.iterdir()} <= {"store"}


def broken(checkpoint, tmp_path, how):
    directory = shutil.copytree(checkpoint, tmp_path / "broken")
    how(directory)
    return directory


def sums(directory):
    (directory / "SHA256SUMS").write_text("0" * 64 + "  model.safetensors\n")


def cut(directory):
    (directory / "model.safetensors").write_bytes((directory / "model.safetensors").read_bytes()[:-50])


BROKEN = {
    "empty directory": (lambda d: [path.unlink() for path in d.iterdir()], "is no checkpoint"),
    "no config": (lambda d: (d / "config.json").unlink(), "is no checkpoint"),
    "no tokenizer": (lambda d: [path.unlink() for path in d.glob("token*")], "has no tokenizer"),
    "no weights": (lambda d: (d / "model.safetensors").unlink(), "holds no .safetensors weights"),
    "wrong hash": (sums, "model.safetensors is altered or missing: expected sha256 000000000000"),
    "truncated": (cut, "cannot be opened as a language model"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_checkpoint_is_one_line(interp, checkpoint, tmp_path, name):
    how, said = BROKEN[name]
    directory = broken(checkpoint, tmp_path, how)
    assert said in interp("run", "accuracy", "--task", "a+b", "--model", directory).line
    assert not list(tmp_path.glob("store/runs/*"))


def test_a_number_of_two_tokens_and_a_two_token_answer(interp, tmp_path):
    from interp.models.number_tokenizer import number_tokenizer
    from tests.checkpoint import random_llama

    tokenizer = number_tokenizer(highest=99)
    random_llama(len(tokenizer)).save_pretrained(tmp_path / "small")
    tokenizer.save_pretrained(tmp_path / "small")
    ask = ["run", "accuracy", "--model", tmp_path / "small", "--task"]
    assert "needs integers up to 198 as single tokens" in interp(*ask, "a+b").line
    assert "needs integers up to 198 as single tokens" in interp("study", "--model", tmp_path / "small").line
    row = {"prompt": "12+34=", "answer": "4 6", "roles": {"a": [0, 2], "b": [3, 5]}}
    (tmp_path / "own.jsonl").write_text(json.dumps(row) + "\n")
    assert "is 2 tokens" in interp(*ask, "own.jsonl").line
    (tmp_path / "own.jsonl").write_text("{nonsense\n")
    assert "own.jsonl" in interp(*ask, "own.jsonl").line


def test_prompts_without_an_operand_have_no_window(interp, checkpoint, tmp_path):
    rows = [{"prompt": f"{a}+7=", "answer": str(a + 7), "roles": {}} for a in range(10, 20)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ask = ["--model", checkpoint, "--task", "own.jsonl"]
    assert "own.jsonl names no operand among its places (bos w1 w2 w3 w4)" in interp("run", "peeking", *ask).line
    assert "needs reference prompts of another split" in interp("run", "alternatives", *ask).line
    own = {"name": "mine", "expression": "a+b", "ranges": {"a": [0, 9], "b": [0, 9]}}
    for wording, said in {"what now": "has no operand", "{a}+1=": "operand b is not in both"}.items():
        (tmp_path / "mine.json").write_text(json.dumps(own | {"templates": {"plain": wording}}))
        assert said in interp("run", "af1", "--model", checkpoint, "--task", "mine.json").line


def test_a_tokenizer_that_is_larger_than_its_model(interp, tmp_path):
    from interp.models.number_tokenizer import number_tokenizer
    from tests.checkpoint import random_llama

    random_llama(120).save_pretrained(tmp_path / "pair")
    number_tokenizer(highest=999).save_pretrained(tmp_path / "pair")
    line = interp("run", "accuracy", "--model", tmp_path / "pair", "--task", "a+b").line
    assert "the model has 0..119; they do not belong together" in line


@pytest.fixture
def earlier(interp, checkpoint):
    """The digest of a good run that must survive what follows."""
    return interp("run", "accuracy", "--model", checkpoint, "--task", "a+b", "--n", 5, "--json").json["run_id"]


def test_a_full_disk_is_one_line_and_the_earlier_run_is_intact(interp, checkpoint, tmp_path, monkeypatch, earlier):
    real = os.rename

    def full(source, target, *rest, **more):
        if "runs" in str(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(source, target, *rest, **more)

    monkeypatch.setattr(os, "rename", full)
    line = interp("run", "lens", "--model", checkpoint, "--task", "a+b", "--n", 5).line
    assert "No space left on device" in line
    monkeypatch.setattr(os, "rename", real)
    assert [path.name for path in (tmp_path / "store" / "runs").iterdir()] == [earlier]
    assert interp("runs", "verify").code == 0


@pytest.mark.skipif(not os.path.exists("/proc/version"), reason="needs /proc, where nobody may make a directory")
def test_a_store_that_is_not_writable_is_one_line(interp, checkpoint):
    ask = ["run", "lens", "--model", checkpoint, "--task", "a+b", "--n", 5]
    assert "/proc/store" in interp(*ask, "--store", "/proc/store").line


def test_a_store_that_is_a_file_is_one_line(interp, checkpoint, tmp_path):
    (tmp_path / "file").write_text("")
    ask = ["run", "lens", "--model", checkpoint, "--task", "a+b", "--n", 5]
    assert str(tmp_path / "file") in interp(*ask, "--store", tmp_path / "file").line


@pytest.mark.parametrize("change", ["missing", "flipped"])
def test_a_damaged_run_is_told_and_the_question_is_computed_again(interp, checkpoint, earlier, change):
    path = next(p for p in sorted(Store().open(earlier).path.rglob("*")) if p.is_file() and "predicted" in str(p))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.unlink() if change == "missing" else path.write_bytes(data)
    said = interp("runs", "verify", earlier, "--json")
    assert said.code == 1
    assert list(said.json["damaged"]) == [earlier]
    again = interp("run", "accuracy", "--model", checkpoint, "--task", "a+b", "--n", 5, "--json").json["run_id"]
    assert again != earlier
