"""Exact products of integers at BLAS speed: in float32 where a bound proves that, in float64 elsewhere.

float32 holds every integer below 2**24, float64 every one below 2**53. Where the sum of |a||b| stays below that, each
partial sum is an integer that is held exactly, in whatever order a BLAS adds. So the choice, which depends on the
data, changes how long a product takes and nothing else. (That covers every BLAS that forms sums of products of its
operands. It covers neither Strassen's or Winograd's algorithms nor operands rounded to bfloat16 or TF32:
`require_exact_blas` refuses those.)
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlchain.errors import UserError

Narrow = NDArray[np.float32]  # integers below 2**24
Floats = NDArray[np.floating[Any]]  # integers below 2**24 in float32, below 2**53 in float64

NORM_MARGIN = 1.02  # covers the rounding of norms, which are themselves sums in float32
FLOAT32_LIMIT = 2.0**24 / NORM_MARGIN
NORM_TERMS = 2**18  # of a float32 sum of squares: its relative error stays below 2**18 * 2**-24 = 1.6 %


def is_narrow(bound: float) -> bool:
    """Return whether float32 holds all sums whose terms' magnitudes add up to no more than this."""
    return bound < FLOAT32_LIMIT


def product(left: Narrow, right: Narrow, bound: float) -> Floats:
    """Return left @ right; no entry's sum of |a||b| exceeds `bound`, nor is 2**53 or more."""
    if is_narrow(bound):
        return left @ right
    return left.astype(np.float64) @ right.astype(np.float64)


def greatest_row(matrix: Narrow) -> float:
    """Return the greatest Euclidean norm of a row. |sum ab| <= |a||b| (Cauchy-Schwarz) makes bounds of norms."""
    kind = np.float32 if matrix.shape[1] <= NORM_TERMS else np.float64
    return math.sqrt(float(np.einsum("ij,ij->i", matrix, matrix, dtype=kind).max(initial=0)))


def greatest_column(matrix: Narrow) -> float:
    """Return the greatest Euclidean norm of a column."""
    kind = np.float32 if matrix.shape[0] <= NORM_TERMS else np.float64
    return math.sqrt(float(np.einsum("ij,ij->j", matrix, matrix, dtype=kind).max(initial=0)))


def is_exact(multiply: Callable[[Narrow, Narrow], Floats]) -> bool:
    """Return whether a float32 product of wide operands is exact, its sums in 2**23 .. 2**24 - 1."""
    size = 512  # large enough for algorithms that save multiplications
    # 15 bits, of which bfloat16 keeps 8 and TF32 11; modulo a prime, so that what is lost does not cancel out.
    values = 2**14 + np.arange(size * size // 2).reshape(size, -1) * 2654435761 % 16381
    ones = np.ones_like(values)
    left, right = np.hstack([values, ones]), np.vstack([ones.T, values[::-1].T])
    found = multiply(left.astype(np.float32), right.astype(np.float32))
    return np.array_equal(found, values.sum(axis=1)[:, np.newaxis] + values[::-1].sum(axis=1))


@functools.cache
def require_exact_blas() -> None:
    """Raise `UserError` where `is_exact` finds that numpy's own product is not."""
    if not is_exact(np.matmul):
        raise UserError("numpy's BLAS does not multiply float32 exactly here: use one without fast mathematics")
