"""What shows that an entry of a trace follows from others: leaves and their paths, in the order of the rules."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlchain.data.dataset import Dataset, leaves_of
from mlchain.protocol.content import show_piece
from mlchain.referee.layout import Kind, Tensor
from mlchain.referee.reading import Statement
from mlchain.referee.rules import Rules
from mlchain.referee.steps import Job
from mlchain.referee.trace import Trace
from mlchain.training.trees import merkle_root, path_in, tree_of

SLOTS = 4  # leaves at hand, of which slot 0 has the one whose entry is derived


@dataclass(frozen=True, slots=True)
class Shown:
    """A leaf of a tree, and what it is hashed with on the way to the root."""

    data: bytes
    path: tuple[bytes, ...]


class DataTree:
    """The trees over a data set's samples, of which its fingerprint has the roots."""

    def __init__(self, dataset: Dataset) -> None:
        """Hash all samples."""
        self._dataset, self._tree = dataset, tree_of(leaves_of(dataset.train_samples, dataset.train_labels))
        self._test_root = merkle_root(leaves_of(dataset.test_samples, dataset.test_labels))

    @property
    def roots(self) -> Shown:
        """Return the header, and the roots of both trees, which hash to the fingerprint."""
        return Shown(self._dataset.header(), (self._tree[-1][0], self._test_root))

    def sample(self, number: int) -> Shown:
        """Return a sample for training, with its label as one more byte."""
        data, only = self._dataset, slice(number, number + 1)
        (leaf,) = leaves_of(data.train_samples[only], data.train_labels[only])
        return Shown(leaf, tuple(path_in(self._tree, number)))


class TraceReader:
    """Shows the rules what they ask for, and keeps it."""

    def __init__(self, trace: Trace, job: Job, data: DataTree, result: bytes) -> None:
        """Take a trace, what it was made from, and the published result."""
        self._trace, self._job, self._data, self._result = trace, job, data, result
        self.begin(-1)

    def begin(self, position: int) -> None:
        """Forget what was shown; the leaf at this position is known."""
        self.shown: list[Shown] = []
        self._slots = [position] + [-1] * (SLOTS - 1)

    def run(self, slot: int, step: int, tensor: Tensor, row: int, column: int) -> Sequence[int]:
        """Return an entry and all that follow it in its row and in its leaf."""
        leaf = tensor.leaf_of(row, column)
        position = self._trace.layout.position(step, tensor, leaf)
        if self._slots[slot] != position:
            self._slots[slot] = position
            path = self._trace.path(self._trace.layout.depth, position)
            self.shown.append(Shown(self._trace.leaf(position), tuple(path)))
        first_row, first_column, _ = tensor.span(leaf)
        first = (row - first_row) * tensor.columns + column - first_column
        rest = tensor.columns - column if tensor.rows_per_leaf else tensor.entries_per_piece
        return entries_of(self._trace.leaf(position), tensor)[first : first + rest]

    def sample(self, place: int) -> tuple[bytes, int]:
        """Return the bytes and the label of the sample at a place of the job's order."""
        sample = self._data.sample(int(self._trace.steps.batches.order[place]))
        self.shown += [self._data.roots, sample]
        return sample.data[:-1], sample.data[-1]

    def model(self, at: int, *, of_parent: bool) -> int:
        """Return byte `at` and the next of the model, or of its parent, as an int16."""
        data = self._job.parent if of_parent else self._job.model
        assert data is not None
        self._show_piece(data, at)
        return int.from_bytes(data[at : at + 2], "little", signed=True)

    def published(self, at: int) -> int:
        """Return a byte of the published result."""
        self._show_piece(self._result, at)
        return self._result[at]

    def _show_piece(self, data: bytes, at: int) -> None:
        piece, path = show_piece(data, at)
        self.shown.append(Shown(piece, tuple(path)))

    def master_root(self, layer: int) -> bytes:
        """Return the root of a layer's final master weights."""
        layout = self._trace.layout
        tensor = layout.of(Kind.MASTER, layer)
        height = (tensor.leaves - 1).bit_length()
        index = layout.position(layout.last_step - 1, tensor, 0) >> height
        depth = layout.depth - height
        root = self._trace.node(depth, index)
        self.shown.append(Shown(root, tuple(self._trace.path(depth, index))))
        return root


def entries_of(leaf: bytes, tensor: Tensor) -> list[int]:
    """Return a leaf's entries."""
    sign = "i" if tensor.is_signed else "u"
    entries: list[int] = np.frombuffer(leaf, dtype=f">{sign}{tensor.width}").tolist()
    return entries


def derive(statement: Statement, reader: TraceReader, position: int, entry: int) -> tuple[int | None, list[Shown]]:
    """Return what an entry of a leaf has to be, and what shows it."""
    found = statement.layout.find(position)
    assert found is not None
    step, tensor, leaf = found
    row, column, _ = tensor.span(leaf)
    reader.begin(position)
    derived = Rules(statement, reader).derive(
        step, tensor, row + entry // tensor.columns, column + entry % tensor.columns
    )
    return derived, reader.shown
