import pytest
from ape import chain

from tests.contracts.chain_control import move_to, reverts
from tests.contracts.protocol_steps import (
    ABSENCE_FEE,
    REWARD,
    RIGHT,
    STAKE,
    Committee,
    decide,
    deploy_round,
    referee_end,
    schedule_round,
)

MAX_SNAPSHOT_AGE = 128


def mine_to(block: int) -> None:
    """Mine blocks until the next transaction is in block `block`."""
    chain.mine(block - 1 - chain.blocks.head.number)


@pytest.fixture
def leaver(members):
    return members[0]


@pytest.fixture
def left_at(registry, leaver):
    """The block in which the leaver has left."""
    return registry.leave(sender=leaver).block_number


@pytest.fixture
def settled(factory, registry, server, members):
    """The committee of a round of which every seat was right and is settled."""
    (job,) = deploy_round(factory, server)
    committee = Committee.of(job, server, members)
    decide(committee)
    committee.settle(sender=server)
    return committee


def test_a_credit_is_taken_home_at_any_time(settled, registry):
    worker = settled.holders[1]
    before, held = worker.balance, registry.balance

    receipt = registry.withdraw(sender=worker)

    assert receipt.events == [registry.Withdrawn(account=worker, amount=REWARD)]
    assert worker.balance == before + REWARD - receipt.total_fees_paid
    assert registry.balance == held - REWARD
    assert registry.accountOf(worker).credit == 0
    assert registry.accountOf(worker).stake == STAKE


def test_a_credit_is_taken_home_once(settled, registry):
    worker = settled.holders[1]
    registry.withdraw(sender=worker)

    with reverts(registry.NothingToWithdraw, account=worker):
        registry.withdraw(sender=worker)


def test_one_to_whom_nothing_is_owed_takes_nothing(registry, members, stranger):
    for account in [members[0], stranger]:
        with reverts(registry.NothingToWithdraw, account=account):
            registry.withdraw(sender=account)


def test_a_stake_goes_home_129_blocks_after_leaving(registry, leaver, left_at):
    mine_to(left_at + MAX_SNAPSHOT_AGE + 1)
    before = leaver.balance

    receipt = registry.withdrawStake(sender=leaver)

    assert receipt.block_number == left_at + MAX_SNAPSHOT_AGE + 1
    assert receipt.events == [registry.StakeWithdrawn(worker=leaver, amount=STAKE)]
    assert leaver.balance == before + STAKE - receipt.total_fees_paid
    assert registry.accountOf(leaver).stake == 0


def test_a_stake_stays_for_128_blocks_after_leaving(registry, leaver, left_at):
    unlock = left_at + MAX_SNAPSHOT_AGE + 1
    with reverts(registry.StakeLocked, leaveBlock=left_at, unlockBlock=unlock):
        registry.withdrawStake(sender=leaver)
    mine_to(left_at + MAX_SNAPSHOT_AGE)

    with reverts(registry.StakeLocked, leaveBlock=left_at, unlockBlock=unlock):
        registry.withdrawStake(sender=leaver)


def test_a_member_does_not_take_its_stake_home(registry, members):
    with reverts(registry.StakeInUse, worker=members[0]):
        registry.withdrawStake(sender=members[0])


def test_joining_again_locks_the_stake_again(registry, leaver, left_at):
    registry.join(value=0, sender=leaver)
    mine_to(left_at + MAX_SNAPSHOT_AGE + 1)
    with reverts(registry.StakeInUse, worker=leaver):
        registry.withdrawStake(sender=leaver)

    left_again = registry.leave(sender=leaver).block_number

    unlock = left_again + MAX_SNAPSHOT_AGE + 1
    with reverts(registry.StakeLocked, leaveBlock=left_again, unlockBlock=unlock):
        registry.withdrawStake(sender=leaver)


def test_a_stake_is_taken_home_once(registry, leaver, left_at):
    mine_to(left_at + MAX_SNAPSHOT_AGE + 1)
    registry.withdrawStake(sender=leaver)

    with reverts(registry.NothingToWithdraw, account=leaver):
        registry.withdrawStake(sender=leaver)


def test_one_that_never_joined_has_no_stake_to_take_home(registry, stranger):
    with reverts(registry.NothingToWithdraw, account=stranger):
        registry.withdrawStake(sender=stranger)


def test_no_stake_goes_home_under_a_round_whose_pool_it_was_in(registry, factory, server, leaver):
    schedule_round(factory, server)
    left_at = registry.leave(sender=leaver).block_number
    deploy_round(factory, server, is_scheduled=True)
    mine_to(left_at + MAX_SNAPSHOT_AGE + 1)

    with reverts(registry.RoundIsOpen, unsettledSeats=3):
        registry.withdrawStake(sender=leaver)


def test_a_stake_is_free_again_when_the_round_is_settled(registry, factory, server, members, leaver):
    (job,) = deploy_round(factory, server, seats=5, quorum=3)
    left_at = registry.leave(sender=leaver).block_number
    committee = Committee.of(job, server, members)
    move_to(referee_end(job))
    committee.settle(*range(4), sender=server)
    mine_to(left_at + MAX_SNAPSHOT_AGE + 1)
    with reverts(registry.RoundIsOpen, unsettledSeats=1):
        registry.withdrawStake(sender=leaver)

    committee.settle(4, sender=server)
    receipt = registry.withdrawStake(sender=leaver)

    assert receipt.events == [registry.StakeWithdrawn(worker=leaver, amount=STAKE - ABSENCE_FEE)]


def test_a_round_whose_pool_one_had_left_does_not_lock_its_stake(registry, factory, server, leaver, left_at):
    deploy_round(factory, server)
    mine_to(left_at + MAX_SNAPSHOT_AGE + 1)

    receipt = registry.withdrawStake(sender=leaver)

    assert receipt.events == [registry.StakeWithdrawn(worker=leaver, amount=STAKE)]


def test_a_removal_by_settlement_locks_the_rest_of_the_stake(registry, factory, server, members):
    (job,) = deploy_round(factory, server)
    committee = Committee.of(job, server, members)
    committee.commit_all(RIGHT, RIGHT)
    move_to(job.commitEnd())
    committee.show(0, RIGHT)
    removed_at = committee.settle(sender=server).block_number

    unlock = removed_at + MAX_SNAPSHOT_AGE + 1
    with reverts(registry.StakeLocked, leaveBlock=removed_at, unlockBlock=unlock):
        registry.withdrawStake(sender=committee.holders[2])
    mine_to(unlock)
    receipt = registry.withdrawStake(sender=committee.holders[2])

    assert receipt.events == [registry.StakeWithdrawn(worker=committee.holders[2], amount=STAKE - ABSENCE_FEE)]
