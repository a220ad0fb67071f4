"""Print tables of tasks: `python -m mlchain.tasks bounds`, `... measure digits softmax` or `... cost`."""

import argparse
import hashlib
import subprocess
import sys
import time

from mlchain.errors import UserError
from mlchain.tasks.catalogue import MODELS, TASKS, cost_of_recipe, create_task, default_recipe
from mlchain.training.exact import EXACT_LIMIT
from mlchain.training.jobs import stated_seed
from mlchain.training.layers import bounds


def main() -> None:
    """Print the table asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m mlchain.tasks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bounds", help="what every sum of every default recipe can reach")
    measured = commands.add_parser("measure", help="train 5 rounds of 2 jobs")
    measured.add_argument("task", choices=TASKS)
    measured.add_argument("model", choices=MODELS)
    commands.add_parser("cost", help="what a job of every default recipe is estimated to take, and takes")
    options = parser.parse_args()
    try:
        if options.command == "bounds":
            print_bounds()
        elif options.command == "cost":
            print_costs()
        else:
            measure(options.task, options.model)
    except UserError as error:
        sys.exit(f"error: {error}")


def print_bounds() -> None:
    """Print every bound of the default recipes, and the factor by which it stays below 2**53."""
    for task in TASKS:
        for model in MODELS:
            recipe = default_recipe(task, model)
            for each in bounds(recipe.stages, recipe.batch):
                room = EXACT_LIMIT // each.bound
                print(f"{task:7}{model:9}{each.of:32}{each.bound:>22,}  1/{room:,} of 2**53")


def print_costs() -> None:
    """Print seconds and memory of a job of every default recipe: estimated, and measured in a process of its own."""
    for task in TASKS:
        for model in MODELS:
            recipe = default_recipe(task, model).to_bytes()
            cost, (seconds, memory) = cost_of_recipe(recipe), _measured_alone(recipe)
            mib = 2**20
            print(
                f"{task:7}{model:9}estimated {cost.seconds:5.1f} s {cost.memory / mib:5.0f} MiB"
                f"  measured {seconds:5.1f} s {memory / mib:5.0f} MiB"
            )


def _measured_alone(recipe: bytes) -> tuple[float, int]:
    """Return the seconds, of which the start is the greater part, and the bytes that a process takes for one job."""
    train = "import sys; from mlchain.tasks.catalogue import open_task; task = open_task(bytes.fromhex(sys.argv[1])); "
    train += "task.train(task.initial_model(), 0, 0); import resource; "
    train += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    start = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", train, recipe.hex()], stdout=subprocess.PIPE, check=True)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes
    return time.perf_counter() - start, int(said.stdout) * unit


def measure(name: str, kind: str, rounds: int = 5, jobs: int = 2) -> None:
    """Train, and print accuracy and seconds per job of every round and the SHA-256 of the final model."""
    task = create_task(name, kind)
    print(f"recipe {len(task.recipe)} bytes, model {task.model_size}, result {task.result_size}")
    model, parent = task.initial_model(), None
    for round_number in range(rounds):
        start = time.perf_counter()
        results = [task.train(model, stated_seed(round_number), index, parent) for index in range(jobs)]
        seconds = (time.perf_counter() - start) / jobs
        model, parent = task.aggregate(model, results, parent), model
        print(f"round {round_number}: accuracy {task.accuracy(model)}, {seconds:.4f} s a job")
    print(f"SHA-256 of the model: {hashlib.sha256(model).hexdigest()}")


if __name__ == "__main__":
    main()
