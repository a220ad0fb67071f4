"""Print tables of tasks: `python -m mlchain.tasks bounds`, `... measure digits softmax` or `... cost`."""

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from mlchain.errors import UserError
from mlchain.tasks.catalogue import MODELS, TASKS, cost_of_recipe, default_recipe, open_task
from mlchain.tasks.choices import Subject, prepare
from mlchain.training.jobs import stated_seed
from mlchain.training.layers import RecipeError, bounds
from mlchain.training.recipe import Recipe

ALONE = """
import sys
from mlchain.tasks.catalogue import open_task
from mlchain.training.cost import taken
task = open_task(bytes.fromhex(sys.argv[1]))
task.train(task.initial_model(), bytes(32), 0)
print(*taken())
"""


def main() -> None:
    """Print the table asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m mlchain.tasks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    of_all = commands.add_parser("bounds", help="what every sum of every default recipe can reach")
    of_all.add_argument("--model", choices=MODELS, help="of this model only")
    measured = commands.add_parser(
        "measure", help="train 5 rounds of 2 jobs, or of as many in the first as the plan has"
    )
    measured.add_argument("task", choices=TASKS)
    measured.add_argument("model", choices=MODELS)
    of_all = commands.add_parser("cost", help="what a job of every default recipe is estimated to take, and takes")
    of_all.add_argument("--model", choices=MODELS, help="of this model only")
    options = parser.parse_args()
    try:
        if options.command == "bounds":
            print_bounds([options.model] if options.model else MODELS)
        elif options.command == "cost":
            print_costs([options.model] if options.model else MODELS)
        else:
            measure(options.task, options.model)
    except (UserError, RecipeError) as error:
        sys.exit(f"error: {error}")


def _defaults(models: Sequence[str]) -> Iterator[tuple[str, Recipe]]:
    """Yield the default recipes, named by task and model; not every model can learn every task."""
    for task in TASKS:
        for model in models:
            try:
                yield f"{task:8}{model:13}", default_recipe(task, model)
            except ValueError:
                continue


def print_bounds(models: Sequence[str]) -> None:
    """Print every bound of the default recipes, and the factor by which it stays below its limit of 2**53."""
    for name, recipe in _defaults(models):
        for each in bounds(recipe.stages, recipe.batch):
            print(f"{name}{each.of:32}{each.bound:>22,}  1/{each.limit // each.bound:,} of 2**53")


def print_costs(models: Sequence[str]) -> None:
    """Print CPU seconds and memory of a job of every default recipe: estimated, and measured in its own process."""
    mib = 2**20
    for name, recipe in _defaults(models):
        cost, (seconds, memory) = cost_of_recipe(recipe.to_bytes()), _measured_alone(recipe)
        print(
            f"{name}estimated {cost.seconds:5.1f} s {cost.memory / mib:5.0f} MiB"
            f"  measured {seconds:5.1f} s {memory / mib:5.0f} MiB"
        )


def _measured_alone(recipe: Recipe) -> tuple[float, int]:
    """Return the CPU seconds, with those of starting, and the bytes that a process takes for one job."""
    job = [sys.executable, "-c", ALONE, recipe.to_bytes().hex()]
    seconds, memory = subprocess.run(job, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return float(seconds), int(memory)


def measure(name: str, kind: str, rounds: int = 5, jobs: int = 2) -> None:
    """Train, and print accuracy and CPU seconds per job of every round and the SHA-256 of the final model."""
    lesson = prepare(Subject(name, kind))
    task = open_task(lesson.recipe.to_bytes())
    print(f"recipe {len(task.recipe)} bytes, model {task.model_size}, result {task.result_size}")
    model, parent = task.initial_model(), None
    for number in range(rounds):
        count = lesson.plan.first_jobs or jobs if number == 0 else jobs
        start = time.process_time()
        results = [task.train(model, stated_seed(number), index, parent, number + 1) for index in range(count)]
        seconds = (time.process_time() - start) / count
        model, parent = task.aggregate(model, results, parent), model
        print(f"round {number}: accuracy {task.accuracy(model)}, {seconds:.4f} s of CPU a job")
    print(f"SHA-256 of the model: {hashlib.sha256(model).hexdigest()}")


if __name__ == "__main__":
    main()
