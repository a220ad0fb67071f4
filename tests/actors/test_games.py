"""Whole games of server and workers on a chain on paper, with every mixture of behaviours."""

from hypothesis import event, given, settings
from hypothesis import strategies as st

from mlchain.actors.behaviours import HONEST
from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import content_hash
from mlchain.protocol.events import Settled
from mlchain.protocol.rounds import VOID, Outcome, Verdict
from mlchain.simulation.attackers import ATTACKERS, BEHAVIOURS, COLLUDING, SILENT, WRONG
from tests.actors.scenes import DAY, Scene, play
from tests.actors.stage import MAX_SNAPSHOT_AGE, STAKE

CASTS = st.lists(st.sampled_from(list(BEHAVIOURS.values())), min_size=1, max_size=8)
MANY = settings(max_examples=4 * settings().max_examples)
OVERTAKEN = {"AlreadyProposed", "AlreadyPublished", "NothingToSettle"}  # what a front-runner can do to the honest


@st.composite
def pools(draw):
    """Draw a pool with at most as many evil workers as honest ones."""
    evil = draw(st.lists(st.sampled_from(ATTACKERS), max_size=5))
    return draw(st.permutations([*evil, *[HONEST] * draw(st.integers(max(1, len(evil)), 6))]))


def cast_scene(cast, jobs, rounds=2, audit=0, **choices):
    """Return a scene that nobody has joined, its server and its workers; all evil ones are one cartel."""
    scene = Scene(pool=len(cast), jobs=0, audit=audit)
    scene.jobs, scene.seats, scene.quorum = jobs, None, None
    dealt = list(zip(scene.workers, cast, strict=True))
    cartel = frozenset(address for address, behaviour in dealt if not behaviour.is_honest)
    workers = [scene.worker(address, behaviour, cartel=cartel) for address, behaviour in dealt]
    return scene, scene.server(rounds=rounds, **choices), workers


def play_out(scene, server, workers):
    """Let all play; the honest are refused only what a front-runner did first."""
    refused = play(scene, server, workers)
    evil = {worker.address for worker in workers if not worker.behaviour.is_honest}
    overtaken = {error for sender, error in refused if sender not in evil}
    has_runner = any(worker.behaviour.watches_others for worker in workers)
    assert overtaken <= (OVERTAKEN if has_runner else set())


def seats_of(scene, workers):
    """Return (round, job, right hash, [(behaviour, settlement, committed)]) of every job that was played."""
    behaviour_of = {worker.address: worker.behaviour for worker in workers}
    for current in scene.stage.ledger.rounds:
        model, parent = scene.stage.ledger.model_of(current), scene.stage.ledger.parent_of(current)
        for job in current.jobs:
            right = content_hash(scene.task.train(model, current.seed, job.index, parent))
            seats = [
                (behaviour_of[holder], job.settlements[seat], seat in job.commitments)
                for seat, holder in enumerate(job.committee)
            ]
            yield current, job, right, seats


def assert_g4_the_honest_keep_their_stake(job, seats):
    """Assert that no honest seat lost anything, and that each is paid if a result was accepted."""
    for behaviour, settlement, _committed in seats:
        if behaviour is HONEST:
            assert settlement.verdict in (Verdict.REWARDED, Verdict.RELEASED)
            assert job.decision[1] == VOID or settlement.verdict is Verdict.REWARDED


@MANY
@given(CASTS, st.integers(1, 3))
def test_g3_one_honest_seat_is_enough_while_the_referee_answers(cast, jobs):
    scene, server, workers = cast_scene(cast, min(jobs, len(cast)))

    play_out(scene, server, workers)

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


@given(CASTS, st.integers(1, 3))
def test_g6_with_a_referee_and_an_honest_seat_a_job_lasts_no_longer_than_the_turns_of_its_seats(cast, jobs):
    scene, server, workers = cast_scene(cast, min(jobs, len(cast)))

    play_out(scene, server, workers)

    settled_at = {log.address: log.timestamp for log in scene.stage.logs if isinstance(log.event, Settled)}
    for _current, job, _right, seats in seats_of(scene, workers):
        if any(behaviour.is_honest for behaviour, _, _ in seats):
            last_turn = job.commit_end + DAY // 2
            assert settled_at[job.address] < last_turn + 1_000  # a second for every transaction


