"""Simulations on the chain that the tests run on, undone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mlchain.chain.connection import Chain
from mlchain.protocol.content import content_hash
from mlchain.simulation.books import check_books
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import Simulation, SimulationRun
from mlchain.simulation.summary import Summary, summarize
from tests.contracts.chain_control import rollback

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


def retrained(run: Run) -> str:
    """Return the content hash of the model that a run has to end with, from the seeds of its rounds alone."""
    task = run.played.task
    model, parent = task.initial_model(), None
    for current in run.played.view.ledger.rounds:
        version = current.terms.model_version
        results = [task.train(model, current.seed, index, parent, version) for index in range(len(current.jobs))]
        model, parent = task.aggregate(model, results, parent), model
    return "0x" + content_hash(model).hex()


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
    """Assert that the registry has nothing in the end but what is burnt."""
    wei = run.summary.wei
    assert wei["held"] == wei["burnt"] == wei["paid_in"] - wei["paid_out"]


def assert_only_the_evil_are_refused(run: Run) -> None:
    """Assert that every transaction of the server and of honest workers went through."""
    evil = {worker.address for worker in run.played.workers if not worker.behaviour.is_honest}
    assert {address for address, _call in run.played.refused} <= evil
