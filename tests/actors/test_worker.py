"""A worker's decisions, one situation at a time: no chain, only what it would read there."""

import pytest

from mlchain.actors.behaviours import HONEST
from mlchain.actors.worker import Worker
from mlchain.protocol.calls import Call, Turn
from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import content_hash
from mlchain.simulation.attackers import COLLUDING, SILENT
from mlchain.tasks.task import CannotTrain
from tests.actors.scenes import DAY, GAS_RESERVE, Scene, ToyTask, act, methods
from tests.actors.stage import SERVER, STAKE, address_of


@pytest.fixture
def scene():
    return Scene()


# Joining


def test_it_joins_with_exactly_the_missing_stake():
    scene = Scene(jobs=0)
    (call,) = act(scene, scene.worker(address_of("newcomer"))).calls

    assert (call.contract, call.method, call.value) == ("WorkerRegistry", "join", STAKE)


def test_it_joins_only_when_it_can_afford_stake_and_gas():
    scene = Scene(jobs=0)
    newcomer = scene.worker(address_of("newcomer"))

    scene.stage.balance = STAKE + GAS_RESERVE - 1
    turn = act(scene, newcomer)
    assert turn.calls == []
    assert (turn.shortfall.needs, turn.shortfall.has) == (STAKE + GAS_RESERVE, scene.stage.balance)

    scene.stage.balance = STAKE + GAS_RESERVE
    assert methods(act(scene, newcomer)) == ["join"]


def test_one_that_has_left_for_want_of_ether_but_holds_a_seat_lacks_nothing_for_that(scene):
    worker = scene.holder(0)
    scene.stage.send(worker.address, Call("WorkerRegistry", "leave"))
    scene.stage.balance = 0

    assert act(scene, worker).shortfall is None


def test_a_member_does_not_join():
    scene = Scene(jobs=0)

    scene.stage.balance = 0

    assert act(scene, scene.worker(scene.workers[0])) == Turn([])


