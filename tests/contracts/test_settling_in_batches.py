"""However dear a seat is to settle, what the server settles at once fits the part of a block that it means to use."""

from mlchain.actors.server import SETTLE_JOB_GAS, SETTLE_SEAT_GAS
from tests.contracts.chain_control import move_to, rollback
from tests.contracts.protocol_steps import RIGHT, STAKE, Committee, deploy_round, referee_end


def settled(factory, registry, server, workers, *results):
    """Return the gas of settling a committee of all workers, in one transaction, after these have been committed."""
    (job,) = deploy_round(factory, server, seats=len(workers), quorum=len(workers) // 2 + 1)
    committee = Committee.of(job, server, workers)
    committee.commit_all(*results)
    if len(results) == len(workers):
        committee.show(0, RIGHT)
    else:
        move_to(referee_end(job))
    return committee.settle(sender=server).gas_used


def test_a_batch_of_seats_takes_no_more_gas_than_the_server_reckons_with(factory, registry, server, members, newcomers):
    workers = [*members, *newcomers]
    for worker in newcomers:
        registry.join(value=STAKE, sender=worker)
    bound = SETTLE_JOB_GAS + len(workers) * SETTLE_SEAT_GAS

    with rollback():
        assert settled(factory, registry, server, workers) <= bound, "all are absent and removed from the pool"
    with rollback():
        assert settled(factory, registry, server, workers, *[RIGHT] * (len(workers) - 1)) <= bound, (
            "never shown: all but one are slashed"
        )
    with rollback():
        assert settled(factory, registry, server, workers, *[RIGHT] * len(workers)) <= bound
