import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.training import exact

INT63 = st.integers(-(2**62) + 1, 2**62 - 1)


@st.composite
def products(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two matrices whose product just stays below 2**53."""
    rows, inner, columns = (draw(st.integers(1, 5)) for _ in range(3))
    left_max = 2 ** draw(st.integers(0, 50))
    right_max = max((2**53 - 1) // (left_max * inner), 0)
    left = draw(hnp.arrays(np.float64, (rows, inner), elements=st.integers(-left_max, left_max).map(float)))
    right = draw(hnp.arrays(np.float64, (inner, columns), elements=st.integers(-right_max, right_max).map(float)))
    return left, right


def python_product(left: np.ndarray, right: np.ndarray) -> list[list[int]]:
    rows = [[int(value) for value in row] for row in left]
    columns = [[int(value) for value in column] for column in right.T]
    return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in rows]


@given(products())
def test_a_product_equals_that_of_unbounded_integers(pair):
    assert exact.matmul(*pair).tolist() == python_product(*pair)


@pytest.mark.parametrize("left", [2.0**52, 2.0**53, 1e300])
def test_a_product_that_might_round_is_refused(left):
    with pytest.raises(exact.BoundExceeded) as caught:
        exact.matmul(np.array([[left, 1.0]]), np.array([[1.0], [-1.0]]))

    assert (caught.value.bound, caught.value.limit) == (2 * int(left), 2**53)


def test_the_bound_looks_at_the_least_value_too():
    with pytest.raises(exact.BoundExceeded):
        exact.matmul(np.array([[-(2.0**53)]]), np.array([[-1.0]]))


def test_without_the_bound_a_product_depends_on_the_order_of_its_terms(monkeypatch):
    row = np.array([[2.0**53, 1.0, 1.0, -(2.0**53)]])  # sums to 2; from the left float64 finds 0
    ones = np.ones((4, 1))
    with pytest.raises(exact.BoundExceeded):
        exact.matmul(row, ones)

    sums = {((2.0**53 + 1.0) + 1.0) - 2.0**53, (1.0 + 1.0) + (2.0**53 - 2.0**53)}
    monkeypatch.setattr(exact, "PRODUCT_LIMIT", 2**60)
    # One inner product each, so that no BLAS can rearrange it: the addition itself is what rounds.
    halves = [exact.matmul(row[:, :2], ones[:2])[0, 0], exact.matmul(row[:, 1:3], ones[1:3])[0, 0]]

    assert sums == {0.0, 2.0}
    assert halves == [2**53, 2]  # the first is wrong by 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_product_with_nan_or_infinity_is_refused(value):
    with pytest.raises(exact.NotAnInteger):
        exact.matmul(np.array([[value, 0.0]]), np.ones((2, 1)))


def test_a_product_with_a_fraction_is_refused():
    with pytest.raises(exact.NotAnInteger):
        exact.matmul(np.array([[0.5]]), np.ones((1, 1)))


def test_a_product_of_integer_arrays_is_refused_because_no_blas_multiplies_them():
    with pytest.raises(TypeError):
        exact.matmul(np.ones((1, 1), dtype=np.int64), np.ones((1, 1)))


@given(hnp.arrays(np.int64, 5, elements=st.integers(-(2**63), 2**63 - 1)))
def test_the_magnitude_of_integers_never_overflows(values):
    assert exact.magnitude(values) == max(abs(int(value)) for value in values)


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_becomes_the_same_float_or_an_error(value):
    array = np.array([value])
    if abs(value) < 2**53:
        assert int(exact.to_floats(array)[0]) == value
        assert exact.to_integers(exact.to_floats(array)).tolist() == [value]
    else:
        with pytest.raises(exact.BoundExceeded):
            exact.to_floats(array)


def test_the_magnitude_of_nothing_is_zero():
    assert exact.magnitude(np.zeros((0, 3))) == 0


def test_the_magnitude_of_a_fraction_is_rounded_up_so_that_no_bound_is_too_small():
    assert exact.magnitude(np.array([2.5, -1.0])) == 3
    assert exact.magnitude(np.array([1.0, -2.5])) == 3


def test_a_fraction_does_not_become_an_integer():
    with pytest.raises(exact.NotAnInteger):
        exact.to_integers(np.array([1.0, 2.5]))


@given(INT63, st.integers(0, 62))
def test_shifts_round_as_stated(value, bits):
    array = np.array([value])

    assert exact.shift_floor(array, bits).tolist() == [value // 2**bits]
    assert exact.shift_round(array, bits).tolist() == [(2 * value + 2**bits) // 2 ** (bits + 1)]


def test_a_half_goes_up_and_a_negative_half_too():
    values = np.array([-3, -2, -1, 0, 1, 2, 3])

    assert exact.shift_round(values, 1).tolist() == [-1, -1, 0, 0, 1, 1, 2]
    assert exact.shift_floor(values, 1).tolist() == [-2, -1, -1, 0, 0, 1, 1]
    assert exact.divide_round(values, 2).tolist() == [-1, -1, 0, 0, 1, 1, 2]


@pytest.mark.parametrize("value", [2**62, -(2**62), -(2**63)])
def test_a_shift_that_might_overflow_is_refused(value):
    with pytest.raises(exact.BoundExceeded):
        exact.shift_round(np.array([value]), 62)


@pytest.mark.parametrize("bits", [-1, 63, 64])
def test_a_shift_that_int64_does_not_define_is_refused(bits):
    for shift in (exact.shift_floor, exact.shift_round):
        with pytest.raises(ValueError, match=f"shift by {bits} bits"):
            shift(np.array([1]), bits)


@given(st.integers(-(2**61) + 1, 2**61 - 1), st.integers(1, 2**31 - 1))
def test_division_rounds_to_the_nearest_with_halves_up(value, divisor):
    found = exact.divide_round(np.array([value]), divisor).tolist()

    assert found == [(2 * value + divisor) // (2 * divisor)]


@pytest.mark.parametrize("value", [2**61, -(2**61), -(2**63)])
def test_a_division_that_might_overflow_is_refused(value):
    with pytest.raises(exact.BoundExceeded):
        exact.divide_round(np.array([value]), 3)


@pytest.mark.parametrize("divisor", [0, -1, 2**31])
def test_a_divisor_out_of_range_is_refused(divisor):
    with pytest.raises(ValueError, match="divisor"):
        exact.divide_round(np.array([1]), divisor)


@given(INT63, st.integers(-100, 0), st.integers(0, 100))
def test_saturation_keeps_what_is_inside_and_moves_the_rest_to_the_end(value, low, high):
    assert exact.saturate(np.array([value]), low, high).tolist() == [min(max(value, low), high)]
