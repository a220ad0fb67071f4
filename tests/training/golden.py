"""What training ends with, the same everywhere: `python -m tests.training.golden` writes `tests/golden.json` anew."""

import hashlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from mlchain.errors import UserError
from mlchain.tasks.catalogue import MODELS, default_recipe, open_task, recipe_of
from mlchain.tasks.choices import Lesson, Subject, prepare
from mlchain.tasks.plans import Plan
from mlchain.training.jobs import stated_seed
from mlchain.training.recipe import Recipe

FILE = Path(__file__).parents[1] / "golden.json"
ROUNDS, JOBS = 5, 2
LENET_STEPS = 20  # a job: with all of them, the test would take minutes

# What no default network has: sums of pools, a stride, two bits a weight.
ODD_LAYERS = ("conv 8 3x3 pad=1 sumpool", "conv 16 2x3 stride=1x2", "dense 10")
ODD = Plan(ODD_LAYERS, 60, 70, 0.125, bits=2, displacement=1, first_jobs=1, rate_shifts=(0, 1, 3))


def lesson_named(name: str) -> Lesson:
    """Return the recipe and the plan of a task and a model, lenet's of MNIST with fewer steps."""
    task, model = name.split()
    if model == "odd":
        plain = default_recipe(task, "softmax")
        return Lesson(recipe_of(ODD, task, plain.fingerprint, plain.inputs), ODD)
    lesson = prepare(Subject(task, model))
    if task == "mnist" and model.startswith("lenet"):
        return replace(lesson, recipe=replace(lesson.recipe, local_steps=LENET_STEPS))
    return lesson


def train(name: str) -> tuple[Recipe, bytes, int]:
    """Return a recipe, what its rounds end with, and how many test samples that classifies rightly.

    The rounds' seeds are the stated ones.
    """
    lesson = lesson_named(name)
    task = open_task(lesson.recipe.to_bytes())
    model, parent = task.initial_model(), None
    for number in range(ROUNDS):
        jobs = lesson.plan.first_jobs or JOBS if number == 0 else JOBS
        results = [task.train(model, stated_seed(number), index, parent, number + 1) for index in range(jobs)]
        model, parent = task.aggregate(model, results, parent), model
    return lesson.recipe, model, round(task.accuracy(model) * len(task.dataset.test_labels))


def record() -> None:
    """Train everything, and write what it ends with."""
    golden = {}
    for name in ["digits odd", *(f"{task} {model}" for task in ("digits", "mnist") for model in MODELS)]:
        recipe, model, right = train(name)
        digest = hashlib.sha256(model).hexdigest()
        golden[name] = {"recipe": recipe.to_bytes().hex(), "sha256": digest, "right": right}
        print(f"{name:20} {digest} {right} right")
    FILE.write_text(json.dumps(golden, indent=2) + "\n")


if __name__ == "__main__":
    if "MNIST_DIR" not in os.environ:
        sys.exit("error: set MNIST_DIR to the directory of MNIST's four files")
    try:
        record()
    except UserError as error:
        sys.exit(f"error: {error}")
