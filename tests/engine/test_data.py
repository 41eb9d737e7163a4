"""Sites, sources, bases and interventions are data: printed, compared and hashed by their content."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from interp.engine import Basis, Constant, Hidden, Intervention, Lookup, Noise, Rows, Site, Zero, digest
from interp.engine.digests import digest_of
from interp.errors import InterpError

RESID = Site("resid_pre", 1)


def sources():
    return [
        Zero(),
        Hidden(),
        Constant(torch.zeros(4)),
        Constant(torch.zeros(2, 2)),
        Constant(torch.zeros(4, dtype=torch.bfloat16)),
        Noise(0.0, 1.0, 0),
        Noise(0.0, 1.0, 1),
        Noise(0.0, 2.0, 0),
        Rows(torch.zeros(3, 1, 4)),
        Rows(torch.zeros(3, 1, 4), order=np.array([0, 1, 2])),
        Rows(torch.zeros(3, 1, 4), order=np.array([0, 2, 1])),
        Rows(torch.zeros(3, 1, 4), roles=("a",)),
        Lookup({"a": torch.zeros(2, 4)}, {"a": np.array([0, 1, 0])}),
        Lookup({"a": torch.zeros(2, 4)}, {"a": np.array([0, 1, 1])}),
        Lookup({"a": torch.zeros(2, 4)}, {"a": np.array([0, 1, 0])}, {"a": np.array([2, 1])}),
        Lookup({"b": torch.zeros(2, 4)}, {"b": np.array([0, 1, 0])}),
    ]


def test_sources_are_equal_when_their_contents_are():
    assert sources() == sources()
    assert [source.digest for source in sources()] == [source.digest for source in sources()]
    assert len({source.digest for source in sources()}) == len(sources())
    assert len(set(sources() + sources())) == len(sources())


def test_the_note_of_rows_is_for_the_reader():
    assert Rows(torch.ones(1, 1), note="resample") == Rows(torch.ones(1, 1))


def test_digests_do_not_change_between_processes():
    """A golden value: a digest written into a run today must be found tomorrow."""
    write = Intervention(RESID, ("a", "b"), Constant(torch.arange(3.0)), alpha=0.5)
    assert write.digest == "3040e2a68b6a0fb279b8549f9daee5a262bac3b5f2c7b3d31078159877962fd1"


def test_every_part_of_an_intervention_counts():
    def write(site=RESID, where="a", source=None, basis=None, alpha=1.0):
        return Intervention(site, where, source or Zero(), basis, alpha)

    different = [
        write(),
        write(site=Site("resid_pre", 2)),
        write(site=Site("z", 1)),
        write(site=Site("z", 1, 0)),
        write(where=("a", "b")),
        write(where=("b", "a")),
        write(source=Constant(torch.zeros(1))),
        write(basis=Basis(torch.eye(3))),
        write(basis=Basis(torch.eye(3)[:, :2])),
        write(alpha=0.5),
    ]
    assert len({each.digest for each in different}) == len(different)
    assert len(set(different)) == len(different)
    assert write() == write()
    assert write() != RESID
    assert digest(different) != digest(different[::-1])
    assert digest(different) == digest(copy.copy(different))


def test_interventions_print_themselves():
    write = Intervention(Site("z", 3, 1), ("a", "last"), Constant(torch.zeros(8)), Basis(torch.eye(8)[:, :2]), 0.5)
    assert str(write) == "z.3.1 @ a last <- Constant((8,)) in Basis(d=8, rank=2) x 0.5"
    edge = Intervention(Site("attn", 2), [["eq", "a"]], Hidden())
    assert str(edge) == "attn.2 @ eq<-a <- Hidden()"
    assert repr(RESID) == "Site(name='resid_pre', layer=1, index=None)"
    assert len(repr(sources())) < 800


def test_data_is_frozen():
    for thing, name in [(RESID, "layer"), (Zero(), "digest"), (Constant(torch.zeros(1)), "value")]:
        with pytest.raises((AttributeError, TypeError)):
            setattr(thing, name, 0)
    value = torch.zeros(2)
    constant = Constant(value)
    value += 1
    assert not constant.value.any()


def test_places_are_normalised():
    assert Intervention(RESID, "a", Zero()).where == ("a",)
    assert Intervention(RESID, ["a", "b"], Zero()).where == ("a", "b")
    assert Intervention(Site("attn", 0), [["eq", "a"]], Hidden()).where == (("eq", "a"),)
    assert Site("z", np.int64(2), np.int32(1)) == Site("z", 2, 1)


@settings(deadline=None)
@given(arrays.arrays(np.float64, (7, 3), elements=st.floats(-1e3, 1e3)))
def test_a_basis_is_orthonormal_and_spans_its_columns(columns):
    scale = np.linalg.norm(columns, axis=0)
    if scale.min() < 1e-3 or np.linalg.svd(columns / scale, compute_uv=False).min() < 1e-3:
        return
    basis = Basis(columns)
    U = basis.U.double()
    assert (U.T @ U - torch.eye(3)).abs().max() < 1e-6
    assert (basis.project(torch.from_numpy(columns.T)) - torch.from_numpy(columns.T)).abs().max() < 1e-5 * scale.max()
    assert basis == Basis(columns)


def test_an_orthonormal_matrix_is_kept():
    Q = torch.linalg.qr(torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
    assert (Basis(Q).U.double() - Q).abs().max() < 1e-7
    assert torch.equal(Basis(torch.eye(5)).U, torch.eye(5))
    vector = Basis([3.0, 4.0])
    assert (vector.d, vector.rank) == (2, 1)
    assert torch.allclose(vector.U[:, 0], torch.tensor([0.6, 0.8]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (np.ones((4, 2)), "linearly dependent"),
        (np.zeros((4, 1)), "linearly dependent"),
        (np.eye(3)[:, [0, 1, 2, 0]], "1 <= rank <= d"),
        (np.ones((3, 0)), "1 <= rank <= d"),
        (np.array([[np.nan], [1]]), "must be finite"),
        (np.ones((2, 2, 2)), "1 <= rank <= d"),
    ],
)
def test_a_basis_that_is_none(columns, message):
    with pytest.raises(InterpError, match=message):
        Basis(columns)


def test_digests_take_plain_data_only():
    assert digest_of(1) != digest_of(1.0) != digest_of("1") != digest_of(None)
    assert digest_of(("a", "b")) != digest_of("ab")
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of(np.float64(0.5)) == digest_of(0.5)
    assert digest_of(torch.zeros(0)) != digest_of(torch.zeros(0, 1))
    strided = torch.arange(6).reshape(2, 3)
    assert digest_of(strided.T) == digest_of(strided.T.contiguous())
    with pytest.raises(TypeError, match="no content hash"):
        digest_of(object())
