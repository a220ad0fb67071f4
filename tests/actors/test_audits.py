"""Audits: what a server recomputes by its secret choice does not depend on when the others show themselves."""

import pytest

from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import Outcome, Phase, outcome, phase
from tests.actors.scenes import DAY, Scene, always


def never(_round, _job):
    return False


def run_to(scene, server, timestamp):
    """Let the server act whenever it wants to, until `timestamp`."""
    while phase(scene.job, scene.stage.now) is not Phase.DECIDED:
        turn = server.act(scene.stage.view())
        for call in turn.calls:
            scene.stage.send(server.address, call)
        if not turn.calls:
            if turn.wake is None or turn.wake > timestamp:
                break
            scene.stage.advance_to(turn.wake)


def show_in_the_last_moment(scene, result):
    """Let the first seat show a result so late that nobody can look at it before the audit ends."""
    scene.stage.advance_to(scene.job.commit_end + DAY - 3)
    scene.propose(0, result)
    scene.publish(0, result)
    scene.stage.advance_to(scene.job.commit_end + DAY)


def test_an_all_evil_committee_that_shows_nothing_until_the_audit_ends_is_overruled():
    scene = Scene(audit=DAY)
    scene.commit_all(*[scene.wrong()] * 3)

    run_to(scene, scene.server(audits=always), scene.job.commit_end + DAY - 4)

    assert outcome(scene.job, scene.stage.now) == (Outcome.RULED, content_hash(scene.right()))


def test_without_an_audit_nobody_sees_through_it():
    scene = Scene(audit=DAY)
    scene.commit_all(*[scene.wrong()] * 3)

    run_to(scene, scene.server(audits=never), scene.job.commit_end + DAY - 4)
    show_in_the_last_moment(scene, scene.wrong())

    assert outcome(scene.job, scene.stage.now) == (Outcome.UNANIMOUS, content_hash(scene.wrong()))


@pytest.mark.parametrize("publishes", [True, False])
def test_an_audited_right_result_stands_by_its_votes_whoever_publishes_it(publishes):
    scene = Scene(audit=DAY)
    right = scene.right()
    scene.commit_all(right, right, right)
    scene.propose(0, right)
    if publishes:
        scene.publish(0, right)

    run_to(scene, scene.server(audits=always), scene.job.commit_end + DAY)

    assert outcome(scene.job, scene.stage.now) == (Outcome.UNANIMOUS, content_hash(right))


def test_a_job_is_recomputed_once_however_often_the_server_looks():
    scene = Scene(audit=DAY)
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    server, before = scene.server(audits=always), scene.task.trained

    for _ in range(5):
        assert server.act(scene.stage.view()).calls == []

    assert scene.task.trained == before + 1
