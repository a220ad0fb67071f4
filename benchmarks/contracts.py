"""Plays a simulation with contracts, on a chain of its own inside this process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ape.logging import LogLevel, logger

from mlchain.chain.connection import Chain
from mlchain.chain.provider import connected_to_new_embedded_chain
from mlchain.simulation.books import check_books
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import Simulation, open_chain
from mlchain.simulation.summary import Summary, summarize


def play(options: Options, recipe: bytes | None = None) -> Summary:
    """Return the summary of a simulation on a new chain, all of its money accounted for to the wei.

    `recipe` is what is learned, None the default of the options' task and model. `seconds` is from the first
    transaction to the last.
    """
    with embedded_chain(options.seed) as chain:
        started = time.monotonic()
        run = Simulation(chain, options, lambda _done, _what: None, recipe).play()
        seconds = time.monotonic() - started
        check_books(chain, run)
        return summarize(chain, run, seconds)


@contextmanager
def embedded_chain(seed: int) -> Iterator[Chain]:
    """Be connected to a new chain of network `ethereum:local:test` that the seed makes repeatable."""
    level = logger.level
    logger.set_level(LogLevel.ERROR)
    try:
        with connected_to_new_embedded_chain():
            yield open_chain(seed)
    finally:
        logger.set_level(level)
