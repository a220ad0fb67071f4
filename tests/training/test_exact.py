import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.training import exact

INT63 = st.integers(-(2**62) + 1, 2**62 - 1)


@given(hnp.arrays(np.int64, 5, elements=st.integers(-(2**63), 2**63 - 1)))
def test_the_magnitude_of_integers_never_overflows(values):
    assert exact.magnitude(values) == max(abs(int(value)) for value in values)


def test_the_magnitude_of_nothing_is_zero():
    assert exact.magnitude(np.zeros((0, 3))) == 0


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
