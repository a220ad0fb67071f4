"""How the rules read other entries of a trace: leaf by leaf, in the order in which the contract asks for leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mlchain.referee.layout import Kind, Layout, Tensor
from mlchain.referee.scalars import shift_round
from mlchain.training.layers import Layer


@dataclass(frozen=True, slots=True)
class Statement:
    """All that a job's result follows from, but for the data set and the bytes of models; and the result's hash."""

    layout: Layout
    layers: tuple[Layer, ...]  # as they are for the version that is trained
    key: bytes  # of the job's random choices
    has_parent: bool  # whose weights give an estimate


class Reader(Protocol):
    """Who shows leaves. A slot keeps the leaf that was shown in it last."""

    def run(self, slot: int, step: int, tensor: Tensor, row: int, column: int) -> Sequence[int]:
        """Return an entry and all that follow it in its row and in its leaf."""

    def sample(self, place: int) -> tuple[bytes, int]:
        """Return the bytes and the label of the sample at a place of the job's order."""

    def model(self, at: int, *, of_parent: bool) -> int:
        """Return byte `at` and the next of the model, or of its parent, as an int16."""

    def published(self, at: int) -> int:
        """Return a byte of the published result."""

    def master_root(self, layer: int) -> bytes:
        """Return the root of a layer's final master weights."""


class Reading:
    """A job's trace, as the rules see it."""

    def __init__(self, statement: Statement, reader: Reader) -> None:
        """Take the job and who shows leaves of its trace."""
        self.said, self.reader = statement, reader
        self.layout, self.recipe = statement.layout, statement.layout.recipe
        self.stages = statement.layout.stages
        self.step = 0  # of the entry that is derived

    def entry(self, slot: int, step: int, kind: Kind, layer: int, row: int, column: int) -> int:
        return self.reader.run(slot, step, self.layout.of(kind, layer), row, column)[0]

    def weight(self, slot: int, step: int, layer: int, output: int, index: int) -> int:
        """Return a weight as products see it."""
        master = self.entry(slot, step, Kind.MASTER, layer, output, index)
        return shift_round(master, self.stages[layer].layer.quantum)

    def dot(
        self, a: tuple[Tensor, int, int], b: tuple[Tensor, int, int], steps: tuple[int, int], quantum: int, count: int
    ) -> int:
        """Return the sum of products of two runs of entries, shown in slots 1 and 2; those of a are rounded first."""
        total, at = 0, 0
        while at < count:
            first = self.reader.run(1, steps[0], a[0], a[1], a[2] + at)
            second = self.reader.run(2, steps[1], b[0], b[1], b[2] + at)
            length = min(count - at, len(first), len(second))
            total += sum(shift_round(x, quantum) * y for x, y in zip(first[:length], second[:length], strict=True))
            at += length
        return total

    def total(self, slot: int, step: int, tensor: Tensor, row: int, first: int, count: int) -> int:
        total, at = 0, 0
        while at < count:
            run = self.reader.run(slot, step, tensor, row, first + at)
            length = min(count - at, len(run))
            total += sum(run[:length])
            at += length
        return total

    def number(self, layer: int, output: int, index: int) -> int:
        """Return the number of a weight in a model."""
        return sum(stage.size for stage in self.stages[:layer]) + output * self.stages[layer].weights[1] + index
