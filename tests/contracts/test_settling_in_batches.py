"""However dear others make a transaction, it takes no more gas than the bound that live programs send it with."""

import pytest

from mlchain.protocol.calls import Call
from mlchain.protocol.content import CHUNK_SIZE
from mlchain.protocol.gas import gas_bound
from mlchain.protocol.rounds import Job
from mlchain.protocol.terms import RoundTerms
from tests.contracts.chain_control import move_to, now, rollback
from tests.contracts.protocol_steps import RIGHT, STAKE, Committee, deploy_round, referee_end

LONG = bytes(range(1, 256)) * 1_000  # no zero bytes, which cost less, in eleven chunks


def bounded(receipt, call, size=CHUNK_SIZE, seats=0):
    """Assert that a transaction has taken no more than its bound; return what it has taken."""
    terms = RoundTerms(1, 1, seats, 1, 1, 1, size, 1, 1, 1, 0)
    job = Job("", 0, b"", terms, 0, ())
    bound = gas_bound(call, bytes(receipt.data), job)
    assert receipt.gas_used <= bound, f"{call.kind} takes {receipt.gas_used:,} and is given {bound:,}"
    print(f"{call.kind:26} {receipt.gas_used:>9,} of {bound:>9,}")
    return receipt.gas_used


@pytest.fixture(scope="module")
def workers(registry, members, newcomers):
    """A pool in which everybody has left and joined again, so that every place has a history."""
    for worker in newcomers:
        registry.join(value=STAKE, sender=worker)
    for worker in [*members, *newcomers] * 2:
        registry.leave(sender=worker)
        registry.join(sender=worker)
    return [*members, *newcomers]


def settled(factory, server, workers, *results, shown=RIGHT):
    """Settle a committee of all workers, in one transaction, after these have been committed."""
    size = len(shown)
    (job,) = deploy_round(factory, server, seats=len(workers), quorum=len(workers) // 2 + 1, resultSize=size)
    committee = Committee.of(job, server, workers)
    committee.commit_all(*results)
    if len(results) == len(workers):
        committee.propose(0, shown)
        for index in range(-(-size // CHUNK_SIZE)):
            committee.publish(index, shown, index)
    else:
        move_to(referee_end(job))
    call = Call("Job", "settle", (list(range(len(workers))),))
    return bounded(committee.settle(sender=server), call, size)


@pytest.mark.parametrize("shown", [RIGHT, LONG], ids=["one chunk", "eleven chunks of as many publishers"])
def test_no_batch_of_seats_takes_more_gas_than_it_is_given(factory, registry, server, workers, shown):
    with rollback():
        settled(factory, server, workers)  # all are absent, and removed from the pool
    with rollback():
        settled(factory, server, workers, *[shown] * (len(workers) - 1), shown=shown)  # never shown: all are slashed
    with rollback():
        settled(factory, server, workers, *[shown] * len(workers), shown=shown)


def test_a_settlement_that_members_make_dearer_by_leaving_and_joining_before_it_is_not_short_of_gas(
    factory, registry, server, workers
):
    """Their places have got another block of their history by then, and removing them writes to slots of their own."""
    (job,) = deploy_round(factory, server, seats=len(workers), quorum=len(workers) // 2 + 1)
    move_to(referee_end(job))
    call, seats = Call("Job", "settle", (list(range(len(workers))),)), list(range(len(workers)))
    for worker in workers:
        registry.leave(sender=worker)
    estimate = job.settle.estimate_gas_cost(seats, sender=server)
    for worker in workers:
        registry.join(sender=worker)

    receipt = job.settle(seats, sender=server)

    assert receipt.gas_used > 1.2 * estimate, "what an estimate would have been raised by is not enough"
    bounded(receipt, call)


def test_no_other_transaction_takes_more_gas_than_it_is_given(factory, registry, models, server, workers):
    seats = len(workers)
    bounded(registry.setAdmission(server, True, sender=server), Call("WorkerRegistry", "setAdmission"))
    bounded(registry.leave(sender=workers[0]), Call("WorkerRegistry", "leave"))
    bounded(registry.join(sender=workers[0]), Call("WorkerRegistry", "join"))
    terms = {"seats": seats, "quorum": seats // 2 + 1, "resultSize": len(LONG), "challengeWindow": 3_600}
    (job,) = deploy_round(factory, server, **terms)
    committee = Committee.of(job, server, workers)
    for seat in range(seats):
        bounded(committee.commit(seat, LONG), Call("Job", "commit"))
    bounded(committee.propose(0, LONG), Call("Job", "propose"), seats=seats)
    bounded(committee.propose_any(RIGHT), Call("Job", "proposeAny"), seats=seats)
    for index in range(5):
        bounded(committee.publish(0, LONG, index), Call("Job", "publish"))
        bounded(committee.publish_unpaid(LONG, 5 + index), Call("Job", "publishUnpaid"))
    with rollback():
        bounded(job.ruleVoid(sender=server), Call("Job", "ruleVoid"))
    bounded(committee.publish_unpaid(LONG, 10), Call("Job", "publishUnpaid"))
    with rollback():
        bounded(committee.rule(LONG), Call("Job", "rule"))
    move_to(now() + 3_600)
    committee.settle(sender=server)
    for worker in workers:
        bounded(registry.withdraw(sender=worker), Call("WorkerRegistry", "withdraw"))
