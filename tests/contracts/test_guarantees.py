"""Attacks on G1 to G6: who is right, who pays, and that no silence stops anybody."""

import pytest
from ape import chain

from mlchain.protocol.content import content_hash
from tests.contracts.chain_control import move_to, reverts, time_of_next_block
from tests.contracts.protocol_steps import (
    ABSENCE_FEE,
    BONUS,
    JUNK,
    REWARD,
    RIGHT,
    STAKE,
    WORSE,
    WRONG,
    referee_end,
    verdict_of,
)
from tests.reference.tables import Outcome, Verdict

CHALLENGE_WINDOW = 600


# G1: nothing is lost


def test_g1_the_last_wei_of_an_escrow_goes_back_to_the_server(new_round, registry, server):
    committee = new_round(bonus=1)
    committee.commit_all(RIGHT, RIGHT, RIGHT)
    committee.propose(0, RIGHT)
    committee.publish_unpaid(RIGHT)

    committee.settle(sender=server)

    assert registry.accountOf(server).credit == 1
    assert registry.currentRound().escrow == 0


# G2: fewer than a quorum of evil seats


def test_g2_an_evil_minority_that_shows_first_gets_nothing_accepted(new_round):
    committee = new_round(seats=5, quorum=3)
    committee.commit_all(WRONG, WRONG, RIGHT, RIGHT, RIGHT)
    committee.show(0, WRONG)
    committee.show(2, RIGHT)

    move_to(referee_end(committee.job))

    assert committee.outcome() == (Outcome.QUORUM, content_hash(RIGHT))


def test_g2_a_tie_picks_no_winner_and_pays_nobody(new_round, registry, server):
    committee = new_round(seats=4, quorum=3)
    committee.commit_all(WRONG, WRONG, RIGHT, RIGHT)
    committee.show(0, WRONG)
    committee.show(2, RIGHT)
    move_to(referee_end(committee.job))

    committee.settle(sender=server)

    assert committee.outcome() == (Outcome.FAILED, bytes(32))
    assert registry.accountOf(server).credit == 4 * REWARD + BONUS
    accounts = [registry.accountOf(holder) for holder in committee.holders]
    assert [(account.stake, account.credit) for account in accounts] == [(STAKE, 0)] * 4


def test_g2_what_an_evil_quorum_withholds_is_not_accepted(new_round):
    committee = new_round()
    committee.commit_all(WRONG, WRONG, RIGHT)
    committee.propose(0, WRONG)
    committee.show(2, RIGHT)

    move_to(referee_end(committee.job))

    assert committee.outcome() == (Outcome.FAILED, bytes(32))


# G3: one honest seat is enough while the referee answers


def test_g3_one_honest_seat_overthrows_an_evil_quorum(new_round, registry, server):
    committee = new_round(seats=5, quorum=3)
    committee.commit_all(WRONG, WRONG, RIGHT, WRONG, WRONG)
    committee.show(0, WRONG)
    committee.propose(2, RIGHT)
    committee.publish_unpaid(RIGHT)
    committee.rule(RIGHT)

    receipt = committee.settle(sender=server)

    assert [verdict_of(receipt, seat) for seat in range(5)] == [
        Verdict.SLASHED,
        Verdict.SLASHED,
        Verdict.REWARDED,
        Verdict.SLASHED,
        Verdict.SLASHED,
    ]
    assert registry.accountOf(committee.holders[2]).credit == REWARD
    assert registry.accountOf(server).credit == 0
    assert registry.burnt() == 4 * STAKE + 4 * REWARD + BONUS


def test_g3_an_audit_slashes_a_committee_that_is_evil_in_every_seat(new_round, registry, server):
    committee = new_round(challengeWindow=CHALLENGE_WINDOW)
    committee.commit_all(WRONG, WRONG, WRONG)
    committee.show(0, WRONG)
    committee.propose_any(RIGHT)
    committee.publish_unpaid(RIGHT)
    time_of_next_block(committee.job.commitEnd() + CHALLENGE_WINDOW - 1)
    committee.rule(RIGHT)

    receipt = committee.settle(sender=server)

    assert [verdict_of(receipt, seat) for seat in range(3)] == [Verdict.SLASHED] * 3
    assert registry.accountOf(server).credit == 0
    assert registry.burnt() == 3 * STAKE + 3 * REWARD + BONUS


def test_g3_without_an_audit_nobody_sees_through_such_a_committee(new_round):
    committee = new_round()
    committee.commit_all(WRONG, WRONG, WRONG)

    committee.show(0, WRONG)

    assert committee.outcome() == (Outcome.UNANIMOUS, content_hash(WRONG))


# G4: the honest are never slashed


def test_g4_an_honest_seat_that_proposes_keeps_its_stake_if_the_job_fails(new_round, server):
    committee = new_round()
    committee.commit_all(RIGHT, WRONG, WORSE)
    committee.propose(0, RIGHT)
    move_to(referee_end(committee.job))

    receipt = committee.settle(sender=server)

    assert [verdict_of(receipt, seat) for seat in range(3)] == [
        Verdict.RELEASED,
        Verdict.SLASHED,
        Verdict.SLASHED,
    ]


