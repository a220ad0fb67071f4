"""A data set: labelled images for training and for testing, and the fingerprint that names them."""

import functools
import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlchain.errors import UserError


class DataError(UserError):
    """A data set that is missing, damaged, or not the one wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Images as rows of pixels in 0 .. pixel_max, labels in 0 .. classes - 1. Do not write to the arrays."""

    name: str
    pixel_max: int
    classes: int
    train_images: NDArray[np.uint8]  # (samples, pixels)
    train_labels: NDArray[np.int64]  # (samples,)
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]

    @property
    def pixels(self) -> int:
        """Return the pixels of one image."""
        return self.train_images.shape[1]


@functools.cache
def fingerprint(dataset: Dataset) -> bytes:
    """Return the SHA-256 of a data set's canonical bytes: its name plays no part.

    Little-endian uint32 pixels, pixel_max, classes, training samples, test samples; then a byte a value:
    training images, training labels, test images, test labels.
    """
    head = (
        dataset.pixels,
        dataset.pixel_max,
        dataset.classes,
        len(dataset.train_labels),
        len(dataset.test_labels),
    )
    digest = hashlib.sha256(b"".join(number.to_bytes(4, "little") for number in head))
    for array in (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels):
        digest.update(array.astype(np.uint8).tobytes())
    return digest.digest()


def check(dataset: Dataset) -> Dataset:
    """Return the data set with its arrays made read-only; a wrong shape or range raises `DataError`."""
    for images, labels in (
        (dataset.train_images, dataset.train_labels),
        (dataset.test_images, dataset.test_labels),
    ):
        if images.dtype != np.uint8 or images.shape != (len(labels), dataset.pixels):
            raise DataError(f"{dataset.name}: images {images.dtype} {images.shape} for {len(labels)} labels")
        if len(labels) == 0 or images.max() > dataset.pixel_max:
            raise DataError(f"{dataset.name}: no image, or a pixel above {dataset.pixel_max}")
        if labels.min() < 0 or labels.max() >= dataset.classes:
            raise DataError(f"{dataset.name}: a label outside 0 .. {dataset.classes - 1}")
        images.setflags(write=False)
        labels.setflags(write=False)
    return dataset
