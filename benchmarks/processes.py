"""Runs independent measurements on all cores, one thread each."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from mlchain.centralized.simulation.run import ONE_THREAD

Given = TypeVar("Given")
Found = TypeVar("Found")

MOST_PROCESSES = 4  # each holds the data set and a chain: about half a gigabyte
REPORT_EVERY = 10


def measured(topic: str, measure: Callable[[Given], Found], cases: Sequence[Given]) -> dict[Given, Found]:
    """Return what `measure` finds for every case; says on stderr from time to time how far it is.

    Everything has to be importable: processes are spawned, so that each begins with a fresh chain and BLAS.
    """
    processes = min(MOST_PROCESSES, os.cpu_count() or 1)
    with _environment(ONE_THREAD), ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        running = {pool.submit(measure, case): case for case in cases}
        found = {}
        try:
            for done in as_completed(running):
                found[running[done]] = done.result()
                if len(found) % REPORT_EVERY == 0 or len(found) == len(cases):
                    print(f"{topic}: {len(found)} of {len(cases)}", file=sys.stderr, flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {case: found[case] for case in cases}


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Let processes that are started in the block have these variables."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
