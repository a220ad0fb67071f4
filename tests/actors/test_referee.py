"""The server as the referee: when it rules, for what, and which jobs it audits."""

import pytest

from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import Outcome, outcome
from tests.actors.scenes import DAY, Scene, act, always


@pytest.fixture
def scene():
    return Scene()


# Ruling


def test_it_waits_while_nobody_has_shown_that_the_seats_disagree(scene):
    scene.commit_all(scene.right(), scene.wrong(), scene.wrong())

    turn = act(scene)

    assert (turn.calls, turn.wake) == ([], scene.job.publish_end)
    assert scene.task.trained == 0


def test_it_leaves_the_seats_that_agree_the_whole_publish_window(scene):
    scene.commit_all(scene.right(), scene.right(), None)
    scene.propose(0, scene.right())

    turn = act(scene)

    assert (turn.calls, turn.wake) == ([], scene.job.publish_end)
    assert scene.task.trained == 0


def test_it_never_acts_before_commitments_are_final(scene):
    scene.commit(0, scene.right())
    scene.commit(1, scene.wrong())
    scene.stage.advance_to(scene.job.commit_deadline - 1)

    turn = act(scene, scene.server(audits=always))

    assert (turn.calls, turn.wake) == ([], scene.job.commit_deadline)


def test_it_rules_at_once_for_the_right_result_of_a_quorum_that_is_not_unanimous(scene):
    scene.commit_all(scene.right(), scene.right(), scene.wrong())
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())

    assert scene.do(scene.server()) == ["rule"]

    assert outcome(scene.job, scene.stage.now) == (Outcome.RULED, content_hash(scene.right()))
    assert scene.stage.now < scene.job.commit_end + DAY // 100


def test_it_leaves_the_bonus_to_the_seats_that_are_about_to_publish_the_right_result(scene):
    scene.commit_all(scene.wrong(), scene.right(), scene.right())
    scene.propose(1, scene.right())
    scene.propose(0, scene.wrong())

    assert act(scene).calls == []

    scene.publish(1, scene.right())
    assert scene.do(scene.server()) == ["rule"]


@pytest.mark.parametrize("others", ["right", "wrong"])
def test_a_lie_that_not_everybody_tells_is_overruled_at_once(scene, others):
    answers = {"right": [scene.right()] * 2, "wrong": [scene.wrong(1), scene.wrong(2)]}[others]
    scene.commit_all(scene.wrong(), *answers)
    scene.propose(0, scene.wrong())
    server = scene.server()

    assert scene.do(server) == ["proposeAny", "publishUnpaid"]
    assert scene.do(server) == ["rule"]

    assert outcome(scene.job, scene.stage.now) == (Outcome.RULED, content_hash(scene.right()))


@pytest.mark.parametrize("committed", [0, 1])
def test_where_too_few_have_committed_it_rules_at_once(scene, committed):
    scene.commit_all(*[scene.right()] * committed, *[None] * (3 - committed))
    server = scene.server()

    assert scene.do(server) == ["proposeAny", "publishUnpaid"]
    assert scene.do(server) == ["rule"]


def test_a_commitment_that_it_learns_of_late_keeps_it_from_ruling(scene):
    """The last blocks of a commit phase may not be final yet when it is over."""
    scene.commit_all(scene.right(), scene.right(), None)
    late = scene.job.commitments.pop(1)
    server = scene.server()
    assert scene.do(server) == ["proposeAny", "publishUnpaid"]

    scene.job.commitments[1] = late

    assert scene.do(server) == ["settle"]
    assert scene.job.decision == (Outcome.UNANIMOUS, content_hash(scene.right()))


def test_it_brings_the_right_result_when_nobody_has():
    scene = Scene(chunks=2)
    scene.commit_all(*[scene.wrong()] * 2, None)
    scene.propose(0, scene.wrong())
    scene.publish(0, scene.wrong(), 1)
    scene.stage.advance_to(scene.job.publish_end)

    assert scene.do(scene.server()) == ["proposeAny", "publishUnpaid", "publishUnpaid"]
    assert scene.do(scene.server()) == ["rule"]

    assert outcome(scene.job, scene.stage.now) == (Outcome.RULED, content_hash(scene.right()))


