"""Real validators, one of which is away for a while, and programs on all of them: they learn the same model.

Before that all workers join in one block.

Upstream Geth with Clique is built by `make test-clique`; GOQUORUM names the program of a GoQuorum, for QBFT.
"""

import os
from dataclasses import dataclass

import pytest
import requests
from eth_account import Account
from web3.exceptions import Web3RPCError

from mlchain.chain.deployment import Parameters
from mlchain.chain.digest import digest_in, digest_question
from mlchain.chain.provider import connected_provider
from mlchain.chain.questions import Questions
from mlchain.chain.witness import Witness
from mlchain.protocol.calls import Call
from mlchain.protocol.gas import gas_bound
from mlchain.protocol.tally import Tally
from networks import nodes, plan
from tests.networks.learning import Learning, learned
from tests.networks.ports import free_ports
from tests.networks.programs import ROOT

ROUNDS = 2
CHEAP = 10**9  # wei for all the gas of a worker: Geth takes nothing for less than one wei
WORKERS = [f"worker{number}" for number in range(1, 6)]

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Kind:
    """A client, as few of its validators as can spare one, and how Ape knows such a network."""

    client: str
    program: str
    validators: int
    chain_id: int
    ecosystem_network: str
    gas_is_free: bool


CLIQUE = Kind("geth", str(ROOT / ".build" / "geth" / "geth"), 3, 1338, "ethereum:clique", False)
QBFT = Kind("goquorum", os.environ.get("GOQUORUM", ""), 4, 1337, "ethereum:quorum", True)


@pytest.fixture(params=[CLIQUE, QBFT], ids=["clique", "qbft"])
def kind(request):
    if not os.access(request.param.program, os.X_OK):
        pytest.skip(f"no program of {request.param.client}: `make test-clique`, or GOQUORUM=path/to/its/geth")
    return request.param


@pytest.fixture
def network(kind, tmp_path):
    """Validators that make a block a second."""
    ports = free_ports(2 * kind.validators)
    network = plan.write(
        tmp_path / "network",
        client=kind.client,
        validators=kind.validators,
        chain_id=kind.chain_id,
        period=1,
        workers=len(WORKERS),
        worker_balance=Parameters().stake + CHEAP,
        rpc_port=ports,
        peer_port=ports + kind.validators,
    )
    try:
        nodes.start(network, kind.program, (), print)
        yield network
    finally:
        nodes.stop(network, (), print)


def test_programs_learn_though_a_validator_is_away_for_a_while(kind, network, tmp_path):
    urls = [validator.url for validator in network.validators]

    with Learning(tmp_path, network.accounts, kind.ecosystem_network, urls, WORKERS) as learning:
        learning.deploy()
        assert len(set(blocks_of_joins(learning, urls[0]))) == 1, "all of them in one block"
        learning.start(ROUNDS)
        learning.wait_until(lambda: "round 1 job 0 is at" in learning.programs.log("server"), "the first round", 300)
        be_away(kind, network, learning)
        learning.wait_for_server(patience=300)
        with learning.chain() as chain:
            versions = [version.data() for version in chain.ledger.versions]
            assert answers_programs(chain)
            spent = [CHEAP - chain.balance_of(learning.address_of(name)) for name in WORKERS]
        print(learning.programs.log("server"), f"wei that workers spent on gas: {spent}", sep="\n")

    assert versions == learned(chain.ledger)
    assert len(versions) == ROUNDS + 1
    assert all(wei == 0 if kind.gas_is_free else 0 < wei < CHEAP for wei in spent)
    assert len(set(map(hash_of_block_16, urls))) == 1


def answers_programs(chain):
    """Return whether the node of a deployment runs a program at the end of a block, named by its hash, and no other.

    And at the end of the newest one, of which it says what a header does.
    """
    provider, questions = connected_provider(), Questions(connected_provider())
    expected = Witness(provider, chain._followed.deployment).expected(Tally.of(chain.ledger, [], []))
    block = provider.web3.eth.get_block(chain.read_to)
    ancestors, hashes = [chain.read_to - 1, chain.read_to - 2], [bytes(block["parentHash"])]
    hashes.append(bytes(provider.web3.eth.get_block(chain.read_to - 2)["hash"]))
    (answer,) = questions.ask([digest_question(expected, bytes(block["hash"]), ancestors)])
    with pytest.raises(Web3RPCError):
        questions.ask([digest_question(expected, b"\x12" * 32, ancestors)])
    digest = digest_in(answer, expected)

    (answer,) = questions.ask([digest_question([], None)])
    newest = digest_in(answer, [])
    header = provider.web3.eth.get_block(newest.block)
    assert newest.block >= chain.read_to
    assert (newest.timestamp, newest.gas_limit) == (header["timestamp"], header["gasLimit"])
    assert newest.parent_hash == bytes(header["parentHash"])
    return digest.is_as_expected(expected) and digest.is_after(chain.chain_id, hashes)


def ask(url, *questions):
    """Return the results of questions that are asked in one request."""
    asked = [{"jsonrpc": "2.0", "id": number, "method": it[0], "params": it[1:]} for number, it in enumerate(questions)]
    answers = {it["id"]: it for it in requests.post(url, json=asked, timeout=10).json()}
    return [answers[number]["result"] for number in range(len(questions))]


def hash_of_block_16(url):
    return ask(url, ("eth_getBlockByNumber", "0x10", False))[0]["hash"]


def blocks_of_joins(learning, url):
    """Let all workers join at once, with the gas that the programs give; return in which blocks they are members."""
    call = Call("WorkerRegistry", "join", value=learning.deployment.parameters.stake)
    with learning.chain() as chain:
        receiver, data = chain.encode(call)
    fields = {"to": receiver, "data": data, "value": call.value, "gas": gas_bound(call, data, None), "nonce": 0}
    fields |= {
        "chainId": learning.deployment.chain_id,
        "gasPrice": 0 if learning.network == QBFT.ecosystem_network else 1,
    }
    signed = [Account.sign_transaction(fields, learning.key_of(name)).raw_transaction.to_0x_hex() for name in WORKERS]
    hashes = ask(url, *(("eth_sendRawTransaction", it) for it in signed))
    learning.wait_until(lambda: None not in receipts(url, hashes), "the joins", 60)
    assert [receipt["status"] for receipt in receipts(url, hashes)] == ["0x1"] * len(WORKERS)
    return [receipt["blockNumber"] for receipt in receipts(url, hashes)]


def receipts(url, hashes):
    return ask(url, *(("eth_getTransactionReceipt", it) for it in hashes))


def be_away(kind, network, learning):
    """Stop the last validator until the others have made six blocks, and a worker on it has noticed."""
    first, last = network.validators[0], network.validators[-1]
    worker = WORKERS[len(network.validators) - 2]
    nodes.stop(network, [last.number], print)
    height = nodes.height_of(first)
    learning.wait_until(lambda: nodes.height_of(first) >= height + 6, "six blocks of the other validators", 60)
    learning.wait_until(lambda: "trying again in" in learning.programs.log(worker), f"{worker}'s trouble", 60)
    nodes.start(network, kind.program, [last.number], print)
    learning.wait_until(lambda: "the node answers again" in learning.programs.log(worker), f"{worker}'s recovery", 90)
