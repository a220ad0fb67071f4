"""A CSV file as a data set: every cell becomes bytes, by comparisons and integers alone.

A number becomes where it lies between the least and the greatest of its column among the rows for training:
`(510 (v - low) + (high - low)) div (2 (high - low))`, clipped to 0 .. 255. Decimals are read as integers in units of
the column's last decimal place, so no floating-point number is ever formed. A column of texts becomes a byte for each
text in it: 255 where the cell is that, 0 elsewhere. A sample's bytes stand for themselves minus 128.
"""

import csv
from collections.abc import Sequence
from decimal import Context, Decimal, InvalidOperation
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlchain.data.dataset import Column, DataError, Dataset
from mlchain.data.splitting import is_for_testing, label_numbers
from mlchain.data.utf8 import read_utf8
from mlchain.training.layers import InputKind, Inputs

MOST_CATEGORIES = 64  # of a column
MOST_PLACES = 30  # decimal ones, of a number
EXACT = Context(prec=4 * MOST_PLACES)  # digits: more than a number within these places and its scaling have
MISSING = {"", "?", "na", "n/a", "nan", "null", "none"}


def read_table(path: Path, label: str | None) -> Dataset:
    """Return the rows of a CSV file with a header, of which one column, the last unless named, is the label.

    Anything that has no clear meaning raises `DataError`, which names the row and the column.
    """
    return from_rows(path, *_read(path), label)


def from_rows(
    path: Path,
    header: list[str],
    rows: list[list[str]],
    label: str | None,
    testing: NDArray[np.bool_] | None = None,
) -> Dataset:
    """Return a table's rows as a data set, which bears the name of the file; see `read_table`.

    `testing` says which rows are for testing, if not those that `splitting` chooses.
    """
    at = _label_column(path, header, label)
    classes, labels = label_numbers(f"{path}, column {header[at]!r}", [row[at] for row in rows])
    testing = is_for_testing(str(path), labels) if testing is None else testing
    columns: list[Column] = []
    for place, name in enumerate(header):
        if place != at:
            columns += _columns(path, name, [row[place] for row in rows], ~testing)
    if not columns:
        raise DataError(f"{path} has no column that changes from row to row, apart from the label")
    cells = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    samples = encode(columns, cells)
    inputs = Inputs(samples.shape[1], 1, 1, InputKind.SIGNED, 255)
    parts = (samples[~testing], labels[~testing], samples[testing], labels[testing])
    return Dataset(path.stem, inputs, classes, *parts, columns=tuple(columns))


def header_of(path: Path, label: str | None) -> list[str]:
    """Return the columns of a CSV file but for the label."""
    header, _rows = _read(path)
    del header[_label_column(path, header, label)]
    return header


def read_rows(path: Path, columns: Sequence[Column]) -> NDArray[np.uint8]:
    """Return the samples of the rows of a CSV file that has these columns, in any order, and maybe others."""
    header, rows = _read(path)
    for column in columns:
        if column.name not in header:
            raise DataError(f"{path} has no column {column.name!r}, which the model learned from")
    used = {column.name for column in columns}
    cells = {name: [row[place] for row in rows] for place, name in enumerate(header) if name in used}
    for column in columns:
        for number, cell in enumerate(cells[column.name]):
            if column.category is None and _number(cell) is None:
                raise DataError(f"{path}, row {number + 2}, column {column.name!r}: {cell!r} is not a number")
    return encode(columns, cells)


def encode(columns: Sequence[Column], cells: dict[str, list[str]]) -> NDArray[np.uint8]:
    """Return what the columns say of rows of cells, a byte each."""
    count = len(next(iter(cells.values())))
    samples = np.empty((count, len(columns)), dtype=np.uint8)
    for place, column in enumerate(columns):
        texts = cells[column.name]
        if column.low is not None and column.high is not None:
            samples[:, place] = _scaled([Decimal(text) for text in texts], Decimal(column.low), Decimal(column.high))
        else:
            samples[:, place] = [255 * (text == column.category) for text in texts]
    return samples


def _scaled(values: list[Decimal], low: Decimal, high: Decimal) -> list[int]:
    places = max(0, *(-_exponent(value) for value in (*values, low, high)))
    least, most = int(low.scaleb(places, EXACT)), int(high.scaleb(places, EXACT))
    span = most - least
    found = ((510 * (int(value.scaleb(places, EXACT)) - least) + span) // (2 * span) for value in values)
    return [min(255, max(0, value)) for value in found]


def _columns(path: Path, name: str, texts: list[str], training: NDArray[np.bool_]) -> list[Column]:
    """Return what one column of the file becomes; nothing if it never changes among the rows for training."""
    numbers = [_number(text) for text in texts]
    if all(number is not None for number in numbers):
        seen = [
            number for number, is_trained in zip(numbers, training, strict=True) if number is not None and is_trained
        ]
        low, high = min(seen), max(seen)
        return [Column(name, _plain(low), _plain(high))] if low < high else []
    if 2 * numbers.count(None) < len(numbers):
        row = numbers.index(None)
        raise DataError(f"{path}, row {row + 2}, column {name!r}: {texts[row]!r} is not a number, and most cells are")
    categories = sorted({text for text, is_trained in zip(texts, training, strict=True) if is_trained})
    if len(categories) > MOST_CATEGORIES:
        raise DataError(
            f"{path}, column {name!r} has {len(categories)} different texts, at most {MOST_CATEGORIES} can be learned "
            f"from: leave the column out, or write numbers"
        )
    return [Column(name, category=category) for category in categories] if len(categories) > 1 else []


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    text = read_utf8(path, "utf-8-sig")
    try:
        first = text[: text.find("\n")] if "\n" in text else text
        comma = next((mark for mark in ",;\t" if mark in first), ",")
        lines = [line for line in csv.reader(text.splitlines(keepends=True), strict=True, delimiter=comma) if line]
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV file: {error}") from None
    if len(lines) < 2 or len(lines[0]) < 2:
        raise DataError(
            f"{path} has no rows below a header of two columns or more, with a comma, semicolon or tab between"
        )
    header, *rows = [[cell.strip() for cell in line] for line in lines]
    if len(set(header)) != len(header) or "" in header:
        raise DataError(f"{path} has a header with a column twice, or without a name: {', '.join(header)}")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataError(f"{path}, row {number} has {len(row)} cells, the header {len(header)}")
        for name, cell in zip(header, row, strict=True):
            if cell.lower() in MISSING:
                raise DataError(f"{path}, row {number}, column {name!r} has no value: leave the row out, or fill it in")
    return header, rows


def _label_column(path: Path, header: list[str], label: str | None) -> int:
    if label is None:
        return len(header) - 1
    if label not in header:
        raise DataError(f"{path} has no column {label!r}: its columns are {', '.join(header)}")
    return header.index(label)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > MOST_PLACES or _exponent(number) < -MOST_PLACES:
        return None
    return number


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _plain(number: Decimal) -> str:
    return format(number, "f")
