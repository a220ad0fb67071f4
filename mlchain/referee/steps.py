"""All numbers of one step of a job at once, in exact integers; `rules` works the same ones out one by one.

Same arithmetic as `mlchain.training`, which forms fewer of them: there, a pooled layer multiplies with several copies
of its kernel, and what no weight depends on is left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from mlchain.referee.layout import BLOCK, SHIFTS, Kind, Layout, blocks_of
from mlchain.training.certified import Floats, Narrow, product
from mlchain.training.compression import GREATEST_SHIFT
from mlchain.training.encoding import Matrices, decode_model
from mlchain.training.exact import AnyIntegers, Integers, shift_round
from mlchain.training.jobs import Batches, estimate_change
from mlchain.training.layers import GREATEST_ERROR, OUTPUT_ERROR_BITS, POOL, Pooling, Stage
from mlchain.training.networks import Samples, values_of
from mlchain.training.recipe import Recipe
from mlchain.training.softmax import LOSSES, ONE, PROBABILITY_BITS, softmax

Numbers = dict[tuple[Kind, int], AnyIntegers]  # by kind and layer, in the shapes that the layout has or any of as many


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
        seen = values_of(self._recipe.inputs, samples)
        values: AnyIntegers = np.moveaxis(seen, -1, 0).astype(np.int16)
        numbers[Kind.INPUTS, 0] = values
        columns, sums = [], []
        for depth, stage in enumerate(self._stages):
            columns.append(_patches(stage, values))
            numbers[Kind.PATCHES_T, depth] = columns[depth].T
            if not stage.is_dense:
                numbers[Kind.PATCHES, depth] = columns[depth]
            sums.append(_sums(stage, columns[depth], weights[depth], len(labels)))
            numbers[Kind.SUMS, depth] = sums[depth]
            if not stage.is_last:
                values = _hidden(stage, sums[depth])
                numbers[Kind.HIDDEN, depth] = values

        probabilities = softmax(sums[-1].reshape(len(labels), -1), self._layers[-1].shift)
        of_label = np.arange(len(labels)), labels
        losses = LOSSES[probabilities[of_label]]
        numbers[Kind.LOSSES, 0] = losses
        numbers[Kind.LOSS, 0] = np.array([before.loss + int(losses.sum())])
        probabilities[of_label] -= ONE
        errors = shift_round(probabilities, PROBABILITY_BITS - OUTPUT_ERROR_BITS)

        after = []
        for depth in reversed(range(len(self._stages))):
            stage = self._stages[depth]
            numbers[Kind.ERRORS, depth], numbers[Kind.ERRORS_T, depth] = errors, errors.T
            if depth:
                passed = _passed(stage, errors, weights[depth], len(labels))
                numbers[Kind.PASSED, depth - 1] = passed
                errors_below = _routed(
                    self._stages[depth - 1], passed, numbers[Kind.HIDDEN, depth - 1], sums[depth - 1]
                )
            master = self._descend(depth, before.master[depth], columns[depth], errors, numbers)
            after.append(master)
            errors = errors_below if depth else errors
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
        self, depth: int, master: NDArray[np.int32], columns: AnyIntegers, errors: AnyIntegers, numbers: Numbers
    ) -> NDArray[np.int32]:
        layer, blocks = self._layers[depth], blocks_of(self._stages[depth], self._recipe.batch)
        shape = len(errors.T), columns.shape[1] + 1, blocks
        partial = np.empty(shape, np.int64)
        for block in range(blocks):
            part = slice(block * BLOCK, (block + 1) * BLOCK)
            partial[:, :-1, block] = _product(errors[part].T, columns[part])
            partial[:, -1, block] = errors[part].sum(axis=0) * layer.bias_input
        if blocks > 1:
            np.cumsum(partial, axis=2, out=partial)
            numbers[Kind.GRADIENT, depth] = partial
        moved = master - shift_round(partial[:, :, -1], layer.learning_shift)
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


def _product(left: AnyIntegers, right: AnyIntegers) -> Integers:
    """Return left @ right, all of whose sums of magnitudes are below 2**53."""
    narrow: tuple[Narrow, Narrow] = left.astype(np.float32), right.astype(np.float32)
    norms = [
        np.sqrt(np.einsum("ij,ij->" + kept, a, a, dtype=np.float64).max(initial=0))
        for a, kept in zip(narrow, "ij", strict=True)
    ]
    found: Floats = product(*narrow, float(norms[0] * norms[1]))
    return found.astype(np.int64)


def _patches(stage: Stage, values: AnyIntegers) -> AnyIntegers:
    """Return what each sum multiplies, (samples * positions, fan-in), of inputs (samples, channels, height, width)."""
    if stage.is_dense:
        return values.reshape(len(values), -1)
    edge, layer = stage.layer.padding, stage.layer
    padded = np.pad(values, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    sample, channel, down, across = padded.strides
    shape = (len(values), *stage.sums[1:], stage.inputs[0], *stage.kernel)
    strides = (sample, down * layer.stride_height, across * layer.stride_width, channel, down, across)
    return as_strided(padded, shape, strides, writeable=False).reshape(-1, stage.fan_in)


def _sums(stage: Stage, columns: AnyIntegers, weights: Integers, samples: int) -> Integers:
    """Return the sums, (samples, channels, height, width)."""
    sums = _product(columns, weights[:, :-1].T) + weights[:, -1] * stage.layer.bias_input
    return np.ascontiguousarray(np.moveaxis(sums.reshape(samples, *stage.sums[1:], -1), -1, 1))


def _pools(stage: Stage, sums: Integers) -> Integers:
    """Return the sums of each pool in row order, (samples, channels, height, width, 4)."""
    channels, height, width = stage.outputs
    whole = sums[:, :, : POOL * height, : POOL * width].reshape(-1, channels, height, POOL, width, POOL)
    return whole.transpose(0, 1, 2, 4, 3, 5).reshape(-1, channels, height, width, POOL**2)


def _hidden(stage: Stage, sums: Integers) -> AnyIntegers:
    layer = stage.layer
    if layer.pooling:
        pools = _pools(stage, sums)
        sums = pools.max(axis=-1) if layer.pooling == Pooling.MAX else pools.sum(axis=-1)
    return np.clip(sums >> layer.shift, *layer.range).astype(np.int16)


def _routed(stage: Stage, errors: AnyIntegers, hidden: AnyIntegers, sums: Integers) -> AnyIntegers:
    """Return the errors of sums, (samples * positions, channels), from those of hidden values and the values."""
    low, high = stage.layer.range
    errors = errors * ((hidden > low) & (hidden < high))
    if stage.layer.pooling:
        channels, height, width = stage.outputs
        spread = np.repeat(errors[..., np.newaxis], POOL**2, axis=-1)
        if stage.layer.pooling == Pooling.MAX:
            spread *= _pools(stage, sums).argmax(axis=-1)[..., np.newaxis] == np.arange(POOL**2)
        tiled = spread.reshape(-1, channels, height, width, POOL, POOL).transpose(0, 1, 2, 4, 3, 5)
        errors = np.zeros(sums.shape, errors.dtype)
        errors[:, :, : POOL * height, : POOL * width] = tiled.reshape(-1, channels, POOL * height, POOL * width)
    return np.ascontiguousarray(np.moveaxis(errors, 1, -1)).reshape(-1, stage.layer.outputs)


def _passed(stage: Stage, errors: AnyIntegers, weights: Integers, samples: int) -> Integers:
    """Return the errors of a layer's inputs, (samples, channels, height, width), from those of its sums."""
    columns = _product(errors, weights[:, :-1])
    channels, height, width = stage.inputs
    edge, layer = stage.layer.padding, stage.layer
    _, down, across = stage.sums
    patches = columns.reshape(samples, down, across, channels, *stage.kernel)
    summed = np.zeros((samples, channels, height + 2 * edge, width + 2 * edge), np.int64)
    for row, column in np.ndindex(*stage.kernel):
        rows = slice(row, row + layer.stride_height * (down - 1) + 1, layer.stride_height)
        places = slice(column, column + layer.stride_width * (across - 1) + 1, layer.stride_width)
        summed[:, :, rows, places] += patches[..., row, column].transpose(0, 3, 1, 2)
    inner = summed[:, :, edge : edge + height, edge : edge + width]
    return np.clip(shift_round(inner, layer.error_shift), -GREATEST_ERROR, GREATEST_ERROR)
