"""A network's layers: shapes, shifts and ranges, and the bounds they put on every number of a training."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from mlchain.training.bounded import half_added, shifted
from mlchain.training.exact import PRODUCT_LIMIT, product_bound
from mlchain.training.softmax import FRACTION_BITS, ONE

MODEL_BITS = 15  # a weight of the model is an int16: a sign and 15 bits

_FIELD_RANGES = {
    "inputs": (1, 65535),
    "outputs": (1, 65535),
    "input_max": (1, 65535),
    "scale": (0, 62),
    "learning_shift": (0, 62),
    "error_shift": (0, 62),
    "quantum": (0, 16),  # so that an unquantised weight is an int32
    "initial": (0, 32767),
}


class RecipeError(ValueError):
    """A recipe that cannot be read, or whose arithmetic could leave the exact integers."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One fully connected layer; a constant input beside the others carries its bias."""

    inputs: int  # without the constant one
    outputs: int
    input_max: int  # inputs lie in 0 .. input_max; the constant input is input_max
    scale: int  # hidden: sums are shifted right by this; last: sums are base-2 logits in units of 2**-scale
    learning_shift: int  # the gradient is shifted right by this; one more halves the learning rate
    error_shift: int  # the error handed to the layer before is shifted right by this; 0 in the first layer
    quantum: int  # model and result hold the weights in units of 2**quantum
    initial: int  # initial weights are uniform in -initial .. initial, in these units

    def __post_init__(self) -> None:
        for field in fields(self):
            require_in_range(field.name, getattr(self, field.name), *_FIELD_RANGES[field.name])

    @property
    def shape(self) -> tuple[int, int]:
        """Return the shape of the weights, (inputs + 1, outputs); the last row is the bias."""
        return self.inputs + 1, self.outputs

    @property
    def size(self) -> int:
        """Return the number of weights."""
        return (self.inputs + 1) * self.outputs

    @property
    def weight_range(self) -> tuple[int, int]:
        """Return the least and the greatest weight: those of an int16 in units of 2**quantum."""
        return -(1 << MODEL_BITS) << self.quantum, ((1 << MODEL_BITS) - 1) << self.quantum


@dataclass(frozen=True, slots=True)
class Bound:
    """The greatest magnitude a number of a training can reach, and the limit it has to stay below."""

    of: str
    bound: int
    limit: int


def bounds(layers: Sequence[Layer], batch: int) -> list[Bound]:
    """Return the bound of every sum a training forms, whatever the weights and the data, last layer first."""
    found: list[Bound] = []
    error = ONE  # p - 1[label] lies in -2**16 .. 2**16
    for depth in reversed(range(len(layers))):
        layer = layers[depth]
        weight = -layer.weight_range[0]
        gradient = product_bound(layer.input_max, error, batch)
        step = shifted(gradient, layer.learning_shift)
        sums = product_bound(layer.input_max, weight, layer.inputs + 1)
        found += [
            Bound(f"sums of layer {depth}", sums, PRODUCT_LIMIT),
            Bound(f"gradient of layer {depth}", gradient, PRODUCT_LIMIT),
            Bound(f"rounding in layer {depth}", half_added(gradient, layer.learning_shift), PRODUCT_LIMIT),
            Bound(f"weights of layer {depth} after a step", weight + step, PRODUCT_LIMIT),
        ]
        if depth:
            passed = product_bound(error, weight, layer.outputs)
            found += [
                Bound(f"errors passed back by layer {depth}", passed, PRODUCT_LIMIT),
                Bound(f"rounding of errors of layer {depth}", half_added(passed, layer.error_shift), PRODUCT_LIMIT),
            ]
            error = shifted(passed, layer.error_shift)
    return found


def require_layers(layers: Sequence[Layer], batch: int) -> None:
    """Raise `RecipeError` unless the layers fit together and every bound stays below its limit."""
    require_in_range("number of layers", len(layers), 1, 4)
    require_in_range("classes", layers[-1].outputs, 2, 256)
    require_in_range("scale of the last layer", layers[-1].scale, FRACTION_BITS, 62)
    require_in_range("error shift of the first layer", layers[0].error_shift, 0, 0)
    for before, after in pairwise(layers):
        if before.outputs != after.inputs:
            raise RecipeError(f"a layer of {before.outputs} outputs before one of {after.inputs} inputs")
    for each in bounds(layers, batch):
        if each.bound >= each.limit:
            raise RecipeError(f"{each.of} can reach {each.bound}, which is not below {each.limit}")


def require_in_range(name: str, value: int, least: int, greatest: int) -> None:
    """Raise `RecipeError` unless an integer lies in least .. greatest."""
    if type(value) is not int or not least <= value <= greatest:
        raise RecipeError(f"{name} {value!r} is not an integer in {least} .. {greatest}")
