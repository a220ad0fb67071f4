import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mlchain.training.bounded import enclose

from mlchain.training import bounded
from mlchain.training.exact import BoundExceeded

ROOT = Path(__file__).parents[2]


def rows_of(matrix: bounded.Bounded) -> list[list[int]]:
    return matrix.to_integers().tolist()


def single(value: int) -> bounded.Bounded:
    return enclose(np.array([[value]]), abs(value))


@st.composite
def products(draw: st.DrawFn, room: int = 0) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Two matrices and their bounds, whose product just stays below 2**53 - room."""
    rows, inner, columns = (draw(st.integers(1, 5)) for _ in range(3))
    left_max = 2 ** draw(st.integers(0, 48))
    right_max = (2**53 - 1 - room) // (left_max * inner)
    left = draw(hnp.arrays(np.int64, (rows, inner), elements=st.integers(-left_max, left_max)))
    right = draw(hnp.arrays(np.int64, (inner, columns), elements=st.integers(-right_max, right_max)))
    return left, right, left_max, right_max


def python_product(left: np.ndarray, right: np.ndarray) -> list[list[int]]:
    columns = right.T.tolist()
    return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left.tolist()]


@given(products())
def test_a_product_equals_that_of_unbounded_integers(drawn):
    left, right, left_max, right_max = drawn
    found = enclose(left, left_max) @ enclose(right, right_max)

    assert rows_of(found) == python_product(left, right)
    assert np.abs(found.to_integers()).max() <= found.bound < 2**53


@given(st.integers(0, 53).flatmap(lambda bits: st.tuples(st.just(bits), products(room=1 << bits >> 1))))
def test_a_shifted_product_is_rounded_as_stated(drawn):
    bits, (left, right, left_max, right_max) = drawn
    found = enclose(left, left_max).multiply_and_shift(enclose(right, right_max), bits)

    exact = python_product(left, right)
    assert rows_of(found) == [[(2 * value + 2**bits) // 2 ** (bits + 1) for value in row] for row in exact]
    assert np.abs(found.to_integers()).max() <= found.bound


@given(st.integers(1 - 2**53, 2**53 - 1), st.integers(0, 62))
def test_a_floor_shift_rounds_towards_minus_infinity(value, bits):
    found = single(value).shift_floor(bits)

    assert rows_of(found) == [[value >> bits]]
    assert abs(value >> bits) <= found.bound


def test_a_half_goes_up_and_a_negative_half_too():
    values = enclose(np.array([[-3], [-2], [-1], [0], [1], [2], [3]]), 3)

    assert rows_of(values.multiply_and_shift(single(1), 1)) == [[-1], [-1], [0], [0], [1], [1], [2]]


def test_a_shift_by_nothing_adds_no_half():
    assert rows_of(single(2**53 - 1).multiply_and_shift(single(1), 0)) == [[2**53 - 1]]


@pytest.mark.parametrize("left", [2**52, 2**53 - 1])
def test_a_product_that_might_round_is_refused_whatever_the_numbers(left):
    zeros = enclose(np.zeros((1, 2), dtype=np.int64), left)
    with pytest.raises(BoundExceeded) as caught:
        zeros @ enclose(np.array([[1], [-1]]), 1)

    assert (caught.value.bound, caught.value.limit) == (2 * left, 2**53)


def test_a_rounding_shift_needs_room_for_the_half():
    greatest = single(2**53 - 1 - 2**9)
    greatest.multiply_and_shift(single(1), 10)

    with pytest.raises(BoundExceeded, match=f"the bound {2**53} is not below {2**53}"):
        single(2**53 - 2**9).multiply_and_shift(single(1), 10)


def test_without_the_bound_a_product_depends_on_the_order_of_its_terms(monkeypatch):
    row, ones = np.array([[2**53, 1, 1, -(2**53)]]), np.ones((4, 1), dtype=np.int64)  # sums to 2
    with pytest.raises(BoundExceeded):
        enclose(row, 2**53)

    monkeypatch.setattr(bounded, "PRODUCT_LIMIT", 2**60)
    # One inner product each, so that no BLAS can rearrange it: the addition itself is what rounds.
    halves = [rows_of(enclose(row[:, part], 2**53) @ enclose(ones[part], 1)) for part in (slice(2), slice(1, 3))]

    assert halves == [[[2**53]], [[2]]]  # the first is wrong by 1


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**53 - 1))
def test_an_integer_is_let_in_unchanged_or_refused(value, bound):
    if abs(value) <= bound:
        assert rows_of(enclose(np.array([[value]]), bound)) == [[value]]
    else:
        with pytest.raises(BoundExceeded):
            enclose(np.array([[value]]), bound)


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, 1.0])
def test_no_float_is_let_in_so_that_nan_and_fractions_are_not(value):
    for kind in (np.float32, np.float64):
        with pytest.raises(TypeError, match="integers wanted"):
            enclose(np.array([[value]], dtype=kind), 1)


def test_a_bound_that_float64_cannot_hold_is_refused():
    for bound, constant in ((2**53, None), (1, 2**53), (1, -(2**53))):
        with pytest.raises(BoundExceeded, match=f"enclose: the bound {2**53}"):
            enclose(np.array([[1]]), bound, constant)


def test_a_constant_is_the_last_column_and_counts_for_the_bound():
    matrix = enclose(np.array([[1, 2]], dtype=np.uint8), 2)

    for widened in (matrix.with_constant(-5), enclose(np.array([[1, 2]]), 2, constant=-5)):
        assert (rows_of(widened), widened.bound) == ([[1, 2, -5]], 5)


@given(hnp.arrays(np.int64, (3, 2), elements=st.integers(-100, 100)), st.integers(-100, 0), st.integers(0, 100))
def test_descending_subtracts_and_clips(values, low, high):
    matrix, step = enclose(values, 100), enclose(values[::-1], 100)

    matrix.descend(step, low, high)

    assert rows_of(matrix) == np.clip(values - values[::-1], low, high).tolist()
    assert matrix.bound == max(-low, high)
    assert rows_of(step) == values[::-1].tolist()


def test_a_step_that_might_leave_the_exact_integers_is_refused():
    matrix = single(2**52)

    with pytest.raises(BoundExceeded, match="descend"):
        matrix.descend(single(2**52), -1, 1)
    assert rows_of(matrix) == [[2**52]]


def test_rows_are_put_back_with_their_bound_into_this_matrix_only():
    matrix = enclose(np.array([[1], [2], [3]]), 3)
    twin, some = matrix.copy(), matrix.rows(np.array([0, 2]))

    matrix.put_rows(np.array([2, 0]), enclose(np.array([[9], [8]]), 9))

    assert (rows_of(matrix), matrix.bound) == ([[8], [2], [9]], 9)
    assert (rows_of(twin), rows_of(some)) == ([[1], [2], [3]], [[1], [3]])


def test_nobody_makes_a_bounded_matrix_by_hand():
    sources = [path for path in (ROOT / "mlchain" / "training").glob("*.py") if path.name != "bounded.py"]

    assert [path.name for path in sources if re.search(r"\bBounded\(|\._values\b", path.read_text())] == []
