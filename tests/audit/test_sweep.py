"""Every small change of a busy history is found, or comes to the very same models, payments and members."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest

from mlchain.protocol.calls import Call
from mlchain.protocol.content import content_hash
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Outcome, Verdict
from mlchain.protocol.terms import RoundTerms
from tests.actors.scenes import Scene
from tests.actors.stage import MAX_SNAPSHOT_AGE, SERVER, chunk_of
from tests.audit.histories import STRANGER, audit_of, changed, fields_of, flipped, without

HARMLESS = {
    "Proposed.proposer": "anybody may propose, and gets nothing for it",
    "Committed.commitment": "of a seat that opens to no candidate: whatever it is, the seat gets the same",
    "Committed and Committed": "seats of one job commit in any order",
    "Proposed and Proposed": "candidates of one job are proposed in any order",
    "Proposed and Ruled": "of two jobs",
    "SeatSettled and SeatSettled": "seats of one transaction are settled in any order",
    "Settled and Left": "who is to be removed has left by itself, in the same block",
    "Left and Withdrawn": "a worker leaves, and the server takes its credit home",
    "Withdrawn and Withdrawn": "two workers take their credits home",
    "StakeWithdrawn and Joined": "a worker takes its stake home, and another joins",
    "Withdrawn and VersionAnnounced": "a worker takes its credit home while the server goes on",
    "ChunkPublished and Joined": "a worker joins while the server publishes",
}


@pytest.fixture(scope="module")
def busy():
    """A failed and a void job; some leave, withdraw and come back; two jobs that are accepted, and a new version."""
    scene = Scene(pool=8, jobs=2)
    ledger = scene.stage.ledger
    failed, void = ledger.rounds[0].jobs
    for seat, result in enumerate((scene.right(failed), scene.wrong(0), scene.wrong(1))):
        scene.commit(seat, result, failed)
    for seat, result in enumerate((scene.right(void), scene.wrong(2))):
        scene.commit(seat, result, void)
    scene.stage.advance_to(void.commit_end)
    scene.propose(0, scene.right(failed))
    scene.propose(1, scene.wrong(0))
    scene.act(SERVER, "ruleVoid", job=void)
    scene.act(STRANGER, "settle", [0, 1, 2], job=void)
    scene.stage.advance_to(failed.referee_end)
    scene.settle(0, 1)
    scene.settle(2)
    leaver = ledger.pool.members[0]
    _register(scene, (leaver, "leave"), (SERVER, "withdraw"))
    scene.stage.mine(MAX_SNAPSHOT_AGE)
    _register(scene, (leaver, "withdrawStake"))
    _register(scene, *((worker, "join") for worker in scene.workers if worker not in ledger.pool))
    scene.deploy_round()
    for job, seats in zip(ledger.rounds[1].jobs, (3, 2), strict=True):
        result = scene.task.train(*ledger.inputs_of(ledger.rounds[1], job))
        for seat in range(seats):
            scene.commit(seat, result, job)
        scene.stage.advance_to(job.commit_end)
        scene.act(job.committee[0], "propose", 0, content_hash(result), job=job)
        scene.act(job.committee[1], "publish", 1, *chunk_of(result), job=job)
        scene.act(STRANGER, "settle", [0, 1], job=job)
        scene.act(STRANGER, "settle", [2], job=job)
    _register(scene, *((worker, "withdraw") for worker in job.committee[:2]))
    server = scene.server(rounds=3)
    for _ in range(4):
        scene.do(server)  # announces, publishes, schedules, deploys
    return scene


def _register(scene: Scene, *sent: tuple[str, str]) -> None:
    for sender, method in sent:
        missing = scene.stage.view().stake - scene.stage.ledger.account(sender).stake
        scene.stage.send(sender, Call("WorkerRegistry", method, value=missing if method == "join" else 0))


def tampered(logs: list[Log]) -> Iterator[tuple[str, list[Log]]]:
    """Return histories with one event left out, twice or changed, or with two that have changed places, and which."""
    for place, log in enumerate(logs):
        yield f"without {log.name}", without(logs, place)
        yield f"twice {log.name}", [*logs[: place + 1], *logs[place:]]
        for name, value in fields_of(log.event):
            for other in _others(logs, log, name, value):
                yield f"{log.name}.{name}", changed(logs, place, **{name: other})
    for (place, log), (later, other) in combinations(enumerate(logs), 2):
        if log.name == other.name or later == place + 1:
            told = [*logs]
            told[place] = replace(log, event=other.event, address=other.address)
            told[later] = replace(other, event=log.event, address=log.address)
            yield f"{log.name} and {other.name}", told


def _others(logs: list[Log], log: Log, name: str, value: object) -> list[object]:
    """Return other values for a field: close ones, and those that it has in other events of the kind."""
    if isinstance(value, RoundTerms):
        return [replace(value, **{term: amount + by}) for term, amount in fields_of(value) for by in (1, -1)]
    known = {getattr(it.event, name) for it in logs if type(it.event) is type(log.event)}
    if isinstance(value, bytes):
        known |= {flipped(value), bytes(len(value))}
    elif isinstance(value, str):
        known |= {STRANGER, SERVER}
    elif not isinstance(value, (Outcome, Verdict)):
        known |= {value + 1, max(0, value - 1)}
    else:
        known |= set(type(value))
    return sorted(known - {value})


def comes_to(logs: list[Log]) -> tuple:
    """Return what a history comes to, but for who proposed and what a commitment is, of which only the votes matter."""
    ledger = Ledger(SERVER)
    for log in logs:
        ledger.fold(log)
    jobs = [
        (
            current,
            [(seat, job.settlements.get(seat)) for seat in range(job.terms.seats)],
            {hash_: (it.votes, it.publishers, it.chunks) for hash_, it in job.candidates.items()},
        )
        for current in ledger.rounds
        for job in current.jobs
    ]
    for current in ledger.rounds:
        for job in current.jobs:
            job.commitments = dict.fromkeys(sorted(job.commitments))
            job.candidates = job.settlements = {}
    return (
        jobs,
        ledger.versions,
        ledger.accounts,
        ledger.pool.members,
        ledger.escrow,
        ledger.burnt,
        ledger.paid_in,
        ledger.paid_out,
    )


@pytest.mark.slow
def test_no_small_change_of_a_busy_history_is_missed(busy):
    logs = busy.stage.logs
    assert audit_of(busy).findings == []

    tried = [(what, told) for what, told in tampered(logs) if told != logs]
    silent = [(what, told) for what, told in tried if not audit_of(busy, told, retrains=False).findings]

    assert len(tried) > 1_000
    true = comes_to(logs)
    assert [what for what, told in silent if comes_to(told) != true] == []
    assert {what for what, _told in silent} == set(HARMLESS)