@MANY
@given(CASTS, st.integers(1, 2))
def test_g2_a_wrong_result_needs_a_quorum_of_evil_seats_when_the_referee_is_silent(cast, jobs):
    scene, server, workers = cast_scene(cast, min(jobs, len(cast)), is_referee=False)

    play_out(scene, server, workers)

    for current, job, right, seats in seats_of(scene, workers):
        decision, accepted = job.decision
        honest = sum(behaviour.is_honest for behaviour, _, _ in seats)
        assert decision not in (Outcome.RULED, Outcome.VOID)
        if len(seats) - honest < current.terms.quorum:
            assert accepted in (right, VOID)
            assert_g4_the_honest_keep_their_stake(job, seats)
        if honest >= current.terms.quorum:
            assert accepted == right
        event(decision.name)


@MANY
@given(pools(), st.booleans())
def test_g2_the_whole_pool_is_safe_at_every_evil_share_up_to_one_half(cast, is_referee):
    scene, server, workers = cast_scene(cast, jobs=1, rounds=1, is_referee=is_referee)

    play_out(scene, server, workers)

    ((_current, job, right, seats),) = seats_of(scene, workers)
    honest = cast.count(HONEST)
    assert job.decision[1] == right or (2 * honest == len(cast) and not is_referee and job.decision[1] == VOID)
    assert_g4_the_honest_keep_their_stake(job, seats)
    event(f"{len(cast) - honest} of {len(cast)} evil")


@given(CASTS, st.integers(1, 2))
def test_every_version_follows_from_the_two_before_it_and_the_accepted_results(cast, jobs):
    scene, server, workers = cast_scene(cast, min(jobs, len(cast)), rounds=3)

    play_out(scene, server, workers)

    versions = scene.stage.ledger.versions
    for version in versions[1:]:
        model, grandparent = versions[version.parent - 1], versions[version.parent - 1].parent
        before = versions[grandparent - 1].data() if grandparent else None
        (results,) = [
            current.accepted_results()
            for current in scene.stage.ledger.rounds
            if current.terms.model_version == version.parent and current.accepted_results()
        ]
        assert version.data() == scene.task.aggregate(model.data(), results, before)
    event(f"{len(versions)} versions")


@MANY
@given(CASTS, st.booleans())
def test_g5_silence_and_wrong_answers_are_not_free(cast, is_referee):
    scene, server, workers = cast_scene(cast, jobs=1, is_referee=is_referee)

    play_out(scene, server, workers)

    for _current, job, right, seats in seats_of(scene, workers):
        for seat, (_behaviour, settlement, committed) in enumerate(seats):
            if not committed:
                assert (settlement.verdict, settlement.amount) == (Verdict.ABSENT, STAKE // 10)
            elif job.decision[1] == right:
                is_right = job.commitments[seat] == commitment(job.address, seat, right)
                assert settlement.verdict is (Verdict.REWARDED if is_right else Verdict.SLASHED)
                assert is_right or settlement.amount == STAKE


@given(st.integers(1, 5), st.integers(1, 2))
def test_an_audit_of_everything_leaves_no_lie(evil, jobs):
    scene, server, workers = cast_scene([COLLUDING] * max(evil, jobs), jobs, audit=DAY, audits=lambda *_: True)

    play_out(scene, server, workers)

    for _current, job, right, seats in seats_of(scene, workers):
        assert job.decision == (Outcome.RULED, right)
        assert {settlement.verdict for _, settlement, _ in seats} == {Verdict.SLASHED}


@given(CASTS, st.integers(1, 2), st.booleans())
def test_g1_every_wei_goes_home(cast, jobs, is_referee):
    scene, server, workers = cast_scene(cast, min(jobs, len(cast)), is_referee=is_referee)
    play(scene, server, workers)

    for actor in (server, *workers):
        actor.is_leaving = True
    for _ in range(3):
        for actor in (*workers, server):
            scene.do(actor)
        scene.stage.mine(MAX_SNAPSHOT_AGE)

    ledger = scene.stage.ledger
    assert ledger.owed == 0
    assert ledger.escrow == 0
    assert ledger.paid_in == ledger.paid_out + ledger.burnt
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