def test_g4_a_server_that_rules_for_junk_burns_stakes_and_its_whole_escrow_and_gains_nothing(
    new_round, registry, server
):
    committee = new_round(seats=5, quorum=3, challengeWindow=CHALLENGE_WINDOW)
    committee.commit_all(*[RIGHT] * 5)
    committee.show(0, RIGHT)
    committee.propose_any(WORSE)
    committee.publish_unpaid(WORSE)
    committee.rule(WORSE)

    receipt = committee.settle(sender=server)

    assert [verdict_of(receipt, seat) for seat in range(5)] == [Verdict.SLASHED] * 5
    assert registry.accountOf(server).credit == registry.currentRound().escrow == 0
    assert registry.burnt() == 5 * STAKE + 5 * REWARD + BONUS
    with reverts(registry.NothingToWithdraw, account=server):
        registry.withdraw(sender=server)


@pytest.mark.parametrize("batches", [[(0, 1, 2)], [(2, 1), (0,)], [(0,), (1,), (2,)]])
def test_g4_a_ruling_costs_the_server_the_whole_escrow_in_whatever_batches_it_is_settled(
    new_round, registry, server, stranger, batches
):
    committee = new_round(challengeWindow=CHALLENGE_WINDOW)
    committee.commit_all(RIGHT, RIGHT, WRONG)
    committee.show(0, RIGHT)
    committee.rule(RIGHT)

    receipts = [committee.settle(*seats, sender=stranger) for seats in batches]

    forfeits = [receipt.decode_logs(registry.Forfeited) for receipt in receipts]
    assert sum(event.amount for events in forfeits for event in events) == REWARD
    assert registry.accountOf(server).credit == 0
    assert sum(registry.accountOf(holder).credit for holder in committee.holders) == 2 * REWARD + BONUS


def test_g4_what_the_referee_publishes_itself_it_does_not_get_back_after_a_ruling(new_round, registry, server):
    committee = new_round(challengeWindow=CHALLENGE_WINDOW)
    committee.commit_all(RIGHT, RIGHT, RIGHT)
    committee.propose_any(RIGHT)
    committee.publish_unpaid(RIGHT)
    committee.rule(RIGHT)

    receipt = committee.settle(sender=server)

    assert receipt.decode_logs(registry.Forfeited) == [registry.Forfeited(job=committee.job, amount=BONUS)]
    assert registry.accountOf(server).credit == 0


# G5: silence and wrong answers cost


@pytest.mark.parametrize("referee", ["silent", "void"])
def test_g5_nobody_answers_for_free(new_round, registry, server, referee):
    committee = new_round()
    move_to(committee.job.commitEnd())
    if referee == "void":
        committee.job.ruleVoid(sender=server)
    move_to(referee_end(committee.job))

    committee.settle(sender=server)

    pay = 3 * REWARD + BONUS
    assert registry.accountOf(server).credit == (0 if referee == "void" else pay)
    assert registry.burnt() == 3 * ABSENCE_FEE + (pay if referee == "void" else 0)
    assert registry.poolSize() == 2


def test_g5_junk_that_nobody_opens_is_slashed_with_a_silent_referee_too(new_round, server):
    committee = new_round()
    committee.commit_all(JUNK, RIGHT, RIGHT)
    committee.show(1, RIGHT)
    move_to(referee_end(committee.job))

    receipt = committee.settle(sender=server)

    assert verdict_of(receipt, 0) == Verdict.SLASHED


# G6: everything goes on by strangers' calls alone


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("results", [(RIGHT,), (RIGHT, RIGHT, WRONG), (RIGHT, WRONG, WORSE), (JUNK, JUNK, JUNK)])
def test_g6_with_a_dead_server_a_stranger_ends_every_round(new_round, registry, stranger, results, shown):
    committee = new_round()
    job = committee.job
    committee.commit_all(*results)
    if shown and len(results) < 3:
        time_of_next_block(job.commitEnd())
    for result in set(results) - {JUNK} if shown else ():
        committee.show(results.index(result), result)

    move_to(referee_end(job))
    committee.settle(sender=stranger)

    assert registry.currentRound().unsettledSeats == 0
    assert all(job.isSettled(seat) for seat in range(3))


def test_g6_a_workers_money_is_never_locked_by_a_dead_server(new_round, registry):
    committee = new_round()
    worker = committee.holders[0]
    committee.commit(0, RIGHT)
    left_at = registry.leave(sender=worker).block_number
    time_of_next_block(committee.job.commitEnd())
    committee.show(0, RIGHT)

    move_to(referee_end(committee.job))
    committee.settle(sender=worker)
    chain.mine(left_at + 129 - chain.blocks.head.number)
    receipt = registry.withdrawStake(sender=worker)

    assert receipt.events == [registry.StakeWithdrawn(worker=worker, amount=STAKE)]
