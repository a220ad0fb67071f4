"""Exact integer arithmetic on numpy arrays, at BLAS speed.

A float64 holds every integer below 2**53. While `max|A| * max|B| * inner` stays below that, every partial sum
of `A @ B` is such an integer, and the product is exact in
whatever order a BLAS adds. All else is done in int64.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]  # integers, held in float64 so that BLAS multiplies them
Integers = NDArray[np.int64]

PRODUCT_LIMIT = 2**53  # float64 skips integers above this
SHIFT_LIMIT = 2**62  # leaves int64 the room for half of the greatest shift


class BoundExceeded(ArithmeticError):
    """A value that might not be exact: `operation` needed `bound` to stay below `limit`."""

    def __init__(self, operation: str, bound: int, limit: int) -> None:
        super().__init__(f"{operation}: the bound {bound} is not below {limit}")
        self.operation, self.bound, self.limit = operation, bound, limit


class NotAnInteger(ArithmeticError):
    """An array that should hold integers holds a fraction, an infinity or NaN."""


def magnitude(values: Floats | Integers) -> int:
    """Return max|values|, rounded up; 0 for an empty array. NaN and infinities raise `NotAnInteger`."""
    if values.size == 0:
        return 0
    low, high = values.min().item(), values.max().item()  # Python numbers: math.ceil rounds an np.int64
    if not (math.isfinite(low) and math.isfinite(high)):
        raise NotAnInteger(f"values from {low} to {high}")
    return max(math.ceil(high), -math.floor(low))


def require_below(operation: str, bound: int, limit: int) -> None:
    """Raise `BoundExceeded` unless bound < limit."""
    if bound >= limit:
        raise BoundExceeded(operation, bound, limit)


def product_bound(left: int, right: int, inner: int) -> int:
    """Return the greatest magnitude any partial sum of a matrix product can reach."""
    return left * right * inner


def matmul(left: Floats, right: Floats) -> Integers:
    """Multiply two matrices of integers exactly, (n, k) by (k, m).

    Raises `BoundExceeded` before multiplying when a partial sum could leave the integers of float64, and
    `NotAnInteger` when an operand's fraction, infinity or NaN shows.
    """
    if left.dtype != np.float64 or right.dtype != np.float64:
        raise TypeError(f"operands of {left.dtype} and {right.dtype}, float64 wanted")
    bound = product_bound(magnitude(left), magnitude(right), left.shape[1])
    require_below("matmul", bound, PRODUCT_LIMIT)
    return _converted(left @ right)


def to_integers(values: Floats) -> Integers:
    """Convert float64 to int64. Raises `BoundExceeded` from 2**53 on and `NotAnInteger` for fractions."""
    require_below("to_integers", magnitude(values), PRODUCT_LIMIT)
    return _converted(values)


def _converted(values: Floats) -> Integers:
    integers = values.astype(np.int64)  # below 2**53, as both callers have checked
    if not np.array_equal(integers, values):
        raise NotAnInteger("a value has a fraction")
    return integers


def to_floats(values: NDArray[np.integer]) -> Floats:
    """Convert integers to float64 for a product. Raises `BoundExceeded` when one has no exact float64."""
    require_below("to_floats", magnitude(values), PRODUCT_LIMIT)
    return values.astype(np.float64)


def shift_floor(values: Integers, bits: int) -> Integers:
    """Divide by 2**bits, 0 <= bits <= 62, rounding towards minus infinity."""
    _require_shift(bits)
    return values >> bits


def shift_round(values: Integers, bits: int) -> Integers:
    """Divide by 2**bits, 0 <= bits <= 62, to the nearest integer; a half goes up.

    Raises `BoundExceeded` for |value| >= 2**62.
    """
    _require_shift(bits)
    require_below("shift_round", magnitude(values), SHIFT_LIMIT)
    if bits == 0:
        return values.copy()
    return (values + (1 << (bits - 1))) >> bits  # below 2**62 + 2**61: no overflow


def divide_round(values: Integers, divisor: int) -> Integers:
    """Divide by a positive integer below 2**31, to the nearest integer; a half goes up.

    Raises `BoundExceeded` for |value| >= 2**61.
    """
    if not 0 < divisor < 2**31:
        raise ValueError(f"divisor {divisor} is not in 1 .. 2**31 - 1")
    require_below("divide_round", magnitude(values), SHIFT_LIMIT // 2)
    return (2 * values + divisor) // (2 * divisor)


def saturate(values: NDArray[np.generic], low: int, high: int) -> NDArray[np.generic]:
    """Replace what lies below `low` by `low` and above `high` by `high`; the type of the array stays."""
    return np.clip(values, low, high)


def _require_shift(bits: int) -> None:
    if not 0 <= bits <= 62:
        raise ValueError(f"shift by {bits} bits: 0 to 62 wanted")
