"""A data set: labelled samples for training and for testing, the bytes that it is kept as, and its fingerprint."""

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlchain.errors import UserError
from mlchain.training.exact import Integers
from mlchain.training.layers import InputKind, Inputs
from mlchain.training.trees import merkle_root

MOST_CLASSES = 256  # a label is a byte
_MAGIC = b"MLDATA1\n"
_LENGTH = 4  # bytes of the header's length
_DEEPEST = 4  # an object with a list of objects that hold lists
_TOKENS = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)  # not whole texts: to look for the end of each takes quadratic time
_DECIMAL = re.compile(r"-?[0-9]{1,31}(\.[0-9]{1,30})?")  # as `tables` writes them


class DataError(UserError):
    """A data set that is missing, damaged, or not the one wanted."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a byte of a table's sample says: where a number lies between two others, or whether a cell is a text."""

    name: str
    low: str | None = None  # decimal: the byte is 0 here and below
    high: str | None = None  # decimal: it is 255 here and above
    category: str | None = None  # it is 255 where the cell is this, and 0 elsewhere

    def __post_init__(self) -> None:
        ends = [end for end in (self.low, self.high) if end is not None]
        if len(ends) != (2 if self.category is None else 0):
            raise ValueError(f"a column {self.name!r} that is neither a number's nor a text's")
        if not all(map(_DECIMAL.fullmatch, ends)) or (ends and Decimal(ends[0]) >= Decimal(ends[1])):
            raise ValueError(f"a column {self.name!r} from {ends[0]!r} to {ends[1]!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Samples as rows of bytes, labels in 0 .. classes - 1. Do not write to the arrays."""

    name: str  # for people; it plays no part in the fingerprint
    inputs: Inputs
    classes: tuple[str, ...]
    train_samples: NDArray[np.uint8]  # (samples, bytes)
    train_labels: Integers  # (samples,)
    test_samples: NDArray[np.uint8]
    test_labels: Integers
    columns: tuple[Column, ...] = ()  # of a table

    def __post_init__(self) -> None:
        if not 2 <= len(self.classes) <= MOST_CLASSES:
            raise DataError(f"{self.name} has {len(self.classes)} classes, 2 to {MOST_CLASSES} can be learned")
        if len(set(self.classes)) < len(self.classes):
            raise DataError(f"{self.name} has two classes of one name")
        if self.columns and len(self.columns) != self.inputs.sample_size:
            raise DataError(f"{self.name} has {len(self.columns)} columns for {self.inputs.sample_size} bytes")
        for samples, labels in self.parts():
            if samples.dtype != np.uint8 or samples.shape != (len(labels), self.inputs.sample_size):
                raise DataError(f"{self.name}: samples {samples.dtype} {samples.shape} for {len(labels)} labels")
            if len(labels) == 0 or samples.max() > self.inputs.greatest:
                raise DataError(f"{self.name}: no sample, or a byte above {self.inputs.greatest}")
            if labels.min() < 0 or labels.max() >= len(self.classes):
                raise DataError(f"{self.name}: a label outside 0 .. {len(self.classes) - 1}")
            samples.setflags(write=False)
            labels.setflags(write=False)

    def parts(self) -> Iterator[tuple[NDArray[np.uint8], Integers]]:
        """Yield samples and labels, those for training first."""
        yield self.train_samples, self.train_labels
        yield self.test_samples, self.test_labels

    def header(self) -> bytes:
        """Return the canonical JSON of all but samples and labels."""
        inputs = asdict(self.inputs) | {"kind": int(self.inputs.kind)}
        columns = [{k: v for k, v in asdict(column).items() if v is not None} for column in self.columns]
        counts = {"train": len(self.train_labels), "test": len(self.test_labels)}
        fields = inputs | counts | {"classes": self.classes, "columns": columns}
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")

    def to_bytes(self) -> bytes:
        """Return the canonical file: magic, length of the header as uint32 (little-endian), header, samples, labels."""
        header = self.header()
        body = b"".join(s.tobytes() + t.astype(np.uint8).tobytes() for s, t in self.parts())
        return _MAGIC + len(header).to_bytes(_LENGTH, "little") + header + body

    @classmethod
    def from_bytes(cls, name: str, data: bytes) -> "Dataset":
        """Read a canonical file; anything that `to_bytes` does not write raises `DataError`, which names the file."""
        start = len(_MAGIC) + _LENGTH
        end = start + int.from_bytes(data[len(_MAGIC) : start], "little")
        if not data.startswith(_MAGIC) or end > len(data):
            raise DataError(f"{name} is not a data set written by `ape run data`")
        try:
            read = cls._from_header(name, shallow_json(data[start:end]), np.frombuffer(data, np.uint8, offset=end))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:  # whatever a header can say
            raise DataError(f"{name} is damaged: {error}") from None
        if read.header() != data[start:end]:
            raise DataError(f"{name} is damaged: its header is not as `ape run data` writes it")
        return read

    @classmethod
    def _from_header(cls, name: str, fields: Mapping[str, Any], body: NDArray[np.uint8]) -> "Dataset":
        sizes = {part: fields[part] for part in ("channels", "height", "width", "greatest")}
        inputs = Inputs(kind=InputKind(fields["kind"]), **sizes)
        arrays, at = [], 0
        for count in (int(fields["train"]), int(fields["test"])):
            for width in (inputs.sample_size, 1):
                arrays.append(body[at : at + count * width].reshape(count, width))
                at += count * width
        if at != len(body):
            raise ValueError(f"{len(body)} bytes of samples and labels, {at} wanted")
        train, train_labels, test, test_labels = arrays
        labels = (array.ravel().astype(np.int64) for array in (train_labels, test_labels))
        classes = tuple(map(str, fields["classes"]))
        columns = tuple(Column(**{key: str(said) for key, said in column.items()}) for column in fields["columns"])
        return cls(name, inputs, classes, train, next(labels), test, next(labels), columns)


def shallow_json(text: bytes) -> Any:
    """Return what JSON says that nests no deeper than a file's header does; raises ValueError for any other text.

    Python's own reader follows brackets as deep as a stranger writes them, beyond the end of the stack.
    """
    depth, is_quoted = 0, False
    for token in _TOKENS.findall(text):
        is_quoted ^= token == b'"'
        depth += 0 if is_quoted else (token in b"[{") - (token in b"]}")
        if depth > _DEEPEST:
            raise ValueError("its header is nested too deeply")
    return json.loads(text)


@functools.cache
def fingerprint(dataset: Dataset) -> bytes:
    """Return `SHA-256(SHA-256(header) ‖ root of the training samples ‖ root of the test samples)`.

    A sample's leaf is its bytes and its label as one more.
    """
    roots = [merkle_root(leaves_of(*part)) for part in dataset.parts()]
    return hashlib.sha256(hashlib.sha256(dataset.header()).digest() + b"".join(roots)).digest()


def leaves_of(samples: NDArray[np.uint8], labels: Integers) -> Iterator[bytes]:
    for sample, label in zip(samples, labels.tolist(), strict=True):
        yield sample.tobytes() + bytes([label])


def numbered(count: int) -> tuple[str, ...]:
    """Return the names of classes that have only numbers."""
    return tuple(str(number) for number in range(count))
