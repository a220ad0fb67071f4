"""The price of gas that a program waits above, and where a deadline lets it pay more."""

import pytest

from mlchain.live.gas_price import PriceLimit
from mlchain.protocol.calls import Call
from mlchain.protocol.rounds import ETHER
from mlchain.units import GWEI
from tests.actors.scenes import Scene
from tests.actors.stage import ABSENCE_FEE

JOIN, COMMIT = Call("WorkerRegistry", "join"), Call("Job", "commit")
PUBLISH = Call("ModelRegistry", "publish")


def most(call, scene, told=None, is_worker=True):
    return PriceLimit(told, is_worker, ABSENCE_FEE).most(call, scene.stage.view())


@pytest.mark.parametrize("jobs", [0, 1], ids=["before the first round", "in a round"])
def test_joining_and_a_commitment_never_cost_a_worker_more_than_half_of_a_reward(jobs):
    """At 2,000 gwei one paid 0.19 ether to join, for a reward of 0.01."""
    price = most(JOIN, Scene(jobs=jobs))

    assert 20 * GWEI < price < 2_000 * GWEI
    assert price * 175_000 <= ETHER // 100 // 2


def test_what_was_told_takes_the_place_of_that():
    assert most(JOIN, Scene(), told=50 * GWEI) == 50 * GWEI


def test_a_commitment_is_worth_the_absence_fee_and_no_more():
    for told in (None, 5 * GWEI):
        assert most(COMMIT, Scene(), told) == ABSENCE_FEE // 141_000
    assert most(COMMIT, Scene(), 10**6 * GWEI) == 10**6 * GWEI


def test_a_server_pays_any_price_unless_it_is_told_and_a_model_can_wait():
    assert most(PUBLISH, Scene(), is_worker=False) is None
    assert most(PUBLISH, Scene(), 5 * GWEI, is_worker=False) == 5 * GWEI
    assert most(Call("Job", "rule"), Scene(), 5 * GWEI, is_worker=False) == ABSENCE_FEE // 121_000
