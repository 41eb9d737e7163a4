"""Which models a name means, and what their directory vouches for."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from interp.errors import InterpError
from interp.models import resolve, zoo


@pytest.fixture
def directory(tmp_path) -> Path:
    """A directory with the files of a checkpoint; that they hold nonsense does not matter here."""
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_text("{}")
    return tmp_path


def vouch(directory: Path, *names: str) -> None:
    lines = [f"{hashlib.sha256((directory / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (directory / "SHA256SUMS").write_text("".join(lines))


def test_a_name_is_a_zoo_entry_then_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve("modadd-59") == zoo.zoo_directory() / "modadd-59"
    (tmp_path / "mine").mkdir()
    assert resolve("mine") == Path("mine")
    monkeypatch.setenv("ARITHMOSCOPE_ZOO", str(tmp_path))
    assert zoo.zoo_names() == []
    (tmp_path / "mine" / "config.json").write_text("{}")
    assert zoo.zoo_names() == ["mine"]
    monkeypatch.setenv("ARITHMOSCOPE_ZOO", "")
    assert "modadd-59" in zoo.zoo_names()


@pytest.mark.parametrize("name", ["modad-59", "", "./no/such", "/no/such", "no/such/place", "~/x"])
def test_an_unknown_name_never_reaches_for_the_network(name, monkeypatch):
    monkeypatch.setattr(zoo, "_fetch", lambda *_: pytest.fail("asked the hub"))
    with pytest.raises(InterpError, match="unknown model"):
        resolve(name)


def test_the_nearest_name_is_told():
    with pytest.raises(InterpError, match=r"Did you mean modadd-59\b"):
        resolve("modad-59")


def test_a_hub_name_has_a_revision_and_its_absence_is_one_line(monkeypatch):
    import huggingface_hub

    asked = []

    def absent(name: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((name, revision))
        raise OSError("no route\nto the hub")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", absent)
    for name in ("who/what", "who/what@v2"):
        with pytest.raises(InterpError) as caught:
            resolve(name)
        assert "the hub did not give it (no route)" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert asked == [("who/what", None), ("who/what", "v2")]


def test_hash_is_of_all_that_decides_the_answers_and_of_nothing_else(directory):
    first = zoo.weights_sha256(directory)
    for name in (zoo.STATE, "log.jsonl", "README.md", "generation_config.json"):
        (directory / name).write_text("anything")
    assert zoo.weights_sha256(directory) == first
    elsewhere = shutil.copytree(directory, directory.parent / "elsewhere")
    assert zoo.weights_sha256(elsewhere) == first
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (directory / name).write_text('{"x": 1}')
        assert zoo.weights_sha256(directory) != first
        (directory / name).write_text("[]")  # as long as before
        assert zoo.weights_sha256(directory) != first
        (directory / name).write_text("{}")
        assert zoo.weights_sha256(directory) == first
    (directory / "model-2.safetensors").write_text("{}")
    assert zoo.weights_sha256(directory) != first


def test_no_weights_is_one_line(directory):
    (directory / "model.safetensors").rename(directory / zoo.STATE)
    with pytest.raises(InterpError, match=r"holds no .safetensors weights"):
        zoo.weights_sha256(directory)


def test_sums_of_both_kinds_are_checked(directory):
    assert zoo.check_sums(directory) == 0
    vouch(directory, "tokenizer.json", "model.safetensors")
    assert zoo.check_sums(directory) == 2
    own = hashlib.sha256(b"{}").hexdigest()
    (directory / "config.json").write_text(json.dumps({"sha256": {"tokenizer_config.json": own}}))
    assert zoo.check_sums(directory) == 3
    for name in ("tokenizer.json", "model.safetensors", "tokenizer_config.json"):
        (directory / name).write_text("[]")
        with pytest.raises(InterpError, match=f"{name} is altered or missing: expected sha256 44136fa355b3"):
            zoo.check_sums(directory)
        (directory / name).write_text("{}")
    (directory / "tokenizer.json").unlink()
    with pytest.raises(InterpError, match=r"found no file; restore it"):
        zoo.check_sums(directory)


@pytest.mark.parametrize("text", ["nonsense\n", "abc  model.safetensors\n", "0" * 64 + "\n", "\n", b"\xff\xfe"])
def test_sums_that_are_none_are_one_line(directory, text):
    (directory / "SHA256SUMS").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InterpError, match="SHA256SUMS"):
        zoo.check_sums(directory)


def test_sums_that_disagree_are_one_line(directory):
    vouch(directory, "model.safetensors")
    (directory / "config.json").write_text(json.dumps({"sha256": {"model.safetensors": "0" * 64}}))
    with pytest.raises(InterpError, match=r"disagree on model.safetensors"):
        zoo.check_sums(directory)


@pytest.mark.parametrize("name", zoo.zoo_names())
def test_every_shipped_model_is_whole_and_small(name):
    directory = zoo.zoo_directory() / name
    assert zoo.check_sums(directory) > 0
    assert sum(path.stat().st_size for path in zoo.weight_files(directory)) < 8e6
    assert (directory / "README.md").is_file()
    assert zoo.read_recipe(directory)
