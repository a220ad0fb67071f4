"""What a seat gets, and when a stake can be withdrawn: the twin held against the contracts over random histories."""

import pytest
from ape import chain
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlchain.protocol.draw import seed_of
from mlchain.protocol.pool import MAX_SNAPSHOT_AGE
from mlchain.protocol.rounds import Job, Verdict
from mlchain.protocol.settlement import amount_of, forfeited, stake_locks, verdict_of
from tests.contracts.chain_control import rollback
from tests.contracts.protocol_steps import (
    ABSENCE_FEE,
    NUMBERS,
    RIGHT,
    STAKE,
    Committee,
    deploy_round,
    job_at,
    schedule_round,
)
from tests.protocol.random_rounds import RandomRounds, follow, record_of
from tests.protocol.refusals import refusal_of


@pytest.fixture(scope="module")
def deployment(models, factory, registry, server):
    """The record of what the fixtures have deployed."""
    return record_of(models, factory, registry, server)


@settings(max_examples=settings().max_examples // 5)
@given(seed=st.integers(0, 2**32))
def test_every_seat_gets_what_the_twin_says(deployment, factory, registry, server, members, newcomers, seed):
    with rollback():
        rounds = RandomRounds(seed, deployment, factory, registry, server, [*members, *newcomers[:2]])
        rounds.deploy()
        rounds.commit()
        for _ in range(6):
            rounds.step()
        rounds.finish()

        for job in rounds.ledger.rounds[-1].jobs:
            for seat, settled in job.settlements.items():
                verdict = verdict_of(job, seat, job.decision)
                is_paid = verdict is Verdict.REWARDED
                chunks = job.candidates[job.decision[1]].chunks_by(job.committee[seat]) if is_paid else 0
                assert settled.verdict is verdict
                assert settled.amount == amount_of(verdict, job.terms, chunks, STAKE, ABSENCE_FEE)
        assert registry.burnt() == sum(burnt_of(job) for job in rounds.ledger.rounds[-1].jobs)


def burnt_of(job: Job) -> int:
    """Return what a settled job has burnt by the twin: what its seats lost, and what a ruling kept from them."""
    verdicts = {seat: settled.verdict for seat, settled in job.settlements.items()}
    candidate = job.candidates.get(job.decision[1])
    chunks = sum(publisher in job.committee for publisher in candidate.publishers.values()) if candidate else 0
    taken = sum(it.amount for it in job.settlements.values() if it.verdict in (Verdict.SLASHED, Verdict.ABSENT))
    paid = sum(it.amount for it in job.settlements.values() if it.verdict is Verdict.REWARDED)
    kept = forfeited(job.terms, verdicts, job.decision[0], chunks)
    assert kept == (job.terms.escrow // job.terms.jobs - paid if job.ruling is not None else 0)
    return taken + kept


STEPS = st.lists(
    st.sampled_from(
        ["leave", "join", "deploy", "settle", "mine"] + [f"mine {MAX_SNAPSHOT_AGE + by}" for by in (-1, 0, 1)]
    ),
    max_size=6,
)


@settings(max_examples=settings().max_examples // 3)
@given(steps=STEPS)
@example(steps=["leave", "mine 127"])
@example(steps=["leave", "mine 128"])
@example(steps=["deploy", "leave", "mine 128"])
@example(steps=["leave", "deploy", "mine 128"])
def test_a_stake_is_refused_for_the_first_lock_that_the_twin_names(
    deployment, factory, registry, server, members, stranger, steps
):
    with rollback():
        reader, worker = follow(deployment), members[0]
        for step in steps:
            take(step, reader.view().ledger, factory, registry, server, members)
        ledger = reader.view().ledger

        for owner in (worker, stranger):
            locks = stake_locks(ledger, owner.address, chain.blocks.head.number + 1)
            refused = refusal_of(lambda owner=owner: registry.withdrawStake(sender=owner))
            assert refused == (locks[0].value if locks else None)


@settings(max_examples=settings().max_examples // 3)
@given(steps=STEPS, age=st.sampled_from([1, MAX_SNAPSHOT_AGE - 1, MAX_SNAPSHOT_AGE, MAX_SNAPSHOT_AGE + 1]))
def test_a_scheduled_round_is_deployed_as_long_as_the_twin_says(
    deployment, factory, registry, server, members, steps, age
):
    with rollback():
        reader = follow(deployment)
        for step in [*steps, "settle"]:
            take(step, reader.view().ledger, factory, registry, server, members)
        scheduled = schedule_round(factory, server)
        chain.mine(age - 1)
        ledger = reader.view().ledger

        refused = refusal_of(lambda: deploy_round(factory, server, is_scheduled=True, seats=2))

        assert ledger.scheduled_block(scheduled + age) == (scheduled if age <= MAX_SNAPSHOT_AGE else None)
        assert (refused == "InvalidSnapshotBlock") == (age > MAX_SNAPSHOT_AGE)


def take(step, ledger, factory, registry, server, members) -> None:
    """Take a step if it is legal now: the first member leaves or joins, a round is deployed or settled, blocks pass."""
    worker, current = members[0], ledger.open_round
    if step.startswith("mine"):
        chain.mine(int(step.removeprefix("mine") or 1))
    elif step == "leave" and worker.address in ledger.pool:
        registry.leave(sender=worker)
    elif step == "join" and worker.address not in ledger.pool:
        registry.join(value=STAKE - ledger.account(worker.address).stake, sender=worker)
    elif step == "deploy" and current is None:
        deploy_round(factory, server, seats=2)
    elif step == "settle" and current is not None:
        committee = Committee.of(job_at(current.jobs[0].address), server, members)
        committee.commit_all(RIGHT, RIGHT)
        committee.show(0, RIGHT)
        committee.settle(sender=server)


def test_the_seed_of_a_round_is_that_of_the_server_s_number_and_the_snapshot_block(
    deployment, factory, registry, server
):
    deploy_round(factory, server)

    current = follow(deployment).view().ledger.rounds[-1]

    block_hash = bytes(chain.blocks[current.snapshot_block].hash)
    expected = seed_of(chain.chain_id, factory.address, NUMBERS.number_of(1), block_hash, current.number)
    assert current.seed == expected
