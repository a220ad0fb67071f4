"""An `.npz` file of arrays as a data set: bytes as they are, labels of any kind."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlchain.data.dataset import DataError, Dataset
from mlchain.data.splitting import is_for_testing, label_numbers
from mlchain.training.layers import InputKind, Inputs

# The names that others write, those of Keras among them.
_WHOLE = (("x", "y"), ("samples", "labels"), ("images", "labels"))
_SPLIT = (("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels", "test_images", "test_labels"))


def read_arrays(path: Path) -> Dataset:
    """Return the arrays of an `.npz` file: `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`.

    Samples are uint8 of shape (n, features), (n, height, width) or (n, height, width, channels), labels (n,) integers
    or texts. Nothing is unpickled. Anything else raises `DataError`.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{path} is not an .npz file of plain arrays: {error}") from None
    for split in _SPLIT:
        if set(split) <= arrays.keys():
            train, train_labels, test, test_labels = (arrays[name] for name in split)
            return _dataset(path, [train, test], [train_labels, test_labels])
    for samples, labels in _WHOLE:
        if {samples, labels} <= arrays.keys():
            return _dataset(path, [arrays[samples]], [arrays[labels]])
    raise DataError(
        f"{path} has the arrays {', '.join(arrays) or 'none'}: x and y, or x_train, y_train, x_test, y_test are wanted"
    )


def _dataset(path: Path, samples: list[NDArray[np.generic]], labels: list[NDArray[np.generic]]) -> Dataset:
    for array, of_labels in zip(samples, labels, strict=True):
        if array.dtype != np.uint8 or not 2 <= array.ndim <= 4 or array.shape[1:] != samples[0].shape[1:]:
            raise DataError(f"{path} has samples {array.dtype} {array.shape}: uint8 and 2 to 4 dimensions are wanted")
        if of_labels.shape != array.shape[:1] or of_labels.dtype.kind not in "iuSU":
            raise DataError(f"{path} has labels {of_labels.dtype} {of_labels.shape} for samples {array.shape}")
    texts = [str(label) for label in np.concatenate([np.asarray(part).astype(str) for part in labels])]
    classes, numbers = label_numbers(str(path), texts)
    flat = np.concatenate([_planes(array) for array in samples])
    is_split = len(samples) == 2
    testing = np.arange(len(flat)) >= len(samples[0]) if is_split else is_for_testing(str(path), numbers)
    inputs = Inputs(*_shape(samples[0].shape[1:]), InputKind.UNSIGNED, 255)
    return Dataset(path.stem, inputs, classes, flat[~testing], numbers[~testing], flat[testing], numbers[testing])


def _shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) == 1:
        return shape[0], 1, 1
    return (shape[2] if len(shape) == 3 else 1), shape[0], shape[1]


def _planes(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    channels_first = array.transpose(0, 3, 1, 2) if array.ndim == 4 else array
    return np.ascontiguousarray(channels_first, dtype=np.uint8).reshape(len(array), -1)
