"""The server's decisions, one situation at a time: no chain, only what it would read there."""

from dataclasses import replace

import pytest

from mlchain.protocol.calls import Call, Turn
from mlchain.protocol.content import content_hash
from mlchain.protocol.gas import SETTLE_CHUNK, SETTLE_JOB, SETTLE_SEAT, seats_per_batch
from mlchain.protocol.model_events import VersionRefuted
from mlchain.protocol.rounds import Outcome, Phase, phase
from tests.actors.scenes import DAY, Scene, ToyTask, act, always, methods
from tests.actors.stage import GAS_LIMIT, MAX_SNAPSHOT_AGE, SERVER, STAKE, Stage, address_of, chunk_of


@pytest.fixture
def scene():
    return Scene()


def decided(scene, *results):
    """Let all commit and the first of them show its result, and time pass until the job is decided."""
    scene.commit_all(*results)
    scene.propose(0, results[0])
    for index in range(scene.chunks):
        scene.publish(0, results[0], index)
    scene.stage.advance_to(scene.job.referee_end)


# The model


def test_it_announces_the_initial_model_first_and_publishes_it_at_once():
    scene = Scene(jobs=0, chunks=2)
    stage = scene.stage = Stage()

    call, *others = act(scene).calls

    model = scene.task.initial_model()
    assert (call.method, call.arguments) == ("announce", (0, content_hash(model), len(model)))
    assert [(it.method, *it.arguments[:2]) for it in others] == [("publish", 1, 0), ("publish", 1, 1)]
    scene.do(scene.server())
    assert stage.ledger.latest_version.data() == model


def test_it_publishes_what_is_missing_of_an_announced_version():
    scene = Scene(jobs=0, chunks=4)
    model = scene.task.initial_model()
    stage = scene.stage = Stage()
    scene.by_server("ModelRegistry", "announce", 0, content_hash(model), len(model))
    assert [call.arguments[1] for call in act(scene).calls] == [0, 1, 2, 3]

    scene.by_server("ModelRegistry", "publish", 1, *chunk_of(model, 2)[1:])

    assert [call.arguments[1] for call in act(scene).calls] == [0, 1, 3]
    assert scene.do(scene.server()) == ["publish"] * 3
    assert stage.ledger.latest_version.data() == model


def test_it_aggregates_only_accepted_results():
    scene = Scene(pool=6, jobs=2)
    right, failed = scene.stage.ledger.rounds[0].jobs
    for seat in range(3):
        scene.commit(seat, scene.right(right), right)
        scene.commit(seat, bytes([seat + 1]) + scene.right(failed)[1:], failed)
    scene.propose(0, scene.right(right))
    scene.publish(0, scene.right(right))
    scene.stage.advance_to(failed.referee_end)
    silent = scene.server(is_referee=False)
    assert scene.do(silent) == ["settle", "settle"]
    assert [job.decision[0] for job in (right, failed)] == [Outcome.UNANIMOUS, Outcome.FAILED]

    call, published = act(scene, silent).calls

    model = scene.task.initial_model()
    expected = scene.task.aggregate(model, [scene.right(right)])
    assert (call.method, call.arguments) == ("announce", (1, content_hash(expected), len(expected)))
    assert (published.method, published.arguments) == ("publish", (2, *chunk_of(expected)[1:]))


def test_results_are_aggregated_in_the_order_of_the_jobs():
    scene = Scene(pool=6, jobs=2)
    jobs = scene.stage.ledger.rounds[0].jobs
    for job in reversed(jobs):
        for seat in range(3):
            scene.commit(seat, scene.right(job), job)
    for job in reversed(jobs):
        scene.act(job.committee[0], "propose", 0, content_hash(scene.right(job)), job=job)
        scene.act(job.committee[0], "publish", 0, *chunk_of(scene.right(job)), job=job)
    scene.stage.advance_to(scene.job.publish_end)
    scene.do(scene.server())

    call, _published = act(scene).calls

    expected = scene.task.aggregate(scene.task.initial_model(), [scene.right(job) for job in jobs])
    assert call.arguments[1] == content_hash(expected)


def test_no_round_follows_a_refuted_version():
    scene = Scene(jobs=0)
    server = scene.server(rounds=3)
    scene.stage.ledger.refuted = VersionRefuted(1, "somebody")

    assert act(scene, server).calls == []
    assert server.is_done(scene.stage.ledger)


def test_a_round_without_a_result_makes_no_version():
    scene = Scene()
    scene.commit_all(scene.wrong(0), scene.wrong(1), scene.wrong(2))
    scene.stage.advance_to(scene.job.referee_end)
    server = scene.server(is_referee=False)
    scene.do(server)

    assert server.is_done(scene.stage.ledger)
    assert act(scene, server).calls == []


# Deploying


def scheduled(scene):
    """Let the server of a scene schedule the next round, and return the scene."""
    assert scene.do(scene.server()) == ["scheduleRound"]
    return scene


