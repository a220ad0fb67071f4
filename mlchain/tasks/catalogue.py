"""The tasks to choose from: made by name by a learning server, opened by recipe by a worker."""

from collections.abc import Callable
from dataclasses import dataclass

from mlchain.tasks import digits, mnist
from mlchain.tasks.dataset import Dataset, fingerprint
from mlchain.tasks.fake import FakeTask
from mlchain.tasks.task import LearningTask, RecipeTask, with_dataset
from mlchain.training.cost import Cost, cost_of
from mlchain.training.layers import Layer, RecipeError
from mlchain.training.recipe import DIGEST_SIZE, WIDE, Recipe

FAKE = "fake"
DATASETS: dict[str, Callable[[], Dataset]] = {"digits": digits.load, "mnist": mnist.load}


@dataclass(frozen=True, slots=True)
class Plan:
    """The tuned part of a recipe."""

    local_steps: int
    batch: int
    layers: tuple[Layer, ...]
    bits: int = WIDE


# Tuned for 5 rounds of 2 jobs, MNIST's softmax and bits on the last 10,000 of its training images. A layer's numbers:
# inputs, outputs, input_max, scale, learning shift, error shift, quantum, initial.
PLANS = {
    ("fake", "softmax"): Plan(4, 32, (Layer(64, 10, 16, 20, 8, 0, 5, 100),)),
    ("fake", "mlp"): Plan(4, 32, (Layer(784, 64, 255, 16, 15, 0, 4, 400), Layer(64, 10, 1023, 22, 17, 14, 2, 800))),
    ("digits", "softmax"): Plan(90, 128, (Layer(64, 10, 16, 20, 8, 0, 5, 0),)),
    ("digits", "mlp"): Plan(90, 64, (Layer(64, 32, 16, 12, 11, 0, 4, 820), Layer(32, 10, 1023, 22, 16, 14, 2, 800))),
    ("mnist", "softmax"): Plan(468, 128, (Layer(784, 10, 255, 24, 16, 0, 4, 0),), bits=4),
    ("mnist", "mlp"): Plan(
        937, 64, (Layer(784, 64, 255, 16, 15, 0, 4, 400), Layer(64, 10, 1023, 22, 17, 14, 2, 800)), bits=4
    ),
}
TASKS = tuple(dict.fromkeys(task for task, _ in PLANS))
MODELS = tuple(dict.fromkeys(model for _, model in PLANS))

__all__ = [
    "MODELS",
    "TASKS",
    "LearningTask",
    "RecipeError",
    "cost_of_recipe",
    "create_task",
    "default_recipe",
    "open_recipe",
    "open_task",
]


def create_task(task: str, model: str) -> LearningTask:
    """Return a task with its default recipe. Unknown names raise `ValueError`; missing data `DataError`."""
    return open_task(default_recipe(task, model).to_bytes())


def default_recipe(task: str, model: str) -> Recipe:
    """Return the recipe a task is created with; it names the data set found here."""
    if task not in TASKS:
        raise ValueError(f"unknown task {task!r}: choose one of {', '.join(TASKS)}")
    if model not in MODELS:
        raise ValueError(f"unknown model {model!r}: choose one of {', '.join(MODELS)}")
    plan = PLANS[task, model]
    named = bytes(DIGEST_SIZE) if task == FAKE else fingerprint(DATASETS[task]())
    return Recipe(task, named, plan.local_steps, plan.batch, plan.layers, plan.bits)


def open_task(recipe: bytes) -> LearningTask:
    """Return the task of a recipe read from the chain.

    A malformed recipe raises `RecipeError`; data that is missing or not the recipe's raises `DataError`.
    """
    plan = Recipe.from_bytes(recipe)
    if plan.task == FAKE:
        if plan.bits != WIDE:
            raise RecipeError(f"the task {FAKE!r} has results of {WIDE} bits, not {plan.bits}")
        return FakeTask(plan)
    if plan.task not in DATASETS:
        raise RecipeError(f"the recipe names the task {plan.task!r}, which is none of {', '.join(TASKS)}")
    return with_dataset(plan, DATASETS[plan.task]())


def cost_of_recipe(recipe: bytes) -> Cost:
    """Return what a job of a recipe takes at most; a malformed one raises `RecipeError`."""
    return cost_of(Recipe.from_bytes(recipe))


def open_recipe(recipe: bytes) -> RecipeTask:
    """Return what follows from a recipe without any data: the initial model, sizes and aggregation.

    A malformed recipe raises `RecipeError`.
    """
    return RecipeTask(Recipe.from_bytes(recipe))
