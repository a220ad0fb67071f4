"""Which of a person's own samples are for testing: one in five of each class, always the same ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlchain.data.dataset import MOST_CLASSES, DataError
from mlchain.training.exact import Integers
from mlchain.training.streams import derive_key, permutation

ONE_IN = 5


def is_for_testing(name: str, labels: Integers) -> NDArray[np.bool_]:
    """Return which samples are for testing; a class of fewer than five only trains.

    The order of the samples of a class is a permutation that follows from their number.
    """
    chosen = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        order = permutation(derive_key("own data"), "split", int(label), len(rows))
        chosen[rows[order[: len(rows) // ONE_IN]]] = True
    if not chosen.any():
        raise DataError(f"{name} has no class of {ONE_IN} samples or more, so that none would be left for testing")
    return chosen


def label_numbers(name: str, labels: Sequence[str]) -> tuple[tuple[str, ...], Integers]:
    """Return the names of the classes, in order, numbers by their value, and the number of each label's class."""
    names = sorted(set(labels), key=lambda text: (not text.isdecimal(), int(text) if text.isdecimal() else 0, text))
    if not 2 <= len(names) <= MOST_CLASSES:
        raise DataError(f"{name} has {len(names)} classes, 2 to {MOST_CLASSES} can be learned")
    number = {text: place for place, text in enumerate(names)}
    return tuple(names), np.array([number[text] for text in labels], dtype=np.int64)
