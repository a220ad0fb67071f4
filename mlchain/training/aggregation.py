"""Federated averaging in integers."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mlchain.training.encoding import Matrices
from mlchain.training.exact import AnyIntegers, Integers, divide_round


def aggregate(model: Matrices, changes: Iterable[tuple[AnyIntegers, ...]]) -> Matrices:
    """Return the model plus the mean of the changes, a half rounded up, saturated to int16.

    Without changes the model stays as it is. Addition is exact, so the order of the changes does not matter;
    by convention it is that of the jobs. They are taken one at a time, since together they may be large.
    """
    # Below 2**23 each: no number of jobs overflows int64.
    totals, count = [np.zeros(matrix.shape, dtype=np.int64) for matrix in model], 0
    for change in changes:
        count += 1
        for total, of_layer in zip(totals, change, strict=True):
            total += of_layer
    if not count:
        return model
    return tuple(_moved(matrix, total, count) for matrix, total in zip(model, totals, strict=True))


def _moved(matrix: NDArray[np.int16], total: Integers, count: int) -> NDArray[np.int16]:
    return np.clip(matrix + divide_round(total, count), -32768, 32767).astype(np.int16)