def test_one_that_was_removed_for_silence_tops_its_stake_up(scene):
    scene.commit_all(scene.right(), scene.right(), None)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle()
    removed = scene.holder(2)

    (call,) = act(scene, removed).calls

    assert (call.method, call.value) == ("join", STAKE // 10)
    scene.stage.send(removed.address, call)
    assert removed.address in scene.stage.ledger.pool


# Committing


def test_it_commits_to_the_right_result_of_its_own_seat(scene):
    for seat in range(scene.seats):
        (call,) = act(scene, scene.holder(seat)).calls

        sealed = commitment(scene.job.address, seat, content_hash(scene.right()))
        assert (call.address, call.method, call.arguments) == (scene.job.address, "commit", (seat, sealed))


def test_it_commits_once(scene):
    worker = scene.holder(0)

    assert scene.do(worker) == ["commit"]
    assert scene.do(worker) == []
    assert scene.do(scene.holder(0)) == []


def test_it_does_not_commit_when_the_phase_is_over(scene):
    scene.commit_all(scene.right(), scene.right(), None)

    assert act(scene, scene.holder(2)).calls == []


def test_it_commits_in_the_last_second_of_the_phase(scene):
    scene.stage.advance_to(scene.job.commit_deadline - 1)

    assert methods(act(scene, scene.holder(0))) == ["commit"]


def test_it_does_nothing_for_a_seat_of_somebody_else():
    scene = Scene(pool=5)
    bystanders = [worker for worker in scene.workers if worker not in scene.job.committee]

    for address in [*bystanders, SERVER]:
        worker = scene.worker(address)
        worker.is_leaving = address == SERVER  # the others are members already
        assert act(scene, worker).calls == []
    assert scene.task.trained == 0


def test_it_answers_in_the_job_of_its_seat_and_in_no_other():
    scene = Scene(pool=6, jobs=2)
    jobs = scene.stage.ledger.rounds[0].jobs
    for job in jobs:
        for seat, holder in enumerate(job.committee):
            (call,) = act(scene, scene.worker(holder)).calls

            sealed = commitment(job.address, seat, content_hash(scene.right(job)))
            assert (call.address, call.arguments) == (job.address, (seat, sealed))


def test_it_trains_once_for_a_job(scene):
    task = ToyTask(scene.task.size)
    worker = scene.holder(0, task=task)
    for _ in range(3):
        scene.do(worker)
    for seat in (1, 2):
        scene.commit(seat, scene.right())

    scene.do(worker)

    assert task.trained == 1


def test_a_silent_one_does_nothing_until_its_seat_is_settled(scene):
    silent = scene.holder(2, SILENT)
    assert act(scene, silent).calls == []

    scene.commit_all(scene.right(), scene.right(), None)

    assert act(scene, silent).calls == []


# Proposing


def test_it_does_not_propose_before_its_turn(scene):
    scene.commit_all(*[scene.right()] * 3)

    for seat in (1, 2):
        scene.stage.advance_to(scene.turn_of(seat) - 1)
        early = act(scene, scene.holder(seat))
        assert (early.calls, early.wake) == ([], scene.turn_of(seat))

        scene.stage.advance_to(scene.turn_of(seat))
        assert methods(act(scene, scene.holder(seat))) == ["propose", "publish"]


def test_the_last_turn_comes_by_the_middle_of_the_window():
    scene = Scene(pool=40, seats=40, quorum=21)
    scene.commit_all(*[scene.right()] * 40)
    terms = scene.job.terms

    wakes = [act(scene, scene.holder(seat)).wake for seat in range(1, 40)]

    assert sorted(wakes) == wakes
    assert wakes[-1] <= scene.job.commit_end + terms.publish_window // 2


def test_it_does_not_propose_what_stands(scene):
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.stage.advance_to(scene.turn_of(2))

    assert "propose" not in methods(act(scene, scene.holder(2)))


def test_it_proposes_its_own_result_when_a_rival_stands(scene):
    scene.commit_all(scene.wrong(), scene.wrong(), scene.right())
    scene.propose(0, scene.wrong())
    scene.publish(0, scene.wrong())
    scene.stage.advance_to(scene.turn_of(2))

    (call,) = act(scene, scene.holder(2)).calls

    assert (call.method, call.arguments) == ("propose", (2, content_hash(scene.right())))


def test_it_does_not_propose_in_the_referees_phase(scene):
    scene.commit_all(scene.right(), scene.wrong(), None)
    scene.stage.advance_to(scene.job.publish_end - 1)
    assert methods(act(scene, scene.holder(0))) == ["propose"]

    scene.stage.advance_to(scene.job.publish_end)
    assert act(scene, scene.holder(0)).calls == []


def test_it_proposes_nothing_when_it_has_not_committed(scene):
    scene.commit_all(scene.right(), scene.right(), None)
    scene.stage.advance_to(scene.job.publish_end - 1)

    assert act(scene, scene.holder(2)).calls == []


def test_it_proposes_nothing_that_its_own_commitment_does_not_open_to(scene):
    scene.commit_all(scene.wrong(), scene.right(), scene.right())

    assert act(scene, scene.holder(0)).calls == []


# Publishing


def test_it_publishes_with_its_proposal_where_a_quorum_agrees(scene):
    scene.commit_all(scene.right(), scene.right(), scene.wrong())

    assert scene.do(scene.holder(0)) == ["propose", "publish"]
    assert scene.do(scene.holder(0)) == []


def test_it_publishes_later_what_it_could_not_with_its_proposal(scene):
    scene.commit_all(scene.right(), scene.right(), scene.wrong())
    scene.propose(0, scene.right())

    assert scene.do(scene.holder(0)) == ["publish"]


def test_it_does_not_publish_without_a_quorum(scene):
    scene.commit_all(scene.right(), scene.wrong(0), scene.wrong(1))

    assert scene.do(scene.holder(0)) == ["propose"]
    assert scene.do(scene.holder(0)) == []


def test_it_publishes_only_what_is_missing():
    scene = Scene(chunks=3)
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right(), 1)
    scene.stage.advance_to(scene.turn_of(1))

    calls = act(scene, scene.holder(1)).calls

    assert [(call.method, call.arguments[0], call.arguments[2]) for call in calls] == [
        ("publish", 1, 0),
        ("publish", 1, 2),
    ]


