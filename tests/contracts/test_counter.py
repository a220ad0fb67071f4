import pytest
from ape import project

from tests.contracts.chain_control import reverts


@pytest.fixture(scope="module")
def counter(server):
    return server.deploy(project.Counter)


def test_nobody_has_joined_a_new_counter(counter, stranger):
    assert counter.count() == 0
    assert counter.numberOf(stranger) == 0


def test_each_worker_joins_as_the_next_number(counter, members):
    for number, worker in enumerate(members[:3], start=1):
        receipt = counter.increment(sender=worker)

        assert receipt.events == [counter.Incremented(worker=worker, count=number)]
        assert counter.count() == counter.numberOf(worker) == number


def test_a_worker_cannot_join_twice(counter, members):
    first, second = members[:2]
    counter.increment(sender=first)
    counter.increment(sender=second)

    with reverts(counter.AlreadyCounted, worker=second, number=2):
        counter.increment(sender=second)
