"""What a job takes on a slow machine: an estimate from its recipe alone, before anything is allocated.

It errs on the side of too much, by about what `python -m mlchain.tasks cost` shows beside measurements.
"""

import math
from dataclasses import dataclass

from mlchain.training.layers import POOL, Stage
from mlchain.training.networks import SAMPLES_AT_ONCE
from mlchain.training.recipe import Recipe

# Nanoseconds.
START = 6 * 10**9  # of a process, to import the libraries and to read the data set
STEP = 10**6  # of a layer, whatever its size
MULTIPLICATION = 2  # and addition
ROUNDING = 5  # or copying, or clipping, of a value
WEIGHT_ROUNDS = 4  # of them for every weight and step
SAMPLE = 500  # whose place in the random order is worked out

# Bytes.
START_MEMORY = 512 * 2**20  # for what starting takes
VALUE = 8  # of a float64 or an int64
ORDER_COPIES = 5  # of the order of the samples: the parts, the whole, what permuting needs, and how far each is moved
COLUMN_COPIES = 4  # of what a layer multiplies: as float32 and as float64, and of the errors passed back
SUM_COPIES = 6  # of what it sums up: rounded, clipped, where they are live, and errors
WEIGHT_COPIES = 12  # of every weight: the model and its parent, start, end, change, step and codes


@dataclass(frozen=True, slots=True)
class Cost:
    """What a job takes at most on a slow machine: seconds of one core, rounded up, and bytes of memory."""

    seconds: int
    memory: int


def cost_of(recipe: Recipe) -> Cost:
    """Return what a job of a recipe takes at most, in a process of its own."""
    samples, at_once = recipe.local_steps * recipe.batch, min(recipe.batch, SAMPLES_AT_ONCE)
    columns = [_columns(stage) for stage in recipe.stages]
    sums = [math.prod(stage.sums) for stage in recipe.stages]
    # Forwards, the gradient, and for all but the first layer the errors backwards.
    multiplications = sum(
        (2 if stage.is_first else 3) * inputs * outputs // math.prod(stage.sums[1:])
        for stage, inputs, outputs in zip(recipe.stages, columns, sums, strict=True)
    )
    values = recipe.inputs.sample_size + sum(columns) + sum(sums)
    worked_out = samples * values + recipe.local_steps * WEIGHT_ROUNDS * recipe.weights
    nanoseconds = START + STEP * len(recipe.layers) * recipe.local_steps * -(-recipe.batch // SAMPLES_AT_ONCE)
    nanoseconds += SAMPLE * samples + MULTIPLICATION * samples * multiplications + ROUNDING * worked_out
    held = ORDER_COPIES * samples + at_once * (COLUMN_COPIES * sum(columns) + SUM_COPIES * sum(sums))
    held += recipe.batch * recipe.inputs.sample_size + WEIGHT_COPIES * recipe.weights
    return Cost(-(-nanoseconds // 10**9), START_MEMORY + VALUE * held)


def _columns(stage: Stage) -> int:
    """Return the values of a sample's columns: every patch that a kernel, or the kernels of a pool, see."""
    if not stage.layer.pooling:
        return (stage.fan_in + 1) * math.prod(stage.sums[1:])
    strides = stage.layer.stride_height, stage.layer.stride_width
    kernel = (side + (POOL - 1) * stride for side, stride in zip(stage.kernel, strides, strict=True))
    return (stage.inputs[0] * math.prod(kernel) + 1) * math.prod(stage.sums[1:])
