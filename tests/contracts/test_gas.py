"""G10: what one worker pays does not grow with the number of workers."""

import pytest

from tests.contracts.chain_control import move_to, rollback
from tests.contracts.protocol_steps import (
    RIGHT,
    STAKE,
)


@pytest.fixture(scope="module")
def gas(new_round, registry, server, members, newcomers):
    """The gas of a worker's steps in pools of three sizes, whose committee is four seats or the whole pool.

    The sizes are squares, where the draw takes one step; elsewhere it takes one or two more, whatever the size.
    """
    workers = [*members, *newcomers]

    def resize(size):
        for worker in workers[size : len(members)]:
            registry.leave(sender=worker)
        for worker in workers[len(members) : size]:
            registry.join(value=STAKE, sender=worker)

    def commit(seats):
        committee = new_round(seats=seats, quorum=seats // 2 + 1)
        return committee, min(committee.commit(seat, RIGHT).gas_used for seat in range(3))

    def measured(size):
        with rollback():
            resize(size)
            with rollback():
                _, whole_pool = commit(size)
            committee, small_committee = commit(4)
            move_to(committee.job.commitEnd())
            committee.job.ruleVoid(sender=server)
            committee.settle(0, sender=server)
            # Last, because a position's history costs a look-up a little.
            return {
                "commit": small_committee,
                "commit, whole pool": whole_pool,
                "settle": committee.settle(1, sender=server).gas_used,
                "leave": registry.leave(sender=workers[1]).gas_used,
                "join": registry.join(value=0, sender=workers[1]).gas_used,
            }

    return {size: measured(size) for size in (4, 9, 25)}


@pytest.mark.parametrize("step", ["commit", "commit, whole pool", "settle", "join", "leave"])
def test_g10_what_one_worker_pays_does_not_grow_with_the_number_of_workers(gas, step):
    assert max(gas[size][step] for size in gas) <= 1.01 * min(gas[size][step] for size in gas)
