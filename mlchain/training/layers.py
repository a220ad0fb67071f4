"""A network's layers: one kind for all, their shapes and shifts, and the bounds they put on every number of a training.

A layer is a convolution, pooled or not. A dense layer is one whose kernel is as large as its input; an embedding is a
signed one, with a kernel of 1 x 1, of one-hot tokens. Activations are bytes, weights int16 and errors int16, so every
bound follows from one layer and its input's shape.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

from mlchain.training.exact import EXACT_LIMIT
from mlchain.training.softmax import FRACTION_BITS

MODEL_BITS = 15  # a weight of the model is an int16: a sign and 15 bits
GREATEST_ERROR = 2**15 - 1  # of a hidden value; what is greater is clipped
OUTPUT_ERROR_BITS = 12  # errors of the last layer, p - 1[label], are in units of 2**-12
MOST_LAYERS = 8
POOL = 2  # values that are pooled, along each side

Shape = tuple[int, int, int]  # channels, height, width


class RecipeError(ValueError):
    """A recipe that cannot be read, or whose arithmetic could leave the exact integers."""


class Pooling(IntEnum):
    """What becomes of each 2 x 2 sums of a layer."""

    NONE = 0
    MAX = 1  # the greatest; its error goes to the first one in row order
    SUM = 2


class InputKind(IntEnum):
    """What a byte of a sample stands for."""

    UNSIGNED = 0  # itself, 0 .. greatest
    SIGNED = 1  # itself minus 128
    TOKENS = 2  # a token: 1 in the channel of that number and 0 in all others


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a network learns from: the shape of a sample and what its bytes stand for."""

    channels: int
    height: int
    width: int
    kind: InputKind
    greatest: int  # byte of a sample

    def __post_init__(self) -> None:
        for name in ("channels", "height", "width"):
            require_in_range(name, getattr(self, name), 1, 65535)
        require_in_range("greatest byte", self.greatest, 1, 255)
        if self.kind is InputKind.SIGNED and self.greatest != 255:
            raise RecipeError(f"a greatest byte of {self.greatest} for signed input, 255 wanted")
        if self.kind is InputKind.TOKENS and self.channels != self.greatest + 1:
            raise RecipeError(f"{self.channels} channels for tokens up to {self.greatest}")

    @property
    def shape(self) -> Shape:
        """Return channels, height and width of what the first layer sees."""
        return self.channels, self.height, self.width

    @property
    def sample_size(self) -> int:
        """Return the bytes of a sample."""
        return (1 if self.kind is InputKind.TOKENS else self.channels) * self.height * self.width

    @property
    def magnitude(self) -> int:
        """Return the greatest magnitude that the first layer sees."""
        return {InputKind.UNSIGNED: self.greatest, InputKind.SIGNED: 128, InputKind.TOKENS: 1}[self.kind]


