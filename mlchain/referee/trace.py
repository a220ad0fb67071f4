"""The trace of a job: the SHA-256 tree over every number of its training.

Of the tree only the levels next to the root are kept, and of the numbers the master weights, at some steps if they are
many. A step that a dispute comes to is worked out again, and of its leaves the part that is asked for is hashed again.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from mlchain.referee.layout import Layout, Tensor
from mlchain.referee.steps import Entries, Job, Numbers, State, Steps
from mlchain.training.cost import cost_of
from mlchain.training.recipe import Recipe
from mlchain.training.trees import MISSING, Levels, grow, missing, node_of

MASTER_MEMORY = 160 * 2**20  # bytes of master weights that are kept
KEPT_LEVELS = 14  # of the tree, below its root, or as many as it takes to tell steps apart
STEPS_AT_HAND = 4  # whose numbers are kept, and the parts of their trees that were asked for

# What `memory_of` counts with.
VALUE = 8  # bytes of an int64 or a float64
STEP_COPIES = 2  # of a step's numbers, to work them out
WEIGHT_COPIES = 24  # of every weight: states, and what the last step tries of a change
LEAF = 2 * 81  # bytes that a hash and those above it take in lists


def memory_of(recipe: Recipe) -> int:
    """Return the bytes that a process takes at most which works a recipe's trace out, and answers for it."""
    layout = Layout(recipe)
    step = VALUE * sum(tensor.rows * tensor.columns for tensor in layout.training)
    kept = min(MASTER_MEMORY, VALUE * recipe.weights * recipe.local_steps) + VALUE * WEIGHT_COPIES * recipe.weights
    at_hand = STEPS_AT_HAND + 1
    hashes = (at_hand * LEAF << layout.leaf_bits) + (LEAF << max(KEPT_LEVELS, layout.step_bits))
    return cost_of(recipe).memory + kept + (at_hand + STEP_COPIES) * step + hashes