def test_it_schedules_a_round_and_deploys_it_with_exactly_its_pay():
    scene = scheduled(Scene(jobs=0))
    (call,) = act(scene).calls

    terms = call.arguments[0]
    assert call.method == "deployRound"
    assert call.value == terms.jobs * (terms.seats * terms.reward + terms.bonus)
    assert (terms.model_version, terms.result_size) == (1, scene.task.result_size)
    assert call.purpose == "round 1", "by which it is known again with another random number"
    scene.stage.send(SERVER, call)
    assert scene.stage.ledger.rounds[0].snapshot_block == scene.stage.block - 1


def test_a_round_is_drawn_from_the_pool_as_it_was_when_it_was_scheduled():
    scene = scheduled(Scene(pool=4, jobs=0))
    scene.stage.send(address_of("newcomer"), Call("WorkerRegistry", "join", value=STAKE))
    scene.seats, scene.quorum = None, None

    (call,) = act(scene).calls

    assert call.arguments[0].seats == 4
    scene.stage.send(SERVER, call)


def test_what_was_scheduled_too_long_ago_is_scheduled_again():
    scene = scheduled(Scene(jobs=0))
    scene.stage.mine(MAX_SNAPSHOT_AGE - 1)
    assert methods(act(scene)) == ["deployRound"]

    scene.stage.mine(1)

    assert methods(act(scene)) == ["scheduleRound"]


def test_it_deploys_only_what_it_can_pay():
    scene = scheduled(Scene(jobs=0))
    scene.stage.balance = act(scene).calls[0].value - 1

    turn = act(scene)

    assert turn.calls == []
    assert (turn.shortfall.needs, turn.shortfall.has) == (scene.stage.balance + 1, scene.stage.balance)


def test_it_never_deploys_while_a_round_is_open(scene):
    server = scene.server(rounds=9)
    for _ in range(30):
        turn = act(scene, server)
        if scene.stage.ledger.open_round:
            assert not {"scheduleRound", "deployRound"} & set(methods(turn))
        for call in turn.calls:
            scene.stage.send(SERVER, call)
        if not turn.calls and turn.wake:
            scene.stage.advance_to(turn.wake)
    assert len(scene.stage.ledger.rounds) == 1


def test_it_deploys_no_more_rounds_than_planned():
    scene = Scene(jobs=0)
    server = scene.server(rounds=0)

    assert act(scene, server).calls == []
    assert server.is_done(scene.stage.ledger)


@pytest.mark.parametrize(
    ("pool", "jobs", "committee", "quorum", "expected"),
    [
        (10, 1, 5, 4, (5, 4)),
        (10, 1, None, None, (10, 6)),
        (10, 1, None, 8, (10, 8)),
        (10, 3, None, None, (3, 2)),
        (4, 1, 5, 4, (4, 4)),
        (4, 1, 5, 3, (4, 3)),
        (2, 1, 5, 3, (2, 2)),
        (7, 2, 5, None, (3, 2)),
        (1, 1, 5, None, (1, 1)),
        (300, 1, None, None, (256, 129)),
    ],
)
def test_committees_and_quorums_shrink_with_the_pool(pool, jobs, committee, quorum, expected):
    scene = Scene(pool=pool, jobs=0)
    scene.jobs, scene.seats, scene.quorum = jobs, committee, quorum
    scheduled(scene)

    terms = act(scene).calls[0].arguments[0]

    assert (terms.seats, terms.quorum) == expected


def test_with_fewer_workers_than_wanted_it_waits():
    scene = Scene(pool=4, jobs=0)
    server = scene.server()
    server.plan = replace(server.plan, min_pool=5)
    assert act(scene, server) == Turn([], waiting="waiting for workers: 4 of the 5 that a round needs have joined")

    server.plan = replace(server.plan, min_pool=4)
    assert methods(act(scene, server)) == ["scheduleRound"]


@pytest.mark.parametrize(("pool", "waits"), [(5, True), (6, False)])
def test_it_waits_until_every_job_has_the_fewest_seats_that_the_deployment_allows(pool, waits):
    scene = Scene(pool=pool, jobs=0)
    server = scene.server()
    server.plan = replace(server.plan, jobs=2, min_seats=3)

    turn = act(scene, server)

    assert bool(turn.waiting) == waits
    assert methods(turn) == ["scheduleRound"] * (not waits)


def test_who_leaves_in_the_block_of_the_schedule_may_make_the_server_wait():
    scene = scheduled(Scene(pool=4, jobs=0))
    server = scene.server()
    server.plan = replace(server.plan, min_pool=5)

    turn = act(scene, server)

    expected = "waiting for workers: 4 of the 5 that a round needs had joined when it was scheduled"
    assert turn == Turn([], waiting=expected)


def test_with_fewer_workers_than_jobs_it_waits():
    scene = Scene(pool=1, jobs=0)
    scene.jobs = 2

    turn = act(scene)

    assert (turn.calls, turn.wake) == ([], None)


