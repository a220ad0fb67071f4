"""Deploying once, checking afterwards, and noticing whatever is not as it should be."""

from dataclasses import replace

import pytest
from ape import project
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy, deploy_once, numbers_of
from mlchain.chain.deployment import Deployment, Parameters
from mlchain.chain.identity import check, is_present
from mlchain.errors import UserError
from tests.chain.embedded_chains import embedded_chain

PARAMETERS = Parameters(stake=10**18, absence_fee=10**17)


@pytest.fixture(scope="module")
def chain():
    return Chain()


@pytest.fixture(scope="module")
def deployment(chain, server):
    return deploy(chain, server, PARAMETERS).deployment


def test_what_was_deployed_passes_the_check(chain, deployment):
    check(chain, deployment)

    assert is_present(chain, deployment)


def test_a_second_deployment_sends_nothing(chain, server, tmp_path):
    path = tmp_path / "record.json"
    first = deploy_once(chain, lambda: server, PARAMETERS, path)
    nonce = server.nonce

    second = deploy_once(chain, lambda: pytest.fail("no account is needed"), PARAMETERS, path)

    assert server.nonce == nonce
    assert second.deployment == first.deployment == Deployment.load(path)
    assert set(first.receipts) == {"Counter", "ModelRegistry", "JobFactory"}
    assert second.receipts == {}


def test_other_parameters_are_refused(chain, server, tmp_path):
    path = tmp_path / "record.json"
    deploy_once(chain, lambda: server, PARAMETERS, path)
    nonce = server.nonce

    with pytest.raises(UserError, match="other parameters"):
        deploy_once(chain, lambda: server, replace(PARAMETERS, permissioned=True), path)

    assert server.nonce == nonce


def test_a_record_that_is_not_true_any_more_is_noticed(chain, deployment, stranger, tmp_path):
    path = tmp_path / "record.json"
    replace(deployment, server=stranger.address).save(path)

    with pytest.raises(UserError, match="not the deployed contracts"):
        deploy_once(chain, lambda: pytest.fail("no account is needed"), PARAMETERS, path)


@pytest.mark.parametrize(
    "changes",
    [{"genesis": "0x" + "00" * 32}, {"chain_id": 1}],
    ids=["another first block", "another chain"],
)
def test_on_a_chain_that_was_reset_everything_is_deployed_again(chain, server, deployment, tmp_path, changes):
    path = tmp_path / "record.json"
    replace(deployment, **changes).save(path)

    again = deploy_once(chain, lambda: server, PARAMETERS, path).deployment

    assert again.genesis == chain.genesis
    assert set(again.addresses.values()).isdisjoint(deployment.addresses.values())
    assert Deployment.load(path) == again


def test_where_no_code_is_nothing_is_present(chain, deployment):
    nowhere = replace(deployment, addresses=deployment.addresses | {"Counter": "0x" + "11" * 20})

    assert not is_present(chain, nowhere)


def test_nothing_is_paid_for_when_the_record_cannot_be_written(chain, server, tmp_path):
    (tmp_path / "file").write_text("")
    nonce = server.nonce

    with pytest.raises(UserError, match="cannot write"):
        deploy_once(chain, lambda: server, PARAMETERS, tmp_path / "file" / "record.json")

    assert server.nonce == nonce


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stake", 2 * 10**18),
        ("absence_fee", 1),
        ("min_window", 601),
        ("max_round_duration", 604_801),
        ("min_seats", 4),
        ("permissioned", True),
    ],
)
def test_another_parameter_than_the_deployed_one_is_noticed(chain, deployment, field, value):
    with pytest.raises(UserError, match="not the deployed contracts"):
        check(chain, replace(deployment, parameters=replace(PARAMETERS, **{field: value})))


