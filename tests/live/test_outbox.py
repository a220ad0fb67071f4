"""An account's next nonce: given out only when all that was sent before can be seen, or has been pending too long."""

from dataclasses import dataclass, field

import pytest

from mlchain.chain.outbox import RAISE, Outbox
from mlchain.protocol.calls import Call

CALL = Call("Counter", "increment")


@dataclass
class Node:
    """A node that counts an account's transactions: seen in old enough blocks, mined, and known at all."""

    counts: tuple[int, int, int] = (0, 0, 0)
    posted: list = field(default_factory=list)
    following: list = field(default_factory=list)

    def counts_of(self, _address, _block):
        return self.counts

    def post(self, _account, call, nonce, factor, cap, after):
        self.posted.append((call, nonce, factor, cap))
        self.following.append(after)
        return "0x"


class Account:
    address = "0x" + 40 * "1"


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def outbox(node):
    return Outbox(node, Account(), patience=100)


def test_with_everything_in_sight_the_next_number_follows(node, outbox):
    node.counts = (7, 7, 7)

    assert outbox.nonce(50, now=0) == 7
    outbox.send(CALL, 7)
    assert node.posted == [(CALL, 7, 1, None)]


def test_what_is_sent_after_another_is_said_to_follow_it(node, outbox):
    node.counts = (7, 7, 7)
    outbox.nonce(50, now=0)
    for nonce in (7, 8, 9):
        outbox.send(CALL, nonce)
    node.counts = (9, 9, 9)
    outbox.nonce(51, now=0)
    outbox.send(CALL, 9)
    assert node.following == [False, True, True, False]


@pytest.mark.parametrize("counts", [(7, 7, 8), (7, 8, 8), (6, 7, 8)])
def test_what_is_not_in_sight_is_waited_for(node, outbox, counts):
    node.counts = counts

    assert outbox.nonce(50, now=0) is None
    assert outbox.nonce(50, now=99) is None


def test_what_waits_too_long_is_sent_again_in_its_place_at_a_higher_price(node, outbox):
    node.counts = (7, 7, 9)
    outbox.nonce(50, now=0)

    assert outbox.nonce(51, now=100) == 7
    outbox.send(CALL, 7, cap=30)

    assert node.posted == [(CALL, 7, RAISE, 30)]


def test_a_transaction_that_is_mined_starts_the_waiting_of_the_next_anew(node, outbox):
    node.counts = (7, 7, 9)
    outbox.nonce(50, now=0)
    node.counts = (7, 8, 9)

    assert outbox.nonce(51, now=99) is None
    assert outbox.nonce(51, now=198) is None
    assert outbox.nonce(51, now=199) == 8


def test_a_mined_transaction_that_is_not_final_is_never_sent_again(node, outbox):
    node.counts = (7, 8, 8)
    outbox.nonce(50, now=0)

    assert outbox.nonce(50, now=10_000) is None


def test_a_dropped_transaction_frees_its_number(node, outbox):
    node.counts = (7, 7, 8)
    outbox.nonce(50, now=0)
    node.counts = (7, 7, 7)

    assert outbox.nonce(50, now=1) == 7
    outbox.send(CALL, 7)
    assert node.posted == [(CALL, 7, 1, None)]
