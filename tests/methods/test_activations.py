"""Activations by role: what a run reads, in memory and in a file, whatever the batches."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file

from interp.answers.activation_files import export_activations
from interp.engine import Site, run
from interp.errors import Cancelled, InterpError
from interp.methods.activations import activations
from interp.store.tensor_file import TensorFile
from tests.families import D_HEAD, D_MLP, D_MODEL, N_HEADS, random_prompts

SITES = [
    Site("embed"), Site("resid_pre", 3), Site("resid_post", 0), Site("z", 1), Site("z", 1, 2), Site("k", 2),
    Site("mlp_post", 1), Site("mlp_post", 1, 5), Site("pattern", 2), Site("pattern", 2, 1),
]  # fmt: skip
ROLES = ["b", "last", "a"]


def test_values_are_those_of_a_run_at_the_roles(tiny):
    prompts = random_prompts(5)
    ds = activations(tiny.bridge, prompts, SITES, ROLES, batch_size=2)
    read = run(tiny.bridge, prompts, reads=SITES)
    places = [3, 5, 1]
    for site in SITES:
        whole = read[site].float()
        whole = whole.movedim(-2, 1) if site.name == "pattern" else whole
        assert np.array_equal(ds[str(site)].values, whole[:, places].cpu().numpy()), site
    assert ds["z.1"].dims == ("prompt", "role", "head", "d_head")
    assert ds["z.1"].shape == (5, 3, N_HEADS, D_HEAD)
    assert ds["z.1.2"].dims == ("prompt", "role", "d_head")
    assert ds["k.2"].shape == (5, 3, tiny.n_kv_heads, D_HEAD)
    assert ds["mlp_post.1"].shape == (5, 3, D_MLP)
    assert ds["mlp_post.1.5"].dims == ("prompt", "role")
    assert ds["embed"].shape == ds["resid_pre.3"].shape == (5, 3, D_MODEL)
    assert ds["pattern.2"].dims == ("prompt", "role", "head", "key")
    assert ds["pattern.2.1"].dims == ("prompt", "role", "key")
    assert ds.key.values.tolist() == list(prompts.roles)
    assert ds.role.values.tolist() == ROLES
    assert ds.variable_a.values.tolist() == prompts.variables["a"].tolist()


def test_a_file_holds_the_same_and_says_what_it_is(tiny, tmp_path):
    prompts, out = random_prompts(5), tmp_path / "acts.safetensors"
    told = export_activations(tiny.bridge, prompts, SITES, ROLES, out, batch_size=2)
    ds, arrays = activations(tiny.bridge, prompts, SITES, ROLES, batch_size=3), load_file(out)
    assert set(arrays) == {str(site) for site in SITES}
    for name, array in arrays.items():
        assert array.dtype == ds[name].dtype
        assert np.allclose(array, ds[name].values, atol=tiny.tolerance), name
    side = json.loads((tmp_path / "acts.json").read_text())
    assert side == json.loads(json.dumps(told))
    assert side["roles"] == ROLES
    assert side["positions"] == [3, 5, 1]
    assert side["tensors"]["z.1"] == {
        "axes": ["prompt", "role", "head", "d_head"], "shape": [5, 3, N_HEADS, D_HEAD], "dtype": "float32",
    }  # fmt: skip
    assert side["tokens"] == prompts.tokens.tolist()
    assert side["variables"] == {"a": prompts.variables["a"].tolist()}
    assert (side["n"], side["prompts"], side["answers"]) == (5, list(prompts.texts), list(prompts.answers))
    with safe_open(out, "numpy") as file:
        assert file.metadata()["roles"] == json.dumps(ROLES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["acts.json", "acts.safetensors"]


def test_bfloat16_is_widened_exactly():
    from tests.families import family

    model = family("llama", "cpu", torch.bfloat16).bridge
    ds = activations(model, random_prompts(3), [Site("resid_post", 1)])
    read = run(model, random_prompts(3), reads=[Site("resid_post", 1)])[Site("resid_post", 1)]
    assert ds["resid_post.1"].dtype == np.float32
    assert np.array_equal(ds["resid_post.1"].values, read.float().numpy())


def test_memory_holds_one_batch(llama, tmp_path):
    """What is handed on is never more than a batch, and the file is the sum of its parts."""
    import interp.answers.activation_files as module

    sizes = []

    class Watched(TensorFile):
        def put(self, name, rows, values):
            sizes.append(len(rows))
            super().put(name, rows, values)

    kept, module.TensorFile = module.TensorFile, Watched
    try:
        export_activations(llama, random_prompts(7), SITES[:3], None, tmp_path / "x.safetensors", batch_size=3)
    finally:
        module.TensorFile = kept
    assert sorted(set(sizes)) == [1, 3]
    assert sum(sizes) == 3 * 7


def test_an_interrupt_leaves_no_file(llama, tmp_path):
    def stop(done, total, message):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        export_activations(llama, random_prompts(4), SITES[:2], None, tmp_path / "x.safetensors", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_bad_input(llama, tmp_path, monkeypatch):
    prompts, site = random_prompts(3), [Site("resid_post", 1)]
    out = tmp_path / "x.safetensors"
    for sites, roles, path, said in (
        ([], None, out, "name at least one"),
        ([Site("resid_post", 5)], None, out, r"use 0\.\.2"),
        ([Site("attn", 1)], None, out, "read Site\\('pattern', 1\\)"),
        (site, ["c"], out, "unknown role 'c'"),
        (site, None, tmp_path / "x.npz", "a name like x.safetensors"),
        (site, None, tmp_path / "no" / "x.safetensors", "cannot be written"),
    ):
        with pytest.raises(InterpError, match=said):
            export_activations(llama, prompts, sites, roles, path)
    with pytest.raises(InterpError, match="no prompts"):
        activations(llama, prompts[:0], site)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 100})())
    with pytest.raises(InterpError, match="ask for fewer prompts"):
        export_activations(llama, prompts, site, None, out)
    assert list(tmp_path.iterdir()) == []


def test_a_tensor_file_of_every_kind(tmp_path):
    kinds = ("float64", "float32", "float16", "int64", "int32", "int8", "bool")
    arrays = {kind: (np.arange(6) % 2).reshape(3, 2).astype(kind) for kind in kinds}
    with TensorFile(
        tmp_path / "t.safetensors", {k: (a.shape, k) for k, a in arrays.items()} | {"none": ((0, 2), "int8")}
    ) as f:
        for kind, array in arrays.items():
            f.put(kind, np.array([2, 0]), array[[2, 0]])
            f.put(kind, slice(1, 2), array[1:2])
    found = load_file(tmp_path / "t.safetensors")
    assert all(
        np.array_equal(found[kind], array) and found[kind].dtype == array.dtype for kind, array in arrays.items()
    )
    assert found["none"].shape == (0, 2)
    with pytest.raises(InterpError, match="has dtype complex64"):
        TensorFile(tmp_path / "u.safetensors", {"x": ((1,), "complex64")})
