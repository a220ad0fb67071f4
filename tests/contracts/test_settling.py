"""What each seat gets on each outcome, what goes to the server and what is burnt."""

import pytest
from ape import project

from mlchain.protocol.content import content_hash
from tests.contracts.chain_control import reverts, time_of_next_block
from tests.contracts.protocol_steps import (
    ABSENCE_FEE,
    BONUS,
    JUNK,
    PARAMETERS,
    REWARD,
    RIGHT,
    STAKE,
    WORSE,
    WRONG,
    Committee,
    decide,
    deploy_round,
    referee_end,
)
from tests.reference.tables import Outcome, Phase, Verdict


@pytest.fixture(scope="module")
def committee(factory, registry, server, members):
    """Five seats: the whole pool."""
    (job,) = deploy_round(factory, server, seats=5, quorum=3)
    return Committee.of(job, server, members)


def verdicts(receipt):
    """Return seat, verdict and amount of every settled seat."""
    events = [event for event in receipt.events if event.event_name == "SeatSettled"]
    return [(event.seat, Verdict(event.verdict), event.amount) for event in events]


def test_right_seats_are_paid_and_all_others_pay_when_a_result_is_accepted(committee, job, registry, server, stranger):
    committee.commit_all(RIGHT, RIGHT, RIGHT, WRONG, None)
    time_of_next_block(job.commitEnd())
    committee.show(1, RIGHT)
    committee.propose(3, WRONG)
    committee.rule(RIGHT)

    receipt = committee.settle(sender=stranger)

    expected = [
        (0, Verdict.REWARDED, REWARD),
        (1, Verdict.REWARDED, REWARD + BONUS),
        (2, Verdict.REWARDED, REWARD),
        (3, Verdict.SLASHED, STAKE),
        (4, Verdict.ABSENT, ABSENCE_FEE),
    ]
    forfeited = 2 * REWARD
    left = [event for event in receipt.events if event.event_name == "Left"]
    assert [event.worker for event in left] == committee.holders[3:]
    assert [event for event in receipt.events if event not in left] == [
        job.Settled(outcome=Outcome.RULED, acceptedHash=content_hash(RIGHT), seats=5),
        *[
            registry.SeatSettled(job=job, worker=committee.holders[seat], seat=seat, verdict=verdict, amount=amount)
            for seat, verdict, amount in expected
        ],
        registry.Forfeited(job=job, amount=forfeited),
        registry.RoundClosed(remainder=0),
    ]
    assert registry.accountOf(server).credit == 0
    assert registry.burnt() == STAKE + ABSENCE_FEE + forfeited
    assert registry.poolSize() == 3


def test_a_settled_round_leaves_no_escrow_and_no_seat(committee, registry, server, job):
    decide(committee)

    receipt = committee.settle(sender=server)

    opened = registry.currentRound()
    assert (opened.escrow, opened.unsettledSeats) == (0, 0)
    assert opened.lastSettlementBlock == receipt.block_number
    assert all(job.isSettled(seat) for seat in range(5))


def test_a_failed_job_releases_those_whose_result_was_proposed_and_slashes_the_rest(committee, job, registry, server):
    committee.commit_all(RIGHT, RIGHT, WRONG, JUNK)
    time_of_next_block(job.commitEnd())
    committee.show(0, RIGHT)
    committee.propose(2, WRONG)
    time_of_next_block(referee_end(job))

    receipt = committee.settle(sender=server)

    assert verdicts(receipt) == [
        (0, Verdict.RELEASED, 0),
        (1, Verdict.RELEASED, 0),
        (2, Verdict.RELEASED, 0),
        (3, Verdict.SLASHED, STAKE),
        (4, Verdict.ABSENT, ABSENCE_FEE),
    ]
    assert registry.accountOf(server).credit == 5 * REWARD + BONUS
    assert registry.burnt() == STAKE + ABSENCE_FEE


@pytest.mark.parametrize("junk", [0, 1, 2, 3])
def test_a_failed_job_slashes_the_seat_that_shows_nothing_wherever_it_sits(committee, job, server, junk):
    results = [RIGHT, WRONG, WORSE]
    results.insert(junk, JUNK)
    committee.commit_all(*results)
    time_of_next_block(job.commitEnd())
    for result in (RIGHT, WRONG, WORSE):
        committee.propose(results.index(result), result)
    time_of_next_block(referee_end(job))

    receipt = committee.settle(0, 1, 2, 3, sender=server)

    expected = [Verdict.SLASHED if seat == junk else Verdict.RELEASED for seat in range(4)]
    assert [verdict for _, verdict, _ in verdicts(receipt)] == expected


