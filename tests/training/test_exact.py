from fractions import Fraction
from math import floor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlchain.training.exact import divide_round, shift_round

HALF = Fraction(1, 2)


@given(st.integers(-(2**62) + 1, 2**62 - 1), st.integers(0, 62))
def test_a_shift_rounds_to_the_nearest_with_halves_up(value, bits):
    assert shift_round(np.array([value]), bits).tolist() == [floor(Fraction(value, 2**bits) + HALF)]


@given(st.integers(-(2**61) + 1, 2**61 - 1), st.integers(1, 2**31 - 1))
def test_division_rounds_to_the_nearest_with_halves_up(value, divisor):
    assert divide_round(np.array([value]), divisor).tolist() == [floor(Fraction(value, divisor) + HALF)]


def test_a_half_goes_up_and_a_negative_half_too():
    values = np.array([-3, -2, -1, 0, 1, 2, 3])

    assert shift_round(values, 1).tolist() == [-1, -1, 0, 0, 1, 1, 2]
    assert divide_round(values, 2).tolist() == [-1, -1, 0, 0, 1, 1, 2]
