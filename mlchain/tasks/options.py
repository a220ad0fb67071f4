"""The options of every command that says what is to be learned, as one value."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from mlchain.data.opening import read_data
from mlchain.data.store import keep
from mlchain.errors import require
from mlchain.tasks.catalogue import MODELS, TASKS
from mlchain.tasks.choices import Subject

DEFAULT = Subject()
DATA = click.option("--data", type=click.Path(path_type=Path), help="Your own data: CSV, .npz, .txt, images, .mldata.")
LABEL = click.option("--label", help="Column of a CSV file that is to be learned.  [default: the last one]")


def bring(data: Path | None, label: str | None) -> None:
    """Keep a worker's own copy of the data, if it names one, where what trains on it looks for it."""
    require(label is None or data is not None, "--label names a column of what --data names")
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
