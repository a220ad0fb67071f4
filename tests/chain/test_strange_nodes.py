"""Nodes that answer each question as of another moment, block or chain are read all the same, and end no program."""

import pytest
from requests import Timeout

from mlchain.chain.digest import FIRST, PARENT, WORD, digest_in, digest_question
from mlchain.chain.node_errors import NodeError, node_errors
from mlchain.chain.selection import Selection
from mlchain.errors import UserError
from mlchain.protocol.calls import Call
from tests.chain.strangers_node import JOIN, batches, glancing, is_program

VERSION = Call("ModelRegistry", "announce", (0, b"\1" * 32, 10))


def looks(chain, times, move=lambda: None):
    """Look some times as a program does; return the news, and what the node was accused of."""
    news, accusations = [], []
    for _ in range(times):
        try:
            with node_errors():
                news += chain.sync()
        except NodeError as error:
            accusations.append(str(error))
        move()
    return news, accusations


def is_of_the_newest(method, given):
    return is_program(method, given) and given[1] == "latest"


def in_the_next_block(node, given):
    """Run a program at the end of the newest block as if it were in the one after it, as some clients do."""
    after = {"number": hex(node.web3.eth.block_number + 1)}
    return node.web3.provider.make_request("eth_call", [given[0], "latest", {}, after])


def without_times(method, said):
    if method != "eth_getLogs":
        return said
    logs = [{key: log[key] for key in log if key != "blockTimestamp"} for log in said["result"]]
    return {**said, "result": logs}


@glancing(True)
def test_a_node_that_runs_programs_in_the_next_block_is_read(chain, node, members, server, monkeypatch):
    """Even where it is asked for more, by the number of that block, as for a new version."""
    chain.mine(1)
    _, given = digest_question([], None, [chain.height])
    digest = digest_in(in_the_next_block(node, given)["result"], [])
    assert (digest.block, digest.parent_hash) == (chain.height + 1, bytes(node.web3.eth.get_block("latest")["hash"]))

    batches(
        monkeypatch,
        node,
        lambda method, given, said: in_the_next_block(node, given) if is_of_the_newest(method, given) else said,
    )
    chain.send(members[1], JOIN)
    news, accusations = looks(chain, 2)
    assert ([log.name for log in news], accusations) == (["Joined"], [])
    chain.send(server, VERSION)
    news, accusations = looks(chain, 6, lambda: chain.mine(1))
    assert ([log.name for log in news], accusations) == (["VersionAnnounced"], [])


@glancing(True)
def test_a_hash_that_a_program_does_not_know_is_none(chain, node, monkeypatch):
    def ahead(method, given, said):
        if not is_of_the_newest(method, given):
            return said
        data = bytearray.fromhex(in_the_next_block(node, given)["result"][2:])
        data[PARENT - FIRST : PARENT - FIRST + WORD] = bytes(WORD)
        return {**said, "result": f"0x{data.hex()}"}

    batches(monkeypatch, node, ahead)
    chain.mine(2)
    _, accusations = looks(chain, 8, lambda: chain.mine(2))
    assert accusations == []


def test_a_slow_node_is_asked_for_fewer_blocks(chain, node, members, monkeypatch):
    chain.send(members[1], JOIN)
    chain.mine(40)
    http, make, ask = node.web3.provider, node.web3.provider.make_batch_request, node.web3.provider.make_request

    def be_slow(method, given):
        if method == "eth_getLogs":
            last = given[0]["toBlock"]
            if (chain.height if last == "latest" else int(last, 16)) - int(given[0]["fromBlock"], 16) >= 8:
                raise Timeout("read timed out")

    monkeypatch.setattr(http, "make_batch_request", lambda asked: [be_slow(*it) for it in asked] and make(asked))
    monkeypatch.setattr(http, "make_request", lambda *it: be_slow(*it) or ask(*it))
    news, _ = looks(chain, 12)
    assert [log.name for log in news] == ["Joined"]


@glancing(True)
def test_the_time_of_a_log_is_that_of_its_own_block(chain, node, members, monkeypatch):
    """A sibling takes the place of the newest block between the program and the logs, which do not say their time."""
    before = node.snapshot()
    chain.send(members[1], JOIN)

    def replaced(method, given, said):
        if is_of_the_newest(method, given):
            node.restore(before)
            node._make_request("evm_increaseTime", [1_000])
            chain.send(members[1], JOIN)
            return said
        return without_times(method, node.web3.provider.make_request(method, given))

    batches(monkeypatch, node, replaced)
    (joined,) = chain.sync()
    assert joined.timestamp == node.web3.eth.get_block(joined.block)["timestamp"]


