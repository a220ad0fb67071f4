"""A line for every event, for people who monitor a deployment."""

from datetime import datetime, timezone

from mlchain.protocol.announcements import announced_recipe
from mlchain.protocol.calls import Shortfall
from mlchain.protocol.events import (
    AdmissionSet,
    BountyPaid,
    Committed,
    DataAnnounced,
    Event,
    Forfeited,
    JobDeployed,
    Joined,
    Left,
    Log,
    Proposed,
    ResultChunkPublished,
    RoundClosed,
    RoundDeployed,
    RoundOpened,
    RoundScheduled,
    Ruled,
    SeatSettled,
    Settled,
    StakeWithdrawn,
    Withdrawn,
)
from mlchain.protocol.game_events import (
    BondsWithdrawn,
    Challenged,
    Claimed,
    Decided,
    EntryPicked,
    GameEvent,
    GameTurn,
    Opened,
    Picked,
    Released,
    Revealed,
    Succeeded,
)
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.model_events import ModelChunkPublished, VersionAnnounced, VersionRefuted
from mlchain.protocol.rounds import VOID, Job, Outcome, Verdict
from mlchain.units import ether

ACCEPTED = {
    Outcome.UNANIMOUS: "accepted by unanimity",
    Outcome.UNCONTESTED: "accepted, uncontested",
    Outcome.QUORUM: "accepted by quorum",
    Outcome.RULED: "accepted by the referee",
    Outcome.FAILED: "failed: no quorum",
    Outcome.VOID: "void: the task is broken",
    Outcome.UPHELD: "accepted by a claim that stands",
}


def decided_by(outcome: Outcome, job: Job | None) -> str:
    """Return in words what decided a job; of one that failed in a dispute, how."""
    if outcome is Outcome.FAILED and job is not None and job.is_disputed:
        return f"failed: {'several claims stand' if any(job.standing.values()) else 'no claim stands'}"
    return ACCEPTED[outcome]


def line_of(log: Log, ledger: Ledger, own: str) -> str:
    """Return one line on an event that `ledger` has taken in; `own` is the address of who reads it."""
    when = datetime.fromtimestamp(log.timestamp, timezone.utc).strftime("%H:%M:%S")
    return f"{when} block {log.block}  {told_of(log, ledger, own)}"


def told_of(log: Log, ledger: Ledger, own: str) -> str:
    """Return what an event says, without when."""
    names = _Names(ledger, own)
    job_line = _of_job(names, log.event, ledger.job_at(log.address))
    return f"{names.job(log.address)}: {job_line}" if job_line else _of_deployment(names, log)


def lack_of(it: Shortfall, address: str) -> str:
    """Return what somebody at `address` has too little of, in a sentence."""
    return f"{address} has {ether(it.has)} and needs {ether(it.needs)}: {it.purpose}"


def counted(number: int, what: str) -> str:
    """Return a number of things."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class _Names:
    """What jobs and people are called."""

    def __init__(self, ledger: Ledger, own: str) -> None:
        self._own = own
        self._ledger = ledger

    def job(self, address: str) -> str:
        """Return a job's place in the history."""
        job = self._ledger.job_at(address)
        return f"round {self._ledger.round_of(job).number} job {job.index}" if job else "round ? job ?"

    def claimed_job(self, claim: int) -> str:
        """Return the place of the job that a claim is about."""
        known = self._ledger.games.claims.get(claim)
        return self.job(known.job.address if known else "")

    def challenged_job(self, challenge: int) -> str:
        """Return the place of the job that a challenge is about."""
        known = self._ledger.games.challenges.get(challenge)
        return self.job(known.claim.job.address if known else "")

    def claimant(self, claim: int) -> str:
        """Return who has made a claim."""
        known = self._ledger.games.claims.get(claim)
        return self.person(known.claimant) if known else "somebody"

    def challenger(self, challenge: int) -> str:
        """Return who has made a challenge."""
        known = self._ledger.games.challenges.get(challenge)
        return self.person(known.challenger) if known else "somebody"

    def person(self, address: str) -> str:
        """Return a short address, or "you"."""
        return "you" if address == self._own else f"{address[:6]}…{address[-4:]}"


def _of_job(names: _Names, event: Event, job: Job | None) -> str | None:
    """Return what happened in the job that an event comes from, None if it comes from none."""
    match event:
        case Committed(seat, worker):
            return f"seat {seat} committed ({names.person(worker)})"
        case Proposed(_, proposer, votes):
            return f"a result with {votes} votes, proposed by {names.person(proposer)}"
        case ResultChunkPublished(_, index, publisher, chunk):
            return f"{_chunk(index, chunk)} of a result, published by {names.person(publisher)}"
        case Ruled(result_hash):
            return f"the referee {'calls the task broken' if result_hash == VOID else 'accepts a result'}"
        case Settled(outcome, _, seats):
            return f"{decided_by(outcome, job)}, {seats} seats settled"
    return None


