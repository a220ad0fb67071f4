"""Where every number of a training lies in the tree of its trace, twin of `contracts/referee/TraceLayout.sol`.

A step's tensors lie one after the other, each at a multiple of its own size rounded up to a power of two, in an order
in which each follows from those before it, in this step and the last one. Step 0 has what a job starts with, steps
1 .. `local_steps` train, and one more has the result. docs/referee.md has the table.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from mlchain.training.layers import MOST_LAYERS, Stage
from mlchain.training.recipe import WIDE, Recipe
from mlchain.training.trees import LEAF_SIZE as MASTER_LEAF_SIZE

LEAF_SIZE = 1024  # bytes of a leaf at most, except for master weights
BLOCK = 512  # positions whose products one sum of a gradient adds to the sum before it
SHIFTS = 16  # that a scale is chosen from
LONGEST_SUM = 4096  # products of one entry at most: more than that is refused
LARGEST_SHOWN = 16_384  # bytes of a sample or of a row of master weights


class NotRefereeable(ValueError):
    """A recipe whose training a contract cannot check, because one number of it takes too much to show."""


class Kind(IntEnum):
    """What a tensor holds; its rows and columns are in docs/referee.md."""

    INPUTS = 0
    PATCHES = 1
    PATCHES_T = 2
    SUMS = 3
    HIDDEN = 4
    LOSSES = 5
    LOSS = 6
    ERRORS = 7
    ERRORS_T = 8
    PASSED = 9
    GRADIENT = 10
    MASTER = 11
    WEIGHTS_T = 12
    LEFT = 13
    SQUARES = 14
    SCALE = 15
    RESULT = 16


@dataclass(frozen=True, slots=True)
class Tensor:
    """A matrix of big-endian integers of one width, and where its leaves begin in those of a step."""

    kind: Kind
    layer: int
    rows: int
    columns: int
    width: int  # bytes of an entry
    is_signed: bool
    base: int  # its first leaf's number in the step

    @property
    def rows_per_leaf(self) -> int:
        """Return how many whole rows a leaf has, 0 where rows are cut into leaves."""
        size = self.columns * self.width
        if self.kind is Kind.MASTER:  # as a result's digest has them
            return max(1, MASTER_LEAF_SIZE // size)
        return LEAF_SIZE // size

    @property
    def leaves_per_row(self) -> int:
        """Return into how many leaves a row is cut, 1 where a leaf has whole rows."""
        return 1 if self.rows_per_leaf else -(-self.columns // self.entries_per_piece)

    @property
    def entries_per_piece(self) -> int:
        """Return the entries of a leaf of a row that is cut, but for its last one."""
        return LEAF_SIZE // self.width

    @property
    def leaves(self) -> int:
        """Return the number of leaves."""
        return -(-self.rows // self.rows_per_leaf) if self.rows_per_leaf else self.rows * self.leaves_per_row

    def leaf_of(self, row: int, column: int) -> int:
        """Return the number of the leaf, in this tensor, that an entry is in."""
        if self.rows_per_leaf:
            return row // self.rows_per_leaf
        return row * self.leaves_per_row + column // self.entries_per_piece

    def span(self, leaf: int) -> tuple[int, int, int]:
        """Return the row and the column of a leaf's first entry, and how many entries it has."""
        if self.rows_per_leaf:
            row = leaf * self.rows_per_leaf
            return row, 0, min(self.rows_per_leaf, self.rows - row) * self.columns
        row, piece = divmod(leaf, self.leaves_per_row)
        column = piece * self.entries_per_piece
        return row, column, min(self.entries_per_piece, self.columns - column)