@pytest.mark.parametrize("later", [0, 1])
def test_logs_of_a_backend_on_another_chain_than_the_program_are_noticed(chain, node, members, monkeypatch, later):
    """Be they of its newest block, or of the one before: what the contracts have counted is the same."""
    before, first = node.snapshot(), chain.height + 1
    chain.send(members[1], JOIN)
    chain.mine(later)
    which = {"fromBlock": hex(first), "toBlock": "latest", "address": list(chain._followed.deployment.fixed)}
    stale = node.web3.provider.make_request("eth_getLogs", [which])["result"]
    node.restore(before)
    chain.send(members[2], JOIN)
    chain.mine(later)
    with monkeypatch.context() as patch:
        batches(patch, node, lambda method, _, said: {**said, "result": stale} if method == "eth_getLogs" else said)
        looks(chain, 1)
    _, accusations = looks(chain, 4, lambda: chain.mine(1))
    assert len(accusations) <= 1
    assert chain.ledger.pool.members[1:] == [members[2].address]


@glancing(True)
def test_a_sibling_that_comes_between_two_questions_for_logs_is_got_over(chain, node, members, server, monkeypatch):
    """Of the newest block the first question finds nothing, and the other finds its sibling's: it counts as read."""
    registry, filters = chain._followed.deployment.addresses["WorkerRegistry"], Selection.filters

    def two(selection, ledger):
        ((addresses, topics),) = filters(selection, ledger)
        return [([it for it in addresses if it != registry], topics), ([registry], topics)]

    monkeypatch.setattr(Selection, "filters", two)
    before = node.snapshot()
    chain.send(members[1], JOIN)
    asked = []

    def replaced(method, given, _said):
        asked.append(method)
        if asked.count("eth_getLogs") == 2 and method == "eth_getLogs":
            node.restore(before)
            node._make_request("evm_setAutomine", [False])
            for sender, call in ((members[1], JOIN), (server, VERSION)):
                chain.post(sender, call, sender.nonce)
            node._make_request("evm_setAutomine", [True])
            node._make_request("evm_mine", [])
        return node.web3.provider.make_request(method, given)

    monkeypatch.setattr(chain._followed.history, "require_unchanged", lambda: None)  # others send these
    with monkeypatch.context() as patch:
        batches(patch, node, replaced)
        looks(chain, 1)
    assert len(chain.ledger.versions) == 0
    _, accusations = looks(chain, 12, lambda: chain.mine(1))
    assert 0 < len(accusations) < 6
    assert len(chain.ledger.versions) == 1


@glancing(True)
def test_a_chain_that_stands_still_is_read_though_a_backend_is_a_block_behind(chain, node, monkeypatch):
    looks(chain, 3)
    chain.mine(1)
    head, asked = chain.height, []

    def alternate(method, given, said):
        if is_of_the_newest(method, given):
            asked.append(method)
            if len(asked) % 2 == 0:
                return node.web3.provider.make_request("eth_call", [given[0], hex(head - 1)])
        return said

    batches(monkeypatch, node, alternate)
    _, accusations = looks(chain, 10)
    assert accusations == []
    assert chain.read_to == head


def test_another_chain_id_ends_the_program_though_no_block_is_new(chain, node):
    looks(chain, 3)
    node._make_request("anvil_setChainId", [77])
    try:
        with pytest.raises(UserError, match="the node is on chain 77 now"):
            chain.sync()
    finally:
        node._make_request("anvil_setChainId", [chain._followed.deployment.chain_id])


def test_two_ordinary_reorganisations_are_no_reset(chain, node, members):
    """A block that is taken note of, to tell a reset by, may be replaced itself while it is young."""
    node._make_request("anvil_mine", [hex(128)])
    before = node.snapshot()
    chain.send(members[1], JOIN)
    looks(chain, 2)
    node.restore(before)
    chain.send(members[2], JOIN)
    chain.mine(2)
    _, accusations = looks(chain, 3)
    assert len(accusations) == 1

    node._make_request("anvil_mine", [hex(128)])
    chain.send(members[3], JOIN)
    _, accusations = looks(chain, 2)
    assert accusations == []
    before = node.snapshot()
    chain.send(members[4], JOIN)
    looks(chain, 2)
    node.restore(before)
    chain.mine(3)
    _, accusations = looks(chain, 3)
    assert accusations == ["blocks that had been read were replaced: reading everything again"]