def _of_game(names: _Names, event: GameEvent) -> str:
    """Return what happened between claims and challenges."""
    match event:
        case Claimed(number, job, _, claimant):
            return f"{names.job(job)}: {names.person(claimant)} claimed a result: claim {number}"
        case Challenged(number, claim, challenger):
            place = names.claimed_job(claim)
            return f"{place}: {names.person(challenger)} challenged claim {claim}: challenge {number}"
        case Opened(number, nodes):
            return f"{names.challenged_job(number)}: {len(nodes)} nodes were opened in challenge {number}"
        case Picked(number):
            return f"{names.challenged_job(number)}: {names.challenger(number)} picked a node in challenge {number}"
        case Revealed(number, leaf):
            return f"{names.challenged_job(number)}: a leaf of {len(leaf)} bytes was revealed in challenge {number}"
        case EntryPicked(number, entry):
            who = names.challenger(number)
            return f"{names.challenged_job(number)}: {who} picked entry {entry} of the leaf in challenge {number}"
        case Decided(number, claim, outcome):
            return f"{names.claimed_job(claim)}: {_decided(number, claim, outcome)}"
        case Released(claim):
            return (
                f"{names.claimed_job(claim)}: claim {claim} stands, and its bond goes back to {names.claimant(claim)}"
            )
        case Succeeded(claim):
            return f"{names.claimed_job(claim)}: claim {claim} now speaks for its result, in place of a refuted one"
        case BondsWithdrawn(owner, amount):
            return f"{names.person(owner)} took home bonds, {ether(amount)}"


def _decided(challenge: int, claim: int, outcome: GameTurn) -> str:
    if outcome is GameTurn.UPHELD:
        return f"challenge {challenge} has failed, and claim {claim} stands against it"
    if outcome is GameTurn.REFUTED:
        return f"challenge {challenge} has refuted claim {claim}"
    return f"challenge {challenge} is over, since another has refuted claim {claim}"


def _of_deployment(names: _Names, log: Log) -> str:
    if isinstance(log.event, GameEvent):
        return _of_game(names, log.event)
    match log.event:
        case Joined(worker, position, paid):
            return f"{names.person(worker)} joined the pool at position {position}, paying {ether(paid)}"
        case Left(worker):
            return f"{names.person(worker)} left the pool"
        case AdmissionSet(worker, admitted):
            return f"{names.person(worker)} {'may' if admitted else 'may no longer'} join"
        case RoundScheduled(number):
            return f"round {number} will be drawn from the pool of this block"
        case DataAnnounced(fingerprint, url) if announced_recipe(fingerprint, url) is not None:
            return f"the rounds will train by the recipe 0x{fingerprint.hex()[:8]}…"
        case DataAnnounced(fingerprint, url):
            return f"the data set 0x{fingerprint.hex()[:8]}… is at {url if url.isprintable() else ascii(url)}"
        case RoundOpened(_, seats, escrow):
            return f"{seats} seats are paid for with {ether(escrow)}"
        case RoundDeployed(number, version, terms=terms):
            size = f"{counted(terms.jobs, 'job')} of {counted(terms.seats, 'seat')}, quorum {terms.quorum}"
            return f"round {number}: {size}, on version {version} of the model"
        case JobDeployed(job=address):
            return f"{names.job(address)} is at {address}"
        case SeatSettled() as settled:
            return _seat_settled(names, settled)
        case Forfeited(job=address, amount=amount):
            return f"{names.job(address)}: {ether(amount)} of its pay is burnt, since the referee decided"
        case BountyPaid(job=address, finder=finder, amount=amount):
            who = names.person(finder)
            return f"{names.job(address)}: {ether(amount)} of slashed stakes for {who}, whose claim stands"
        case RoundClosed(remainder):
            return f"the round is closed, {ether(remainder)} of its escrow is left to the server"
        case VersionAnnounced(version, _, content_hash, size):
            follows = f"follows version {version - 1}" if version > 1 else "is the first"
            return f"model version {version} of {size:,} bytes {follows}: 0x{content_hash.hex()[:8]}…"
        case VersionRefuted(version, finder):
            return f"{names.person(finder)} has shown that version {version} is wrong: no round can follow any more"
        case ModelChunkPublished(version, index, chunk):
            return f"model version {version}: {_chunk(index, chunk)}"
        case Withdrawn(account, amount):
            return f"{names.person(account)} took home {ether(amount)}"
        case StakeWithdrawn(worker, amount):
            return f"{names.person(worker)} took home its stake, {ether(amount)}"
    return log.name


def _seat_settled(names: _Names, event: SeatSettled) -> str:
    said = {
        Verdict.REWARDED: f"gets {ether(event.amount)}",
        Verdict.RELEASED: "is released unpaid",
        Verdict.SLASHED: f"loses its stake, {ether(event.amount)}",
        Verdict.ABSENT: f"never committed and pays {ether(event.amount)}",
    }[event.verdict]
    return f"{names.job(event.job)}: seat {event.seat} ({names.person(event.worker)}) {said}"


def _chunk(index: int, chunk: bytes) -> str:
    return f"chunk {index}, {len(chunk):,} bytes"
