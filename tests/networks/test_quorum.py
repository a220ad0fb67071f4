"""A real Quorum, GoQuorum or Besu, whose nodes QUORUM_RPC names: addresses with commas between them.

QUORUM_KEY is the key of an account there that has ether; without it, the one that both quickstarts publish.
"""

import os

import pytest

from mlchain.chain.accounts import account_from_secret
from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Parameters
from networks.plan import ETHER, write_account
from tests.networks.learning import Learning, connected, learned

URLS = [url for url in os.environ.get("QUORUM_RPC", "").split(",") if url]
KEY = os.environ.get("QUORUM_KEY", "8f2a55949038a9610f50fb23b5883af3b4ecb3c3bb792cbcefbd1542c692be63")
ROUNDS = 2

pytestmark = pytest.mark.skipif(not URLS, reason="QUORUM_RPC names no node of a Quorum")


def test_programs_learn_on_a_real_quorum_with_workers_that_have_their_stake_and_no_more(tmp_path):
    workers = [f"worker{number}" for number in range(1, 6)]
    funds = {write_account(tmp_path / "ape", name): Parameters().stake for name in workers}
    funds[write_account(tmp_path / "ape", "server")] = ETHER
    with connected(f"ethereum:quorum:{URLS[0]}"):
        Chain().transfer_all(account_from_secret(bytes.fromhex(KEY.removeprefix("0x"))), funds)

    with Learning(tmp_path, tmp_path / "ape", "ethereum:quorum", URLS, workers) as learning:
        learning.deploy()
        learning.start(ROUNDS)
        learning.wait_for_server(patience=400)
        with learning.chain() as chain:
            versions = [version.data() for version in chain.ledger.versions]
            left = [chain.balance_of(learning.address_of(name)) for name in workers]
        lines = learning.programs.log("server")

    print(lines)
    assert versions == learned(chain.ledger)
    assert len(versions) == ROUNDS + 1
    assert left == [0] * 5, "all they had is their stake: gas was free"
