"""The same networks as people write them: numpy and float32. The reference that exact training is measured beside.

Layout, columns and pooling are those of exact training, so that what is compared is the arithmetic: rounding, and the
certificates. Inputs are real numbers here; what an integer of the recipe stands for follows from its shifts.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from mlchain.training.exact import Integers
from mlchain.training.jobs import Batches
from mlchain.training.layers import OUTPUT_ERROR_BITS, POOL, Layer, Stage
from mlchain.training.networks import SAMPLES_AT_ONCE, Samples, values_of
from mlchain.training.recipe import Recipe

Floats = NDArray[np.float32]
Model = Sequence[NDArray[np.int16] | Floats]  # (outputs, fan-in + 1) in units of a model; a float one was never rounded
LEAST = np.float32(2.0**-16)  # probability: a smaller one counts as this in a loss
HIDDEN_BITS = 6  # a hidden value of 1 is the integer 2**6: any number would do, and another would scale the weights


def train(
    recipe: Recipe, model: Model, samples: Samples, labels: Integers, key: bytes, version: int = 1
) -> tuple[list[Floats], float]:
    """Return weights in units of a model, and the loss in bits, of the job that `jobs.run_job` does exactly."""
    network = Network(recipe, model, version)
    loss = sum(network.step(*batch) for batch in Batches(recipe, samples, labels, key))
    return network.model(), loss


class Network:
    """A network of float32 weights."""

    def __init__(self, recipe: Recipe, model: Model, version: int = 1) -> None:
        """Take weights in units of a model."""
        self._inputs, layers = recipe.inputs, recipe.layers_for(version)
        self._units = units(recipe, layers)
        self._layers = [
            Convolution(stage, weights, unit)
            for stage, weights, unit in zip(recipe.stages, model, self._units, strict=True)
        ]

    def model(self) -> list[Floats]:
        """Return the weights in units of a model, not rounded."""
        return [
            layer.weights.T * np.float32(2.0**unit.weight)
            for layer, unit in zip(self._layers, self._units, strict=True)
        ]

    def step(self, samples: Samples, labels: Integers) -> float:
        """Move the weights by the gradient of a batch; return its loss in bits, summed over its samples."""
        loss = 0.0
        for start in range(0, len(labels), SAMPLES_AT_ONCE):
            part = slice(start, start + SAMPLES_AT_ONCE)
            errors, of_part = self._forward(samples[part], training=True), (labels[part], np.arange(len(labels[part])))
            errors -= errors.max(axis=0)
            np.exp2(errors, out=errors)
            errors /= errors.sum(axis=0)
            loss -= float(np.log2(np.maximum(errors[of_part], LEAST)).sum())
            errors[of_part] -= 1
            passed: Floats | None = errors
            for layer in reversed(self._layers):
                assert passed is not None
                passed = layer.backward(passed)
        for layer in self._layers:
            layer.descend()
        return loss

    def accuracy(self, samples: Samples, labels: Integers) -> float:
        """Return the share of samples classified rightly."""
        starts = range(0, len(labels), SAMPLES_AT_ONCE)
        parts = [self._forward(samples[at : at + SAMPLES_AT_ONCE], training=False).argmax(axis=0) for at in starts]
        return float((np.concatenate(parts) == labels).mean())

    def _forward(self, samples: Samples, *, training: bool) -> Floats:
        """Return base-2 logits (classes, samples)."""
        values = values_of(self._inputs, samples)
        values *= np.float32(2.0 ** -self._units[0].input)
        for layer in self._layers:
            values = layer.forward(values, training=training)
        logits: Floats = values.reshape(-1, len(samples))
        return logits


class Units:
    """How many bits of a layer's integers lie behind the point, and its learning rate."""

    def __init__(self, layer: Layer, input_bits: int, output_bits: int, error: int) -> None:
        self.input, self.output, self.error = input_bits, output_bits, error
        self.weight = layer.shift - input_bits + output_bits
        self.rate = 2.0 ** (error + input_bits - layer.learning_shift - layer.quantum - self.weight)  # of a sum
        self.error_before = error + self.weight - layer.error_shift


def units(recipe: Recipe, layers: Sequence[Layer]) -> list[Units]:
    """Return what the integers of every layer stand for, so that both trainings take the same steps."""
    inputs = [round(math.log2(recipe.inputs.magnitude)), *[HIDDEN_BITS] * (len(layers) - 1)]
    found: list[Units] = []
    for layer, input_bits, output_bits in zip(
        reversed(layers), reversed(inputs), [0, *reversed(inputs)][: len(layers)], strict=True
    ):
        error = found[-1].error_before if found else OUTPUT_ERROR_BITS
        found.append(Units(layer, input_bits, output_bits, error))
    return found[::-1]


