"""A simulation asks a node the same few requests for many workers as for few: what grows is what is in a batch."""

import json
from collections import Counter

import pytest

from tests.chain.anvil import anvil, connected
from tests.simulation.runs import simulate

SIZES = (8, 16)  # workers
JOBS = 2
SEED = 20_261_128  # nobody else's: of contracts at an address that an earlier test had, Ape asks less


@pytest.fixture(scope="module")
def asked():
    """What a node was asked in runs of different sizes: (method, parameters), and whether it was one of a batch."""
    with anvil() as provider:
        return {workers: questions_of_a_run(provider, workers) for workers in SIZES}


def questions_of_a_run(provider, workers):
    sessions, questions = provider.web3.provider._request_session_manager, []
    post = sessions.make_post_request

    def noted(url, data, **arguments):
        asked = json.loads(data)
        in_batch = isinstance(asked, list)
        questions.extend((it["method"], it["params"], in_batch) for it in (asked if in_batch else [asked]))
        return post(url, data, **arguments)

    with connected(provider) as chain, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "make_post_request", noted)
        simulate(chain, task="fake", rounds=1, workers=workers, jobs=JOBS, seed=SEED)
    return questions


def alone(questions):
    """How often what is asked in a request of its own."""
    return Counter(method for method, _parameters, in_batch in questions if not in_batch)


def test_twice_as_many_workers_take_no_more_requests_than_those_of_batches(asked):
    few, many = (alone(asked[workers]) for workers in SIZES)

    assert many - few == Counter()


def test_no_gas_is_estimated_whose_bound_is_known(asked):
    assert {method for method, *_ in asked[SIZES[-1]]} & {"eth_estimateGas"} == set()


def test_no_receipt_is_asked_for_but_those_of_blocks_and_deployments(asked):
    questions = asked[SIZES[-1]]

    assert [method for method, _, in_batch in questions if in_batch and method == "eth_getTransactionReceipt"] == []
    assert alone(questions)["eth_getTransactionReceipt"] <= 10


def test_a_worker_s_balance_is_asked_for_at_the_start_when_it_joins_and_at_the_end(asked):
    balances = Counter(parameters[0] for method, parameters, _ in asked[SIZES[-1]] if method == "eth_getBalance")

    assert sum(count == 3 for count in balances.values()) == SIZES[-1]
    assert len(balances) <= SIZES[-1] + 5


def test_a_request_makes_one_block(asked):
    blocks = [parameters for method, parameters, _ in asked[SIZES[-1]] if method == "anvil_mine"]

    assert len(blocks) > 100
    assert {tuple(parameters) for parameters in blocks} == {("0x1",)}
