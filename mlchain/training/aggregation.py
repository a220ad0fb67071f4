"""Federated averaging in integers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlchain.training.encoding import Matrices
from mlchain.training.exact import AnyIntegers, Integers, divide_round


def aggregate(model: Matrices, changes: Sequence[tuple[AnyIntegers, ...]]) -> Matrices:
    """Return the model plus the mean of the changes, a half rounded up, saturated to int16.

    Without changes the model stays as it is. Addition is exact, so the order of the changes does not matter;
    by convention it is that of the jobs.
    """
    if not changes:
        return model
    return tuple(_moved(matrix, of_layer) for matrix, *of_layer in zip(model, *changes, strict=True))


def _moved(matrix: NDArray[np.int16], changes: Sequence[AnyIntegers]) -> NDArray[np.int16]:
    total: Integers = np.sum(changes, axis=0, dtype=np.int64)  # below 2**23 each: no number of jobs overflows int64
    mean = divide_round(total, len(changes))
    return np.clip(matrix + mean, -32768, 32767).astype(np.int16)
