"""What a seat gets, and when a stake can be withdrawn: the twin held against the contracts over random histories."""

import pytest
from ape import chain
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlchain.protocol.draw import seed_of
from mlchain.protocol.pool import MAX_SNAPSHOT_AGE
from mlchain.protocol.rounds import Verdict
from mlchain.protocol.settlement import amount_of, stake_locks, verdict_of
from tests.contracts.chain_control import rollback
from tests.contracts.protocol_steps import ABSENCE_FEE, RIGHT, SERVER_RANDOM, STAKE, Committee, deploy_round, job_at
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
                verdict = verdict_of(job, seat, job.decision, chain.chain_id)
                is_paid = verdict is Verdict.REWARDED
                chunks = job.candidates[job.decision[1]].chunks_by(job.committee[seat]) if is_paid else 0
                assert settled.verdict is verdict
                assert settled.amount == amount_of(verdict, job.terms, chunks, STAKE, ABSENCE_FEE)


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
@given(steps=STEPS, by=st.integers(-1, 1), is_newest=st.booleans())
@example(steps=["mine 128"], by=-1, is_newest=False)
@example(steps=["mine 128"], by=0, is_newest=False)
@example(steps=["deploy", "mine 3"], by=-1, is_newest=False)
def test_a_round_is_refused_a_snapshot_before_the_earliest_and_after_the_newest_block(
    deployment, factory, registry, server, members, steps, by, is_newest
):
    with rollback():
        reader = follow(deployment)
        for step in [*steps, "settle"]:
            take(step, reader.view().ledger, factory, registry, server, members)
        ledger, block = reader.view().ledger, chain.blocks.head.number + 1
        earliest = ledger.earliest_snapshot(block)
        snapshot = max(0, (block - 1 if is_newest else earliest) + by)

        refused = refusal_of(lambda: deploy_round(factory, server, seats=2, snapshotBlock=snapshot))

        assert (refused != "InvalidSnapshotBlock") == (earliest <= snapshot < block)


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


def test_the_seed_of_a_round_is_that_of_the_server_s_number_and_the_snapshot_block(deployment, factory, server):
    deploy_round(factory, server)

    current = follow(deployment).view().ledger.rounds[-1]

    block_hash = bytes(chain.blocks[current.terms.snapshot_block].hash)
    assert current.seed == seed_of(SERVER_RANDOM, block_hash, current.number)
