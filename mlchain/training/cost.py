"""What a job takes on a slow machine: an estimate from its recipe alone, before anything is allocated.

It errs on the side of too much, by about what `python -m mlchain.tasks cost` shows beside measurements.
"""

import math
import resource
from dataclasses import dataclass
from pathlib import Path

from mlchain.training.layers import Stage
from mlchain.training.networks import SAMPLES_AT_ONCE
from mlchain.training.recipe import Recipe

# Nanoseconds.
START = 6 * 10**9  # of a process, to import the libraries and to read the data set
STEP = 10**6  # of a layer, whatever its size
MULTIPLICATION = 1  # and addition
ROUNDING = 5  # or copying, or clipping, of a value
WEIGHT_ROUNDS = 4  # of them for every weight and step
SAMPLE = 500  # whose place in the random order is worked out

# Bytes.
START_MEMORY = 512 * 2**20  # for what starting takes
VALUE = 8  # of a float64 or an int64
ORDER_COPIES = 5  # of the order of the samples: the parts, the whole, what permuting needs, and how far each is moved
COLUMN_COPIES = 4  # of what a layer multiplies: as float32 and as float64, and of the errors passed back
SUM_COPIES = 6  # of what it sums up: rounded, clipped, where they are live, and errors
IMAGE_COPIES = 3  # of its inputs with their edge, and of the errors passed back to them
KERNEL_COPIES = 5  # of the weights as products see them: as float32, as float64, and of their gradients
WEIGHT_COPIES = 12  # of every weight: the model and its parent, start, end, change, step and codes


@dataclass(frozen=True, slots=True)
class Cost:
    """What a job takes at most on a slow machine: seconds of one core, rounded up, and bytes of memory."""

    seconds: int
    memory: int


def taken() -> tuple[float, int]:
    """Return what this process has taken so far: seconds of one core, and bytes of memory at most."""
    used, status = resource.getrusage(resource.RUSAGE_SELF), Path("/proc/self/status")
    memory = used.ru_maxrss  # on Linux, at least that of the process that started this one
    if status.exists():
        memory = 1024 * int(dict(line.split(":", 1) for line in status.read_text().splitlines())["VmHWM"].split()[0])
    return used.ru_utime + used.ru_stime, memory


@dataclass(frozen=True, slots=True)
class _Layer:
    """How many values one sample, and the weights, make of a layer."""

    image: int
    columns: int
    sums: int
    kernel: int
    products: int  # multiplications: forwards, for the gradient and, but for the first layer, for the errors backwards


def cost_of(recipe: Recipe) -> Cost:
    """Return what a job of a recipe takes at most, in a process of its own."""
    steps, samples = recipe.local_steps, recipe.local_steps * recipe.batch
    at_once, parts = min(recipe.batch, SAMPLES_AT_ONCE), -(-recipe.batch // SAMPLES_AT_ONCE)
    layers = [_layer(stage) for stage in recipe.stages]
    sample, kernels = _displaced_size(recipe), sum(each.kernel for each in layers)

    values = sample + sum(each.image + each.columns + each.sums for each in layers)
    rounded = samples * values + steps * WEIGHT_ROUNDS * (recipe.weights + kernels)
    nanoseconds = START + STEP * len(layers) * steps * parts + SAMPLE * samples + ROUNDING * rounded
    nanoseconds += MULTIPLICATION * samples * sum(each.products for each in layers)

    held = ORDER_COPIES * samples + recipe.batch * sample + WEIGHT_COPIES * recipe.weights + KERNEL_COPIES * kernels
    for each in layers:
        held += at_once * (IMAGE_COPIES * each.image + COLUMN_COPIES * each.columns + SUM_COPIES * each.sums)
    return Cost(-(-nanoseconds // 10**9), START_MEMORY + VALUE * held)


def _layer(stage: Stage) -> _Layer:
    channels, height, width = stage.inputs
    edge, places = 2 * stage.layer.padding, math.prod(stage.outputs[1:])
    seen, sums = channels * math.prod(stage.window) + 1, stage.copies * stage.layer.outputs
    products = (2 if stage.is_first else 3) * seen * sums * places
    image = channels * (height + edge) * (width + edge)
    return _Layer(image, seen * places, sums * places, seen * sums, products)


def _displaced_size(recipe: Recipe) -> int:
    """Return the bytes of a sample with the edge that displacing it needs."""
    if not recipe.displacement:
        return recipe.inputs.sample_size
    channels, height, width = recipe.inputs.shape
    return channels * (height + 2 * recipe.displacement) * (width + 2 * recipe.displacement)