def test_every_round_gets_a_random_number_of_its_own():
    scene = scheduled(Scene(jobs=0))
    server = scene.server()
    server._random = lambda number: bytes([number]) * 32

    (call,) = act(scene, server).calls

    assert call.arguments[1] == bytes([1]) * 32


# Settling


def test_it_settles_whatever_is_left_of_a_decided_job(scene):
    decided(scene, scene.right(), scene.right(), scene.right())
    scene.settle(1)

    (call,) = act(scene).calls

    assert (call.method, call.arguments) == ("settle", ([0, 2],))


def test_it_settles_large_committees_in_batches_that_leave_half_of_a_block_to_others():
    scene = Scene(pool=200, seats=200, quorum=101)
    scene.stage.advance_to(scene.job.referee_end)
    assert phase(scene.job, scene.stage.now) is Phase.DECIDED

    batches = [call.arguments[0] for call in act(scene).calls]

    assert [len(batch) for batch in batches] == [148, 52]
    assert all(SETTLE_JOB + SETTLE_CHUNK + len(batch) * SETTLE_SEAT <= GAS_LIMIT // 2 for batch in batches)
    assert sorted(seat for batch in batches for seat in batch) == list(range(200))
    scene.do(scene.server())
    assert scene.stage.ledger.open_round is None


@pytest.mark.parametrize(("gas_limit", "seats"), [(0, 1), (699_999, 1), (700_000, 2), (30_000_000, 148)])
def test_the_smaller_a_block_the_fewer_seats_are_settled_at_once(gas_limit, seats):
    assert seats_per_batch(gas_limit, chunks=0) == seats


def test_it_takes_its_credit_home_only_at_the_very_end():
    scene = Scene()
    decided(scene, scene.right(), scene.right(), None)
    server = scene.server()
    server.is_leaving = True
    seen = []
    for _ in range(6):
        seen += scene.do(server)

    assert seen == ["settle", "announce", "publish", "withdraw"]
    assert scene.stage.ledger.account(SERVER).credit == 0


# Starting again


def game(number):
    """A round of two jobs whose seats answer rightly where `number` has a bit, and show half of what they have."""
    scene = Scene(pool=6, jobs=2, chunks=2, audit=DAY)
    for job in scene.stage.ledger.rounds[0].jobs:
        right = scene.right(job)
        answers = [right if (number >> seat) & 1 else b"\x02" + right[1:] for seat in range(3)]
        for seat, answer in enumerate(answers):
            scene.commit(seat, answer, job)
        for answer in dict.fromkeys(answers):
            seat = answers.index(answer)
            scene.act(job.committee[seat], "propose", seat, content_hash(answer), job=job)
            if answers.count(answer) > 1:
                scene.act(job.committee[seat], "publish", seat, *chunk_of(answer, 0), job=job)
    return scene


def by_server(scene):
    """Return what the server sent, contract by contract; a deployment without its terms, which name a block."""
    sent = {}
    for sender, call in scene.stage.sent:
        if sender == SERVER:
            arguments = call.value if call.method == "deployRound" else call.arguments
            sent.setdefault((call.contract, call.address), []).append((call.method, arguments))
    return sent


@pytest.mark.parametrize("number", range(8))
def test_a_server_that_dies_after_every_transaction_sends_the_same_as_one_that_never_dies(number):
    steady, dying = game(number), game(number)
    server = steady.server(rounds=2, audits=always)
    for _ in range(40):
        turn = act(steady, server)
        for call in turn.calls:
            steady.stage.send(SERVER, call)
        if not turn.calls and turn.wake:
            steady.stage.advance_to(turn.wake)

    for _ in range(80):
        turn = act(dying, dying.server(rounds=2, audits=always))
        if turn.calls:
            dying.stage.send(SERVER, turn.calls[0])
        elif turn.wake:
            dying.stage.advance_to(turn.wake)

    assert len(steady.stage.ledger.versions) >= 2
    assert by_server(dying) == by_server(steady)
    assert dying.stage.ledger.latest_version.data() == steady.stage.ledger.latest_version.data()
    assert dying.stage.ledger.open_round is None


def test_a_server_is_done_only_when_the_last_results_are_on_the_chain():
    scene = Scene()
    decided(scene, scene.right(), scene.right(), scene.right())
    server = scene.server()
    done = []
    for _ in range(3):
        done.append(server.is_done(scene.stage.ledger))
        scene.do(server)

    assert done == [False, False, True]


def test_no_outsider_can_act_the_server():
    """The stage refuses like the contracts, or the tests above would prove nothing."""
    scene = Scene()
    task = ToyTask(scene.task.size)
    with pytest.raises(Exception, match="NotTheServer"):
        scene.stage.send(address_of("stranger"), Call("ModelRegistry", "announce", (1, bytes(32), task.size)))
