"""The trace of a job: the SHA-256 tree over every number of its training.

Of the tree only the roots of the steps are kept, and of the numbers the master weights, at some steps if they are many.
A step that a dispute comes to is worked out again.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mlchain.referee.layout import Layout, Tensor
from mlchain.referee.steps import Entries, Job, Numbers, State, Steps
from mlchain.training.cost import cost_of
from mlchain.training.recipe import Recipe
from mlchain.training.trees import MISSING, Levels, grow, missing, node_of

MASTER_MEMORY = 160 * 2**20  # bytes of master weights that are kept
STEPS_AT_HAND = 4  # whose numbers and trees are kept

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
    return cost_of(recipe).memory + kept + (at_hand + STEP_COPIES) * step + (at_hand * LEAF << layout.leaf_bits)


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
        self._at_hand: OrderedDict[int, tuple[Numbers, Levels]] = OrderedDict()
        self.roots: list[bytes] = [self._grow(self.steps.numbers_at_start(), 0)[-1][0]]
        for step in range(1, self.layout.last_step):
            numbers, state = self.steps.train(step, state)
            self.roots.append(self._grow(numbers, step)[-1][0])
            if step % self._every == 0 or step == job.recipe.local_steps:
                self._states[step] = state
            progress(step)
        self.roots.append(self._grow(self._work_out(self.layout.last_step), self.layout.last_step)[-1][0])
        self._top = grow(self.roots, self.layout.step_bits, self.layout.leaf_bits)

    @property
    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return self._top[-1][0]

    def node(self, depth: int, index: int) -> bytes:
        """Return a node: at depth 0 the root, at the layout's depth the leaves' hashes."""
        height, step_bits, leaf_bits = self.layout.depth - depth, self.layout.step_bits, self.layout.leaf_bits
        if depth <= step_bits:
            return node_of(self._top[step_bits - depth], index, height)
        step, rest = divmod(index, 1 << (leaf_bits - height))
        return node_of(self._of(step)[1][height], rest, height) if step <= self.layout.last_step else missing(height)

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

    def _of(self, step: int) -> tuple[Numbers, Levels]:
        if step not in self._at_hand:
            numbers = self._work_out(step)
            self._at_hand[step] = numbers, self._grow(numbers, step)
            if len(self._at_hand) > STEPS_AT_HAND:
                self._at_hand.popitem(last=False)
        self._at_hand.move_to_end(step)
        return self._at_hand[step]

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

    def _grow(self, numbers: Numbers, step: int) -> Levels:
        hashes: list[bytes] = []
        for tensor in self.layout.at_step(step):
            hashes += [MISSING] * (tensor.base - len(hashes))
            hashes += _hashes_of(numbers[tensor.kind, tensor.layer], tensor)
        return grow(hashes, self.layout.leaf_bits)


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


def _hashes_of(numbers: Entries, tensor: Tensor) -> list[bytes]:
    data, sha256 = _bytes_of(numbers, tensor).data, hashlib.sha256
    row = tensor.columns * tensor.width
    if tensor.rows_per_leaf:
        size = row * tensor.rows_per_leaf
        return [sha256(data[at : at + size]).digest() for at in range(0, len(data), size)]
    size = tensor.entries_per_piece * tensor.width
    ends = range(row, len(data) + 1, row)
    return [sha256(data[at : min(at + size, end)]).digest() for end in ends for at in range(end - row, end, size)]