_RANGES = {
    "outputs": (1, 65535),
    "kernel_height": (0, 255),
    "kernel_width": (0, 255),
    "stride_height": (1, 255),
    "stride_width": (1, 255),
    "padding": (0, 255),
    "pooling": (0, 2),
    "signed": (0, 1),
    "shift": (0, 62),
    "learning_shift": (0, 62),
    "error_shift": (0, 62),
    "quantum": (0, 14),  # so that an unquantised weight less a step is an int32
    "bias_input": (0, 255),
    "initial": (0, 32767),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer; a constant input beside the others carries its bias."""

    outputs: int  # channels
    kernel_height: int  # 0 x 0: as large as the input
    kernel_width: int
    stride_height: int
    stride_width: int
    padding: int  # zeros on every side
    pooling: int  # see `Pooling`
    signed: int  # 1: outputs are clipped to -128 .. 127 instead of 0 .. 255
    shift: int  # hidden: sums are shifted right by this; last: sums are base-2 logits in units of 2**-shift
    learning_shift: int  # the gradient is shifted right by this; one more halves the learning rate
    error_shift: int  # the error handed to the layer before is shifted right by this; 0 in the first layer
    quantum: int  # training holds weights in units of 2**-quantum of the model's
    bias_input: int  # the constant input
    initial: int  # initial weights are uniform in -initial .. initial, in units of the model; biases are 0

    def __post_init__(self) -> None:
        for field in fields(self):
            require_in_range(field.name.replace("_", " "), getattr(self, field.name), *_RANGES[field.name])
        if (self.kernel_height == 0) != (self.kernel_width == 0):
            raise RecipeError(f"a kernel of {self.kernel_height} x {self.kernel_width}: both or neither are 0")

    @property
    def range(self) -> tuple[int, int]:
        """Return the least and the greatest output of a hidden layer."""
        return (-128, 127) if self.signed else (0, 255)

    @property
    def weight_range(self) -> tuple[int, int]:
        """Return the least and the greatest weight in training: those of an int16 in units of 2**-quantum."""
        return -(1 << MODEL_BITS) << self.quantum, ((1 << MODEL_BITS) - 1) << self.quantum


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer in its place: what follows from it and from the shape of its inputs."""

    layer: Layer
    inputs: Shape
    magnitude: int  # that no input exceeds
    is_first: bool
    is_last: bool

    @property
    def kernel(self) -> tuple[int, int]:
        """Return the kernel's height and width."""
        return self.layer.kernel_height or self.inputs[1], self.layer.kernel_width or self.inputs[2]

    @property
    def sums(self) -> Shape:
        """Return the shape of the sums, before pooling."""
        layer, (_, height, width), (kernel_height, kernel_width) = self.layer, self.inputs, self.kernel
        down = (height + 2 * layer.padding - kernel_height) // layer.stride_height + 1
        across = (width + 2 * layer.padding - kernel_width) // layer.stride_width + 1
        return layer.outputs, down, across

    @property
    def outputs(self) -> Shape:
        """Return the shape of the outputs; where sums do not fill a last pool they are left out."""
        channels, height, width = self.sums
        return (channels, height // POOL, width // POOL) if self.layer.pooling else (channels, height, width)

    @property
    def fan_in(self) -> int:
        """Return the inputs of one sum, the constant one not counted."""
        return self.inputs[0] * math.prod(self.kernel)

    @property
    def weights(self) -> tuple[int, int]:
        """Return the shape of the weights, (outputs, inputs of a sum + 1): input by input as a sample is, then bias."""
        return self.layer.outputs, self.fan_in + 1

    @property
    def size(self) -> int:
        """Return the number of weights."""
        return math.prod(self.weights)

    @property
    def strides(self) -> tuple[int, int]:
        """Return the rows and columns of inputs from one window to the next."""
        times = POOL if self.layer.pooling else 1
        return times * self.layer.stride_height, times * self.layer.stride_width

    @property
    def window(self) -> tuple[int, int]:
        """Return the height and width of the inputs that one output sees: those of a kernel, or of a pool of them."""
        if not self.layer.pooling:
            return self.kernel
        (height, width), layer = self.kernel, self.layer
        return height + (POOL - 1) * layer.stride_height, width + (POOL - 1) * layer.stride_width

    @property
    def copies(self) -> int:
        """Return how many sums of a window are told apart."""
        return POOL**2 if self.layer.pooling == Pooling.MAX else 1

    @property
    def added(self) -> int:
        """Return how many sums are added up to an output."""
        return POOL**2 if self.layer.pooling == Pooling.SUM else 1

    @property
    def is_dense(self) -> bool:
        """Return whether each sum sees the whole input."""
        return self.kernel == self.inputs[1:] and not self.layer.padding

    @property
    def readers(self) -> int:
        """Return in how many sums of one output channel an input takes part at most."""
        sides = zip(self.kernel, (self.layer.stride_height, self.layer.stride_width), self.sums[1:], strict=True)
        return math.prod(min(-(-kernel // stride), sums) for kernel, stride, sums in sides)


def stages(inputs: Inputs, layers: Sequence[Layer]) -> tuple[Stage, ...]:
    """Return the layers of a network in their places; a kernel larger than its input raises `RecipeError`."""
    found: list[Stage] = []
    shape, magnitude = inputs.shape, inputs.magnitude
    for depth, layer in enumerate(layers):
        stage = Stage(layer, shape, magnitude, depth == 0, depth == len(layers) - 1)
        if min(stage.outputs) < 1:
            size = f"{stage.kernel[0]} x {stage.kernel[1]}{' and pools' if layer.pooling else ''}"
            raise RecipeError(f"layer {depth} has kernels of {size} on an input of {shape[1]} x {shape[2]}")
        found.append(stage)
        shape, magnitude = stage.outputs, -layer.range[0] or layer.range[1]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Bound:
    """The greatest magnitude a number of a training can reach, and the limit it has to stay below."""

    of: str
    bound: int
    limit: int


def bounds(network: Sequence[Stage], batch: int) -> list[Bound]:
    """Return the bound of every sum a training forms, whatever the weights and the data, last layer first."""
    found: list[Bound] = []
    for depth, stage in reversed(list(enumerate(network))):
        layer = stage.layer
        weight, error = 1 << MODEL_BITS, 1 << OUTPUT_ERROR_BITS if stage.is_last else GREATEST_ERROR
        greatest = max(stage.magnitude, layer.bias_input)
        errors = batch * math.prod(stage.outputs[1:]) * stage.added
        gradient = greatest * error * errors
        step = _half_added(gradient, layer.learning_shift) >> layer.learning_shift
        passed = weight * error * layer.outputs * stage.readers
        found += [
            Bound(f"sums of layer {depth}", stage.added * greatest * weight * (stage.fan_in + 1), EXACT_LIMIT),
            Bound(f"gradient of layer {depth}", _half_added(gradient, layer.learning_shift), EXACT_LIMIT),
            Bound(f"weights of layer {depth} after a step", (weight << layer.quantum) + step, EXACT_LIMIT),
        ]
        if depth:
            found.append(
                Bound(f"errors passed back by layer {depth}", _half_added(passed, layer.error_shift), EXACT_LIMIT)
            )
    return found


def _half_added(bound: int, bits: int) -> int:
    """Return the greatest magnitude that a rounding shift, which adds half a unit, shifts down."""
    return bound + (1 << bits >> 1)


def require_layers(inputs: Inputs, layers: Sequence[Layer], batch: int) -> None:
    """Raise `RecipeError` unless the layers fit together and every bound stays below its limit."""
    require_in_range("number of layers", len(layers), 1, MOST_LAYERS)
    last = layers[-1]
    require_in_range("classes", last.outputs, 2, 256)
    require_in_range("shift of the last layer", last.shift, FRACTION_BITS, 62)
    require_in_range("pooling of the last layer", last.pooling, 0, 0)
    require_in_range("sign of the last layer", last.signed, 0, 0)
    require_in_range("error shift of the first layer", layers[0].error_shift, 0, 0)
    network = stages(inputs, layers)
    if network[-1].outputs[1:] != (1, 1):
        raise RecipeError(
            f"the last layer has {network[-1].outputs[1]} x {network[-1].outputs[2]} outputs a class, 1 wanted"
        )
    for each in bounds(network, batch):
        if each.bound >= each.limit:
            raise RecipeError(f"{each.of} can reach {each.bound}, which is not below {each.limit}")


def require_in_range(name: str, value: int, least: int, greatest: int) -> None:
    """Raise `RecipeError` unless an integer lies in least .. greatest."""
    if not isinstance(value, int) or not least <= value <= greatest:
        raise RecipeError(f"{name} {value!r} is not an integer in {least} .. {greatest}")
