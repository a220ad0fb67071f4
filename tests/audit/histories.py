"""Histories to audit: played on a chain on paper, and tampered with."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from enum import IntEnum

from eth_utils import keccak

from mlchain.audit.auditor import audit
from mlchain.audit.books import Books, JobBook, terms_of
from mlchain.audit.findings import Check, Finding, Report
from mlchain.audit.state import Rules, Sources
from mlchain.protocol.events import Event, Log
from mlchain.protocol.rounds import Job
from mlchain.protocol.tally import JobTally
from mlchain.protocol.terms import RoundTerms
from tests.actors.scenes import Scene
from tests.actors.stage import ABSENCE_FEE, CHAIN_ID, FACTORY, NUMBERS, SERVER, STAKE, address_of

RULES = Rules(CHAIN_ID, FACTORY, SERVER, STAKE, ABSENCE_FEE, min_window=1, max_round_duration=2**32 - 1)
STRANGER = address_of("stranger")


def audit_of(
    scene: Scene,
    logs: Sequence[Log] | None = None,
    retrains: bool = True,
    rules: Rules = RULES,
    anchor: bytes | None = NUMBERS.anchor,
) -> Report:
    """Audit what was played in a scene or, if logs are given, what these tell instead."""

    def task_of(_recipe: bytes) -> object:
        return scene.task

    def seed_parts(log: Log, block: int) -> tuple[bytes, bytes]:
        return NUMBERS.number_of(max(1, min(log.event.round, NUMBERS.length))), keccak(text=f"block {block}")

    sources = Sources(task_of, seed_parts, task_of if retrains else None, anchor)
    return audit(scene.stage.logs if logs is None else logs, rules, sources, books_of(scene))


def books_of(scene: Scene) -> Books:
    """Return what the contracts on paper hold."""
    protocol = scene.stage._protocol
    registry = protocol.registry
    owners = {*registry.stakes, *registry.credits}
    places = {member: position + 1 for position, member in enumerate(registry.members)}
    return Books(
        registry.balance,
        registry.burnt,
        len(registry.members),
        len(protocol.rounds),
        len(protocol.models.versions),
        {
            it: (registry.stakes[it], registry.credits[it], places.get(it, 0), registry.left_at.get(it, 0))
            for it in owners
        },
        {
            job.address: JobBook(progress_of(job), terms_of(current, job))
            for current in scene.stage.ledger.rounds
            for job in current.jobs
        },
    )


def progress_of(job: Job) -> tuple[int, ...]:
    """Return the progress of a job on paper, as far as events tell it."""
    words = JobTally.of(job).words
    return tuple(words.get(place, 0) for place in range(max(words) + 1))


def find(logs: Sequence[Log], kind: type[Event], number: int = 0, **fields: object) -> int:
    """Return where the event of that kind, the `number`th with these fields, is."""
    fitting = [
        place
        for place, log in enumerate(logs)
        if isinstance(log.event, kind) and all(getattr(log.event, key) == value for key, value in fields.items())
    ]
    return fitting[number]


def changed(logs: Sequence[Log], place: int, **fields: object) -> list[Log]:
    """Return logs of which one has an event with other fields."""
    log = logs[place]
    return [*logs[:place], replace(log, event=replace(log.event, **fields)), *logs[place + 1 :]]


def without(logs: Sequence[Log], place: int) -> list[Log]:
    """Return logs of which one is left out."""
    return [*logs[:place], *logs[place + 1 :]]


def flipped(data: bytes, index: int = -1) -> bytes:
    """Return bytes of which one is another."""
    other = bytearray(data)
    other[index] ^= 1
    return bytes(other)


def other_values(event: Event) -> Iterator[tuple[str, object]]:
    """Return, for each field of an event, another value of its kind."""
    for name, value in fields_of(event):
        if isinstance(value, RoundTerms):
            for term, amount in fields_of(value):
                yield name, replace(value, **{term: amount + 1})
        elif isinstance(value, bytes):
            yield name, flipped(value)
        elif isinstance(value, tuple):
            yield name, (*value[:-1], flipped(value[-1]))
        elif isinstance(value, str):
            yield name, STRANGER
        elif isinstance(value, IntEnum):
            yield name, next(it for it in type(value) if it > value or it == 0 != value)
        else:
            yield name, value + 1


def fields_of(value: Event | RoundTerms) -> list[tuple[str, object]]:
    """Return (name, value) of every field of an event or of terms."""
    return [(field.name, getattr(value, field.name)) for field in fields(value)]


def only(report: Report) -> Finding:
    """Return the only finding of a report."""
    (finding,) = report.findings
    return finding


def findings_of(scene: Scene, logs: Sequence[Log], check: Check) -> list[Finding]:
    """Return what an audit of these logs finds with one kind of check; there has to be something."""
    found = [finding for finding in audit_of(scene, logs).findings if finding.check is check]
    assert found
    return found
