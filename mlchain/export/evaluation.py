"""How good a model is, and what it says of new samples."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlchain.data.dataset import Column, DataError, Dataset
from mlchain.data.images import SUFFIXES, read_image
from mlchain.data.looking import shown
from mlchain.data.tables import read_rows
from mlchain.errors import require
from mlchain.export.estimator import TOKENS, Classifier

LEAST_CHANCE = 2.0**-16  # what a probability of 0 counts as, as in training
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a model does on test samples: `loss` in bits a sample, `confusion[true, said]` counts them."""

    accuracy: float
    loss: float
    classes: tuple[str, ...]
    confusion: Counts


def evaluate(model: Classifier, dataset: Dataset) -> Evaluation:
    """Return how a model does on the test samples of its data set."""
    chances, labels = model.predict_proba(dataset.test_samples), dataset.test_labels
    said = model.logits(dataset.test_samples).argmax(axis=1)
    count = len(dataset.classes)
    confusion = np.bincount(labels * count + said, minlength=count**2).reshape(count, count)
    loss = -np.log2(np.maximum(chances[np.arange(len(labels)), labels], LEAST_CHANCE)).mean()
    return Evaluation(float((said == labels).mean()), float(loss), dataset.classes, confusion)


def read_samples(path: Path, model: Classifier) -> tuple[list[str], NDArray[np.uint8]]:
    """Return what a model can be asked about in a file or a folder, and what each is called.

    Rows of a CSV file, images, or the characters at the end of a text; what does not fit raises `DataError`.
    """
    require(path.exists(), f"{path} does not exist")
    inputs, columns = model.header["inputs"], tuple(Column(**column) for column in model.header["columns"])
    if columns:
        require(path.suffix.lower() == ".csv", f"the model is of a table: a .csv file is wanted, and {path} is none")
        rows = read_rows(path, columns)
        return [f"row {number}" for number in range(2, len(rows) + 2)], rows
    if inputs["kind"] == TOKENS:
        try:
            return [f"after {path.name}"], model.encode([path.read_text("utf-8").rstrip("\n")])
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be gone on with: {error}") from None
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    shape = (inputs["channels"], inputs["height"], inputs["width"])
    images = [read_image(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != shape or image.max() > inputs["greatest"]:
            raise DataError(
                f"{file} has the shape {image.shape} and bytes up to {image.max()}: the model learned from {shape}, "
                f"up to {inputs['greatest']}"
            )
    require(bool(images), f"{path} holds no {' or '.join(SUFFIXES)} files")
    return [file.name for file in files], np.stack(images).reshape(len(images), -1)


def predictions(path: Path, model: Classifier) -> list[str]:
    """Return a line for each sample of a file or a folder: its class and how likely that is."""
    names, samples = read_samples(path, model)
    chances = model.predict_proba(samples).max(axis=1)
    said = model.predict(samples)
    return [
        f"{name}: {shown(str(label))} ({100 * chance:.1f} %)"
        for name, label, chance in zip(names, said, chances, strict=True)
    ]
