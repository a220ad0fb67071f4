"""A chain that was reset while a program followed it: the program ends with one sentence, and nothing is sent."""

import re
from contextlib import suppress
from dataclasses import replace

import pytest
from ape import chain as ape_chain
from ape.contracts.base import ContractMethodHandler

from mlchain.chain import bookmark, history
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.chain.node_errors import NodeError
from mlchain.errors import UserError
from mlchain.protocol.calls import Call
from tests.chain.anvil import anvil, connected
from tests.contracts.protocol_steps import STAKE

JOIN = Call("WorkerRegistry", "join", value=STAKE)
GONE = r"^the deployment is not on .* any more: it is another chain, or was reset$"
READ = 10  # blocks after the deployment that are read before the chain is reset


@pytest.fixture(autouse=True)
def remembered_code(monkeypatch):
    """Let Ape believe in a contract that it has seen once, as it does on live networks."""
    monkeypatch.setattr(ContractMethodHandler, "_validate_is_contract", lambda _handler: None)


@pytest.fixture
def before(server):
    """The chain before the contracts are on it."""
    return ape_chain.snapshot()


@pytest.fixture
def chain(before, server, members):
    """A chain on which a deployment has been read, with a member."""
    chain = Chain()
    chain.follow(deploy(chain, server, Parameters()).deployment)
    post_join(chain, members[0])
    chain.mine(READ)
    chain.sync()
    return chain


def post_join(chain, sender):
    """Send the joining of a worker as a program does."""
    chain.post(sender, JOIN, sender.nonce)


def sync_until_it_ends(chain):
    """Look again and again, as a program does that waits out a node in trouble; return what it ends with."""
    for _ in range(5):
        try:
            chain.sync()
        except NodeError:
            continue
        except UserError as error:
            return str(error)
    return None


def test_on_a_chain_that_was_reset_and_is_longer_now_a_program_ends(chain, before):
    ape_chain.restore(before)
    chain.mine(3 * READ)

    assert re.match(GONE, sync_until_it_ends(chain))


def test_on_a_chain_that_was_reset_and_is_shorter_now_nothing_is_sent(chain, before, members):
    ape_chain.restore(before)
    newcomer = members[1]
    balance = newcomer.balance
    chain.sync()

    with pytest.raises(NodeError, match=r"^the node does not know block \d+ any more"):
        post_join(chain, newcomer)

    assert newcomer.balance == balance


def test_a_chain_that_is_much_shorter_than_what_was_read_is_told_of(chain, before, monkeypatch):
    monkeypatch.setattr(history, "DEEPEST", READ)
    ape_chain.restore(before)

    with pytest.raises(NodeError, match=r"^the node is at block \d+, and has shown block \d+ before"):
        chain.sync()


def test_a_chain_that_is_reset_between_the_look_and_the_sending_gets_nothing(chain, before, members):
    """It even has as many blocks, and at the address there is nothing: ether would be lost there."""
    newcomer, height = members[1], chain.height
    ape_chain.restore(before)
    chain.mine(height - chain.height)
    balance = newcomer.balance

    with pytest.raises(NodeError, match="were replaced"):
        post_join(chain, newcomer)

    assert newcomer.balance == balance
    with pytest.raises(UserError, match=GONE):
        chain.sync()


@pytest.mark.parametrize("moment", range(3))
def test_whenever_it_is_reset_while_it_is_read_nothing_is_sent(chain, before, members, monkeypatch, moment):
    """The check and the reading are of one chain: a check before the reset vouches for nothing after it."""
    asked, followed = [], chain._followed.history
    ask = followed._bookmark.hash_of

    def ask_or_reset(block):
        if len(asked) == moment:
            ape_chain.restore(before)
            chain.mine(4 * READ)
        asked.append(block)
        return ask(block)

    chain.follow(chain._followed.deployment)
    followed = chain._followed.history
    monkeypatch.setattr(followed._bookmark, "hash_of", ask_or_reset)
    newcomer = members[1]
    nonce = newcomer.nonce
    with suppress(UserError):
        chain.sync()
        post_join(chain, newcomer)

    assert newcomer.nonce == nonce
    assert (ended := sync_until_it_ends(chain)) is None or "any more" in ended


def test_another_deployment_at_the_same_address_is_not_taken_for_the_one_before(chain, before, server, monkeypatch):
    known = chain._followed.deployment
    ape_chain.restore(before)
    monkeypatch.undo()
    again = deploy(chain, server, replace(Parameters(), stake=2 * STAKE)).deployment
    assert again.addresses == known.addresses, "the same account has deployed as its first transactions"
    chain.mine(2 * READ)

    assert sync_until_it_ends(chain) == f"WorkerRegistry.STAKE is {2 * STAKE}, not {STAKE}: not the deployed contracts"


def test_blocks_that_were_replaced_deeper_than_any_reorganisation_are_a_reset(chain, before, server, monkeypatch):
    """Even where contracts and parameters are the same again, the stakes of the chain before are not."""
    monkeypatch.setattr(bookmark, "DEEPEST", 2)
    for _ in range(4):
        chain.mine(2)
        chain.sync()
    ape_chain.restore(before)
    deploy(chain, server, Parameters())
    chain.mine(4 * READ)

    assert "was reset" in sync_until_it_ends(chain)


def test_a_node_of_another_chain_with_the_same_id_ends_a_program_however_long_it_is(server):
    for height in (0, 200):
        with anvil() as node, connected(node) as chain:
            chain.follow(deploy(chain, server, Parameters()).deployment)
            chain.mine(READ)
            chain.sync()
            node._make_request("anvil_reset", [])
            node.web3.provider.make_request("evm_increaseTime", [1_000])
            chain.mine(height)

            assert re.match(GONE, sync_until_it_ends(chain))