def test_it_publishes_bytes_that_a_rival_quorum_withholds_in_the_referees_phase_too(scene):
    scene.commit_all(scene.right(), scene.right(), scene.wrong())
    scene.propose(0, scene.right())
    scene.propose(2, scene.wrong())
    scene.stage.advance_to(scene.job.publish_end + 1)

    assert methods(act(scene, scene.holder(1))) == ["publish"]


# Settling


def test_it_settles_its_own_seat_only_when_the_server_has_had_time_to(scene):
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    patience = scene.job.referee_end + DAY // 2
    for time in (scene.stage.now, scene.job.referee_end, patience - 1):
        scene.stage.advance_to(time)
        early = act(scene, scene.holder(1))
        assert (early.calls, early.wake) == ([], patience)

    scene.stage.advance_to(patience)

    (call,) = act(scene, scene.holder(1)).calls
    assert (call.method, call.arguments) == ("settle", ([1],))
    assert scene.do(scene.holder(1)) == ["settle"]
    assert scene.do(scene.holder(1)) == []


def test_a_settled_seat_asks_for_nothing(scene):
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle(0)
    scene.stage.advance_to(scene.job.referee_end + DAY)

    assert act(scene, scene.holder(0)).calls == []


# What is declined


def declining(reason):
    def open_task(_round):
        raise CannotTrain(reason)

    return open_task


def test_one_that_cannot_train_the_task_stakes_nothing_on_it_and_says_why(scene):
    newcomer = Worker(address_of("newcomer"), HONEST, declining("no data"), GAS_RESERVE)

    assert act(scene, newcomer) == Turn([], notice="not joining: no data")


def test_a_round_that_cannot_be_trained_is_one_declined_seat_and_one_line(scene):
    worker = Worker(scene.job.committee[0], HONEST, declining("a model of 7 bytes"), GAS_RESERVE)

    for _ in range(2):
        assert act(scene, worker) == Turn([], notice="seat 0 is declined: a model of 7 bytes")
    scene.commit_all(None, scene.right(), scene.right())

    assert act(scene, worker).calls == []


def test_a_job_that_could_not_be_trained_is_not_tried_again(scene):
    class Failing(ToyTask):
        def train(self, *inputs):
            super().train(*inputs)
            raise CannotTrain("it takes longer than it may")

    task = Failing(scene.task.size)
    worker = scene.holder(0, task=task)

    assert [act(scene, worker).notice for _ in range(3)] == ["seat 0 is declined: it takes longer than it may"] * 3
    assert task.trained == 1


# Starting again


@pytest.mark.parametrize("behaviour", [HONEST, COLLUDING], ids=lambda behaviour: behaviour.name)
def test_started_again_it_decides_the_same(behaviour):
    scene = Scene(chunks=2)
    worker = scene.holder(0, behaviour)
    answer = scene.right() if behaviour.is_honest else None

    for _ in range(10):
        turn = act(scene, worker)
        assert act(scene, scene.holder(0, behaviour)) == turn
        for call in turn.calls:
            scene.stage.send(worker.address, call)
            remaining = act(scene, scene.holder(0, behaviour))
            assert act(scene, worker) == remaining
        if len(scene.job.commitments) == 1:
            for seat in (1, 2):
                scene.commit(seat, answer or scene.wrong(seat))
        elif turn.wake:
            scene.stage.advance_to(turn.wake)
