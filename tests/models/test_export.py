"""A checkpoint's files in a directory of their own: whole, equal in what they compute, and silent about their name."""

from __future__ import annotations

import shutil

import pytest

from interp.errors import InterpError
from interp.models import zoo
from interp.models.export import export


def test_a_planted_model_leaves_without_its_name(tmp_path):
    name = "planted:wait=3,transfer=2"
    files = export(name, tmp_path / "riddle")
    assert sorted(path.name for path in (tmp_path / "riddle").iterdir()) == sorted(files)
    told = b"".join(path.read_bytes() for path in (tmp_path / "riddle").iterdir() if path.suffix != ".safetensors")
    assert not any(word in told for word in (b"wait", b"transfer", b"mix", b"planted", b"seed"))
    assert zoo.check_sums(tmp_path / "riddle") == 4
    assert zoo.weights_sha256(tmp_path / "riddle") == zoo.weights_sha256(zoo.resolve(name))
    assert [path.name for path in tmp_path.iterdir()] == ["riddle"]


@pytest.mark.parametrize("name", zoo.zoo_names())
def test_a_model_of_the_zoo_can_still_be_asked(name, tmp_path):
    export(name, tmp_path / "copy")
    assert zoo.check_sums(tmp_path / "copy") >= zoo.check_sums(zoo.resolve(name))
    assert zoo.weights_sha256(tmp_path / "copy") == zoo.weights_sha256(zoo.resolve(name))
    assert zoo.read_recipe(tmp_path / "copy") == zoo.read_recipe(zoo.resolve(name))


def test_a_checkpoint_that_vouches_for_nothing(checkpoint, tmp_path):
    (tmp_path / "deep" / "empty").mkdir(parents=True)
    files = export(str(checkpoint), tmp_path / "deep" / "empty")
    assert {"config.json", "model.safetensors", "tokenizer.json", "SHA256SUMS"} <= set(files)
    assert zoo.check_sums(tmp_path / "deep" / "empty") == len(files) - 1


def test_nothing_is_overwritten_and_nothing_is_left(checkpoint, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("precious")
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for target in ("full", "file", "link"):
        with pytest.raises(InterpError, match="export to a new one"):
            export(str(checkpoint), tmp_path / target)
    with pytest.raises(InterpError, match="cannot export to /proc/x"):
        export(str(checkpoint), "/proc/x")
    with pytest.raises(InterpError, match=r"cannot export to .*file/x"):
        export(str(checkpoint), tmp_path / "file" / "x")
    broken = shutil.copytree(zoo.resolve("modadd-59"), tmp_path / "broken")
    (broken / "recipe.json").write_text("{}")
    with pytest.raises(InterpError, match="altered or missing"):
        export(str(broken), tmp_path / "new")
    odd = shutil.copytree(checkpoint, tmp_path / "odd")
    (odd / "SHA256SUMS").write_text(f"{zoo.file_digest(tmp_path / 'file')}  ../file\n")
    with pytest.raises(InterpError, match=r"names \.\./file, which is not inside it"):
        export(str(odd), tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "file", "full", "link", "odd"]
