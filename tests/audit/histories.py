"""Histories to audit: played on a chain on paper, and tampered with."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from eth_utils import keccak

from mlchain.audit.auditor import audit
from mlchain.audit.books import Books, JobBook, terms_of
from mlchain.audit.case import Rules, Sources
from mlchain.audit.findings import Check, Finding, Report
from mlchain.protocol.ledger import Log
from tests.actors.scenes import Scene
from tests.actors.stage import ABSENCE_FEE, CHAIN_ID, SERVER, STAKE, address_of

RULES = Rules(CHAIN_ID, SERVER, STAKE, ABSENCE_FEE, min_window=1, max_round_duration=2**32 - 1)
STRANGER = address_of("stranger")


def audit_of(scene: Scene, logs: Sequence[Log] | None = None, retrains: bool = True, rules: Rules = RULES) -> Report:
    """Audit what was played in a scene or, if logs are given, what these tell instead."""

    def task_of(_recipe: bytes) -> object:
        return scene.task

    def seed_parts(_log: Log, block: int) -> tuple[bytes, bytes]:
        return bytes(32), keccak(text=f"block {block}")

    sources = Sources(task_of, seed_parts, task_of if retrains else None)
    return audit(scene.stage.logs if logs is None else logs, rules, sources, books_of(scene))


def books_of(scene: Scene) -> Books:
    """Return what the contracts on paper hold."""
    protocol = scene.stage._protocol
    registry = protocol.registry
    owners = {*registry.stakes, *registry.credits}
    places = {member: position + 1 for position, member in enumerate(registry.members)}
    return Books(
        registry.balance,
        len(registry.members),
        len(protocol.rounds),
        len(protocol.models.versions),
        {
            it: (registry.stakes[it], registry.credits[it], places.get(it, 0), registry.left_at.get(it, 0))
            for it in owners
        },
        {
            job.address: JobBook(len(job.commitments), len(job.candidates), terms_of(current, job))
            for current in scene.stage.ledger.rounds
            for job in current.jobs
        },
    )


def find(logs: Sequence[Log], name: str, number: int = 0, **arguments: object) -> int:
    """Return where the event of that name, the `number`th with these arguments, is."""
    fitting = [
        place
        for place, log in enumerate(logs)
        if log.name == name and all(log.arguments.get(key) == value for key, value in arguments.items())
    ]
    return fitting[number]


def changed(logs: Sequence[Log], place: int, **arguments: object) -> list[Log]:
    """Return logs of which one has other arguments."""
    log = logs[place]
    return [*logs[:place], replace(log, arguments={**log.arguments, **arguments}), *logs[place + 1 :]]


def without(logs: Sequence[Log], place: int) -> list[Log]:
    """Return logs of which one is left out."""
    return [*logs[:place], *logs[place + 1 :]]


def flipped(data: bytes, index: int = -1) -> bytes:
    """Return bytes of which one is another."""
    other = bytearray(data)
    other[index] ^= 1
    return bytes(other)


def other_values(log: Log) -> Iterator[tuple[str, object]]:
    """Return, for each argument of an event, another value of its kind."""
    for name, value in log.arguments.items():
        if name == "terms":
            for index in range(len(value)):
                yield name, tuple(it + (place == index) for place, it in enumerate(value))
        elif isinstance(value, bytes):
            yield name, flipped(value)
        elif isinstance(value, str):
            yield name, STRANGER
        else:
            yield name, int(value) + 1


def only(report: Report) -> Finding:
    """Return the only finding of a report."""
    (finding,) = report.findings
    return finding


def findings_of(scene: Scene, logs: Sequence[Log], check: Check) -> list[Finding]:
    """Return what an audit of these logs finds with one kind of check; there has to be something."""
    found = [finding for finding in audit_of(scene, logs).findings if finding.check is check]
    assert found
    return found
