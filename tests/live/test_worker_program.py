"""A worker's program risks what its owner has agreed to, and declines what it cannot do."""

from types import SimpleNamespace

import pytest

from mlchain.chain.deployment import Parameters
from mlchain.live.runner import Operator
from mlchain.live.training import Limits
from mlchain.live.wallet import Wallet
from mlchain.live.worker_program import worker_maker
from mlchain.protocol.announcements import recipe_announcement
from mlchain.protocol.ledger import Account
from mlchain.protocol.rounds import ETHER
from mlchain.tasks.catalogue import default_recipe
from tests.actors.scenes import GAS_RESERVE, Scene, act, methods
from tests.actors.stage import ABSENCE_FEE, STAKE, address_of

PARAMETERS = Parameters(STAKE, ABSENCE_FEE)


def program_of(address, wallet=Wallet()):  # noqa: B008 - it is frozen
    operator = Operator(SimpleNamespace(address=address), SimpleNamespace(parameters=PARAMETERS))
    return worker_maker(False, GAS_RESERVE, wallet, Limits(2**30))(operator)


def test_a_recipe_that_cannot_be_read_is_one_line_and_no_stake():
    scene = Scene(jobs=1)  # whose recipe says "toy"

    turn = act(scene, program_of(address_of("newcomer")))

    assert turn.calls == []
    assert turn.notice.startswith(
        "not joining: round 1 has a recipe that this version cannot read: a recipe of version 116, 3 wanted"
    )


@pytest.mark.parametrize("recipe", [None, b"garbage"], ids=["unknown", "unreadable"])
def test_a_worker_stakes_nothing_before_it_knows_that_it_can_train_the_first_round(recipe):
    """One without the data was drawn, and paid for its absence."""
    scene = Scene(jobs=0)
    if recipe:
        scene.by_server("JobFactory", "announceData", *recipe_announcement(recipe))

    turn = act(scene, program_of(address_of("newcomer")))

    assert turn.calls == []
    assert turn.notice.startswith("not joining: the ")


def test_a_worker_joins_before_the_first_round_where_it_can_train_what_is_announced():
    scene = Scene(jobs=0)
    recipe = default_recipe("digits", "softmax").to_bytes()
    scene.by_server("JobFactory", "announceData", *recipe_announcement(recipe))

    assert methods(act(scene, program_of(address_of("newcomer")))) == ["join"]


def lose(scene, *, answers):
    """Play a round in which the first seats answer so, and all are settled."""
    scene.commit_all(*answers)
    scene.propose(1, scene.right())
    scene.publish(1, scene.right())
    scene.stage.advance_to(scene.job.referee_end)
    scene.settle()


def test_after_a_slash_a_program_that_is_started_again_and_again_stakes_nothing_more():
    """Three workers lost seven stakes each."""
    scene = Scene(pool=4)
    loser = scene.job.committee[0]
    lose(scene, answers=[scene.wrong(), scene.right(), scene.right()])
    assert scene.stage.ledger.account(loser).lost == STAKE

    for _ in range(3):
        program = program_of(loser)
        turn = act(scene, program)
        assert turn.calls == []
        assert turn.notice.startswith("leaving: 1 ether lost in this deployment to a slash")
        assert program.is_done(scene.stage.view())
    with_rejoin = program_of(loser, Wallet(max_loss=2 * STAKE, rejoins=True))
    (call,) = act_on_known_task(scene, with_rejoin)
    assert (call.method, call.value) == ("join", STAKE)


def act_on_known_task(scene, program):
    """Return the calls of a program that can train what the scene trains."""
    program._open_task = lambda _round: scene.task
    return act(scene, program).calls


def test_after_one_absence_fee_it_rejoins_and_after_the_second_it_leaves_for_good():
    scene = Scene(pool=4)
    loser = scene.job.committee[0]
    lose(scene, answers=[None, scene.right(), scene.right()])
    (call,) = act_on_known_task(scene, program_of(loser))
    assert (call.method, call.value) == ("join", ABSENCE_FEE)
    scene.stage.ledger.account(loser).lost += ABSENCE_FEE

    assert "leaving: 0.2 ether lost in this deployment" in act(scene, program_of(loser)).notice


@pytest.mark.parametrize(
    ("lost", "slashes", "wallet", "objects"),
    [
        (0, 0, Wallet(), False),
        (ABSENCE_FEE, 0, Wallet(), False),
        (ABSENCE_FEE + 1, 0, Wallet(), True),
        (STAKE, 1, Wallet(max_loss=9 * STAKE), True),
        (STAKE, 1, Wallet(rejoins=True), True),
        (STAKE, 1, Wallet(2 * STAKE, rejoins=True), False),
        (2 * STAKE, 2, Wallet(2 * STAKE, rejoins=True), True),
        (0, 0, Wallet(STAKE - 1), True),
    ],
)
def test_no_stake_is_at_risk_that_could_be_lost_beyond_what_the_owner_allows(lost, slashes, wallet, objects):
    objection = wallet.objection(Account(lost=lost, slashes=slashes), STAKE, ABSENCE_FEE)

    assert (objection is not None) == objects
    if not objects:
        assert lost + STAKE <= (STAKE + ABSENCE_FEE if wallet.max_loss is None else wallet.max_loss)


def test_a_member_that_may_lose_no_more_leaves_the_pool():
    scene = Scene(jobs=0)

    turn = act(scene, program_of(scene.workers[0], Wallet(max_loss=ETHER // 2)))

    assert methods(turn) == ["leave"]
    assert turn.notice == (
        "leaving: 0 ether lost in this deployment, and a stake of 1 ether more would exceed --max-loss 0.5 ether"
    )
