"""Exact arithmetic on arrays of int64: shifts, division and saturation, and what a bound is. Products: `bounded`."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
AnyIntegers = NDArray[np.integer[Any]]  # of any width
Number = TypeVar("Number", bound=np.generic)

PRODUCT_LIMIT = 2**53  # float64, which holds what is multiplied, skips integers above this
SHIFT_LIMIT = 2**62  # leaves int64 the room for half of the greatest shift


class BoundExceeded(ArithmeticError):
    """A value that might not be exact: `operation` needed `bound` to stay below `limit`."""

    def __init__(self, operation: str, bound: int, limit: int) -> None:
        super().__init__(f"{operation}: the bound {bound} is not below {limit}")
        self.operation, self.bound, self.limit = operation, bound, limit


def magnitude(values: AnyIntegers) -> int:
    """Return max|values|; 0 for an empty array."""
    if values.size == 0:
        return 0
    return max(int(values.max()), -int(values.min()))  # Python numbers: no -2**63 overflows


def require_below(operation: str, bound: int, limit: int) -> None:
    """Raise `BoundExceeded` unless bound < limit."""
    if bound >= limit:
        raise BoundExceeded(operation, bound, limit)


def product_bound(left: int, right: int, inner: int) -> int:
    """Return the greatest magnitude any partial sum of a matrix product can reach."""
    return left * right * inner


def half_added(bound: int, bits: int) -> int:
    """Return the greatest magnitude that a rounding shift, which adds half a unit, shifts down."""
    return bound + (1 << bits >> 1)


def shifted(bound: int, bits: int) -> int:
    """Return a bound on |values| after a shift by this many bits."""
    return -(-bound >> bits)


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


def saturate(values: NDArray[Number], low: int, high: int) -> NDArray[Number]:
    """Replace what lies below `low` by `low` and above `high` by `high`; the type of the array stays."""
    return np.clip(values, low, high)


def _require_shift(bits: int) -> None:
    if not 0 <= bits <= 62:
        raise ValueError(f"shift by {bits} bits: 0 to 62 wanted")
