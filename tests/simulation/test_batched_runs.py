"""A simulation comes to the same whether its transactions go to the chain one by one or in batches."""

from collections import Counter

import pytest

from mlchain.protocol.pool import MAX_SNAPSHOT_AGE
from tests.chain.anvil import anvil, connected
from tests.simulation.runs import simulate

EVIL = (
    "silent",
    "vanishing",
    "wrong",
    "colluding",
    "replaying",
    "forging",
    "late",
    "leaving",
    "front-running",
    "refusing",
)
CHOICES = {"task": "fake", "rounds": 2, "workers": 21, "evil": len(EVIL), "behaviour": ",".join(EVIL)}


@pytest.fixture(scope="module")
def runs():
    """The same simulation in batches, and one transaction after the other."""
    with anvil() as provider, connected(provider) as chain, pytest.MonkeyPatch.context() as patch:
        batched = simulate(chain, **CHOICES)
        patch.setattr("mlchain.chain.connection.takes_batches", lambda _provider: False)
        return batched, simulate(chain, **CHOICES)


def verdicts(run):
    """How often a worker got which verdict. Who sits where differs, and so do results: seeds depend on the blocks."""
    return Counter(
        (worker.behaviour.name, settlement.verdict)
        for current in run.played.view.ledger.rounds
        for job in current.jobs
        for worker in run.played.workers
        for settlement in [job.settlements[job.seat_of(worker.address)]]
        if job.seat_of(worker.address) is not None
    )


def test_every_round_makes_a_version_of_the_model(runs):
    assert [len(run.played.view.ledger.versions) for run in runs] == [3, 3]


def test_the_same_is_accepted_for_the_same_reason(runs):
    batched, single = (
        [
            (job.accepted_hash == job.honest_hash, job.decided_by, job.matches)
            for current in run.summary.rounds
            for job in current.jobs
        ]
        for run in runs
    )

    assert batched == single


def test_everybody_gets_the_same_verdicts(runs):
    batched, single = map(verdicts, runs)

    assert batched == single


def test_a_batched_run_needs_fewer_blocks(runs):
    batched, single = (run.played.view.block - run.played.deployment.block - MAX_SNAPSHOT_AGE for run in runs)

    assert batched < single / 2
