"""Arrays of integers, and how training rounds them: to the nearest, a half goes up."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
AnyIntegers = NDArray[np.signedinteger[Any]]  # of any width

EXACT_LIMIT = 2**53  # float64, which holds what is multiplied, skips integers above this


def shift_round(values: Integers, bits: int) -> Integers:
    """Return values, |value| < 2**62, divided by 2**bits, 0 <= bits <= 62, and rounded."""
    return (values + (1 << bits >> 1)) >> bits


def divide_round(values: Integers, divisor: int) -> Integers:
    """Return values, |value| < 2**61, divided by an integer, 0 < divisor < 2**31, and rounded."""
    return (2 * values + divisor) // (2 * divisor)
