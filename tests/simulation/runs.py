"""Simulations on the chain that the tests run on, undone afterwards."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlchain.chain.connection import Chain
from mlchain.simulation.books import check_books
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import Simulation, SimulationRun
from mlchain.simulation.summary import Summary, summarize
from tests.contracts.chain_control import rollback

# The content hash that the default run ends with.
GOLDEN = json.loads((Path(__file__).parents[1] / "golden.json").read_text())["default simulation"]["content_hash"]
SMALL = {"task": "fake", "workers": 4, "rounds": 2}


@dataclass(frozen=True, slots=True)
class Run:
    """What a simulation was, and what came of it."""

    chain: Chain
    played: SimulationRun
    summary: Summary


def simulate(chain: Chain, **choices: object) -> Run:
    """Play a simulation as the command does, and check its books."""
    played = Simulation(chain, Options(**choices), lambda _done, _what: None).play()
    check_books(chain, played)
    return Run(chain, played, summarize(chain, played, 0.0))


@contextmanager
def simulation(**choices: object) -> Iterator[Run]:
    """Play a simulation; the chain is as it was before when all is done."""
    with rollback():
        yield simulate(Chain(), **choices)


def outcome_of(**choices: object) -> Run:
    """Play a simulation of which only the figures are wanted."""
    with simulation(**choices) as run:
        return run


def jobs_of(run: Run) -> list:
    """Return the summaries of all jobs."""
    return [job for current in run.summary.rounds for job in current.jobs]


def pay_of(run: Run, behaviour: str) -> list:
    """Return the pay of everybody who behaves like this."""
    return [pay for pay in run.summary.pay if pay.behaviour == behaviour]


def assert_nobody_is_wronged(run: Run) -> None:
    """Assert that nobody honest lost anything, and that nothing wrong stands."""
    summary = run.summary
    assert (summary.wrong_accepted, summary.honest_slashed, summary.honest_unpaid) == (0, 0, 0)
    assert_nothing_is_kept(run)


def assert_nothing_is_kept(run: Run) -> None:
    """Assert that the registry is empty in the end."""
    assert run.summary.wei["held"] == 0
    assert run.summary.wei["paid_in"] == run.summary.wei["paid_out"]


def assert_only_the_evil_are_refused(run: Run) -> None:
    """Assert that every transaction of the server and of honest workers went through."""
    evil = {worker.address for worker in run.played.workers if not worker.behaviour.is_honest}
    assert {address for address, _call in run.played.refused} <= evil
