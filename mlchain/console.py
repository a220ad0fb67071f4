"""What every command does for the person in front of it: results, tables and progress."""

import io
import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


def open_streams() -> None:
    """Let stdout and stderr take every character: one that they lack is replaced, and closed streams drop them all."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started the program
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the program runs
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def drop_output() -> None:
    """Drop what could not be written; otherwise the interpreter tries again as it ends, and prints why it cannot."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def console() -> Console:
    """Return the console that results are printed to; what is not a terminal gets wide lines and no colours."""
    return Console(width=None if sys.stdout.isatty() else 180, highlight=False)


def table(title: str, *columns: str, words: Collection[str] = (), wrapped: Collection[str] = ()) -> Table:
    """Return an empty table: columns of `words` are aligned left and the others right, those `wrapped` may break."""
    made = Table(title=title, title_justify="left")
    for column in columns:
        made.add_column(column, justify="left" if column in words else "right", no_wrap=column not in wrapped)
    return made


def percent(share: float | None, decimals: int = 2) -> str:
    """Return a share in [0, 1] in percent, a dash for None."""
    return "-" if share is None else f"{100 * share:.{decimals}f} %"


def show_reading(done: int, total: int) -> None:
    """Show on stderr, if it is a terminal, how many blocks of how many are read; nothing once all are."""
    if sys.stderr.isatty():
        with suppress(OSError):
            sys.stderr.write("\r\x1b[K" + (f"read {done:,} of {total:,} blocks" if done < total else ""))
            sys.stderr.flush()


@contextmanager
def progress_bar(total: int, unit: str = "rounds") -> Iterator[Callable[[float, str], None]]:
    """Show a bar on stderr that goes from 0 to `total`; yields `report(done, what)`."""
    columns = (TextColumn("{task.completed:.1f}/{task.total} " + unit), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("", total=total)
        yield lambda done, what: bar.update(task, completed=done, description=what)
