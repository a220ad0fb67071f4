"""What every command does for the person in front of it: results and progress."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


def console() -> Console:
    """Return the console that results are printed to; what is not a terminal gets wide lines and no colours."""
    return Console(width=None if sys.stdout.isatty() else 180, highlight=False)


@contextmanager
def progress_bar(total: int, unit: str = "rounds") -> Iterator[Callable[[float, str], None]]:
    """Show a bar on stderr that goes from 0 to `total`; yields `report(done, what)`."""
    columns = (TextColumn("{task.completed:.1f}/{task.total} " + unit), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("", total=total)
        yield lambda done, what: bar.update(task, completed=done, description=what)