def test_it_rules_for_a_single_honest_seat_against_a_quorum(scene):
    scene.commit_all(scene.wrong(), scene.wrong(), scene.right())
    scene.propose(0, scene.wrong())
    scene.publish(0, scene.wrong())
    scene.propose(2, scene.right())
    scene.stage.advance_to(scene.job.publish_end)

    assert scene.do(scene.server()) == ["publishUnpaid"]
    assert scene.do(scene.server()) == ["rule"]

    assert outcome(scene.job, scene.stage.now) == (Outcome.RULED, content_hash(scene.right()))


@pytest.mark.parametrize("shown", ["nothing", "a candidate", "one chunk"])
@pytest.mark.parametrize("absent", [0, 1])
def test_it_does_not_rule_once_the_right_result_stands_by_its_votes(shown, absent):
    """The seats withhold the bytes of a result that they all committed to."""
    scene = Scene(chunks=2)
    scene.commit_all(scene.right(), scene.right(), None if absent else scene.right())
    if shown != "nothing":
        scene.propose(0, scene.right())
    if shown == "one chunk":
        scene.publish(0, scene.right())
    scene.stage.advance_to(scene.job.publish_end)
    server = scene.server()

    assert "rule" not in scene.do(server)
    assert scene.do(server) == ["settle"]

    assert scene.job.decision == (Outcome.UNANIMOUS, content_hash(scene.right()))


def test_it_rules_only_for_the_right_result_and_voids_nothing():
    for results in [(0, 0, 1), (0, 1, 2), (None, None, 0), (0, 0, None), (None, None, None)]:
        scene = Scene()
        answers = [None if number is None else scene.wrong(number) for number in results]
        scene.commit_all(*answers)
        for seat, answer in enumerate(answers):
            if answer and content_hash(answer) not in scene.job.candidates:
                scene.propose(seat, answer)
        scene.stage.advance_to(scene.job.publish_end)

        assert scene.do(scene.server()) == ["proposeAny", "publishUnpaid"]
        (call,) = act(scene).calls

        assert (call.method, call.arguments) == ("rule", (content_hash(scene.right()),))


def test_one_that_is_not_the_referee_keeps_silent(scene):
    scene.commit_all(scene.right(), scene.right(), scene.wrong())
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.propose(2, scene.wrong())
    silent = scene.server(is_referee=False, audits=always)

    for time in (scene.job.commit_end, scene.job.publish_end, scene.job.referee_end - 1):
        scene.stage.advance_to(time)
        assert act(scene, silent).calls == []
    scene.stage.advance_to(scene.job.referee_end)
    assert scene.do(silent) == ["settle"]
    assert scene.job.decision == (Outcome.QUORUM, content_hash(scene.right()))


# Auditing


def unanimous_lie(audit=DAY):
    scene = Scene(audit=audit)
    scene.commit_all(*[scene.wrong()] * 3)
    scene.propose(0, scene.wrong())
    scene.publish(0, scene.wrong())
    return scene


def test_an_audit_overrules_a_unanimous_lie():
    scene = unanimous_lie()

    assert scene.do(scene.server(audits=always)) == ["proposeAny", "publishUnpaid"]
    assert scene.do(scene.server(audits=always)) == ["rule"]

    assert outcome(scene.job, scene.stage.now) == (Outcome.RULED, content_hash(scene.right()))


def test_a_lie_that_all_seats_tell_stands_without_an_audit():
    scene = unanimous_lie()

    assert act(scene).calls == []
    assert scene.task.trained == 0


def test_it_audits_the_jobs_of_its_choice_and_no_others():
    scene = unanimous_lie()
    asked = []

    def audits(number, index):
        asked.append((number, index))
        return False

    assert act(scene, scene.server(audits=audits)).calls == []
    assert asked == [(1, 0)]
    assert scene.task.trained == 0

    assert act(scene, scene.server(audits=lambda number, index: (number, index) == (1, 0))).calls


def test_of_a_round_only_the_chosen_jobs_are_audited():
    scene = Scene(pool=6, jobs=2, audit=DAY)
    jobs = scene.stage.ledger.rounds[0].jobs
    for job in jobs:
        lie = b"\x02" + scene.right(job)[1:]
        for seat in range(3):
            scene.commit(seat, lie, job)
    for job in jobs:
        lie = b"\x02" + scene.right(job)[1:]
        scene.act(job.committee[0], "propose", 0, content_hash(lie), job=job)

    calls = act(scene, scene.server(audits=lambda number, index: index == 1)).calls

    assert {call.address for call in calls} == {jobs[1].address}


def test_an_audit_of_the_right_result_changes_nothing():
    scene = Scene(audit=DAY)
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())

    assert act(scene, scene.server(audits=always)).calls == []
