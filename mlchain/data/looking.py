"""What a data set is, in lines for the person whose data it is."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mlchain.data.dataset import Column, Dataset
from mlchain.data.text import CONTEXT
from mlchain.training.layers import InputKind

MOST_LINES = 12  # of classes, and of columns
SAMPLES = 3  # that are shown
WIDEST = 64  # pixels of a picture
SHADES = " .:-=+*#%@"


def describe(dataset: Dataset, header: list[str] | None = None) -> list[str]:
    """Return lines on a data set: kind, columns, classes and their shares, and a few samples.

    `header` has the columns of the file that it was read from: those that are in no sample are named.
    """
    train, test = len(dataset.train_labels), len(dataset.test_labels)
    lines = [f"{_kind(dataset)}: {train:,} to train on, {test:,} to test on"]
    lines += _columns(dataset.columns, header)
    lines += _classes(dataset)
    return lines + list(_samples(dataset))


def _kind(dataset: Dataset) -> str:
    inputs = dataset.inputs
    if dataset.columns:
        return f"rows of a table, {inputs.sample_size} bytes each"
    if inputs.kind is InputKind.TOKENS:
        return f"a text, {inputs.sample_size} characters before the one to be told"
    if inputs.height == inputs.width == 1:
        return f"samples of {inputs.channels} bytes"
    colours = {1: "grey", 3: "colour"}.get(inputs.channels, f"{inputs.channels} channels")
    return f"images of {inputs.height} x {inputs.width} pixels in {colours}"


def _columns(columns: tuple[Column, ...], header: list[str] | None) -> Iterator[str]:
    names = list(dict.fromkeys(column.name for column in columns))
    for name in names[:MOST_LINES]:
        of_name = [column for column in columns if column.name == name]
        categories = [shown(column.category) for column in of_name if column.category is not None]
        first = of_name[0]
        said = f"one of {_list(categories)}" if categories else f"a number from {first.low} to {first.high}"
        yield f"  column {shown(name)}: {said}"
    if len(names) > MOST_LINES:
        yield f"  and {len(names) - MOST_LINES} more columns"
    constant = [shown(name) for name in header or [] if name not in names]
    if constant:
        yield f"  left out, because it never changes: {_list(constant)}"


def _classes(dataset: Dataset) -> Iterator[str]:
    counts = np.bincount(dataset.train_labels, minlength=len(dataset.classes))
    order = np.argsort(-counts, kind="stable")
    yield f"{len(dataset.classes)} classes; always saying the most frequent one is right {_share(counts.max(), counts)}"
    for number in order[:MOST_LINES]:
        yield f"  {shown(dataset.classes[number])}: {counts[number]:,} to train on, {_share(counts[number], counts)}"
    if len(order) > MOST_LINES:
        yield f"  and {len(order) - MOST_LINES} more, the rarest with {counts.min():,}"
    never = [shown(dataset.classes[number]) for number in np.flatnonzero(counts == 0)]
    if never:
        yield f"  never trained, only tested: {_list(never)}"


def _samples(dataset: Dataset) -> Iterator[str]:
    inputs = dataset.inputs
    for sample, label in zip(dataset.train_samples[:SAMPLES], dataset.train_labels, strict=False):
        name = shown(dataset.classes[label])
        if inputs.kind is InputKind.TOKENS:
            text = "".join(dataset.classes[token] for token in sample)
            yield f"after {shown(text)} comes {name}"
        elif inputs.height == inputs.width == 1:
            values = " ".join(str(value) for value in sample[:CONTEXT])
            yield f"{name}: {values}{' …' if len(sample) > CONTEXT else ''}"
        else:
            yield f"{name}:"
            yield from _picture(sample.reshape(inputs.shape), inputs.greatest)


def _picture(pixels: NDArray[np.uint8], greatest: int) -> Iterator[str]:
    """Return an image in characters, two for a pixel, which are about square together."""
    every = -(-max(pixels.shape[1:]) // WIDEST)
    shades = pixels.astype(np.int64).mean(axis=0)[::every, ::every] * (len(SHADES) - 1) / greatest
    for row in shades.round().astype(int):
        yield "  " + "".join(2 * SHADES[shade] for shade in row).rstrip()


def _share(count: int, counts: NDArray[np.intp]) -> str:
    return f"{100 * count / counts.sum():.1f} %"


def _list(names: list[str]) -> str:
    return ", ".join(names[:MOST_LINES]) + (f" and {len(names) - MOST_LINES} more" if len(names) > MOST_LINES else "")


def shown(text: str | None) -> str:
    """Return a text from a file in a line of its own: what a terminal would obey is escaped."""
    plain = text or ""
    return plain if plain and plain.isprintable() and plain.strip() == plain else repr(plain)
