"""Maps over operands: planted truths are found, shares are right by hand, shuffles explain what they should."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.methods.explained import explained, properties
from interp.methods.operand_probes import crossed
from interp.methods.operands import operands
from tests.methods.planted import build_copier, copy_prompts

A, B = (column.ravel() for column in np.indices((20, 20)))
TABLE = {"a": A, "b": B, "result": A + B, "result_carry0": (A % 10 + B % 10 >= 10).astype(int)}


def test_properties_are_distinct_and_vary():
    found = properties(TABLE, ("a", "b"))
    assert {"a", "b", "result", "a mod 5", "result mod 10", "result tens", "carry"} <= set(found)
    assert "a mod 100" not in found  # the same as a
    assert (found["b mod 5"] == B % 5).all()


def test_shares_by_hand_and_of_shuffles():
    rng = np.random.default_rng(0)
    maps = np.stack([A, A + B, B % 5 == 3, rng.normal(size=400), np.zeros(400)]).astype(float)
    groups = properties(TABLE, ("a", "b"))
    names, found = list(groups), explained(maps, groups, n_shuffles=200)
    at = names.index
    assert found.share[0, at("a")] == pytest.approx(1)
    assert found.share[1, at("a")] == pytest.approx(0.5)  # var a = var b
    assert found.share[2, at("b mod 5")] == pytest.approx(1)
    assert found.share[2, at("a")] == pytest.approx(0, abs=1e-12)
    assert found.share[3, at("a")] < found.null_high[3, at("a")] * 1.5
    assert np.isnan(found.share[4]).all()
    assert found.null[at("a")] == pytest.approx(19 / 399)
    means = [explained(rng.permutation(maps[1])[None], {"a": A}, n_shuffles=1).share[0, 0] for _ in range(200)]
    assert np.mean(means) == pytest.approx(19 / 399, rel=0.1)


def test_cells_without_a_value_are_left_out():
    maps = np.where(A < 3, np.nan, B % 2)[None].astype(float)
    found = explained(maps, {"b mod 2": B % 2, "a": A})
    assert found.share[0] == pytest.approx([1, 0])


def test_a_copier_is_explained_by_what_it_copies():
    a, b = (column.ravel() for column in np.indices((10, 10)))
    grid = copy_prompts(a, b)
    grid.variables["result"] = a
    found = operands(build_copier(), grid, direct=False)
    by = list(found["by"].to_numpy())
    assert found["behaviour"].sel(scalar="right").min() == 1
    assert found["behaviour"].sel(scalar="error").max() == 0
    assert found["behaviour"].sel(scalar="said").to_numpy()[4, 7] == 4
    assert np.allclose(found["attention"].sel(head="0.0", operand="a"), 1, atol=1e-3)
    assert found["explained_behaviour"].sel(scalar="said").to_numpy()[by.index("a")] == pytest.approx(1)
    assert "added" not in found
    assert found["activation"].shape == (4, 10, 10)
    assert found["text"].to_numpy()[4, 7] == grid.texts[47]


def test_a_probe_reads_what_is_copied_at_pairs_it_has_not_seen():
    a, b = (column.ravel() for column in np.indices((10, 10)))
    grid = copy_prompts(a, b)
    grid.variables["result"] = a
    found = operands(build_copier(), grid, direct=False)
    assert [str(name) for name in found["probe"].to_numpy()] == ["result@1", "result@2"]
    assert found["probe_r2"].min() > 0.999
    assert found["probe_r2_null_high"].max() < 0.2
    value, error = (found["probed"].sel(probe="result@2", reading=name).to_numpy() for name in ("value", "error"))
    assert np.allclose(value - error, np.indices((10, 10))[0], atol=1e-4)
    assert np.abs(error).max() < 0.1
    assert "probed" not in operands(build_copier(), grid, direct=False, probes=False)


def test_a_fold_is_read_by_a_fit_that_has_not_seen_it():
    """60 features of noise fit 90 rows of noise well where they were seen, and not at all where they were not."""
    rng = np.random.default_rng(0)
    rows, labels = torch.from_numpy(rng.normal(size=(90, 60))), rng.normal(size=(90, 3))
    read = crossed(rows, labels, rng.permutation(np.arange(90) % 3))
    assert np.abs([np.corrcoef(read[:, i], labels[:, i])[0, 1] for i in range(3)]).max() < 0.3
    line = crossed(rows, rows[:, :1].numpy(), np.arange(90) % 3)
    assert np.corrcoef(line[:, 0], rows[:, 0])[0, 1] > 0.95


def test_what_cannot_be_asked_is_refused():
    a, b = (column.ravel() for column in np.indices((10, 10)))
    grid = copy_prompts(a, b)
    with pytest.raises(InterpError, match="two operands of one token each and a result"):
        operands(build_copier(), grid)
    grid.variables["result"] = a
    with pytest.raises(InterpError, match="MLPs of layers"):
        operands(build_copier(), grid, layers=[7])
    with pytest.raises(InterpError, match="at least two values"):
        operands(build_copier(), grid[:10])