class Convolution:
    """A layer: columns of patches, one product for all, pooled or not."""

    def __init__(self, stage: Stage, weights: NDArray[np.generic], unit: Units) -> None:
        layer = stage.layer
        self.stage, self._rate = stage, np.float32(unit.rate)
        self.weights: Floats = np.ascontiguousarray(weights.T, dtype=np.float32) * np.float32(2.0**-unit.weight)
        self._one = np.float32(layer.bias_input * 2.0**-unit.input)
        self._low, self._high = (np.float32(bound * 2.0**-unit.output) for bound in layer.range)
        self._kernel, self._strides, self._copies = stage.window, stage.strides, stage.copies
        self._gradient: Floats | None = None
        self._columns = np.empty((0, 0), np.float32)
        self._spread = self._spread_kernel()

    def forward(self, inputs: Floats, *, training: bool) -> Floats:
        stage = self.stage
        self._samples = inputs.shape[-1]
        self._fill_columns(inputs)
        sums = self._spread.T @ self._columns
        if stage.is_last:
            return sums
        if self._copies > 1:
            pools = sums.reshape(POOL, POOL, stage.layer.outputs, -1)
            rows = np.maximum(pools[:, 0], pools[:, 1])
            if training:
                self._is_right, self._is_lower = pools[:, 1] > pools[:, 0], rows[1] > rows[0]
            sums = np.maximum(rows[0], rows[1], out=rows[0])
        if training:
            self._live = (sums > self._low) & (sums < self._high)
        np.maximum(sums, self._low, out=sums)
        np.minimum(sums, self._high, out=sums)
        return sums.reshape(*stage.outputs, self._samples)

    def backward(self, errors: Floats) -> Floats | None:
        stage = self.stage
        errors = errors.reshape(stage.layer.outputs, -1)
        if not stage.is_last:
            errors = errors * self._live
        if self._copies > 1:
            routed = np.empty((POOL, POOL, *errors.shape), np.float32)
            np.multiply(errors, self._is_lower, out=routed[1, 0])
            np.subtract(errors, routed[1, 0], out=routed[0, 0])
            for row in range(POOL):
                np.multiply(routed[row, 0], self._is_right[row], out=routed[row, 1])
                routed[row, 0] -= routed[row, 1]
            errors = routed.reshape(-1, errors.shape[1])
        gradient = self._columns @ errors.T
        self._gradient = gradient if self._gradient is None else np.add(self._gradient, gradient, out=gradient)
        if stage.is_first:
            return None
        columns = self._spread[:-1] @ errors
        if stage.is_dense and not stage.layer.pooling:
            return columns.reshape(*stage.inputs, self._samples)
        (channels, height, width), edge, (_, down, across) = stage.inputs, stage.layer.padding, stage.outputs
        patches = columns.reshape(channels, *self._kernel, down, across, self._samples)
        summed = np.zeros((channels, height + 2 * edge, width + 2 * edge, self._samples), np.float32)
        step_down, step_across = self._strides
        for row, column in np.ndindex(*self._kernel):
            rows = slice(row, row + step_down * (down - 1) + 1, step_down)
            summed[:, rows, column : column + step_across * (across - 1) + 1 : step_across] += patches[:, row, column]
        return summed[:, edge:-edge, edge:-edge] if edge else summed

    def descend(self) -> None:
        gradient = self._gradient
        assert gradient is not None
        if self.stage.layer.pooling:
            gathered = np.zeros_like(self.weights)
            for kernels, copies in self._places(gathered, gradient):
                kernels += copies
            gathered[-1] = gradient[-1].reshape(self._copies, -1).sum(axis=0) * (POOL**2 // self._copies)
            gradient = gathered
        gradient *= self._rate
        self.weights -= gradient
        self._gradient = None
        self._spread = self._spread_kernel()

    def _spread_kernel(self) -> Floats:
        """Return the kernels that see a whole pool, (fan-in + 1, copies * outputs)."""
        stage = self.stage
        if not stage.layer.pooling:
            return self.weights
        spread = np.zeros(
            (stage.inputs[0] * math.prod(self._kernel) + 1, self._copies * stage.layer.outputs), np.float32
        )
        for kernels, copies in self._places(self.weights, spread):
            copies += kernels
        spread[-1] = np.tile(self.weights[-1], self._copies) * (POOL**2 // self._copies)
        return spread

    def _places(self, weights: Floats, spread: Floats) -> list[tuple[Floats, Floats]]:
        """Return the kernels beside each of their places in a pool, as views."""
        stage, (height, width) = self.stage, self.stage.kernel
        outputs, strides = stage.layer.outputs, (stage.layer.stride_height, stage.layer.stride_width)
        body = spread[:-1].reshape(stage.inputs[0], *self._kernel, self._copies, outputs)
        kernels, found = weights[:-1].reshape(stage.inputs[0], height, width, outputs), []
        for copy, (down, across) in enumerate(np.ndindex(POOL, POOL)):
            top, left = down * strides[0], across * strides[1]
            found.append((kernels, body[:, top : top + height, left : left + width, copy % self._copies]))
        return found

    def _fill_columns(self, inputs: Floats) -> None:
        stage, samples, edge = self.stage, inputs.shape[-1], self.stage.layer.padding
        shape = (stage.inputs[0], *self._kernel, *stage.outputs[1:], samples)
        size = math.prod(shape[:3]) + 1, math.prod(shape[3:])
        if self._columns.shape != size:
            self._columns = np.empty(size, np.float32)
            self._columns[-1] = self._one
        if edge:
            inputs = np.pad(inputs, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
        channel, down, across, sample = inputs.strides
        steps = (channel, down, across, down * self._strides[0], across * self._strides[1], sample)
        self._columns[:-1].reshape(shape)[...] = as_strided(inputs, shape, steps, writeable=False)
