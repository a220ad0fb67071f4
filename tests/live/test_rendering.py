"""`ape run status` and `ape run audit`: on what was really played, and as a person starts them."""

import json
import time

import pytest

from mlchain.chain.connection import Chain
from mlchain.chain.receipts import cost_of
from mlchain.errors import UserError
from mlchain.live.rendering import as_lines, inspect_deployment
from tests.networks.ports import free_ports
from tests.simulation.runs import SMALL, simulation
from tests.simulation.test_commands import APE, command, refusal_of, started


@pytest.fixture(scope="module")
def small(rolled_back_file):
    """A small simulation that all went well in."""
    with simulation(**SMALL) as run:
        yield run


def look_at(run, evil=None, worker=None):
    """Look at what a simulation has played, as somebody who has read nothing yet."""
    chain = Chain()
    chain.follow(run.played.deployment)
    return inspect_deployment(chain, run.played.deployment, evil, worker)


def test_the_pay_slips_of_a_simulation_are_its_books():
    with simulation(**SMALL | {"workers": 5, "evil": 2, "behaviour": "wrong,silent"}) as run:
        slips = {pay.address: look_at(run, worker=pay.address) for pay in run.summary.pay}

    refused = {address for address, _call in run.played.refused}
    for pay in run.summary.pay:
        slip = slips[pay.address]
        assert (slip.earned, slip.lost) == (pay.earned, pay.slashed)
        assert slip.withdrawable == slip.stake == 0
        if pay.address not in refused:
            assert slip.cost.fee == pay.gas_paid


def test_the_status_of_a_simulation_is_its_end(small):
    status = look_at(small)

    assert status.members == []
    assert (status.escrow, status.owed, status.burnt, status.held) == (0, 0, 0, 0)
    assert [version.content_hash for version in status.versions][-1] == small.summary.model_hash
    assert "  accuracy unknown: the task has no test set" in as_lines(status)


def test_a_worker_is_named_by_address_or_account_and_has_to_have_joined(small, server):
    worker = small.played.workers[0].address
    assert look_at(small, worker=worker.lower()).worker == worker
    with pytest.raises(UserError, match="has never joined the pool"):
        look_at(small, worker=server.address)
    with pytest.raises(UserError, match="no account 'nobody'"):
        look_at(small, worker="nobody")


def test_a_transaction_that_nobody_knows_has_no_receipt_and_no_seed(small):
    assert cost_of("0x" + 64 * "1") is None


@pytest.mark.parametrize("name", ["status", "audit"])
def test_a_deployment_on_the_embedded_chain_is_refused_in_one_sentence(name):
    assert "embedded chain ends with this process" in refusal_of(name)


@pytest.mark.slow
def test_a_deployment_on_a_node_is_looked_at_and_audited(tmp_path):
    port = free_ports(1)
    network = ("--network", f"ethereum:local:http://127.0.0.1:{port}")
    here = (*network, "--deployments", tmp_path)
    with started(APE.with_name("anvil"), "--port", port, "--chain-id", "1337", "--silent"):
        time.sleep(3)
        assert command("deploy", *network, "--deployments", tmp_path).returncode == 0
        (record,) = tmp_path.iterdir()
        factory = json.loads(record.read_text())["addresses"]["JobFactory"]

        status = command("status", *here)
        by_factory = command("status", *network, "--address", factory, "--json")
        audited = command("audit", *here, "--retrain")
        unknown = refusal_of("status", *here, "--worker", "TEST::3")
        missing = refusal_of("audit", *network, "--deployments", tmp_path / "none")

    assert "pool of 0" in status.stdout
    assert json.loads(by_factory.stdout)["members"] == []
    assert audited.returncode == 0
    assert audited.stdout.splitlines()[-1].endswith("0 events, everything is as the protocol says")
    assert "has never joined" in unknown
    assert "deploy one with `ape run deploy`" in missing
