"""Matrices of integers that carry a proven bound, so that a product need not measure its operands.

The numbers are held in float64, which BLAS multiplies and which holds every integer below 2**53. Only arrays of
integers are let in, and measured once; from then on every operation works out the bound of what it forms from the
bounds of its operands, and raises `BoundExceeded` instead of computing anything unless that stays below 2**53. So
every partial sum of a product is exact in whatever order a BLAS adds, and no fraction or NaN can ever appear.
(That covers every BLAS that forms sums of products; it would not cover Strassen's algorithm.)
"""

import numpy as np
from numpy.typing import NDArray

from mlchain.training.exact import PRODUCT_LIMIT, AnyIntegers, Integers, magnitude, product_bound, require_below

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Bounded:
    """A matrix of integers in -bound .. bound. Nobody makes one by hand: `enclose` does, and what is done with it."""

    __slots__ = ("_values", "bound")

    def __init__(self, values: Floats, bound: int) -> None:
        self._values, self.bound = values, bound

    @property
    def T(self) -> "Bounded":  # noqa: N802 (as numpy calls it)
        """Return the matrix with rows and columns exchanged."""
        return Bounded(self._values.T, self.bound)

    def __getitem__(self, part: slice) -> "Bounded":
        return Bounded(self._values[part], self.bound)

    def __matmul__(self, other: "Bounded") -> "Bounded":
        bound = product_bound(self.bound, other.bound, self._values.shape[1])
        require_below("matmul", bound, PRODUCT_LIMIT)
        return Bounded(self._values @ other._values, bound)

    def multiply_and_shift(self, other: "Bounded", bits: int) -> "Bounded":
        """Return the matrix product divided by 2**bits, to the nearest integer; a half goes up."""
        bound = product_bound(self.bound, other.bound, self._values.shape[1])
        require_below("multiply_and_shift", half_added(bound, bits), PRODUCT_LIMIT)
        # Scaling only changes exponents, and sums stay below 2**53 in units of 2**-bits, the half included. The
        # operand is scaled and not the product, because it is smaller.
        scaled = self._values @ (other._values * 2.0**-bits)
        scaled += 0.5 if bits else 0.0
        return Bounded(np.floor(scaled, out=scaled), shifted(bound, bits))

    def shift_floor(self, bits: int) -> "Bounded":
        """Divide by 2**bits, rounding towards minus infinity."""
        scaled = self._values * 2.0**-bits
        return Bounded(np.floor(scaled, out=scaled), shifted(self.bound, bits))

    def clip(self, low: int, high: int) -> "Bounded":
        """Replace what lies below `low` by `low` and above `high` by `high`; low <= 0 <= high."""
        return Bounded(np.clip(self._values, low, high), max(-low, high))

    def between(self, low: int, high: int) -> Mask:
        """Return where the numbers lie above `low` and below `high`."""
        return (self._values > low) & (self._values < high)

    def only(self, where: Mask) -> "Bounded":
        """Replace the numbers everywhere else by 0."""
        return Bounded(self._values * where, self.bound)

    def with_constant(self, constant: int) -> "Bounded":
        """Return the matrix with a constant as one more column."""
        return Bounded(_widened(self._values, constant), max(self.bound, abs(constant)))

    def rows(self, numbers: NDArray[np.intp]) -> "Bounded":
        """Return these rows."""
        return Bounded(self._values.take(numbers, axis=0), self.bound)

    def copy(self) -> "Bounded":
        """Return a matrix that may be changed without changing this one."""
        return Bounded(self._values.copy(), self.bound)

    def put_rows(self, numbers: NDArray[np.intp], values: "Bounded") -> None:
        """Replace these rows, in place."""
        self._values[numbers] = values._values
        self.bound = max(self.bound, values.bound)

    def descend(self, step: "Bounded", low: int, high: int) -> None:
        """Subtract a step, in place, and clip to low .. high; low <= 0 <= high."""
        require_below("descend", self.bound + step.bound, PRODUCT_LIMIT)
        values = np.subtract(self._values, step._values, out=self._values)
        if values.min() < low or values.max() > high:  # hardly ever; to look takes a quarter of the time
            np.clip(values, low, high, out=values)
        self.bound = max(-low, high)

    def to_integers(self) -> Integers:
        """Return the numbers as int64."""
        return self._values.astype(np.int64)


def enclose(values: AnyIntegers, bound: int, constant: int | None = None) -> Bounded:
    """Let integers in, (n, k), with a constant as one more column if there is one.

    Raises TypeError unless the array's type is an integer one, and `BoundExceeded` if one is greater than the bound.
    """
    if values.dtype.kind not in "iu":
        raise TypeError(f"an array of {values.dtype}, integers wanted")
    require_below("enclose", max(bound, abs(constant or 0)), PRODUCT_LIMIT)
    require_below("enclose", magnitude(values), bound + 1)
    if constant is None:
        return Bounded(values.astype(np.float64), bound)
    return Bounded(_widened(values, constant), max(bound, abs(constant)))


def half_added(bound: int, bits: int) -> int:
    """Return the greatest magnitude that a rounding shift, which adds half a unit, shifts down."""
    return bound + (1 << bits >> 1)


def shifted(bound: int, bits: int) -> int:
    """Return a bound on |values| after a shift by this many bits."""
    return -(-bound >> bits)


def _widened(values: NDArray[np.generic], constant: int) -> Floats:
    widened = np.empty((values.shape[0], values.shape[1] + 1))
    widened[:, :-1] = values
    widened[:, -1] = constant
    return widened
