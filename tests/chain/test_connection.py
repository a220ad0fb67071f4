"""The connection: what the chain refuses becomes one sentence, and time only goes on."""

from types import SimpleNamespace

import pytest
from ape import accounts, networks
from ape.utils import ZERO_ADDRESS
from web3.exceptions import ContractLogicError

from mlchain.chain import gas_limits
from mlchain.chain.accounts import account_from_secret, load_account
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy, numbers_of
from mlchain.chain.deployment import Parameters
from mlchain.chain.gas_limits import gas_limit, raise_price
from mlchain.errors import TransactionFailed, UserError
from mlchain.protocol.calls import Call
from mlchain.protocol.content import chunk_hashes, content_hash
from mlchain.protocol.gas import gas_bound
from mlchain.protocol.terms import RoundTerms

TERMS = RoundTerms(1, 1, 3, 2, 10**16, 10**16, 100, 3_600, 3_600, 3_600, 0)


@pytest.fixture(scope="module")
def chain(server):
    chain = Chain()
    deployed = deploy(chain, server, Parameters(), 1).deployment
    chain.follow(deployed)
    return chain


def refusal_of(chain, sender, call):
    with pytest.raises(TransactionFailed) as refusal:
        chain.send(sender, call)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_refusal_names_the_transaction_and_the_contract_s_error_with_its_values(chain, stranger):
    sentence = refusal_of(chain, stranger, Call("WorkerRegistry", "join", value=5))

    assert sentence == f"the chain refused WorkerRegistry.join: WrongStake(actual=5, expected={10**18})"


def test_a_refusal_without_values_is_named_as_well(chain, server, stranger):
    sentence = refusal_of(chain, stranger, Call("ModelRegistry", "announce", (0, bytes(32), 10)))

    assert sentence == f"the chain refused ModelRegistry.announce: NotTheServer(caller={stranger.address})"


def test_the_error_of_a_contract_further_down_is_named_as_well(chain, server):
    chain.send(server, Call("ModelRegistry", "announce", (0, content_hash(b"x"), 1)))
    chain.send(server, Call("ModelRegistry", "publish", (1, 0, [*chunk_hashes(b"x")], b"x")))

    chain.send(server, Call("JobFactory", "scheduleRound"))
    number = numbers_of(server, chain._followed.deployment, 1).number_of(1)

    sentence = refusal_of(chain, server, Call("JobFactory", "deployRound", (TERMS, number, b""), TERMS.escrow))

    assert sentence == "the chain refused JobFactory.deployRound: PoolTooSmall(poolSize=0, seats=3)"


def test_the_error_of_a_contract_that_a_constructor_creates_is_named_as_well(chain, server):
    models = chain.deploy(server, "ModelRegistry").address

    with pytest.raises(TransactionFailed) as refusal:
        chain.deploy(
            server, "JobFactory", models, (1, 5, 600, 604_800, 3, False, ZERO_ADDRESS, ZERO_ADDRESS, bytes(32))
        )

    assert str(refusal.value).endswith("the deployment of JobFactory: InvalidAbsenceFee(absenceFee=5, stake=1)")


def test_a_transfer_that_nobody_can_pay_for_is_one_sentence(chain, stranger):
    beggar = account_from_secret(b"beggar".rjust(32))

    with pytest.raises(
        TransactionFailed, match=r"^(the transfer could not be sent|the chain refused the transfer): .+"
    ):
        chain.transfer(beggar, stranger.address, 1)


def test_the_clock_goes_forwards_only(chain):
    later = chain.now + 1_000
    chain.advance_to(later)
    assert chain.now >= later

    height = chain.height
    chain.advance_to(later - 500)

    assert chain.now >= later
    assert chain.height == height


def test_an_unknown_account_is_one_sentence():
    with pytest.raises(UserError, match="there is no account 'nobody'"):
        load_account("nobody")


def test_without_a_name_it_is_the_first_test_account():
    assert load_account(None) == accounts.test_accounts[0]


def test_on_a_public_network_an_account_has_to_be_named(chain, monkeypatch):
    monkeypatch.setattr(type(networks.provider.network), "is_dev", False)

    with pytest.raises(UserError, match="no account given"):
        load_account(None)


def test_an_account_follows_from_its_secret():
    one, same, other = (account_from_secret(secret.rjust(32)).address for secret in (b"one", b"one", b"other"))

    assert one == same != other


@pytest.mark.parametrize(
    ("offers", "raised"),
    [
        ({"gas_price": 100}, {"gas_price": 126}),
        ({"gas_price": 0}, {"gas_price": 0}),
        ({"max_fee": 100, "max_priority_fee": 10}, {"max_fee": 126, "max_priority_fee": 13}),
        ({"max_fee": 100, "max_priority_fee": 0}, {"max_fee": 126, "max_priority_fee": 1}),
        ({"max_fee": 0, "max_priority_fee": 0}, {"max_fee": 0, "max_priority_fee": 0}),
    ],
)
def test_what_takes_another_one_s_place_offers_more_unless_gas_is_free(offers, raised):
    transaction = SimpleNamespace(**offers)

    raise_price(transaction, 1.25)

    assert vars(transaction) == raised


@pytest.mark.parametrize(("estimate", "expected"), [(40_000, None), (500_000, 600_000)], ids=["below", "above"])
def test_a_node_s_estimate_never_lowers_a_limit_below_the_bound(monkeypatch, estimate, expected):
    monkeypatch.setattr(gas_limits, "_estimate", lambda *_: estimate)
    join = Call("WorkerRegistry", "join")

    assert gas_limit(None, join, ZERO_ADDRESS, ZERO_ADDRESS, b"", None) == (expected or gas_bound(join, b"", None))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("knows", ["pending", None, "nothing"])
def test_what_may_need_another_transaction_is_tried_on_what_is_pending_first(after, knows):
    asked = []

    def estimate_gas(_fields, block):
        asked.append(block)
        if block != knows:
            raise ContractLogicError(f"execution reverted in {block}")
        return 30_000

    node = SimpleNamespace(web3=SimpleNamespace(eth=SimpleNamespace(estimate_gas=estimate_gas)))
    order = ["pending", None] if after else [None, "pending"]
    join = Call("WorkerRegistry", "join")
    if knows == "nothing":
        with pytest.raises(TransactionFailed, match=f"reverted in {order[0]}"):
            gas_limit(node, join, ZERO_ADDRESS, ZERO_ADDRESS, b"", None, after)
    else:
        assert gas_limit(node, join, ZERO_ADDRESS, ZERO_ADDRESS, b"", None, after) == gas_bound(join, b"", None)
        order = order[: order.index(knows) + 1]
    assert asked == order


@pytest.mark.parametrize("factor", [1, 1.25])
@pytest.mark.parametrize("offers", [{"gas_price": 200}, {"max_fee": 200, "max_priority_fee": 180}])
def test_no_transaction_offers_more_than_it_may(offers, factor):
    """The next block can be dearer than the price that was looked at."""
    transaction = SimpleNamespace(**offers)

    raise_price(transaction, factor, 150)

    assert set(vars(transaction).values()) == {150}


def test_what_is_signed_offers_no_more_than_it_may(chain, server):
    chain.sync()
    call = Call("WorkerRegistry", "join", value=Parameters().stake)
    price = chain.gas_price + 7

    sent = networks.provider.web3.eth.get_transaction(chain.post(server, call, server.nonce, 10.0, price))

    assert sent["maxFeePerGas"] == price