def test_a_failed_job_releases_the_voters_of_a_leader_whose_bytes_were_kept_back(committee, job, server):
    committee.commit_all(RIGHT, RIGHT, RIGHT, JUNK)
    time_of_next_block(job.commitEnd())
    committee.propose(0, RIGHT)
    time_of_next_block(referee_end(job))

    receipt = committee.settle(sender=server)

    assert [verdict for _, verdict, _ in verdicts(receipt)] == [Verdict.RELEASED] * 3 + [
        Verdict.SLASHED,
        Verdict.ABSENT,
    ]


@pytest.mark.parametrize(("proposed", "verdict"), [(True, Verdict.RELEASED), (False, Verdict.SLASHED)])
def test_a_commitment_to_the_hash_zero_is_like_any_other(committee, job, server, proposed, verdict):
    for seat in range(4):
        sealed = job.commitmentFor(seat, bytes(32))
        job.commit(seat, sealed, sender=committee.holders[seat])
    time_of_next_block(job.commitEnd())
    if proposed:
        job.propose(0, bytes(32), sender=committee.holders[0])
    time_of_next_block(referee_end(job))

    receipt = committee.settle(sender=server)

    assert [each for _, each, _ in verdicts(receipt)] == [verdict] * 4 + [Verdict.ABSENT]


def test_a_void_job_releases_all_who_committed_whatever_it_was(committee, job, registry, server):
    committee.commit_all(RIGHT, WRONG, JUNK, WORSE)
    time_of_next_block(job.commitEnd())
    committee.propose(1, WRONG)
    job.ruleVoid(sender=server)

    receipt = committee.settle(sender=server)

    assert verdicts(receipt) == [
        *[(seat, Verdict.RELEASED, 0) for seat in range(4)],
        (4, Verdict.ABSENT, ABSENCE_FEE),
    ]
    assert registry.accountOf(server).credit == 0
    assert registry.burnt() == ABSENCE_FEE + 5 * REWARD + BONUS
    assert registry.poolSize() == 4


def test_a_slashed_worker_loses_its_whole_stake_and_its_place(committee, registry, server):
    committee.commit_all(RIGHT, RIGHT, RIGHT, WRONG, RIGHT)
    committee.show(0, RIGHT)
    committee.rule(RIGHT)

    receipt = committee.settle(3, sender=server)

    account = registry.accountOf(committee.holders[3])
    assert account == [0, 0, 0, receipt.block_number]
    assert registry.missingStakeOf(committee.holders[3]) == STAKE


def test_an_absent_worker_loses_the_fee_and_its_place_but_keeps_the_rest(committee, job, registry, server):
    committee.commit_all(RIGHT, RIGHT, RIGHT, RIGHT)
    time_of_next_block(job.commitEnd())
    committee.show(0, RIGHT)

    receipt = committee.settle(4, sender=server)

    account = registry.accountOf(committee.holders[4])
    assert account == [0, STAKE - ABSENCE_FEE, 0, receipt.block_number]


def test_seats_are_settled_in_any_order_and_in_batches_by_anyone(committee, job, registry, server, stranger):
    decide(committee)

    receipts = [
        committee.settle(*seats, sender=caller)
        for seats, caller in [((4, 1), stranger), ((0,), committee.holders[2]), ((3, 2), server)]
    ]

    assert [[seat for seat, _, _ in verdicts(receipt)] for receipt in receipts] == [[4, 1], [0], [3, 2]]
    assert [event.seats for receipt in receipts for event in receipt.decode_logs(job.Settled)] == [2, 1, 2]
    assert registry.currentRound().unsettledSeats == 0


def test_everybody_sees_which_seats_are_settled(committee, job, stranger):
    decide(committee)
    assert not any(job.isSettled(seat) for seat in range(5))

    committee.settle(1, 3, sender=stranger)

    assert [job.isSettled(seat) for seat in range(5)] == [False, True, False, True, False]


