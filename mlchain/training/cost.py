"""What a job takes on a slow machine: an estimate from its recipe alone, before anything is allocated.

It errs on the side of too much, by about what `python -m mlchain.tasks cost` shows beside measurements.
"""

from dataclasses import dataclass

from mlchain.training.recipe import Recipe

# Nanoseconds.
START = 6 * 10**9  # of a process, to import the libraries and to read the data set
STEP = 10**6  # whatever its size
MULTIPLICATION = 2  # and addition
ROUNDING = 20  # or clipping, or exponentiating, of a value
SAMPLE = 500  # whose place in the random order is worked out

# Bytes.
START_MEMORY = 512 * 2**20  # for what starting takes
VALUE = 8  # of a float64 or an int64
ORDER_COPIES = 3  # of the order of the samples: the parts, the whole, and what sorting needs
BATCH_COPIES = 4  # of every value of a batch: product, shifted, clipped, with its constant
CLASS_COPIES = 12  # of every logit: what softmax works out on its way
WEIGHT_COPIES = 12  # of every weight: the model and its parent, start, end, change, step and codes


@dataclass(frozen=True, slots=True)
class Cost:
    """What a job takes at most on a slow machine: seconds of one core, rounded up, and bytes of memory."""

    seconds: int
    memory: int


def cost_of(recipe: Recipe) -> Cost:
    """Return what a job of a recipe takes at most, in a process of its own."""
    first, *others = recipe.layers
    samples = recipe.local_steps * recipe.batch
    # Forwards and the gradient for every weight, and for all but the first layer the errors backwards.
    multiplications = samples * (2 * first.size + sum(3 * layer.size for layer in others))
    values = first.inputs + 1 + sum(layer.outputs for layer in recipe.layers)
    worked_out = samples * (values + CLASS_COPIES * recipe.layers[-1].outputs) + recipe.local_steps * recipe.weights
    nanoseconds = START + STEP * recipe.local_steps + SAMPLE * samples
    nanoseconds += MULTIPLICATION * multiplications + ROUNDING * worked_out
    batch = recipe.batch * (BATCH_COPIES * values + CLASS_COPIES * recipe.layers[-1].outputs)
    held = ORDER_COPIES * samples + batch + WEIGHT_COPIES * recipe.weights
    return Cost(-(-nanoseconds // 10**9), START_MEMORY + VALUE * held)
