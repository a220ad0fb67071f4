"""All numbers of one step of a job at once, in exact integers; `rules` works the same ones out one by one.

Same arithmetic as `mlchain.training`, which forms fewer of them: there, a pooled layer multiplies with several copies
of its kernel, and what no weight depends on is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from mlchain.referee.layout import BLOCK, SHIFTS, Kind, Layout
from mlchain.training.certified import Floats, Narrow, greatest_column, greatest_row, is_narrow, product
from mlchain.training.compression import GREATEST_SHIFT
from mlchain.training.encoding import Matrices, decode_model
from mlchain.training.exact import AnyIntegers, Integers, shift_round
from mlchain.training.jobs import Batches, estimate_change
from mlchain.training.layers import GREATEST_ERROR, OUTPUT_ERROR_BITS, POOL, InputKind, Pooling, Stage
from mlchain.training.networks import Samples, values_of
from mlchain.training.recipe import Recipe
from mlchain.training.softmax import LOSSES, ONE, PROBABILITY_BITS, softmax

Entries = NDArray[np.integer[Any]]
Numbers = dict[tuple[Kind, int], Entries]  # by kind and layer, in the shapes that the layout has or any of as many


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What a result follows from."""

    recipe: Recipe
    model: bytes
    parent: bytes | None  # of the model's size, whose weights give an estimate
    version: int
    key: bytes
    samples: Samples  # (n, bytes) of the whole data set
    labels: Integers  # (n,)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Master weights of every layer, int32 (outputs, fan-in + 1), and the losses so far."""

    master: tuple[NDArray[np.int32], ...]
    loss: int


