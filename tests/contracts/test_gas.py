"""G10: what one worker pays does not grow with the number of workers."""

import pytest
from eth_utils import keccak

from mlchain.chain.accounts import account_from_secret
from tests.contracts.chain_control import move_to, rollback
from tests.contracts.protocol_steps import RIGHT, STAKE, Committee, deploy_round

SIZES = (3, 10, 100, 250)
MEASURED = 10  # seats of a committee that act at all: the rest is silent
GROWTH = 1.05


@pytest.fixture(scope="module")
def gas(factory, registry, server, members):
    """The gas of a worker's steps in pools of growing size, whose committee is the whole pool or three seats.

    Of several seats the one whose draw takes a single step counts; others take one or two more, whatever the size.
    """
    workers = [*members[:3], *[account_from_secret(keccak(text=f"worker {number}")) for number in range(247)]]
    for leaver in members[3:]:
        registry.leave(sender=leaver)

    def measured(seats):
        (job,) = deploy_round(factory, server, seats=seats, quorum=seats // 2 + 1, auditWindow=600)
        committee = Committee.of(job, server, workers)
        acting = range(min(seats, MEASURED))
        commits = [committee.commit(seat, RIGHT).gas_used for seat in acting]
        if seats > MEASURED:
            move_to(job.commitEnd())
        committee.propose_as_referee(RIGHT)
        committee.publish_as_referee(RIGHT)
        committee.rule(RIGHT)
        # The first pays for touching slots that were never used; the last of three would close the round.
        settles = [committee.settle(seat, sender=server).gas_used for seat in acting[:-1]][1:]
        return min(commits), min(settles)

    gas = {}
    with rollback():
        for size in SIZES:
            for worker in workers[registry.poolSize() : size]:
                server.transfer(worker, 2 * STAKE)
                registry.join(value=STAKE, sender=worker)
            with rollback():
                commit_of_all, settle_of_all = measured(size)
            with rollback():
                commit_of_few, settle_of_few = measured(3)
            with rollback():
                leave = registry.leave(sender=workers[1]).gas_used
                join = registry.join(value=0, sender=workers[1]).gas_used
            gas[size] = {
                "commit, whole pool": commit_of_all,
                "settle, whole pool": settle_of_all,
                "commit, three seats": commit_of_few,
                "settle, three seats": settle_of_few,
                "leave": leave,
                "join": join,
            }
    return gas


STEPS = ("commit, whole pool", "settle, whole pool", "commit, three seats", "settle, three seats", "leave", "join")


@pytest.mark.parametrize("step", STEPS)
def test_g10_what_one_worker_pays_does_not_grow_with_the_number_of_workers(gas, step):
    assert max(gas[size][step] for size in SIZES) <= GROWTH * min(gas[size][step] for size in SIZES), gas
