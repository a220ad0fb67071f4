"""The options of every command that says what is to be learned, and how far."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from mlchain.data.opening import read_data
from mlchain.data.store import keep
from mlchain.errors import require
from mlchain.tasks.catalogue import MODELS, TASKS
from mlchain.tasks.choices import Subject, require_label

DEFAULT = Subject()
DATA = click.option("--data", type=click.Path(path_type=Path), help="Your own data: CSV, .npz, .txt, images, .mldata.")
LABEL = click.option("--label", help="Column of a CSV file that is to be learned.  [default: the last one]")

UNTIL_ACCURACY = click.option(
    "--until-accuracy", type=float, help="Stop once so large a share of the test samples is right, 0 to 1."
)
EARLY_STOPPING = click.option(
    "--early-stopping", type=int, help="Stop after so many versions without a gain in accuracy."
)


def bring(data: Path | None, label: str | None) -> None:
    """Keep a worker's own copy of the data, if it names one, where what trains on it looks for it."""
    require_label(label, data)
    if data:
        click.echo(f"the data set is {keep(read_data(data, label))}")


def subject_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `subject`, from the options that say what is learned, and what learns it."""

    @click.option("--task", help=f"Data that comes with this: {', '.join(TASKS)}.  [default: {DEFAULT.task}]")
    @DATA
    @LABEL
    @click.option(
        "--model",
        default=DEFAULT.model,
        show_default=True,
        help=f"What learns: {', '.join(MODELS)}, or a .toml file that describes a network.",
    )
    @wraps(command)
    def with_subject(
        *args: Any, task: str | None, data: Path | None, label: str | None, model: str, **others: Any
    ) -> None:
        require(task is None or data is None, "--task and --data cannot be combined: either names what is learned")
        command(*args, subject=Subject(task or DEFAULT.task, model, data, label), **others)

    return with_subject
