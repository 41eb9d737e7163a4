"""Rules of thumb by hand, and what a catalogue keeps."""

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks.heuristics import FREE, Families, Heuristic, catalogue


def grid(top: int = 99) -> dict[str, np.ndarray]:
    a, b = np.divmod(np.arange((top + 1) ** 2), top + 1)
    return {"a": a, "b": b, "result": a + b}


TABLE = {"a": np.array([3, 17, 25, 40]), "b": np.array([3, 12, 35, 45]), "result": np.array([6, 29, 60, 85])}
CASES = [
    (Heuristic("range", ("a",), (10, 30)), [0, 1, 1, 0], "a in 10..29"),
    (Heuristic("range", ("a", "b"), (10, 30)), [0, 1, 0, 0], "a, b in 10..29"),
    (Heuristic("modulo", ("b",), (5, 0)), [0, 0, 1, 1], "b mod 5 = 0"),
    (Heuristic("modulo", ("a", "b"), (5, 0)), [0, 0, 1, 1], "a, b mod 5 = 0"),
    (Heuristic("pattern", ("result",), (FREE, 6, FREE)), [0, 0, 1, 0], "result is ?6?"),
    (Heuristic("pattern", ("a",), (2, FREE)), [0, 0, 1, 0], "a is 2?"),
    (Heuristic("identical", ("a", "b")), [1, 0, 0, 0], "a = b"),
    (Heuristic("same_residue", ("a", "b"), (10,)), [1, 0, 1, 0], "a = b mod 10"),
    (Heuristic("one_of", ("result",), (29, 85)), [0, 1, 0, 1], "result is 29 or 85"),
]


@pytest.mark.parametrize(("heuristic", "holds", "words"), CASES, ids=[words for _, _, words in CASES])
def test_rules_by_hand(heuristic, holds, words):
    assert heuristic.satisfied(TABLE).tolist() == [bool(x) for x in holds]
    assert str(heuristic) == words
    assert heuristic.direct == (heuristic.of == ("result",))


def test_the_catalogue_counts_what_it_says():
    heuristics, holds = catalogue(("a", "b"), grid())
    named = {str(h): row for h, row in zip(heuristics, holds, strict=True)}
    assert holds.shape == (len(heuristics), 10_000)
    assert named["a mod 2 = 1"].sum() == 5000
    assert named["a = b"].sum() == 100
    assert named["result in 90..99"].sum() == sum(r + 1 for r in range(90, 100))
    assert named["a = b mod 10"].sum() == 1000
    assert "a in 0..99" not in named  # every prompt satisfies it
    assert "result is ??5" not in named  # a residue
    assert len(np.unique(holds, axis=0)) == len(holds)
    assert (holds.sum(axis=1) >= 10).all()
    assert ((~holds).sum(axis=1) >= 10).all()


def test_families_are_data():
    few = Families(operand_ranges=(), result_ranges=(), moduli=(7,), residues=(), result_sets=((1, 2),))
    names = {str(h) for h in catalogue(("a", "b"), grid(), few, fewest=2)[0]}
    assert {"a mod 7 = 3", "result is 1 or 2", "a = b"} <= names
    assert not any(" in " in name for name in names)


def test_bad_input():
    with pytest.raises(InterpError, match="unknown heuristic 'prime'"):
        Heuristic("prime", ("a",))
    with pytest.raises(InterpError, match="needs c"):
        Heuristic("range", ("c",), (0, 1)).satisfied(TABLE)
    with pytest.raises(InterpError, match="two operands"):
        catalogue(("a", "b", "c"), grid())
    with pytest.raises(InterpError, match="use more prompts"):
        catalogue(("a", "b"), TABLE)