class Layout:
    """The tensors of a recipe's trace and the depth of its tree."""

    def __init__(self, recipe: Recipe) -> None:
        """Lay a recipe's training out; raises `NotRefereeable` for one that is too large for a contract."""
        require_refereeable(recipe)
        self.recipe = recipe
        self.stages = recipe.stages
        self.training: list[Tensor] = []
        self.final: list[Tensor] = []
        self._of: dict[tuple[Kind, int], Tensor] = {}
        self._lay_training()
        self._lay_final()

    def _lay_training(self) -> None:
        inputs, batch, last = self.recipe.inputs, self.recipe.batch, len(self.stages) - 1
        magnitude_is_signed = inputs.kind == 1
        self._add(Kind.INPUTS, 0, batch, self.stages[0].inputs, 1, magnitude_is_signed)
        for depth, stage in enumerate(self.stages):
            positions = positions_of(stage, batch)
            is_signed = magnitude_is_signed if depth == 0 else bool(self.stages[depth - 1].layer.signed)
            if not stage.is_dense:
                self._add(Kind.PATCHES, depth, positions, stage.fan_in, 1, is_signed)
            self._add(Kind.PATCHES_T, depth, stage.fan_in, positions, 1, is_signed)
            outputs, height, width = stage.sums
            self._add(Kind.SUMS, depth, batch * outputs, height * width, 8)
            if depth < last:
                self._add(Kind.HIDDEN, depth, batch, stage.outputs, 1, bool(stage.layer.signed))
        self._add(Kind.LOSSES, 0, 1, batch, 2, False)
        self._add(Kind.LOSS, 0, 1, 1, 8)
        for depth in range(last, -1, -1):
            stage = self.stages[depth]
            positions = positions_of(stage, batch)
            self._add(Kind.ERRORS, depth, positions, stage.layer.outputs, 2)
            self._add(Kind.ERRORS_T, depth, stage.layer.outputs, positions, 2)
            if depth:
                self._add(Kind.PASSED, depth - 1, batch, stage.inputs, 2)
        for depth, stage in enumerate(self.stages):
            outputs, inputs_of_sum = stage.weights
            if blocks_of(stage, batch) > 1:
                self._add(Kind.GRADIENT, depth, outputs, inputs_of_sum * blocks_of(stage, batch), 8)
            self._add(Kind.MASTER, depth, outputs, inputs_of_sum, 4)
            if depth:
                channels, (height, width) = stage.inputs[0], stage.kernel
                self._add(Kind.WEIGHTS_T, depth, channels, height * width * outputs, 2)

    def _lay_final(self) -> None:
        if self.recipe.bits != WIDE:
            for depth, stage in enumerate(self.stages):
                outputs, inputs_of_sum = stage.weights
                self._add(Kind.LEFT, depth, outputs, inputs_of_sum, 4, final=True)
                pieces = outputs * self.of(Kind.LEFT, depth).leaves_per_row
                rows = 1 if self.recipe.bits == 1 else SHIFTS + 1
                self._add(Kind.SQUARES, depth, rows, pieces, 8, final=True)
                self._add(Kind.SCALE, depth, 1, rows + 1, 8, final=True)
        self._add(Kind.RESULT, 0, 1, self.recipe.result_size, 1, False, final=True)

    def _add(
        self,
        kind: Kind,
        layer: int,
        rows: int,
        columns: int | tuple[int, int, int],
        width: int,
        is_signed: bool = True,
        *,
        final: bool = False,
    ) -> None:
        group = self.final if final else self.training
        if not isinstance(columns, int):
            columns = columns[0] * columns[1] * columns[2]
        end = group[-1].base + group[-1].leaves if group else 0
        aligned = Tensor(kind, layer, rows, columns, width, is_signed, 0)
        size = 1 << (aligned.leaves - 1).bit_length()
        tensor = Tensor(kind, layer, rows, columns, width, is_signed, -(-end // size) * size)
        group.append(tensor)
        self._of[kind, layer] = tensor

    def of(self, kind: Kind, layer: int = 0) -> Tensor:
        """Return a tensor; `KeyError` if there is none."""
        return self._of[kind, layer]

    def has(self, kind: Kind) -> bool:
        """Return whether there is a tensor of this kind."""
        return any(of == kind for of, _ in self._of)

    @cached_property
    def leaf_bits(self) -> int:
        """Return the depth of a step's own tree."""
        return max((group[-1].base + group[-1].leaves - 1).bit_length() for group in (self.training, self.final))

    @property
    def last_step(self) -> int:
        """Return the step that has the result: one after the last of training."""
        return self.recipe.local_steps + 1

    @property
    def step_bits(self) -> int:
        """Return the depth of the tree over the steps."""
        return self.last_step.bit_length()

    @property
    def depth(self) -> int:
        """Return the depth of the whole tree."""
        return self.step_bits + self.leaf_bits

    def at_step(self, step: int) -> list[Tensor]:
        """Return the tensors that a step has."""
        if step == self.last_step:
            return self.final
        if step > self.last_step:
            return []
        return [t for t in self.training if step or t.kind in (Kind.LOSS, Kind.MASTER, Kind.WEIGHTS_T)]

    def position(self, step: int, tensor: Tensor, leaf: int) -> int:
        """Return the number of a tensor's leaf among the tree's."""
        return step << self.leaf_bits | tensor.base + leaf

    def find(self, position: int) -> tuple[int, Tensor, int] | None:
        """Return the step, the tensor and the tensor's leaf at a position; None where there is no leaf."""
        step, number = position >> self.leaf_bits, position & ((1 << self.leaf_bits) - 1)
        for tensor in self.at_step(step):
            if tensor.base <= number < tensor.base + tensor.leaves:
                return step, tensor, number - tensor.base
        return None


def positions_of(stage: Stage, batch: int) -> int:
    """Return of how many places a batch's sums of one channel are."""
    return batch * stage.sums[1] * stage.sums[2]


def blocks_of(stage: Stage, batch: int) -> int:
    """Return from how many parts a gradient is added up."""
    return -(-positions_of(stage, batch) // BLOCK)


def require_refereeable(recipe: Recipe) -> None:
    """Raise `NotRefereeable` unless everything that one entry follows from fits in a transaction."""
    longest = {
        "batch": recipe.batch,
        "bytes of a sample": -(-recipe.inputs.sample_size * LONGEST_SUM // LARGEST_SHOWN),
    }
    for depth, stage in enumerate(recipe.stages):
        longest[f"inputs of a sum of layer {depth}"] = stage.weights[1]
        if depth:
            longest[f"errors that meet in an input of layer {depth}"] = stage.readers * stage.layer.outputs
        longest[f"pieces of layer {depth}"] = stage.layer.outputs * -(-stage.weights[1] * 4 // LEAF_SIZE)
    for of, count in longest.items():
        if count > LONGEST_SUM:
            raise NotRefereeable(f"{of} are {count}, and a contract can add up {LONGEST_SUM}")
    assert len(recipe.layers) <= MOST_LAYERS