def test_the_random_numbers_follow_from_the_account_and_the_deployment(chain, server, stranger, deployment):
    numbers = numbers_of(server, deployment)

    anchor = project.JobFactory.at(deployment.addresses["JobFactory"]).randomHead()
    assert bytes(anchor) == numbers.anchor == numbers_of(server, deployment).anchor
    other = replace(deployment, addresses=deployment.addresses | {"ModelRegistry": stranger.address})
    assert len({it.anchor for it in (numbers, numbers_of(stranger, deployment, 9), numbers_of(server, other, 9))}) == 3


def test_another_server_is_noticed(chain, deployment, stranger):
    with pytest.raises(UserError, match=r"ModelRegistry\.SERVER"):
        check(chain, replace(deployment, server=stranger.address))


def test_contracts_of_two_deployments_are_noticed(chain, server, deployment):
    other = deploy(chain, server, PARAMETERS).deployment
    for contract in ("ModelRegistry", "JobFactory", "WorkerRegistry", "Job"):
        mixed = deployment.addresses | {contract: other.addresses[contract]}

        with pytest.raises(UserError, match="not the deployed contracts"):
            check(chain, replace(deployment, addresses=mixed))


def test_the_code_of_another_contract_is_noticed(chain, deployment):
    swapped = deployment.addresses | {"WorkerRegistry": deployment.addresses["ModelRegistry"]}

    with pytest.raises(UserError, match="the code of WorkerRegistry on the chain is not the one compiled here"):
        check(chain, replace(deployment, addresses=swapped))


class OtherCode:
    """A chain on which one byte of a contract is another."""

    def __init__(self, chain: Chain, contract: str, place: int) -> None:
        self._chain, self._contract, self._place = chain, contract, place

    def __getattr__(self, name):
        return getattr(self._chain, name)

    def code_at(self, address):
        code = bytearray(self._chain.code_at(address))
        if len(code) == len(self._chain.runtime_code(self._contract)):
            code[self._place] ^= 1
        return bytes(code)


@settings(max_examples=settings().max_examples // 2)
@given(contract=st.sampled_from(["Counter", "ModelRegistry", "JobFactory", "WorkerRegistry", "Job"]), data=st.data())
def test_a_changed_byte_of_code_is_noticed(chain, deployment, contract, data):
    compiled = chain.runtime_code(contract)
    metadata = 2 + int.from_bytes(compiled[-2:], "big")
    places = [place for place, byte in enumerate(compiled[:-metadata]) if byte]

    with pytest.raises(UserError, match=f"the code of {contract}"):
        check(OtherCode(chain, contract, data.draw(st.sampled_from(places))), deployment)


def test_code_that_other_chains_would_not_take_is_noticed(chain, deployment, monkeypatch):
    monkeypatch.setattr("mlchain.chain.identity.LARGEST_CODE", 1_000)

    with pytest.raises(UserError, match="bytes of code, more than the 1000 allowed"):
        check(chain, deployment)


def test_a_deployment_on_one_chain_is_not_there_on_another(deployment, server):
    with embedded_chain(b"another") as other:
        assert not is_present(other, deployment)


@pytest.mark.parametrize(("chain_id", "name"), [(42161, "One"), (42170, "Nova"), (421614, "Sepolia")])
def test_chains_whose_block_numbers_are_another_s_are_refused_by_name(
    chain, deployment, server, monkeypatch, chain_id, name
):
    monkeypatch.setattr(Chain, "chain_id", chain_id)
    nonce = server.nonce

    for act in (lambda: deploy(chain, server, PARAMETERS), lambda: check(chain, deployment)):
        with pytest.raises(UserError, match=rf"^Arbitrum {name} cannot be used: to contracts, its block numbers are"):
            act()

    assert server.nonce == nonce


def test_a_chain_that_has_another_id_than_the_deployment_ends_a_program_in_one_sentence(chain, deployment):
    chain.follow(replace(deployment, chain_id=1))

    with pytest.raises(UserError, match=r"^the node is on chain \d+ now, and the deployment is on chain 1$"):
        chain.sync()
