"""Networks in exact integers: forward, gradient, step, and what they predict."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlchain.training.certified import Narrow, require_exact_blas
from mlchain.training.convolution import Convolution
from mlchain.training.exact import AnyIntegers, Integers, shift_round
from mlchain.training.layers import OUTPUT_ERROR_BITS, InputKind, Inputs, Layer, stages
from mlchain.training.softmax import ONE, PROBABILITY_BITS, cross_entropy, softmax

Samples = NDArray[np.uint8]  # (samples, bytes of one)

SAMPLES_AT_ONCE = 64  # what is worked out for them fits into a processor's cache


class Network:
    """A network and its weights, which training moves."""

    def __init__(self, inputs: Inputs, layers: Sequence[Layer], model: Sequence[AnyIntegers]) -> None:
        """Take the weights of the model, (outputs, fan-in + 1) of each layer."""
        require_exact_blas()
        self._inputs = inputs
        places = stages(inputs, layers)
        self._layers = [Convolution(stage, weights) for stage, weights in zip(places, model, strict=True)]
        self._shift = layers[-1].shift

    def step(self, samples: Samples, labels: Integers) -> int:
        """Move the weights by the gradient of a batch; return its loss in 1/256 bit, summed over its samples."""
        samples = self._seen_of(samples)
        loss = sum(self._learn(samples[part], labels[part]) for part in _parts(len(samples)))
        for layer in self._layers:
            layer.descend()
        return loss

    def _seen_of(self, samples: Samples) -> Samples:
        """Return what of a batch is seen: of a dense first layer, the inputs that are not 0 in all samples."""
        first = self._layers[0]
        if not (first.stage.is_dense and self._inputs.kind is InputKind.UNSIGNED):
            return samples
        used = np.flatnonzero(np.bitwise_or.reduce(samples, axis=0))
        first.expect(used)
        seen: Samples = samples.T[used].T  # faster than samples[:, used], since the samples go last from here on
        return seen

    def master_weights(self) -> tuple[Integers, ...]:
        """Return the weights of every layer, (outputs, fan-in + 1), in units of 2**-quantum of the model's."""
        return tuple(layer.weights() for layer in self._layers)

    def model(self) -> tuple[NDArray[np.int16], ...]:
        """Return the weights of every layer, (outputs, fan-in + 1), in units of the model."""
        return tuple(layer.model() for layer in self._layers)

    def logits(self, samples: Samples) -> Integers:
        """Return base-2 logits (samples, classes) in units of 2**-shift of the last layer."""
        return np.concatenate([self._forward(samples[part], training=False) for part in _parts(len(samples))])

    def predict(self, samples: Samples) -> Integers:
        """Return the class of the greatest logit of every sample; of equal logits the first."""
        classes: Integers = self.logits(samples).argmax(axis=1)
        return classes

    def _learn(self, samples: Samples, labels: Integers) -> int:
        """Add some samples' gradients to the step; return their loss."""
        probabilities = softmax(self._forward(samples, training=True), self._shift)
        of_label = np.arange(len(labels)), labels
        loss = cross_entropy(probabilities[of_label])

        probabilities[of_label] -= ONE
        errors = shift_round(probabilities, PROBABILITY_BITS - OUTPUT_ERROR_BITS)
        passed: Narrow | None = np.ascontiguousarray(errors.T, dtype=np.float32)
        for layer in reversed(self._layers):
            assert passed is not None  # only the first layer passes none on
            passed = layer.backward(passed)
        return loss

    def _forward(self, samples: Samples, *, training: bool) -> Integers:
        values = values_of(self._inputs, samples)
        for layer in self._layers:
            values = layer.forward(values, training=training)
        return values.reshape(-1, len(samples)).T.astype(np.int64)


def values_of(inputs: Inputs, samples: Samples) -> Narrow:
    """Return what the first layer sees of samples, (channels, height, width, samples).

    Of a dense layer it may be some inputs only, (inputs, 1, 1, samples).
    """
    count = len(samples)
    if inputs.kind is InputKind.TOKENS:
        tokens = samples.T.reshape(1, inputs.height, inputs.width, count)
        numbers = np.arange(inputs.channels).reshape(-1, 1, 1, 1)
        return np.asarray(tokens == numbers, dtype=np.float32)
    shape = inputs.shape if samples.shape[1] == inputs.sample_size else (-1, 1, 1)
    values = np.ascontiguousarray(samples.T, dtype=np.float32).reshape(*shape, count)
    if inputs.kind is InputKind.SIGNED:
        values -= 128
    return values


def _parts(count: int) -> list[slice]:
    return [slice(start, start + SAMPLES_AT_ONCE) for start in range(0, count, SAMPLES_AT_ONCE)]
