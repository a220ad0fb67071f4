"""One layer at work: its weights, and forward, backward and step in exact integers.

Arrays are (channels, height, width, samples): with the samples last, every copy between an image and the columns of a
product moves contiguous memory. They are float32 and hold integers; `certified` has what multiplies them. A pooled
layer multiplies once, with its kernel in the four places of a pool, in strides of a pool: that needs less than half of
the memory that convolving first and pooling then would.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from mlchain.training.certified import NORM_MARGIN, Floats, Narrow, greatest_column, greatest_row, is_narrow, product
from mlchain.training.exact import AnyIntegers, Integers
from mlchain.training.layers import GREATEST_ERROR, MODEL_BITS, POOL, Pooling, Stage


class Convolution:
    """A layer and its weights, master ones of finer units and those that products see."""

    def __init__(self, stage: Stage, weights: AnyIntegers) -> None:
        """Take the weights of the model, (outputs, fan-in + 1)."""
        self.stage = stage
        layer = stage.layer
        self._weights: Narrow = np.ascontiguousarray(weights.T, dtype=np.float32)  # rounded master weights
        # What rounding down leaves of the master weights and half a unit, in units of the model: 0 <= rest < 1.
        self._half = 0.5 if layer.quantum else 0.0
        self._rest: Narrow = np.full_like(self._weights, self._half)
        self._reach = float(1 << 15 + layer.quantum)  # of |master| at most
        self._is_pooled = layer.pooling != Pooling.NONE
        self._copies, self._kernel, self._strides = stage.copies, stage.window, stage.strides
        self._spread: Narrow = self._weights
        self._buffers: dict[str, Narrow] = {}
        self._gradient: Floats | None = None
        self._gradient_bound = 0.0  # of the sum of |a||b| of each entry
        self._prepare()

    def weights(self) -> Integers:
        """Return the master weights, (outputs, fan-in + 1)."""
        rest = (self._rest.T - self._half) * 2.0**self.stage.layer.quantum
        return (self._weights.T.astype(np.int64) << self.stage.layer.quantum) + rest.astype(np.int64)

    def model(self) -> NDArray[np.int16]:
        """Return the weights in units of the model, (outputs, fan-in + 1)."""
        return self._weights.T.astype(np.int16)

    def _prepare(self) -> None:
        """Work out what products with the present weights need, and what bounds them."""
        stage, body = self.stage, self._weights[:-1]
        if self._is_pooled:
            self._spread = self._spread_kernel()
        self._bias_bound = stage.added * stage.layer.bias_input * float(np.abs(self._weights[-1]).max())
        self.expect(None)
        if not stage.is_dense:  # there it is as dear as the product, and hardly less than the other
            largest = float(np.abs(body).sum(axis=0, dtype=np.float64).max())
            self._sum_bound = stage.added * stage.magnitude * largest + self._bias_bound
        if not stage.is_first:
            channels = stage.fan_in if stage.is_dense else stage.inputs[0]
            self._input_norm = stage.added * greatest_row(body.reshape(channels, -1))  # of the weights of an input

    def _spread_kernel(self) -> Narrow:
        """Return the kernels that see a whole pool, (fan-in + 1, copies * outputs): one in each place, or their sum."""
        size = self.stage.inputs[0] * math.prod(self._kernel) + 1, self._copies * self.stage.layer.outputs
        spread = np.zeros(size, np.float32)
        for kernels, copies in self._places_of(self._weights, spread):
            copies += kernels
        spread[-1] = np.tile(self._weights[-1] * self.stage.added, self._copies)
        return spread

    def _gather_kernel(self, gradient: Floats) -> Floats:
        """Return the gradient of the kernel, but for the bias, from that of its copies: `_spread_kernel` transposed."""
        gathered = np.zeros(self._weights.shape, gradient.dtype)
        for kernels, copies in self._places_of(gathered, gradient):
            kernels += copies
        return gathered

    def _places_of(self, weights: Floats, spread: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Yield the kernels, and their copy in each place of a pool, as views."""
        layer, channels, (height, width) = self.stage.layer, self.stage.inputs[0], self.stage.kernel
        body = spread[:-1].reshape(channels, *self._kernel, self._copies, layer.outputs)
        kernels = weights[:-1].reshape(channels, height, width, layer.outputs)
        for copy, (down, across) in enumerate(np.ndindex(POOL, POOL)):
            top, left = down * layer.stride_height, across * layer.stride_width
            yield kernels, body[:, top : top + height, left : left + width, copy % self._copies]

    def expect(self, used: NDArray[np.intp] | None) -> None:
        """Say which inputs of a dense layer a batch has, None for all: the others are 0 in all its samples.

        Such an input adds nothing to any sum and moves no weight: with MNIST, a third of them.
        """
        self._rows: NDArray[np.intp] | None = None  # of the weights that the batch moves; None: all
        self._seen = self._spread  # those rows of it
        self._output_norm: float | None = None  # of the weights of an output; None: not worked out yet
        if used is not None and len(used) < self.stage.fan_in:
            self._rows = np.append(used, self.stage.fan_in)
            self._seen = self._spread.take(self._rows, axis=0)

    # Forward

    def forward(self, inputs: Narrow, *, training: bool) -> Floats:
        """Return the outputs, of the last layer the logits, of inputs; both (channels, height, width, samples)."""
        stage, layer, samples = self.stage, self.stage.layer, inputs.shape[-1]
        self._inputs, self._samples = inputs, samples
        self._columns = self._columns_of(inputs)
        sums = product(self._seen.T, self._columns, self._forward_bound(inputs))
        if stage.is_last:
            return sums.reshape(*stage.sums, samples)
        if layer.pooling == Pooling.MAX:
            sums = self._greatest(sums, training)
        sums *= 2.0**-layer.shift
        np.floor(sums, out=sums)
        low, high = layer.range
        if training:
            self._live = (sums > low) & (sums < high)
        sums.clip(low, high, out=sums)
        return sums.astype(np.float32, copy=False).reshape(*stage.outputs, samples)

    def _forward_bound(self, inputs: Narrow) -> float:
        """Return a bound of every sum: the first of some, each dearer and closer than the one before, that will do."""
        stage = self.stage
        if not stage.is_dense and is_narrow(self._sum_bound):
            return self._sum_bound
        if self._output_norm is None:
            weights = self._seen if stage.is_dense else self._weights
            self._output_norm = stage.added * greatest_column(weights[:-1])
        bound = self._output_norm * stage.magnitude * math.sqrt(len(self._columns)) + self._bias_bound
        if stage.is_dense and is_narrow(bound):
            return bound
        return self._output_norm * greatest_column(inputs.reshape(-1, self._samples)) + self._bias_bound

    def _columns_of(self, inputs: Narrow) -> Narrow:
        """Return the patches that a kernel sees, (fan-in + 1, positions * samples), the constant input last."""
        stage, samples = self.stage, inputs.shape[-1]
        if stage.is_dense:
            columns = self._buffer("columns", (len(self._seen), samples))
            columns[:-1] = inputs.reshape(-1, samples)
        else:
            padded = self._padded(inputs)
            channel, down, across, sample = padded.strides
            shape = (stage.inputs[0], *self._kernel, *stage.outputs[1:], samples)
            steps = (channel, down, across, down * self._strides[0], across * self._strides[1], sample)
            columns = self._buffer("columns", (math.prod(shape[:3]) + 1, math.prod(shape[3:])))
            columns[:-1].reshape(shape)[...] = as_strided(padded, shape, steps, writeable=False)
        columns[-1] = stage.layer.bias_input
        return columns

    def _padded(self, inputs: Narrow) -> Narrow:
        edge = self.stage.layer.padding
        return np.pad(inputs, ((0, 0), (edge, edge), (edge, edge), (0, 0))) if edge else inputs

    def _greatest(self, sums: Floats, training: bool) -> Floats:
        """Return the greatest sum of each pool; remember which it was, the first in row order of equal ones."""
        pools = sums.reshape(POOL, POOL, self.stage.layer.outputs, -1)
        rows = np.maximum(pools[:, 0], pools[:, 1])
        if training:
            self._is_right = pools[:, 1] > pools[:, 0]
            self._is_lower = rows[1] > rows[0]
        greatest: Floats = np.maximum(rows[0], rows[1], out=rows[0])
        return greatest

    # Backward

    def backward(self, errors: Narrow) -> Narrow | None:
        """Add the gradient of these errors, shaped like the outputs, to the step's; return the errors of the inputs.

        The first layer has nothing to pass them to, and returns None.
        """
        stage = self.stage
        here = errors.reshape(stage.layer.outputs, -1)
        if not stage.is_last:
            here = here * self._live
        self._add_gradient(here)
        if stage.is_first:
            return None
        bound = self._input_norm * greatest_column(here.reshape(-1, self._samples))
        passed = product(self._spread[:-1], self._routed(here), bound)
        summed = self._summed(passed)
        summed *= 2.0**-stage.layer.error_shift
        if stage.layer.error_shift:
            summed += 0.5
        np.floor(summed, out=summed)
        summed.clip(-GREATEST_ERROR, GREATEST_ERROR, out=summed)
        return summed.astype(np.float32, copy=False)

    def _routed(self, errors: Narrow) -> Narrow:
        """Return errors by copy of the kernel, (copies * outputs, positions): each where its greatest sum was."""
        if self._copies == 1:
            return errors
        routed = self._buffer("routed", (POOL, POOL, *errors.shape))
        np.multiply(errors, self._is_lower, out=routed[1, 0])
        np.subtract(errors, routed[1, 0], out=routed[0, 0])
        for row in range(POOL):
            np.multiply(routed[row, 0], self._is_right[row], out=routed[row, 1])
            routed[row, 0] -= routed[row, 1]
        return routed.reshape(-1, errors.shape[1])

    def _add_gradient(self, errors: Narrow) -> None:
        stage = self.stage
        error_norm = greatest_row(errors)
        # In a row of the columns each input of a channel occurs once at most.
        bound = stage.added * stage.magnitude * math.sqrt(errors.shape[1]) * error_norm
        if not (stage.is_dense and is_narrow(bound)):
            shape = (-1, self._samples) if stage.is_dense else (stage.inputs[0], -1)
            bound = stage.added * greatest_row(self._inputs.reshape(shape)) * error_norm
        gradient = _gradient(self._columns, self._routed(errors), bound)
        constant = stage.added * stage.layer.bias_input * math.sqrt(errors.shape[1]) * error_norm
        if self._is_pooled or not is_narrow(max(bound, constant)):
            gradient = self._gather_kernel(gradient) if self._is_pooled else gradient
            # By itself, so that the constant input decides nothing about the others.
            bias = errors.sum(axis=1, dtype=np.float64) * (stage.added * stage.layer.bias_input)
            constant = float(np.abs(bias).max())
            gradient = gradient if is_narrow(max(bound, constant)) else gradient.astype(np.float64, copy=False)
            gradient[-1] = bias
        bound = max(bound, constant)
        self._gradient_bound += bound
        self._gradient = gradient if self._gradient is None else np.add(self._gradient, gradient, dtype=np.float64)

    def _summed(self, columns: Floats) -> Floats:
        """Add the errors of the columns up where the inputs are that the columns were copied from."""
        stage = self.stage
        if stage.is_dense:
            return columns.reshape(*stage.inputs, self._samples)
        channels, height, width = stage.inputs
        edge, (_, down, across) = stage.layer.padding, stage.outputs
        patches = columns.reshape(channels, *self._kernel, down, across, self._samples)
        summed = np.zeros((channels, height + 2 * edge, width + 2 * edge, self._samples), columns.dtype)
        (step_down, step_across) = self._strides
        for row, column in np.ndindex(*self._kernel):
            rows = slice(row, row + step_down * (down - 1) + 1, step_down)
            summed[:, rows, column : column + step_across * (across - 1) + 1 : step_across] += patches[:, row, column]
        return summed[:, edge:-edge, edge:-edge] if edge else summed

    # Step

    def descend(self) -> None:
        """Subtract the gradient, shifted right by the learning shift and rounded, from the master weights."""
        layer, gradient = self.stage.layer, self._gradient
        assert gradient is not None
        half = 1 << layer.learning_shift >> 1
        gradient = gradient if is_narrow(self._gradient_bound + half) else gradient.astype(np.float64, copy=False)
        if half:
            gradient *= 2.0**-layer.learning_shift
            gradient += 0.5
            np.floor(gradient, out=gradient)
        gradient *= 2.0**-layer.quantum
        greatest = NORM_MARGIN * self._gradient_bound * 2.0**-layer.learning_shift + 1
        self._gradient, self._gradient_bound = None, 0.0
        self._reach += greatest
        rows = slice(None) if self._rows is None else self._rows
        rest: Floats = np.subtract(self._rest[rows], gradient, out=gradient)  # of as many bits as the gradient
        carry: Floats = np.floor(rest)
        rest -= carry
        carry += self._weights if self._rows is None else self._seen
        if self._reach > layer.weight_range[1]:  # to look costs more than to count, and it hardly ever is
            _saturate(carry, rest, self._half)
            self._reach = float(max(np.abs(self._weights).max(), np.abs(carry).max()) + 1) * 2.0**layer.quantum
        self._weights[rows], self._rest[rows] = carry, rest
        self._prepare()

    def _buffer(self, name: str, shape: tuple[int, ...]) -> Narrow:
        """Return memory that the same name returned before, to be overwritten."""
        size = math.prod(shape)
        found = self._buffers.get(name)
        if found is None or found.size < size:
            found = self._buffers[name] = np.empty(size, np.float32)
        return found[:size].reshape(shape)


def _saturate(weights: Floats, rest: Floats, none: float) -> None:
    """Clip weights and what rounding left of them to those of an int16, of which nothing is left."""
    least, most = -float(1 << MODEL_BITS), float((1 << MODEL_BITS) - 1)
    is_above = (weights > most) | (weights == most) & (rest > none)
    rest[is_above | (weights < least) | (weights == least) & (rest < none)] = none
    np.clip(weights, least, most, out=weights)


def _gradient(columns: Narrow, errors: Narrow, bound: float) -> Floats:
    """Return columns @ errors.T, whose last row is not to be used: the bound is one of the others.

    Where it is too great for float32, so may be those of the halves of the positions, which are then added in float64.
    """
    positions = errors.shape[1]
    if is_narrow(bound) or columns.size < 2**15 or positions < 64:
        return product(columns, errors.T, bound)
    total: Floats | None = None
    for part in slice(None, positions // 2), slice(positions // 2, None):
        seen, of_part = columns[:, part], errors[:, part]
        gradient = _gradient(seen, of_part, greatest_row(seen[:-1]) * greatest_row(of_part))
        total = gradient.astype(np.float64) if total is None else np.add(total, gradient, out=total)
    assert total is not None
    return total
