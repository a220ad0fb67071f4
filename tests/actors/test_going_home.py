"""A worker that leaves gets everything home, whoever is silent and whatever cannot be trained."""

import pytest

from mlchain.actors.behaviours import HONEST
from mlchain.actors.worker import Worker
from mlchain.protocol.calls import Turn
from mlchain.protocol.model_events import VersionRefuted
from mlchain.tasks.task import CannotTrain
from tests.actors.scenes import DAY, GAS_RESERVE, Scene, act, methods
from tests.actors.stage import MAX_SNAPSHOT_AGE, STAKE, address_of


@pytest.fixture
def scene():
    return Scene()


def leaving(scene, address):
    worker = scene.worker(address)
    worker.is_leaving = True
    return worker


def test_it_leaves_then_takes_its_credit_then_its_stake():
    scene = Scene()
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle()
    worker = leaving(scene, scene.job.committee[0])

    assert scene.do(worker) == ["leave"]
    left_at = scene.stage.block
    assert scene.do(worker) == ["withdraw"]
    assert scene.do(worker) == []

    scene.stage.mine(left_at + MAX_SNAPSHOT_AGE - 1 - scene.stage.block)
    assert scene.do(worker) == []
    scene.stage.mine(1)
    assert scene.do(worker) == ["withdrawStake"]
    assert scene.do(worker) == []
    account = scene.stage.ledger.account(worker.address)
    assert (account.stake, account.credit) == (0, 0)


def test_it_leaves_its_stake_while_a_round_is_open(scene):
    worker = leaving(scene, scene.job.committee[0])
    assert "leave" in scene.do(worker)
    scene.stage.mine(2 * MAX_SNAPSHOT_AGE)

    assert "withdrawStake" not in methods(act(scene, worker))


def test_it_takes_its_stake_home_while_a_round_is_open_that_cannot_have_drawn_it():
    """Rounds follow each other at once: between two of them a worker may never find the time."""
    scene = Scene(pool=4, jobs=0)
    worker = leaving(scene, scene.workers[3])
    scene.do(worker)
    scene.jobs = 1
    scene.deploy_round()
    scene.stage.mine(MAX_SNAPSHOT_AGE)

    assert scene.do(worker) == ["withdrawStake"]


def test_one_that_leaves_does_so_before_any_work_and_still_answers_for_its_seat(scene):
    worker = leaving(scene, scene.job.committee[0])

    assert scene.do(worker) == ["leave"]
    assert scene.task.trained == 0
    assert scene.do(worker) == ["commit"]


def test_with_a_dead_server_and_a_silent_seat_one_that_leaves_still_gets_its_stake_home():
    scene = Scene(pool=6, jobs=2)
    first, second = scene.stage.ledger.rounds[0].jobs
    worker = leaving(scene, first.committee[0])
    assert scene.do(worker) == ["leave"]
    assert scene.do(worker) == ["commit"]
    scene.stage.advance_to(first.commit_deadline)
    assert scene.do(worker) == ["propose"]
    scene.stage.advance_to(max(first.referee_end, second.referee_end) + DAY // 2 - 1)
    assert scene.do(worker) == [], "the server still has time"
    scene.stage.mine(MAX_SNAPSHOT_AGE)

    assert scene.do(worker) == ["settle", "settle"]

    assert not first.unsettled
    assert not second.unsettled
    assert scene.do(worker) == ["withdrawStake"]
    assert scene.stage.ledger.account(worker.address).stake == 0


def test_one_that_has_left_and_holds_no_seat_frees_its_stake_as_well():
    scene = Scene(pool=4)
    (idle,) = set(scene.workers) - set(scene.job.committee)
    worker = leaving(scene, idle)
    scene.do(worker)
    assert act(scene, worker).wake == scene.job.referee_end + DAY // 2
    scene.stage.advance_to(scene.job.referee_end + DAY // 2)

    assert scene.do(worker) == ["settle"]
    assert scene.stage.ledger.open_round is None


def test_one_that_leaves_does_not_join(scene):
    assert act(scene, leaving(scene, address_of("newcomer"))).calls == []


def declining(_round):
    raise CannotTrain("garbage")


def test_one_that_leaves_a_round_that_cannot_be_trained_gets_home(scene):
    worker = Worker(scene.job.committee[0], HONEST, declining, GAS_RESERVE)
    worker.is_leaving = True
    assert scene.do(worker) == ["leave"]
    scene.commit_all(None, scene.right(), scene.right())
    scene.stage.advance_to(scene.job.referee_end + DAY // 2)
    assert scene.do(worker) == ["settle"]
    scene.stage.mine(MAX_SNAPSHOT_AGE)

    assert scene.do(worker) == ["withdrawStake"]


def test_one_that_is_to_stake_nothing_any_more_leaves_takes_its_money_home_and_says_why(scene):
    def objection(account):
        return f"{account.lost} wei are lost" if account.lost else None

    loser = scene.job.committee[2]
    worker = Worker(loser, HONEST, lambda _round: scene.task, GAS_RESERVE, objection=objection)
    assert act(scene, worker).notice is None
    scene.commit_all(scene.right(), scene.right(), None)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle()

    assert act(scene, worker) == Turn([], notice=f"{STAKE // 10} wei are lost")
    scene.stage.mine(MAX_SNAPSHOT_AGE)
    assert scene.do(worker) == ["withdrawStake"]
    assert scene.do(worker) == []


def test_it_goes_home_when_a_version_was_refuted_and_answers_for_its_seat_before(scene):
    worker = scene.worker(scene.job.committee[0])
    scene.stage.ledger.refuted = VersionRefuted(1, "somebody")

    turn = act(scene, worker)

    assert turn.notice == "version 1 is not what was accepted: no round can follow"
    assert scene.do(worker) == ["leave"]
    assert "commit" in scene.do(worker)
    assert scene.do(scene.worker(address_of("newcomer"))) == [], "nobody joins any more"
