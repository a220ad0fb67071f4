"""Whole games of server and workers on a chain on paper, with every mixture of behaviours."""

from hypothesis import event, given, settings
from hypothesis import strategies as st

from mlchain.actors.behaviours import BEHAVIOURS, COLLUDING, HONEST, SILENT, WRONG
from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import VOID, Outcome, Verdict
from tests.actors.scenes import DAY, Scene, play
from tests.actors.stage import LOOK_BACK, STAKE

CASTS = st.lists(st.sampled_from(list(BEHAVIOURS.values())), min_size=1, max_size=8)


def cast_scene(cast, jobs, rounds=2, audit=0, **choices):
    """Return a scene that nobody has joined, its server and its workers."""
    scene = Scene(pool=len(cast), jobs=0, audit=audit)
    scene.jobs, scene.seats, scene.quorum = jobs, None, None
    workers = [scene.worker(address, behaviour) for address, behaviour in zip(scene.workers, cast, strict=True)]
    return scene, scene.server(rounds=rounds, **choices), workers


def seats_of(scene, workers):
    """Return (round, job, right hash, [(behaviour, settlement, committed)]) of every job that was played."""
    behaviour_of = {worker.address: worker.behaviour for worker in workers}
    for current in scene.stage.ledger.rounds:
        model = scene.stage.ledger.versions[current.terms.model_version - 1].data()
        for job in current.jobs:
            right = content_hash(scene.task.train(model, current.number, job.index))
            seats = [
                (behaviour_of[holder], job.settlements[seat], seat in job.commitments)
                for seat, holder in enumerate(job.committee)
            ]
            yield current, job, right, seats


@given(CASTS, st.integers(1, 3))
def test_one_honest_seat_is_enough_while_the_referee_answers(cast, jobs):
    scene, server, workers = cast_scene(cast, min(jobs, len(cast)))

    assert play(scene, server, workers) == []

    for _current, job, right, seats in seats_of(scene, workers):
        decision, accepted = job.decision
        if any(behaviour.is_honest for behaviour, _, _ in seats):
            assert accepted == right
            event(decision.name)
        for behaviour, settlement, _committed in seats:
            if behaviour is HONEST:
                assert settlement.verdict is Verdict.REWARDED
            if behaviour is SILENT:
                assert settlement.verdict is Verdict.ABSENT


@given(CASTS, st.integers(1, 2))
def test_a_wrong_result_needs_a_quorum_of_evil_seats_when_the_referee_is_silent(cast, jobs):
    scene, server, workers = cast_scene(cast, min(jobs, len(cast)), is_referee=False)

    assert play(scene, server, workers) == []

    for current, job, right, seats in seats_of(scene, workers):
        decision, accepted = job.decision
        assert decision not in (Outcome.RULED, Outcome.VOID)
        if sum(not behaviour.is_honest for behaviour, _, _ in seats) < current.terms.quorum:
            assert accepted in (right, VOID)
            for behaviour, settlement, _committed in seats:
                assert behaviour is not HONEST or settlement.verdict in (Verdict.REWARDED, Verdict.RELEASED)
                assert behaviour is not HONEST or accepted == VOID or settlement.verdict is Verdict.REWARDED
        event(decision.name)


@given(st.integers(1, 5), st.integers(1, 2))
def test_an_audit_of_everything_leaves_no_lie(evil, jobs):
    scene, server, workers = cast_scene([COLLUDING] * max(evil, jobs), jobs, audit=DAY, audits=lambda *_: True)

    assert play(scene, server, workers) == []

    for _current, job, right, seats in seats_of(scene, workers):
        assert job.decision == (Outcome.RULED, right)
        assert {settlement.verdict for _, settlement, _ in seats} == {Verdict.SLASHED}


@given(CASTS, st.integers(1, 2), st.booleans())
def test_every_wei_goes_home(cast, jobs, is_referee):
    scene, server, workers = cast_scene(cast, min(jobs, len(cast)), is_referee=is_referee)
    play(scene, server, workers)

    for actor in (server, *workers):
        actor.is_leaving = True
    for _ in range(3):
        for actor in (*workers, server):
            scene.do(actor)
        scene.stage.mine(LOOK_BACK)

    ledger = scene.stage.ledger
    assert ledger.owed == 0
    assert ledger.escrow == 0
    assert ledger.paid_in == ledger.paid_out
    assert ledger.pool.members == []


@settings(max_examples=10)
@given(st.permutations([HONEST, HONEST, HONEST, COLLUDING, COLLUDING, WRONG, SILENT]))
def test_an_honest_worker_sends_one_transaction_per_job_but_for_one_of_them(cast):
    scene, server, workers = cast_scene(cast, 1, rounds=1)
    play(scene, server, workers)

    honest = [worker.address for worker in workers if worker.behaviour is HONEST]
    sent = {address: [] for address in honest}
    for sender, call in scene.stage.sent:
        if sender in sent and call.contract == "Job":
            sent[sender].append(call.method)
    assert all(methods[0] == "commit" and methods.count("commit") == 1 for methods in sent.values())
    assert sum(len(methods) > 1 for methods in sent.values()) <= 1


def test_slashed_workers_come_back_while_they_can_pay():
    scene, server, workers = cast_scene([HONEST, HONEST, COLLUDING], 1, rounds=3)
    play(scene, server, workers)

    joined = [sender for sender, call in scene.stage.sent if call.method == "join"]
    assert [joined.count(worker.address) for worker in workers] == [1, 1, 4]
    assert scene.stage.ledger.paid_in >= 6 * STAKE
