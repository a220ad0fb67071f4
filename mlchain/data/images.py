"""A folder of images, one folder for each class, as a data set: PNG and PGM, which every program decodes alike."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlchain.data.dataset import DataError, Dataset
from mlchain.data.splitting import is_for_testing, label_numbers
from mlchain.training.layers import InputKind, Inputs

SUFFIXES = (".png", ".pgm")
_MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}  # by how an image is kept, as what it is read


def read_folder(path: Path) -> Dataset:
    """Return the images of a folder, all of one size, grey or in colour, named by the folders that they are in.

    Where the folder has the two folders `train` and `test`, those hold the classes. Anything else raises `DataError`.
    """
    parts = sorted(entry.name for entry in path.iterdir() if entry.is_dir())
    roots = [path / "train", path / "test"] if parts == ["test", "train"] else [path]
    files = [file for root in roots for file in _files(root)]
    if not files:
        raise DataError(f"{path} has no folders with {' or '.join(SUFFIXES)} files in them")
    images = [read_image(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape:
            raise DataError(f"{file} has {_size(image)}, {files[0].name} {_size(images[0])}: all have to be alike")
    classes, labels = label_numbers(str(path), [file.parent.name for file in files])
    if len(roots) == 2:
        testing = np.array([file.is_relative_to(roots[1]) for file in files])
    else:
        testing = is_for_testing(str(path), labels)
    channels, height, width = images[0].shape
    inputs = Inputs(channels, height, width, InputKind.UNSIGNED, 255)
    samples = np.stack([image.ravel() for image in images])
    return Dataset(path.name, inputs, classes, samples[~testing], labels[~testing], samples[testing], labels[testing])


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return an image as (channels, height, width): one channel where it is grey, three where it has colours."""
    from PIL import Image, UnidentifiedImageError  # here: other data does without

    try:
        with Image.open(path, formats=("PNG", "PPM")) as image:
            if image.mode not in _MODES:
                raise DataError(f"{path} keeps its pixels as {image.mode}: 8 bits, grey or RGB, are wanted")
            pixels = np.asarray(image.convert(_MODES[image.mode]))
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as PNG or PGM: {error}") from None
    return np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1))


def _files(root: Path) -> list[Path]:
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir())
    return [file for folder in folders for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES]


def _size(image: NDArray[np.uint8]) -> str:
    channels, height, width = image.shape
    return f"{height} x {width} pixels in {'grey' if channels == 1 else 'colour'}"
