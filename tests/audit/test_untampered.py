"""An honest history, and one with any attackers, gives no finding."""

from hypothesis import given
from hypothesis import strategies as st

from mlchain.audit.findings import Check
from mlchain.protocol.calls import Call
from mlchain.protocol.rounds import Outcome
from tests.actors.scenes import Scene, always
from tests.actors.stage import MAX_SNAPSHOT_AGE, SERVER
from tests.actors.test_games import CASTS, cast_scene, play_out
from tests.audit.histories import audit_of


@given(CASTS, st.integers(1, 3), st.booleans(), st.booleans())
def test_whatever_workers_try_the_contracts_do_as_the_protocol_says(cast, jobs, is_referee, is_audited):
    choices = {"audit": 3_600, "audits": always} if is_audited else {}
    scene, server, workers = cast_scene(cast, min(jobs, len(cast)), is_referee=is_referee, **choices)

    play_out(scene, server, workers)

    report = audit_of(scene, retrains=is_referee and any(worker.behaviour.is_honest for worker in workers))
    wrong = [finding for finding in report.findings if finding.check is not Check.TRAINING]
    assert wrong == []
    assert report.events == len(scene.stage.logs)
    assert (report.seeds, report.unseen_seeds) == (len(scene.stage.ledger.rounds), 0)


def test_a_broken_task_coming_and_going_and_withdrawals_are_in_order():
    scene = Scene(pool=4)
    scene.commit_all(scene.right(), None, scene.wrong())
    scene.act(SERVER, "ruleVoid")
    scene.settle()
    leaver = scene.stage.ledger.pool.members[0]
    scene.stage.send(leaver, Call("WorkerRegistry", "leave"))
    scene.stage.mine(MAX_SNAPSHOT_AGE)
    scene.stage.send(leaver, Call("WorkerRegistry", "withdrawStake"))
    scene.stage.send(leaver, Call("WorkerRegistry", "join", value=10**18))

    report = audit_of(scene)

    assert scene.job.decision[0] is Outcome.VOID
    assert report.findings == []
    assert report.checked[Check.POOL] > 0


def test_every_check_is_made_in_a_round_of_many_chunks():
    scene = Scene(chunks=2)
    scene.commit_all(scene.right(), scene.wrong(), scene.right())
    scene.propose(0, scene.right())
    scene.propose(1, scene.wrong())
    scene.publish(0, scene.right(), 0, 1)
    scene.act(SERVER, "rule", next(iter(scene.job.candidates)))
    scene.settle()

    report = audit_of(scene)

    assert report.findings == []
    assert set(report.checked) == set(Check)
