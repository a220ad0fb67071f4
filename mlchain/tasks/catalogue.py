"""The tasks to choose from: made by name by a learning server, opened by recipe by a worker."""

from collections.abc import Callable

from mlchain.data import digits, mnist, scikit_tables, store
from mlchain.data.dataset import DataError, Dataset, fingerprint
from mlchain.tasks.fake import FakeTask
from mlchain.tasks.plans import MODELS, Plan, compile_layers, default_plan
from mlchain.tasks.task import DatasetTask, LearningTask, RecipeTask, with_dataset
from mlchain.training.cost import Cost, cost_of
from mlchain.training.layers import InputKind, Inputs, RecipeError
from mlchain.training.recipe import DIGEST_SIZE, WIDE, Recipe

FAKE = "fake"
DATASETS: dict[str, Callable[[], Dataset]] = {
    "digits": digits.load,
    "mnist": mnist.load,
    "cancer": scikit_tables.cancer,
    "wine": scikit_tables.wine,
}

PLANS = {
    ("fake", "softmax"): Plan(("dense 10",), 4, 32, 0.5, WIDE),
    ("fake", "mlp"): Plan(("dense 64", "dense 10"), 4, 32, 0.5, WIDE),
}
FAKE_INPUTS = {"softmax": Inputs(1, 8, 8, InputKind.UNSIGNED, 16), "mlp": Inputs(1, 28, 28, InputKind.UNSIGNED, 255)}
TASKS = (FAKE, *DATASETS)

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
    """Return the recipe a task is created with; it names the data set found here.

    Unknown names raise `ValueError`, and so does a model that cannot learn the task.
    """
    if task not in TASKS:
        raise ValueError(f"unknown task {task!r}: choose one of {', '.join(TASKS)}")
    if model not in MODELS:
        raise ValueError(f"unknown model {model!r}: choose one of {', '.join(MODELS)}")
    if task == FAKE:
        if (task, model) not in PLANS:
            raise ValueError(f"the task {FAKE!r} has no model {model!r}")
        return recipe_of(PLANS[task, model], task, bytes(DIGEST_SIZE), FAKE_INPUTS[model])
    dataset = DATASETS[task]()
    return recipe_of(default_plan(model, dataset), task, fingerprint(dataset), dataset.inputs)


def recipe_of(plan: Plan, name: str, data: bytes, inputs: Inputs) -> Recipe:
    """Return the recipe of a plan for the data with this fingerprint."""
    layers, how = compile_layers(plan, inputs), (plan.bits, plan.displacement, plan.rate_shifts)
    return Recipe(name, data, inputs, plan.local_steps, plan.batch, layers, *how)


def open_task(recipe: bytes) -> LearningTask:
    """Return the task of a recipe read from the chain.

    A malformed recipe raises `RecipeError`; data that is missing or not the recipe's raises `DataError`.
    """
    plan = Recipe.from_bytes(recipe)
    if plan.task == FAKE:
        if plan.bits != WIDE:
            raise RecipeError(f"the task {FAKE!r} has results of {WIDE} bits, not {plan.bits}")
        return FakeTask(plan)
    dataset = _dataset_of(plan)
    if dataset is None:
        raise DataError(
            f"the data set {plan.fingerprint.hex()}, named {plan.task!r}, is not here: bring it with --data"
        )
    return with_dataset(plan, dataset)


def _dataset_of(plan: Recipe) -> Dataset | None:
    """Return the data set that a recipe may name, None if it is not here."""
    kept = store.find(plan.fingerprint)
    return DATASETS[plan.task]() if kept is None and plan.task in DATASETS else kept


def known_dataset(recipe: Recipe) -> Dataset | None:
    """Return the data set of a recipe, None if it is not here."""
    try:
        task = open_task(recipe.to_bytes())
    except DataError:
        return None
    return task.dataset if isinstance(task, DatasetTask) else None


def cost_of_recipe(recipe: bytes) -> Cost:
    """Return what a job of a recipe takes at most; a malformed one raises `RecipeError`."""
    return cost_of(Recipe.from_bytes(recipe))


def open_recipe(recipe: bytes) -> RecipeTask:
    """Return what follows from a recipe without any data: the initial model, sizes and aggregation.

    A malformed recipe raises `RecipeError`.
    """
    return RecipeTask(Recipe.from_bytes(recipe))
