"""Attacks on G7 to G9: copying an answer, owing two, bending the draw."""

import pytest
from ape import chain
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import content_hash
from tests.contracts.chain_control import move_to, reverts, rollback, time_of_next_block
from tests.contracts.protocol_steps import (
    ABSENCE_FEE,
    RIGHT,
    STAKE,
    WRONG,
    Committee,
    decide,
    deploy_round,
    referee_end,
    schedule_round,
    verdict_of,
)
from tests.reference.tables import Verdict

MAX_SNAPSHOT_AGE = 128

# G7: nothing can be copied


def test_g7_a_copied_commitment_opens_to_nothing(new_round, server):
    committee = new_round()
    committee.commit_all(RIGHT, RIGHT)
    copied = committee.job.commitmentOf(0)
    committee.job.commit(2, copied, sender=committee.holders[2])

    with reverts(committee.job.DoesNotOpen, seat=2, resultHash=content_hash(RIGHT)):
        committee.propose(2, RIGHT)
    committee.show(0, RIGHT)
    assert committee.job.candidateOf(content_hash(RIGHT)).votes == 2
    move_to(referee_end(committee.job))
    receipt = committee.settle(sender=server)
    assert verdict_of(receipt, 2) == Verdict.SLASHED


def test_g7_what_was_published_cannot_be_committed_by_a_late_seat(new_round):
    committee = new_round()
    committee.commit_all(RIGHT, RIGHT)
    time_of_next_block(committee.job.commitEnd())
    committee.show(0, RIGHT)

    with reverts(committee.job.WrongPhase, actual=3, first=0, last=0):
        committee.commit(2, RIGHT)


@pytest.mark.parametrize("foreign", ["job", "seat"])
def test_g7_a_commitment_for_another_job_or_seat_opens_to_nothing(new_round, factory, foreign):
    committee = new_round()
    job = committee.job
    key = {"job": job.address, "seat": 0} | {"job": {"job": factory.address}, "seat": {"seat": 1}}[foreign]
    job.commit(0, commitment(**key, result_hash=content_hash(RIGHT)), sender=committee.holders[0])
    committee.commit(1, WRONG)
    committee.commit(2, WRONG)

    with reverts(job.DoesNotOpen, seat=0, resultHash=content_hash(RIGHT)):
        committee.propose(0, RIGHT)


def test_g7_a_published_answer_fits_no_job_of_a_later_round(new_round, server):
    first = new_round()
    decide(first)
    replayed = first.job.commitmentOf(0)
    first.settle(sender=server)
    second = new_round()

    second.job.commit(0, replayed, sender=second.holders[0])
    second.commit(1, RIGHT)
    second.commit(2, RIGHT)

    assert second.job.address != first.job.address
    with reverts(second.job.DoesNotOpen, seat=0, resultHash=content_hash(RIGHT)):
        second.propose(0, RIGHT)


def test_g7_jobs_of_one_round_have_different_commitments(factory, server, members):
    first, second = (Committee.of(job, server, members) for job in deploy_round(factory, server, jobs=2, seats=2))

    assert first.commitment(0, RIGHT) != second.commitment(0, RIGHT)


# G8: one answer at a time


@settings(max_examples=5)
@given(blocks=st.integers(1, 9), seats=st.integers(1, 5))
def test_g8_no_worker_holds_two_seats_of_a_round(factory, registry, server, members, blocks, seats):
    with rollback():
        chain.mine(blocks)  # for another draw
        jobs = deploy_round(factory, server, jobs=len(members) // seats, seats=seats, quorum=seats)

        holders = [holder for job in jobs for holder in job.committee()]

        assert len(holders) == len(set(holders)) == seats * (len(members) // seats)
        assert set(holders) <= {member.address for member in members}


def test_g8_a_worker_that_owes_an_answer_cannot_be_drawn_again(new_round, factory, registry, server):
    committee = new_round()
    decide(committee)
    committee.settle(1, 2, sender=server)
    schedule_round(factory, server)

    with reverts(registry.RoundIsOpen, unsettledSeats=1):
        deploy_round(factory, server, is_scheduled=True)


# G9: nothing after the snapshot block changes the draw


def test_g9_joining_and_leaving_after_the_snapshot_block_change_nothing(factory, registry, server, members, newcomers):
    schedule_round(factory, server)
    with rollback():
        (job,) = deploy_round(factory, server, is_scheduled=True, seats=5, quorum=3)
        drawn = job.committee()

    registry.leave(sender=members[0])
    registry.leave(sender=members[2])
    for newcomer in newcomers[:3]:
        registry.join(value=STAKE, sender=newcomer)
    (job,) = deploy_round(factory, server, is_scheduled=True, seats=5, quorum=3)

    assert job.committee() == drawn
    assert job.terms().poolSize == len(members)


def test_g9_a_worker_that_joins_after_the_snapshot_block_is_not_drawn(factory, registry, server, newcomers):
    schedule_round(factory, server)
    registry.join(value=STAKE, sender=newcomers[0])

    with reverts(registry.PoolTooSmall, poolSize=5, seats=6):
        deploy_round(factory, server, is_scheduled=True, seats=6, quorum=4)


def test_g9_one_that_leaves_after_the_draw_still_owes_its_answer(new_round, registry, server):
    committee = new_round()
    leaver = committee.holders[0]
    registry.leave(sender=leaver)
    committee.commit(1, RIGHT)
    move_to(referee_end(committee.job))

    receipt = committee.settle(sender=server)

    assert verdict_of(receipt, 0) == Verdict.ABSENT
    assert registry.accountOf(leaver).stake == STAKE - ABSENCE_FEE


def test_g9_a_slashed_worker_is_not_drawn_again(new_round, factory, registry, server):
    committee = new_round(seats=5, quorum=3)
    evil = committee.holders[4]
    committee.commit_all(RIGHT, RIGHT, RIGHT, RIGHT, WRONG)
    committee.show(0, RIGHT)
    committee.rule(RIGHT)
    before = schedule_round(factory, server)
    settled_at = committee.settle(sender=server).block_number

    with reverts(
        registry.InvalidSnapshotBlock, snapshotBlock=before, earliest=settled_at, latest=chain.blocks.head.number
    ):
        deploy_round(factory, server, is_scheduled=True)
    chain.mine(MAX_SNAPSHOT_AGE)
    (job,) = deploy_round(factory, server, seats=4, quorum=3)
    assert evil not in job.committee()


def test_g9_the_round_seat_of_every_position_is_the_inverse_of_the_committee(new_round, members):
    committee = new_round(seats=5, quorum=3)

    for position, member in enumerate(members):
        assert committee.holders[committee.job.roundSeatOf(position)] == member
    with reverts(committee.job.UnknownPosition, position=5, poolSize=5):
        committee.job.roundSeatOf(5)