class Steps:
    """Works out the tensors of a job's steps."""

    def __init__(self, job: Job, layout: Layout) -> None:
        """Take a job and the layout of its recipe."""
        self._recipe, self._layout, self._stages = job.recipe, layout, layout.stages
        self._layers = job.recipe.layers_for(job.version)
        self._model: Matrices = decode_model(job.recipe, job.model)
        parent = None if job.parent is None else decode_model(job.recipe, job.parent)
        self._estimate = estimate_change(self._model, parent)
        self.batches = Batches(job.recipe, job.samples, job.labels, job.key)

    def start(self) -> State:
        """Return what training starts with."""
        layers = zip(self._model, self._layers, strict=True)
        return State(tuple(matrix.astype(np.int32) << layer.quantum for matrix, layer in layers), 0)

    def numbers_at_start(self) -> Numbers:
        """Return the tensors of step 0."""
        numbers: Numbers = {(Kind.LOSS, 0): np.zeros(1, np.int64)}
        self._put_master(numbers, self.start().master)
        return numbers

    def train(self, step: int, before: State) -> tuple[Numbers, State]:
        """Return the tensors of a step, from 1, and the state after it, from the state before."""
        samples, labels = self.batches[step - 1]
        numbers: Numbers = {}
        weights = [self._rounded(master, depth) for depth, master in enumerate(before.master)]
        is_signed = self._recipe.inputs.kind is InputKind.SIGNED
        seen = np.moveaxis(values_of(self._recipe.inputs, samples), -1, 0)
        values: Entries = seen.astype(np.int8 if is_signed else np.uint8)
        numbers[Kind.INPUTS, 0] = values
        columns, sums = list[Narrow](), list[AnyIntegers]()
        for depth, stage in enumerate(self._stages):
            patches, numbers[Kind.PATCHES_T, depth] = _patches(stage, values)
            if not stage.is_dense:
                numbers[Kind.PATCHES, depth] = patches
            columns.append(patches.astype(np.float32))
            sums.append(_sums(stage, columns[depth], weights[depth], len(labels)))
            numbers[Kind.SUMS, depth] = sums[depth]
            if not stage.is_last:
                values = _hidden(stage, sums[depth])
                numbers[Kind.HIDDEN, depth] = values

        probabilities = softmax(sums[-1].reshape(len(labels), -1).astype(np.int64), self._layers[-1].shift)
        of_label = np.arange(len(labels)), labels
        losses = LOSSES[probabilities[of_label]]
        numbers[Kind.LOSSES, 0] = losses
        numbers[Kind.LOSS, 0] = np.array([before.loss + int(losses.sum())])
        probabilities[of_label] -= ONE
        errors = shift_round(probabilities, PROBABILITY_BITS - OUTPUT_ERROR_BITS)

        after = []
        for depth in reversed(range(len(self._stages))):
            stage, narrow = self._stages[depth], errors.astype(np.float32)
            numbers[Kind.ERRORS, depth], numbers[Kind.ERRORS_T, depth] = errors, errors.T
            after.append(self._descend(depth, before.master[depth], columns[depth], narrow, numbers))
            if depth:
                passed = _passed(stage, narrow, weights[depth], len(labels))
                numbers[Kind.PASSED, depth - 1] = passed
                errors = _routed(self._stages[depth - 1], passed, numbers[Kind.HIDDEN, depth - 1], sums[depth - 1])
        self._put_master(numbers, tuple(reversed(after)))
        return numbers, State(tuple(reversed(after)), int(numbers[Kind.LOSS, 0][0]))

    def _put_master(self, numbers: Numbers, masters: tuple[NDArray[np.int32], ...]) -> None:
        for depth, (stage, master) in enumerate(zip(self._stages, masters, strict=True)):
            numbers[Kind.MASTER, depth] = master
            if depth:
                kernels = self._rounded(master, depth)[:, :-1].reshape(stage.layer.outputs, *stage.inputs[:1], -1)
                numbers[Kind.WEIGHTS_T, depth] = np.moveaxis(kernels, 0, -1)

    def _rounded(self, master: NDArray[np.int32], depth: int) -> Integers:
        return shift_round(master.astype(np.int64), self._layers[depth].quantum)

    def _descend(
        self, depth: int, master: NDArray[np.int32], columns: Narrow, errors: Narrow, numbers: Numbers
    ) -> NDArray[np.int32]:
        layer = self._layers[depth]
        whole = len(errors) // BLOCK * BLOCK
        blocks = [_by_block(errors[:whole], columns[:whole], BLOCK)] if whole else []
        if whole < len(errors):
            blocks.append(_by_block(errors[whole:], columns[whole:], len(errors) - whole))
        partial = np.concatenate(blocks)
        partial[:, :, -1] *= layer.bias_input
        if len(partial) > 1:
            np.cumsum(partial, axis=0, out=partial)
            numbers[Kind.GRADIENT, depth] = np.moveaxis(partial, 0, -1)
        moved = master - shift_round(partial[-1], layer.learning_shift)
        clipped: NDArray[np.int32] = np.clip(moved, *layer.weight_range).astype(np.int32)
        return clipped

    def result(self, start: State, end: State, result: bytes) -> Numbers:
        """Return the tensors of the last step, from the states before and after training, and the result's bytes."""
        numbers: Numbers = {(Kind.RESULT, 0): np.frombuffer(result, np.uint8).astype(np.int16)}
        for depth, estimate in enumerate(self._estimate):
            if not self._layout.has(Kind.LEFT):
                break
            after, before = (self._rounded(state.master[depth], depth) for state in (end, start))
            left = after - before - estimate
            tensor = self._layout.of(Kind.LEFT, depth)
            numbers[Kind.LEFT, depth] = left
            pieces = tensor.leaves_per_row
            padded = np.zeros((len(left), pieces * tensor.entries_per_piece if pieces > 1 else left.shape[1]), np.int64)
            padded[:, : left.shape[1]] = left
            squares = self._squares(padded.reshape(len(left) * pieces, -1))
            totals = squares.sum(axis=1)
            numbers[Kind.SQUARES, depth] = squares
            numbers[Kind.SCALE, depth] = np.append(totals, self._scale(totals, left.size))
        return numbers

    def _squares(self, values: Integers) -> Integers:
        """Return what the codes of each row of values are off by, squared, for each scale, and the values' squares."""
        if self._recipe.bits == 1:
            magnitudes: Integers = np.abs(values).sum(axis=1)[np.newaxis]
            return magnitudes
        greatest = (1 << self._recipe.bits - 1) - 1
        rows = [values - (np.clip(shift_round(values, shift), -greatest, greatest) << shift) for shift in range(SHIFTS)]
        return np.stack([(row**2).sum(axis=1) for row in (*rows, values)])

    def _scale(self, totals: Integers, size: int) -> int:
        if self._recipe.bits == 1:
            return min((2 * int(totals[0]) + size) // (2 * size), 1 << GREATEST_SHIFT)
        return 1 << int(totals[:SHIFTS].argmin()) if totals[SHIFTS] else 0


def _by_block(errors: Narrow, columns: Narrow, size: int) -> Integers:
    """Return gradients over each block of so many positions, (blocks, outputs, fan-in + 1), of the bias by 1."""
    per_block = errors.reshape(-1, size, errors.shape[1]), columns.reshape(-1, size, columns.shape[1])
    norms = [np.sqrt(np.einsum("bij,bij->bj", a, a).max(initial=0)) for a in per_block]
    found = product(per_block[0].transpose(0, 2, 1), per_block[1], float(norms[0] * norms[1]))
    totals = per_block[0].sum(axis=1, dtype=np.float64)
    gradients: Integers = np.concatenate([found, totals[:, :, np.newaxis]], axis=2).astype(np.int64)
    return gradients


def _patches(stage: Stage, values: Entries) -> tuple[Entries, Entries]:
    """Return what each sum multiplies, of inputs (samples, channels, height, width), and the same transposed.

    Shapes (samples * positions, fan-in) and (fan-in, samples * positions).
    """
    if stage.is_dense:
        flat = values.reshape(len(values), -1)
        return flat, flat.T
    edge, layer = stage.layer.padding, stage.layer
    padded = np.pad(values, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    sample, channel, down, across = padded.strides
    shape = (len(values), *stage.sums[1:], stage.inputs[0], *stage.kernel)
    strides = (sample, down * layer.stride_height, across * layer.stride_width, channel, down, across)
    windows = as_strided(padded, shape, strides, writeable=False)
    # Each copied on its own: to copy rows is quicker than to transpose what is copied.
    return windows.reshape(-1, stage.fan_in), windows.transpose(3, 4, 5, 0, 1, 2).reshape(stage.fan_in, -1)


def _sums(stage: Stage, columns: Narrow, weights: Integers, samples: int) -> AnyIntegers:
    """Return the sums, (samples, channels, height, width)."""
    kernels = weights[:, :-1].T.astype(np.float32)
    found = product(columns, kernels, greatest_row(columns) * greatest_column(kernels))
    kind = np.int32 if found.dtype == np.float32 else np.int64  # with the bias they are below 2**25 in float32
    sums = found.astype(kind) + (weights[:, -1] * stage.layer.bias_input).astype(kind)
    return np.moveaxis(sums.reshape(samples, *stage.sums[1:], -1), -1, 1)


def _pools(stage: Stage, sums: AnyIntegers) -> list[AnyIntegers]:
    """Return the sums in each place of a pool, in row order, (samples, channels, height, width) each."""
    return [sums[:, :, down, across] for down, across in _places(stage)]


def _places(stage: Stage) -> list[tuple[slice, slice]]:
    """Return the rows and columns of each place of a pool, in row order."""
    _, height, width = stage.outputs
    return [
        (slice(row, POOL * height, POOL), slice(column, POOL * width, POOL)) for row, column in np.ndindex(POOL, POOL)
    ]


def _hidden(stage: Stage, sums: AnyIntegers) -> Entries:
    layer = stage.layer
    if layer.pooling:
        add: Callable[[AnyIntegers, AnyIntegers], AnyIntegers] = np.maximum if layer.pooling == Pooling.MAX else np.add
        sums = reduce(add, _pools(stage, sums))
    low, high = layer.range
    return np.clip(sums >> layer.shift, low, high).astype(np.int8 if low < 0 else np.uint8)


def _routed(stage: Stage, errors: AnyIntegers, hidden: Entries, sums: AnyIntegers) -> AnyIntegers:
    """Return the errors of sums, (samples * positions, channels), from those of hidden values and the values."""
    low, high = stage.layer.range
    errors = errors * ((hidden > low) & (hidden < high))
    channels, height, width = stage.sums
    routed = np.zeros((len(errors), height, width, channels), errors.dtype)
    if not stage.layer.pooling:
        routed[:] = np.moveaxis(errors, 1, -1)
    elif stage.layer.pooling == Pooling.SUM:
        for down, across in _places(stage):
            routed[:, down, across] = np.moveaxis(errors, 1, -1)
    else:
        pools = _pools(stage, sums)
        greatest = reduce(np.maximum, pools)
        is_open = np.ones(greatest.shape, np.bool_)  # where no place before was as great
        for (down, across), values in zip(_places(stage), pools, strict=True):
            is_first = is_open & (values == greatest)
            routed[:, down, across] = np.moveaxis(errors * is_first, 1, -1)
            is_open &= ~is_first
    return routed.reshape(-1, channels)


def _passed(stage: Stage, errors: Narrow, weights: Integers, samples: int) -> AnyIntegers:
    """Return the errors of a layer's inputs, (samples, channels, height, width), from those of its sums."""
    channels, height, width = stage.inputs
    kernels = weights[:, :-1].astype(np.float32)
    bound = greatest_row(errors) * greatest_column(kernels)
    by_place = np.ascontiguousarray(np.moveaxis(kernels.reshape(len(kernels), channels, -1), -1, 0))
    edge, layer = stage.layer.padding, stage.layer
    _, down, across = stage.sums
    patches: Floats = product(errors, by_place, bound).reshape(*stage.kernel, samples, down, across, channels)
    kind = np.float32 if is_narrow(bound * stage.readers) else np.float64
    summed: Floats = np.zeros((samples, height + 2 * edge, width + 2 * edge, channels), kind)
    for row, column in np.ndindex(*stage.kernel):
        rows = slice(row, row + layer.stride_height * (down - 1) + 1, layer.stride_height)
        places = slice(column, column + layer.stride_width * (across - 1) + 1, layer.stride_width)
        summed[:, rows, places] += patches[row, column]
    inner = np.moveaxis(summed[:, edge : edge + height, edge : edge + width].astype(np.int64), -1, 1)
    return np.clip(shift_round(inner, layer.error_shift), -GREATEST_ERROR, GREATEST_ERROR).astype(np.int32)
