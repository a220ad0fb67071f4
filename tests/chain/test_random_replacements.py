"""Blocks are replaced at random between any two questions: in the end everything is as the contracts say."""

import random
from contextlib import suppress

import pytest

from mlchain.chain.connection import Chain
from mlchain.chain.node_errors import NodeError, node_errors
from mlchain.errors import TransactionFailed
from mlchain.protocol.calls import Call
from tests.chain.anvil import connected
from tests.chain.strangers_node import JOIN

LEAVE = Call("WorkerRegistry", "leave")
NO_BATCHES = {"error": {"code": -32600, "message": "no batches"}}
LOOKS = 40
RATE = 0.12  # of questions after which something happens


class World:
    """What happens on a node: blocks, workers that come and go, versions, and a return to what was before."""

    def __init__(self, chain, node, seed, people, server):
        self.chain, self.node, self.random = chain, node, random.Random(seed)
        self.people, self.server = people, server
        self.snapshots = [node.snapshot()]
        self.is_busy, self.rate = False, 0.0

    def happen(self):
        what = self.random.random()
        if what < 0.3:
            self.chain.mine(self.random.choice([1, 1, 2]))
        elif what < 0.55:
            self.come_or_go()
        elif what < 0.65:
            self.send(self.server, Call("ModelRegistry", "announce", (0, self.random.randbytes(32), 10)))
        elif what < 0.8:
            self.snapshots.append(self.node.snapshot())
        elif self.snapshots:
            at = self.random.randrange(len(self.snapshots))
            self.node.restore(self.snapshots[at])
            del self.snapshots[at:]
            self.node._make_request("evm_increaseTime", [self.random.randrange(1, 50)])
            for _ in range(self.random.randrange(3)):
                self.come_or_go()

    def come_or_go(self):
        self.send(self.random.choice(self.people), self.random.choice([JOIN, JOIN, LEAVE]))

    def send(self, sender, call):
        with suppress(TransactionFailed):
            self.chain.send(sender, call)

    def pass_by(self):
        """Let something happen now and then, but not because of what happens."""
        if not self.is_busy and self.random.random() < self.rate:
            self.is_busy = True
            for _ in range(self.random.choice([1, 1, 2, 4])):
                self.happen()
            self.is_busy = False


def between_questions(monkeypatch, world, takes_batches):
    """Let the world go on before every question, those of a batch among them."""
    http = world.node.web3.provider
    make, ask = http.make_batch_request, http.make_request

    def one(*question):
        world.pass_by()
        return ask(*question)

    def many(asked):
        if world.is_busy:
            return make(asked)
        return [one(*question) for question in asked] if takes_batches else NO_BATCHES

    monkeypatch.setattr(http, "make_batch_request", many)
    monkeypatch.setattr(http, "make_request", one)


@pytest.mark.parametrize("takes_batches", [True, False])
@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(it, marks=pytest.mark.slow) for it in range(5, 40))])
def test_whatever_is_replaced_while_it_is_read_the_ledger_is_that_of_the_chain(
    node, deployment, members, newcomers, server, monkeypatch, seed, takes_batches
):
    monkeypatch.setattr(Chain, "is_own", False)
    with connected(node) as chain:
        before = node.snapshot()
        world = World(chain, node, seed, [*members, *newcomers[:5]], server)
        between_questions(monkeypatch, world, takes_batches)
        chain.follow(deployment)
        chain.sync()
        world.rate = RATE
        for _ in range(LOOKS):
            with suppress(NodeError), node_errors():
                chain.sync()
            world.is_busy = True
            if world.random.random() < 0.5:
                world.happen()
            world.is_busy = False
        world.rate = 0

        chain.mine(max(1, chain.read_to + 2 - chain.height))
        for _ in range(4):  # replaced blocks may be noticed one after the other
            with suppress(NodeError), node_errors():
                chain.sync()
            chain.mine(1)
        for _ in range(2):
            chain.sync()

        anew = Chain()
        anew.follow(deployment)
        anew.sync()
        assert chain.read_to == anew.read_to == chain.height
        assert chain.ledger.pool.members == anew.ledger.pool.members
        assert [it.content_hash for it in chain.ledger.versions] == [it.content_hash for it in anew.ledger.versions]
        assert stakes(chain) == stakes(anew)
        node.restore(before)


def stakes(chain):
    return {owner: (it.stake, it.left_at) for owner, it in chain.ledger.accounts.items() if it.stake}