def test_a_seat_settled_before_is_passed_over_so_that_nobody_blocks_a_batch(committee, server, stranger):
    decide(committee)
    committee.settle(1, sender=stranger)

    receipt = committee.settle(0, 1, 0, 2, 1, sender=server)

    assert [seat for seat, _, _ in verdicts(receipt)] == [0, 2]


def test_a_batch_in_which_nothing_is_left_is_refused(committee, job, server):
    decide(committee)
    committee.settle(1, sender=server)

    for seats in [[1], [1, 1], []]:
        with reverts(job.NothingToSettle):
            job.settle(seats, sender=server)


def test_a_finished_job_cannot_touch_the_registry_again(committee, job, server, stranger):
    decide(committee)
    committee.settle(sender=server)

    with reverts(job.NothingToSettle):
        committee.settle(sender=stranger)


def test_a_seat_that_does_not_exist_cannot_be_settled(committee, job, server):
    decide(committee)

    with reverts(job.UnknownSeat, seat=5, seats=5):
        committee.settle(0, 5, sender=server)


@pytest.mark.parametrize("phase", [Phase.COMMIT, Phase.PROPOSE, Phase.REFEREE])
def test_no_seat_is_settled_before_the_decision(committee, job, server, phase):
    committee.commit_all(RIGHT, WRONG, None, RIGHT)
    end = job.commitEnd()
    times = {
        Phase.COMMIT: end - 1,
        Phase.PROPOSE: end,
        Phase.REFEREE: referee_end(job) - 1,
    }
    time_of_next_block(times[phase])

    with reverts(job.WrongPhase, actual=phase, first=Phase.DECIDED, last=Phase.DECIDED):
        committee.settle(sender=server)


def test_the_committees_members_may_leave_before_they_are_settled(committee, registry, server):
    committee.commit_all(RIGHT, RIGHT, RIGHT, WRONG, RIGHT)
    committee.show(0, RIGHT)
    for holder in [committee.holders[0], committee.holders[3]]:
        registry.leave(sender=holder)
    committee.rule(RIGHT)

    receipt = committee.settle(sender=server)

    assert (0, Verdict.REWARDED, REWARD + BONUS) in verdicts(receipt)
    assert (3, Verdict.SLASHED, STAKE) in verdicts(receipt)
    assert not [event for event in receipt.events if event.event_name == "Left"]


def test_a_worker_that_has_joined_again_is_still_slashed(committee, registry, server):
    committee.commit_all(RIGHT, RIGHT, RIGHT, WRONG, RIGHT)
    committee.show(0, RIGHT)
    evil = committee.holders[3]
    registry.leave(sender=evil)
    registry.join(value=0, sender=evil)
    committee.rule(RIGHT)

    receipt = committee.settle(3, sender=server)

    assert verdicts(receipt) == [(3, Verdict.SLASHED, STAKE)]
    assert registry.accountOf(evil) == [0, 0, 0, receipt.block_number]
    assert registry.poolSize() == 4


def test_the_referees_share_of_the_bonus_goes_back_to_the_server(committee, job, registry, server):
    committee.commit_all(*[RIGHT] * 5)
    committee.propose_any(RIGHT)
    committee.publish_unpaid(RIGHT)

    receipt = committee.settle(sender=server)

    assert verdicts(receipt) == [(seat, Verdict.REWARDED, REWARD) for seat in range(5)]
    assert receipt.decode_logs(registry.RoundClosed) == [registry.RoundClosed(remainder=BONUS)]
    assert registry.accountOf(server).credit == BONUS
    assert registry.currentRound().escrow == 0


def test_only_jobs_of_the_factory_say_who_is_paid(committee, registry, server, stranger):
    settlement = (0, 0, Verdict.REWARDED, STAKE)

    for caller in [server, stranger, committee.holders[0]]:
        with reverts(registry.NotAJob, caller=caller):
            registry.settle([settlement], 0, caller, sender=caller)


def test_a_fee_of_a_single_wei_is_burnt(models, server, members):
    factory = server.deploy(project.JobFactory, models, PARAMETERS | {"absenceFee": 1})
    registry = project.WorkerRegistry.at(factory.REGISTRY())
    registry.join(value=STAKE, sender=members[0])
    (job,) = deploy_round(factory, server, seats=1, quorum=1)
    time_of_next_block(referee_end(job))

    job.settle([0], sender=server)

    assert registry.burnt() == 1
    assert registry.accountOf(members[0]).stake == STAKE - 1