class Trace:
    """All numbers of a job, and their tree."""

    def __init__(self, job: Job, result: bytes, progress: Callable[[int], None] = lambda steps: None) -> None:
        """Work the whole trace out, which takes some times as long as the job; tells the steps that are done."""
        self.layout = Layout(job.recipe)
        self.steps = Steps(job, self.layout)
        self._result = result
        state = self.steps.start()
        size = sum(matrix.nbytes for matrix in state.master)
        self._every = -(-size * job.recipe.local_steps // MASTER_MEMORY)  # of how many steps one is kept
        self._states = {0: state}
        self._at_hand: OrderedDict[int, tuple[Numbers, dict[int, Levels]]] = OrderedDict()
        self._part_bits = min(self.layout.leaf_bits, max(0, self.layout.depth - KEPT_LEVELS))
        parts = self._roots(self.steps.numbers_at_start(), 0)
        for step in range(1, self.layout.last_step):
            numbers, state = self.steps.train(step, state)
            parts += self._roots(numbers, step)
            if step % self._every == 0 or step == job.recipe.local_steps:
                self._states[step] = state
            progress(step)
        parts += self._roots(self._work_out(self.layout.last_step), self.layout.last_step)
        self._top = grow(parts, self.layout.depth - self._part_bits, self._part_bits)

    @property
    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return self._top[-1][0]

    def node(self, depth: int, index: int) -> bytes:
        """Return a node: at depth 0 the root, at the layout's depth the leaves' hashes."""
        height = self.layout.depth - depth
        if height >= self._part_bits:
            return node_of(self._top[height - self._part_bits], index, height)
        part, rest = divmod(index, 1 << self._part_bits - height)
        return node_of(self._part(part)[height], rest, height)

    def path(self, depth: int, index: int) -> list[bytes]:
        """Return what a node is hashed with on the way to the root."""
        return [self.node(depth - up, index >> up ^ 1) for up in range(depth)]

    def leaf(self, position: int) -> bytes:
        """Return the bytes of a leaf, none where there is none."""
        found = self.layout.find(position)
        if found is None:
            return b""
        step, tensor, number = found
        row, column, count = tensor.span(number)
        first = row * tensor.columns + column
        numbers = self.numbers(step)[tensor.kind, tensor.layer].reshape(-1)[first : first + count]
        return _bytes_of(numbers, tensor).tobytes()

    def numbers(self, step: int) -> Numbers:
        """Return the tensors of a step."""
        return self._of(step)[0]

    def _of(self, step: int) -> tuple[Numbers, dict[int, Levels]]:
        if step not in self._at_hand:
            self._at_hand[step] = self._work_out(step), {}
            if len(self._at_hand) > STEPS_AT_HAND:
                self._at_hand.popitem(last=False)
        self._at_hand.move_to_end(step)
        return self._at_hand[step]

    def _part(self, part: int) -> Levels:
        """Return the tree of a part of a step, which is numbered among those of all steps."""
        step, rest = divmod(part, 1 << self.layout.leaf_bits - self._part_bits)
        if step > self.layout.last_step:
            return grow([], self._part_bits)
        numbers, parts = self._of(step)
        if part not in parts:
            parts[part] = grow(self._hashes(numbers, step, rest << self._part_bits, self._part_bits), self._part_bits)
        return parts[part]

    def _work_out(self, step: int) -> Numbers:
        if step == 0:
            return self.steps.numbers_at_start()
        if step == self.layout.last_step:
            return self.steps.result(self._states[0], self._states[step - 1], self._result)
        return self.steps.train(step, self._state(step - 1))[0]

    def _state(self, step: int) -> State:
        """Return the state after a step."""
        kept = max(each for each in self._states if each <= step)
        state = self._states[kept]
        for each in range(kept + 1, step + 1):
            _, state = self.steps.train(each, state)
        return state

    def _roots(self, numbers: Numbers, step: int) -> list[bytes]:
        """Return the roots of all parts of a step."""
        bits = self.layout.leaf_bits
        roots = grow(self._hashes(numbers, step, 0, bits), self._part_bits)[-1]
        return roots + [missing(self._part_bits)] * ((1 << bits - self._part_bits) - len(roots))

    def _hashes(self, numbers: Numbers, step: int, first: int, bits: int) -> list[bytes]:
        """Return the hashes of 2**bits leaves of a step, without those missing at the end."""
        hashes: list[bytes] = []
        for tensor in self.layout.at_step(step):
            start, end = max(first - tensor.base, 0), min(first + (1 << bits) - tensor.base, tensor.leaves)
            if start < end:
                hashes += [MISSING] * (tensor.base + start - first - len(hashes))
                leaves = _leaves_of(numbers[tensor.kind, tensor.layer], tensor)[start:end]
                hashes += [sha256(leaf).digest() for leaf in leaves]
        return hashes


def first_difference(trace: Trace, other: Callable[[int, int], bytes]) -> int | None:
    """Return the position of the first leaf in which two traces of one layout differ, None if they do not.

    `other` tells a node of the other one by its depth and index, as `Trace.node` does.
    """
    if trace.root == other(0, 0):
        return None
    index = 0
    for depth in range(1, trace.layout.depth + 1):
        index *= 2
        index += trace.node(depth, index) == other(depth, index)
    return index


def _bytes_of(numbers: Entries, tensor: Tensor) -> NDArray[np.uint8]:
    # A cast to fewer bits keeps the lowest ones, as two's complement wants it.
    kind = f">i{tensor.width}" if tensor.width > 1 else "i1"
    return numbers.astype(kind, order="C", copy=False).reshape(-1).view(np.uint8)


def _leaves_of(numbers: Entries, tensor: Tensor) -> list[memoryview]:
    data, row = _bytes_of(numbers, tensor).data, tensor.columns * tensor.width
    if tensor.rows_per_leaf:
        size = row * tensor.rows_per_leaf
        return [data[at : at + size] for at in range(0, len(data), size)]
    size = tensor.entries_per_piece * tensor.width
    ends = range(row, len(data) + 1, row)
    return [data[at : min(at + size, end)] for end in ends for at in range(end - row, end, size)]
