"""How a deployment stands: the pool, the open round and its odds, the versions of the model, and the money."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from mlchain.errors import UserError, require
from mlchain.live.event_lines import decided_by
from mlchain.protocol.calls import View
from mlchain.protocol.ledger import Ledger, ModelVersion
from mlchain.protocol.odds import Chances
from mlchain.protocol.rounds import Job, Phase, Round, outcome, phase
from mlchain.simulation.odds import Question
from mlchain.tasks.catalogue import LearningTask


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job of the newest round; `ends` is when its phase is over, in seconds, None once it is decided.

    `claims` of its results were made, `refuted` ones of them included; `challenges` are those that are not over.
    """

    job: int
    address: str
    phase: str
    ends: int | None
    seconds_left: int | None
    committed: int
    seats: int
    candidates: int
    settled: int
    decision: str | None
    claims: int
    refuted: int
    challenges: int


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """The newest round."""

    round: int
    is_open: bool
    model_version: int
    quorum: int
    pool_size: int
    jobs: list[JobStatus]


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """A version of the model, refuted if it is not what was accepted; `accuracy` in [0, 1], None where not known."""

    version: int
    content_hash: str
    is_complete: bool
    accuracy: float | None
    is_refuted: bool


@dataclass(frozen=True, slots=True)
class Status:
    """How a deployment stands at the end of `block`; money in wei, `odds` by what the referee does.

    `bonds` are held by the contract that is the referee, None where that is the server.
    """

    network: str
    chain_id: int
    block: int
    time: int
    server: str
    members: list[str]
    newest_round: RoundStatus | None
    odds: dict[str, dict[str, float | None]] | None
    versions: list[VersionStatus]
    accuracy_note: str | None
    escrow: int
    owed: int
    burnt: int
    held: int
    bonds: int | None


def status_of(
    view: View,
    network: str,
    registry: str,
    evil: int | None,
    open_task: Callable[[bytes], LearningTask],
    game: str | None = None,
) -> Status:
    """Return how the deployment whose registry, and whose game about claims, is at that address stands in `view`.

    With `evil`, the odds of the open round's jobs if so many of its pool are; raises UserError for more than that are.
    """
    ledger = view.ledger
    last = ledger.rounds[-1] if ledger.rounds else None
    versions, note = _versions(ledger, open_task)
    return Status(
        network,
        view.chain_id,
        view.block,
        view.now,
        ledger.server,
        list(ledger.pool.members),
        _round(ledger, last, view.now) if last else None,
        None if evil is None else _odds(ledger, evil),
        versions,
        note,
        ledger.escrow,
        ledger.owed,
        ledger.burnt,
        view.balance_of(registry),
        None if game is None else view.balance_of(game),
    )


def _round(ledger: Ledger, current: Round, now: int) -> RoundStatus:
    jobs = [_job(ledger, job, now) for job in current.jobs]
    terms = current.terms
    return RoundStatus(
        current.number, not current.is_settled, terms.model_version, terms.quorum, current.pool_size, jobs
    )


def _job(ledger: Ledger, job: Job, now: int) -> JobStatus:
    at = phase(job, now)
    ends = {Phase.COMMIT: job.commit_end, Phase.PROPOSE: job.publish_end, Phase.REFEREE: job.referee_end}.get(at)
    decision = decided_by(outcome(job, now)[0], job) if at is Phase.DECIDED else None
    left = None if ends is None else ends - now
    counts = (len(job.commitments), job.terms.seats, len(job.candidates), len(job.settlements))
    claims = ledger.games.of_job(job)
    running = sum(game.is_running for claim in claims for game in ledger.games.about(claim))
    games = (len(claims), sum(claim.is_refuted for claim in claims), running)
    return JobStatus(job.index, job.address, at.name.lower(), ends, left, *counts, decision, *games)


def _odds(ledger: Ledger, evil: int) -> dict[str, dict[str, float | None]] | None:
    current = ledger.open_round
    pool = current.pool_size if current else len(ledger.pool.members)
    require(0 <= evil <= pool, f"{evil} of {pool} workers cannot be evil")
    if current is None:
        return None
    odds = Question(current.pool_size, evil, current.terms.seats, current.terms.quorum).odds()
    return {"silent referee": _floats(odds.silent, None), "live referee": _floats(odds.live, odds.live.ruled)}


def _floats(chances: Chances, ruled: Fraction | None) -> dict[str, float | None]:
    named = {
        "right": chances.right,
        "wrong": chances.wrong,
        "failed": chances.failed,
        "referee called": ruled,
        "P(reward | correct)": chances.reward,
    }
    return {name: None if chance is None else float(chance) for name, chance in named.items()}


def _versions(ledger: Ledger, open_task: Callable[[bytes], LearningTask]) -> tuple[list[VersionStatus], str | None]:
    """Return the versions with their accuracy, as far as it can be known, and why it cannot be, if so."""
    notes: list[str] = []
    recipe_of = recipes_of(ledger)

    def accuracy(version: ModelVersion) -> float | None:
        recipe = recipe_of(version.number)
        try:
            return open_task(recipe).accuracy(version.data()) if recipe and version.is_complete else None
        except (UserError, ValueError) as error:  # no data set; a recipe or a model that cannot be read
            notes.append(str(error))
            return None

    refuted = ledger.refuted.version if ledger.refuted else 0
    versions = [
        VersionStatus(it.number, "0x" + it.content_hash.hex(), it.is_complete, accuracy(it), it.number == refuted)
        for it in ledger.versions
    ]
    if not ledger.rounds:
        notes.append("no round has named a task yet")
    elif versions and not notes and all(version.accuracy is None for version in versions):
        notes.append("the task has no test set")
    return versions, notes[0] if notes else None


def recipes_of(ledger: Ledger) -> Callable[[int], bytes | None]:
    """Return a function that tells the recipe of the newest round that can have trained, or made, a version."""
    if not ledger.rounds:
        return lambda _version: None
    by_version = sorted(ledger.rounds, key=lambda current: current.terms.model_version)
    versions = [current.terms.model_version for current in by_version]
    newest = list(accumulate(by_version, _newer))
    last = ledger.rounds[-1].task

    def recipe_of(version: int) -> bytes:
        trained = bisect_right(versions, version)
        return newest[trained - 1].task if trained else last

    return recipe_of


def _newer(one: Round, other: Round) -> Round:
    return max(one, other, key=lambda current: current.number)
