"""What the logs of a deployment tell beside the ledger: who earned what when, and where the events of somebody are."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlchain.protocol.events import BountyPaid, Event, Forfeited, JobDeployed, Log, SeatSettled
from mlchain.protocol.game_events import (
    Challenged,
    Claimed,
    Decided,
    EntryPicked,
    Opened,
    Picked,
    Released,
    Revealed,
    Succeeded,
)
from mlchain.protocol.model_events import ModelEvent
from mlchain.protocol.rounds import Settlement, Verdict

MOST_EVENTS = 100  # that are shown at once
# The fields of events that name somebody.
ACTORS = ("worker", "account", "proposer", "publisher", "claimant", "challenger", "owner", "finder")


@dataclass(slots=True)
class Sums:
    """What seats got and lost, in wei, and how often what."""

    earned: int = 0
    lost: int = 0
    verdicts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))

    def add(self, settled: Settlement) -> None:
        """Count a seat."""
        self.earned += max(0, settled.gain)
        self.lost += max(0, -settled.gain)
        self.verdicts[settled.verdict] += 1


class Chronicle:
    """All logs in order, each with its number, and their numbers by job, person and kind."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.of_worker: defaultdict[str, Sums] = defaultdict(Sums)
        self.of_round: defaultdict[int, Sums] = defaultdict(Sums)
        self._jobs: dict[str, int] = {}  # the round of each
        self._claims: dict[int, str] = {}  # the job of each
        self._challenges: dict[int, str] = {}
        self._by_job: defaultdict[str, list[int]] = defaultdict(list)
        self._by_version: defaultdict[int, list[int]] = defaultdict(list)
        self._recent: dict[str, defaultdict[str, deque[int]]] = {
            "worker": defaultdict(_last),
            "kind": defaultdict(_last),
        }

    def take(self, log: Log) -> None:
        """Add the log that comes next."""
        number, event = len(self.logs), log.event
        self.logs.append(log)
        if isinstance(event, JobDeployed):
            self._jobs[event.job] = event.round
        if isinstance(event, Claimed):
            self._claims[event.claim] = event.disputed
        if isinstance(event, Challenged):
            self._challenges[event.challenge] = self._claims.get(event.claim, "")
        if isinstance(event, SeatSettled):
            settled = Settlement(event.verdict, event.amount)
            self.of_worker[event.worker].add(settled)
            self.of_round[self._jobs.get(event.job, 0)].add(settled)
        if isinstance(event, ModelEvent):
            self._by_version[event.version].append(number)
        job = self.job_of(log)
        if job in self._jobs:
            self._by_job[job].append(number)
        for name in actors_of(event):
            self._recent["worker"][name].append(number)
        self._recent["kind"][log.name].append(number)

    @property
    def kinds(self) -> list[str]:
        """The kinds of events that there have been."""
        return sorted(self._recent["kind"])

    def job_of(self, log: Log) -> str:
        """Return the job that an event is of, names or was played about; of others, the contract that it comes from."""
        match log.event:
            case SeatSettled(job=job) | Forfeited(job=job) | JobDeployed(job=job) | BountyPaid(job=job):
                return job
            case Claimed() | Challenged() | Released() | Succeeded():
                return self._claims.get(log.event.claim, log.address)
            case Opened() | Picked() | Revealed() | EntryPicked() | Decided():
                return self._challenges.get(log.event.challenge, log.address)
        return log.address

    def steps_of(self, address: str) -> int:
        """Return in how many events something happened in a job."""
        return len(self._by_job.get(address, ()))

    def of_job(self, address: str) -> list[Log]:
        """Return what happened in a job, to its seats in the registry, and in the game about it."""
        return [self.logs[number] for number in self._by_job.get(address, ())]

    def of_version(self, version: int) -> list[Log]:
        """Return how a version of the model was published."""
        return [self.logs[number] for number in self._by_version.get(version, ())]

    def about(self, worker: str, jobs: Iterable[str]) -> list[Log]:
        """Return, in order, all that happened in some jobs, and all else that names a worker."""
        numbers = {number for job in jobs for number in self._by_job.get(job, ())}
        if len(self._recent["worker"][worker]) < MOST_EVENTS:
            numbers |= set(self._recent["worker"][worker])
        else:  # it has done more than is remembered of it
            numbers |= {number for number, log in enumerate(self.logs) if worker in actors_of(log.event)}
        return [self.logs[number] for number in sorted(numbers)]

    def recent(self, worker: str | None, job: str | None, kind: str | None) -> list[tuple[int, Log]]:
        """Return the last hundred events, the newest first, each with its number.

        They are those that name a worker, are of a job and of a kind, where these are given; with several given they
        are chosen among the last hundred of the worker, or of the kind.
        """

        def fits(log: Log) -> bool:
            return (
                (worker is None or worker in actors_of(log.event))
                and (job is None or self.job_of(log) == job)
                and (kind is None or log.name == kind)
            )

        found = ((number, self.logs[number]) for number in self._candidates(worker, job, kind))
        return list(_first(((number, log) for number, log in found if fits(log)), MOST_EVENTS))

    def _candidates(self, worker: str | None, job: str | None, kind: str | None) -> Iterable[int]:
        if job is not None:
            return reversed(self._by_job.get(job, []))
        for what, name in (("worker", worker), ("kind", kind)):
            if name is not None:
                return reversed(self._recent[what].get(name, deque()))
        return range(len(self.logs) - 1, max(-1, len(self.logs) - 1 - MOST_EVENTS), -1)


def actors_of(event: Event) -> set[str]:
    """Return the addresses of those whom an event names."""
    return {getattr(event, name) for name in ACTORS if hasattr(event, name)}


def transactions_of(logs: Iterable[Log]) -> dict[str, list[Log]]:
    """Return logs by the transaction that caused them, in order."""
    found: dict[str, list[Log]] = {}
    for log in logs:
        found.setdefault(log.transaction, []).append(log)
    return found


def _last() -> "deque[int]":
    return deque(maxlen=MOST_EVENTS)


def _first(found: Iterator[tuple[int, Log]], most: int) -> Iterator[tuple[int, Log]]:
    for _, each in zip(range(most), found, strict=False):
        yield each
