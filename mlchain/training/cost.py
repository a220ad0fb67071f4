"""What a job takes on a slow machine: an estimate from its recipe alone, before anything is allocated.

It errs on the side of too much, by about what `python -m mlchain.tasks cost` shows beside measurements.
"""

from dataclasses import dataclass

from mlchain.training.recipe import Recipe

START_SECONDS = 6  # to start a process, import the libraries and read the data set
START_MEMORY = 512 * 2**20  # bytes of the same
MULTIPLICATIONS = 5e8  # and additions, a second
VALUES = 5e7  # that are rounded, clipped or exponentiated, a second
SAMPLES = 2e6  # whose place in the random order is worked out, a second
STEP_SECONDS = 1e-3  # whatever its size

VALUE = 8  # bytes: float64 and int64
ORDER_COPIES = 3  # of the order of the samples: the parts, the whole, and what sorting needs
BATCH_COPIES = 4  # of every value of a batch: product, shifted, clipped, with its constant
CLASS_COPIES = 12  # of every logit: what softmax works out on its way
WEIGHT_COPIES = 12  # of every weight: the model and its parent, start, end, change, step and codes


@dataclass(frozen=True, slots=True)
class Cost:
    """What a job takes at most on a slow machine: seconds of one core, and bytes of memory."""

    seconds: float
    memory: int


def cost_of(recipe: Recipe) -> Cost:
    """Return what a job of a recipe takes at most, in a process of its own."""
    first, *others = recipe.layers
    samples = recipe.local_steps * recipe.batch
    # Forwards and the gradient for every weight, and for all but the first layer the errors backwards.
    multiplications = samples * (2 * first.size + sum(3 * layer.size for layer in others))
    values = first.inputs + 1 + sum(layer.outputs for layer in recipe.layers)
    worked_out = samples * (values + CLASS_COPIES * recipe.layers[-1].outputs) + recipe.local_steps * recipe.weights
    seconds = START_SECONDS + multiplications / MULTIPLICATIONS + worked_out / VALUES + samples / SAMPLES
    batch = recipe.batch * (BATCH_COPIES * values + CLASS_COPIES * recipe.layers[-1].outputs)
    held = ORDER_COPIES * samples + batch + WEIGHT_COPIES * recipe.weights
    return Cost(seconds + recipe.local_steps * STEP_SECONDS, START_MEMORY + VALUE * held)
