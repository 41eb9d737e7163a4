"""The split: a function of the operand multiset, near 80/10/10, apart across tasks, and pinned for good."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.errors import InterpError
from interp.tasks import BUILT_IN, SPLITS, get_task
from interp.tasks.splits import fraction, in_split

OPERANDS = st.lists(st.integers(0, 65535), min_size=1, max_size=5)

# number of rows, first rows, sha256 of all rows (int64, little endian): the shipped model was trained on these
GOLDEN = {
    ("a+b", "train"): (7942, [[0, 1], [0, 2], [0, 3], [0, 4]], "8dc999849e0dc2a3"),
    ("a+b", "selection"): (1010, [[0, 0], [0, 31], [0, 39], [0, 64]], "8467d548003a9e09"),
    ("a+b", "test"): (1048, [[0, 23], [0, 32], [0, 36], [0, 38]], "f6284dc9ca0a75d1"),
    ("a-b", "train"): (4013, [[1, 0], [1, 1], [2, 0], [2, 1]], "83d6849e8551d17d"),
    ("a-b", "selection"): (509, [[0, 0], [3, 2], [4, 3], [6, 4]], "5fa9736bbfefe4f0"),
    ("a-b", "test"): (528, [[8, 5], [8, 8], [9, 6], [11, 2]], "02efe5c6d54e36ea"),
    ("a+b+c", "train"): (100416, [[0, 0, 1], [0, 0, 2], [0, 0, 3], [0, 0, 4]], "7b6284c2c7bd2f19"),
    ("a+b+c", "selection"): (12327, [[0, 0, 0], [0, 0, 31], [0, 0, 39], [0, 1, 7]], "bba6ccbad7491255"),
    ("a+b+c", "test"): (12257, [[0, 0, 23], [0, 0, 32], [0, 0, 36], [0, 0, 38]], "0ef081c8970261f8"),
    ("a+b-c", "train"): (83704, [[0, 1, 0], [0, 1, 1], [0, 2, 0], [0, 2, 1]], "1219b5507029a0b3"),
    ("a+b-c", "selection"): (10262, [[0, 0, 0], [0, 3, 2], [0, 4, 3], [0, 6, 4]], "adf9fccae2670e0e"),
    ("a+b-c", "test"): (10209, [[0, 8, 5], [0, 8, 8], [0, 9, 6], [0, 11, 2]], "409daecf2793e7d4"),
    ("a-b+c", "train"): (51211, [[0, 0, 1], [0, 0, 2], [0, 0, 3], [0, 0, 4]], "c33a2c74270a568c"),
    ("a-b+c", "selection"): (6280, [[0, 0, 0], [0, 0, 31], [0, 0, 39], [1, 0, 7]], "fdf4536c45975e0e"),
    ("a-b+c", "test"): (6259, [[0, 0, 23], [0, 0, 32], [0, 0, 36], [0, 0, 38]], "16dd3d4905ec44de"),
    ("a-b-c", "train"): (17744, [[1, 0, 0], [1, 0, 1], [1, 1, 0], [2, 0, 0]], "45ef520c7fd1aec0"),
    ("a-b-c", "selection"): (2183, [[0, 0, 0], [3, 0, 2], [3, 1, 2], [3, 2, 0]], "a314a4e53f9c642a"),
    ("a-b-c", "test"): (2173, [[5, 1, 2], [5, 1, 4], [5, 2, 1], [5, 2, 2]], "26d8ab7a2401edee"),
}


def multisets(rows: np.ndarray) -> set[int]:
    """The non-zero operands of each row without their order, as one integer a row; no hash involved."""
    filled = np.pad(np.sort(rows, axis=1), ((0, 0), (3 - rows.shape[1], 0)))
    return set((np.sort(filled, axis=1) @ [1, 1000, 1_000_000]).tolist())


def by_hand(operands: list[int]) -> float:
    """The place of one operand tuple in [0, 1), in Python integers."""
    mask, key = (1 << 64) - 1, 0
    for i, operand in enumerate(sorted((n for n in operands if n), reverse=True)):
        key += operand << 16 * i
    z = (key + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return (z ^ (z >> 31)) / 2**64


@pytest.mark.parametrize(("name", "split"), GOLDEN, ids=" ".join)
def test_the_split_never_moves(name, split):
    rows = get_task(name).space(split)
    digest = hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes()).hexdigest()
    assert (len(rows), rows[:4].tolist(), digest[:16]) == GOLDEN[name, split]


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=4))
def test_the_place_is_splitmix64_of_the_packed_operands(operands):
    assert fraction(np.array([operands]))[0] == by_hand(operands)


@given(OPERANDS, st.integers(0, 3), st.randoms())
def test_order_and_zeros_are_forgotten(operands, zeros, random):
    other = operands + [0] * zeros
    random.shuffle(other)
    assert fraction(np.array([operands]))[0] == fraction(np.array([other]))[0]


@given(OPERANDS)
def test_every_tuple_is_in_exactly_one_split(operands):
    rows = np.array([operands])
    assert sum(bool(in_split(rows, split)[0]) for split in ("train", "selection", "test")) == 1
    assert in_split(rows, "all")[0]
    assert 0 <= fraction(rows)[0] <= 1


def test_the_empty_sum_and_the_largest_operands_have_a_place():
    rows = np.array([[0, 0, 0, 0, 0], [65535, 65535, 65535, 65535, 65535]])
    assert fraction(rows)[0] == by_hand([])
    assert fraction(rows)[1] == by_hand([65535] * 4)  # of more than four operands the four largest decide


def test_places_that_round_up_to_one_are_test():
    """u / 2^64 is 1.0 in float64 for the last few hundred u; their operands are found by running splitmix64 back."""
    rounded = [row for u in range(2**64 - 512, 2**64) if (row := operands_at(u))]
    assert len(rounded) > 3
    assert (fraction(np.array(rounded)) == 1).all()
    assert in_split(np.array(rounded), "test").all()
    assert in_split(np.array(rounded), "all").all()
    assert not in_split(np.array(rounded), "train").any()


def operands_at(u: int) -> list[int] | None:
    """The four operands whose place is u / 2^64, where there are such."""
    mask = (1 << 64) - 1
    for shift, factor in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, 1)):
        undone = u
        for _ in range(3):
            undone = u ^ (undone >> shift)
        u = undone * pow(factor, -1, 1 << 64) & mask
    key = (u - 0x9E3779B97F4A7C15) & mask
    row = [key >> 16 * i & 0xFFFF for i in range(4)]
    return row if row == sorted(row, reverse=True) else None


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.name)
def test_shares_and_cover(task):
    parts = {split: task.space(split) for split in SPLITS}
    whole = len(parts["all"])
    assert len(parts["train"]) + len(parts["selection"]) + len(parts["test"]) == whole
    keys = {split: multisets(rows) for split, rows in parts.items()}
    assert keys["train"] | keys["selection"] | keys["test"] == keys["all"]
    for split, share in (("train", 0.8), ("selection", 0.1), ("test", 0.1)):
        assert abs(len(parts[split]) / whole - share) < 0.01
        # multisets are what is drawn: five standard deviations of a binomial
        n = len(keys["all"])
        assert abs(len(keys[split]) / n - share) < 5 * (share * (1 - share) / n) ** 0.5


def test_nothing_held_out_in_one_task_is_trained_on_in_another():
    keys = {split: [multisets(task.space(split)) for task in BUILT_IN] for split in ("train", "selection", "test")}
    for one, other in (("train", "test"), ("train", "selection"), ("selection", "test")):
        assert set.union(*keys[one]).isdisjoint(set.union(*keys[other]))


def test_the_split_does_not_know_the_task_or_its_ranges():
    three, two = get_task("a+b+c").space("test"), get_task("a+b").space("test")
    with_zero = three[(three == 0).any(axis=1)]
    small = two[(two < 50).all(axis=1)]
    assert multisets(with_zero) == multisets(small)
    narrow = get_task("a+b").within(0, 49).space("test")
    assert np.array_equal(narrow, small)


def test_an_unknown_split_is_named_with_its_nearest():
    with pytest.raises(InterpError, match=r"unknown split 'tset'\. Did you mean test"):
        in_split(np.array([[1, 2]]), "tset")
    with pytest.raises(InterpError, match="unknown split 'validation'"):
        get_task("a+b").space("validation")
