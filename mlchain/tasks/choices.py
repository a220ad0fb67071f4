"""What a person chooses to learn: built-in data or a file, and a network by name or from a description."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mlchain.data import store
from mlchain.data.dataset import Dataset, fingerprint
from mlchain.data.opening import read_data
from mlchain.errors import UserError, require, require_known
from mlchain.tasks.catalogue import DATASETS, FAKE, MODELS, PLANS, TASKS, default_recipe, recipe_of
from mlchain.tasks.descriptions import read_plan
from mlchain.tasks.plans import Plan, default_plan
from mlchain.training.layers import RecipeError
from mlchain.training.recipe import Recipe

LONGEST_NAME = 16  # in a recipe


def require_label(label: str | None, data: Path | None) -> None:
    """Raise UserError for a label without the data that it is a column of."""
    require(label is None or data is not None, "--label names a column of what --data names")


@dataclass(frozen=True, slots=True)
class Subject:
    """A built-in task, or a person's own data and the label among its columns; and the network that learns it.

    The model is one of `MODELS` or a path that ends with `.toml`. Raises UserError for names that there are not.
    """

    task: str = "digits"
    model: str = "softmax"
    data: Path | None = None  # instead of the task
    label: str | None = None

    def __post_init__(self) -> None:
        require_label(self.label, self.data)
        if self.data is None:
            require_known("task", self.task, TASKS)
        if not self.is_described:
            require_known("model", self.model, MODELS)

    @property
    def is_described(self) -> bool:
        """Whether the model is described in a file."""
        return self.model.endswith(".toml")

    @property
    def name(self) -> str:
        """What is learned, in a word that a recipe takes."""
        return self.task if self.data is None else _name_of(self.data)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a subject comes to: the recipe that goes on the chain, and the plan behind it."""

    recipe: Recipe
    plan: Plan


@lru_cache(maxsize=4)
def prepare(subject: Subject) -> Lesson:
    """Return the recipe and the plan of a subject; a person's own data is kept in the folder of data sets.

    Raises UserError for data that is missing or cannot be learned from, and for a network that does not fit.
    """
    if subject.data is None and not subject.is_described and (subject.task, subject.model) in PLANS:
        return Lesson(default_recipe(subject.task, subject.model), PLANS[subject.task, subject.model])
    require(subject.data is not None or subject.task != FAKE, f"the task {FAKE!r} has no model {subject.model!r}")
    dataset = _dataset(subject)
    try:
        plan = read_plan(Path(subject.model), dataset) if subject.is_described else default_plan(subject.model, dataset)
        recipe = recipe_of(plan, subject.name, fingerprint(dataset), dataset.inputs)
    except RecipeError as error:
        raise UserError(f"{subject.model} cannot learn {dataset.name}: {error}") from None
    if subject.data is not None:
        store.keep(dataset)
    return Lesson(recipe, plan)


def _dataset(subject: Subject) -> Dataset:
    return DATASETS[subject.task]() if subject.data is None else read_data(subject.data, subject.label)


def _name_of(path: Path) -> str:
    """Return a name for a file's data: that of the file, unless it is that of a task which needs no file."""
    name = re.sub(r"[^a-z0-9_-]+", "-", path.resolve().stem.lower())[:LONGEST_NAME].strip("-") or "data"
    return f"my-{name}"[:LONGEST_NAME] if name in TASKS else name
