"""The digits that come with scikit-learn: 1,797 images of 8 x 8 pixels in 0 .. 16. Needs no download."""

import functools

import numpy as np

from mlchain.data.dataset import Dataset, numbered
from mlchain.training.layers import InputKind, Inputs
from mlchain.training.streams import derive_key, permutation

TEST_SAMPLES = 360  # one in five


@functools.cache
def load() -> Dataset:
    """Return the digits, split for good: the first 360 of a fixed permutation are for testing."""
    from sklearn.datasets import load_digits  # here: it takes a second, and most tasks do without

    bunch = load_digits()
    order = permutation(derive_key("digits"), "split", 0, len(bunch.target))
    images = bunch.data.astype(np.uint8)[order]
    labels = bunch.target.astype(np.int64)[order]
    train, test = slice(TEST_SAMPLES, None), slice(0, TEST_SAMPLES)
    inputs = Inputs(1, 8, 8, InputKind.UNSIGNED, 16)
    parts = (images[train], labels[train], images[test], labels[test])
    return Dataset("digits", inputs, numbered(10), *(part.copy() for part in parts))
