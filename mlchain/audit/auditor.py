"""Goes through the events of a deployment, one by one, and holds each against the protocol and all that came before."""

from collections.abc import Iterable
from typing import get_args

from mlchain.audit import games, jobs, membership, models, rounds, settlement
from mlchain.audit.books import Books, check_books
from mlchain.audit.findings import Check, Report
from mlchain.audit.state import AuditState, Rules, Sources
from mlchain.protocol.events import (
    AdmissionSet,
    BountyPaid,
    Committed,
    DataAnnounced,
    Event,
    Forfeited,
    JobDeployed,
    JobEvent,
    Joined,
    Left,
    Log,
    Proposed,
    RegistryEvent,
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
from mlchain.protocol.game_events import BondsWithdrawn, GameEvent
from mlchain.protocol.model_events import ModelChunkPublished, VersionAnnounced, VersionRefuted
from mlchain.protocol.rounds import Job

CHECKS: dict[type[Event], Check] = {
    VersionAnnounced: Check.MODELS,
    VersionRefuted: Check.MODELS,
    ModelChunkPublished: Check.MODELS,
    RoundScheduled: Check.ROUNDS,
    DataAnnounced: Check.MODELS,
    RoundOpened: Check.ROUNDS,
    RoundDeployed: Check.ROUNDS,
    JobDeployed: Check.ROUNDS,
    Committed: Check.COMMITMENTS,
    Proposed: Check.CANDIDATES,
    ResultChunkPublished: Check.CANDIDATES,
    Ruled: Check.OUTCOMES,
    Settled: Check.OUTCOMES,
    SeatSettled: Check.PAYMENTS,
    Forfeited: Check.PAYMENTS,
    BountyPaid: Check.PAYMENTS,
    RoundClosed: Check.PAYMENTS,
    AdmissionSet: Check.POOL,
    Joined: Check.POOL,
    Left: Check.POOL,
    Withdrawn: Check.POOL,
    StakeWithdrawn: Check.POOL,
    **dict.fromkeys(get_args(GameEvent), Check.OUTCOMES),
    BondsWithdrawn: Check.PAYMENTS,
}
CAUSED = (RoundDeployed, JobDeployed, SeatSettled, BountyPaid, RoundClosed)  # by an event right before them
BETWEEN = (
    (SeatSettled, Left),
    (SeatSettled, AdmissionSet),
    (RoundClosed, Forfeited),
)  # what may come before what is due


def audit(logs: Iterable[Log], rules: Rules, sources: Sources, books: Books | None = None) -> Report:
    """Return what is wrong with a history, all of whose events are `logs` in the order of the chain.

    With `books` also whether the events come to what the contracts hold.
    """
    state = AuditState(rules, sources)
    for log in logs:
        _take(state, log)
        state.report.events += 1
        state.previous = log
    if state.previous and state.due:
        _report_missing(state, state.previous)
    if books:
        check_books(state, books, state.previous.block if state.previous else 0)
    return state.report


def _take(state: AuditState, log: Log) -> None:
    """Check an event and take it in; one that cannot even be taken in is a finding as well."""
    job = state.ledger.job_at(log.address)
    of_deployment = RegistryEvent | GameEvent if state.rules.has_game else RegistryEvent
    if not isinstance(log.event, JobEvent if job else of_deployment):
        problem = f"{log.name} is no event of anything deployed"
        state.report.expect(False, Check.COMMITMENTS, log.block, log.address, problem)
        return
    check = CHECKS[type(log.event)]
    try:
        _check_order(state, check, log)
        if job:
            log = _check_job_event(state, job, log)
        elif isinstance(log.event, GameEvent):
            games.check_game_event(state, log, log.event)
            state.bonds.fold(log.event)
        else:
            _check_registry_event(state, log)
        state.ledger.fold(log)
    except (ArithmeticError, LookupError, TypeError, ValueError, StopIteration, AttributeError) as error:
        # A history that was tampered with can be wrong in any way: whatever does not fit is said, and passed over.
        problem = f"{log.name} does not fit what came before: {type(error).__name__} {error}"
        state.report.expect(False, check, log.block, log.address, problem)


def _check_job_event(state: AuditState, job: Job, log: Log) -> Log:
    """Check an event of a job; return it, with the right number of votes if it told a wrong one."""
    match log.event:
        case Committed() as event:
            jobs.check_committed(state, job, log, event)
        case Proposed() as event:
            return jobs.check_proposed(state, job, log, event)
        case ResultChunkPublished() as event:
            jobs.check_result_chunk(state, job, log, event)
        case Ruled() as event:
            jobs.check_ruled(state, job, log, event)
        case Settled() as event:
            settlement.check_settled(state, job, log, event)
    return log


def _check_registry_event(state: AuditState, log: Log) -> None:
    match log.event:
        case VersionAnnounced() as event:
            models.check_announced(state, log, event)
        case VersionRefuted() as event:
            models.check_refuted(state, log, event)
        case ModelChunkPublished() as event:
            models.check_chunk(state, log, event)
        case RoundScheduled() as event:
            rounds.check_scheduled(state, log, event)
        case RoundOpened() as event:
            rounds.check_opened(state, log, event)
        case RoundDeployed() as event:
            rounds.check_deployed(state, log, event)
        case JobDeployed() as event:
            rounds.check_job_deployed(state, log, event)
        case SeatSettled() as event:
            settlement.check_seat(state, log, event)
        case Forfeited() as event:
            settlement.check_forfeited(state, log, event)
        case BountyPaid() as event:
            settlement.check_bounty(state, log, event)
        case RoundClosed() as event:
            settlement.check_closed(state, log, event)
        case AdmissionSet() as event:
            membership.note_admission(state, event)
        case Joined() as event:
            membership.check_joined(state, log, event)
        case Left() as event:
            membership.check_left(state, log, event)
        case Withdrawn() as event:
            membership.check_withdrawn(state, log, event)
        case StakeWithdrawn() as event:
            membership.check_stake_withdrawn(state, log, event)


def _check_order(state: AuditState, check: Check, log: Log) -> None:
    """Check that events come in order, those that one transaction makes one after the other, none without its cause."""
    previous = state.previous or log
    if not _can_follow(log, previous):
        problem = (
            f"{log.name} comes at {log.timestamp}, after an event of block {previous.block} at {previous.timestamp}"
        )
        state.report.expect(False, check, log.block, log.address, problem)
    if state.due and (log.block, log.transaction) != (previous.block, previous.transaction):
        _report_missing(state, previous)
    if state.due and type(log.event) is state.due[0]:
        state.due.pop(0)
    elif state.due and (state.due[0], type(log.event)) not in BETWEEN:
        _report_missing(state, previous)
    elif isinstance(log.event, CAUSED):
        state.report.expect(False, check, log.block, log.address, f"{log.name} has nothing that causes it")


def _can_follow(log: Log, previous: Log) -> bool:
    """Return whether an event can come after another; networks may have several blocks in a second."""
    if log.block == previous.block:
        return log.timestamp == previous.timestamp
    return log.block > previous.block and log.timestamp >= previous.timestamp


def _report_missing(state: AuditState, previous: Log) -> None:
    """Report what the last transaction does not have."""
    first = state.due[0]
    subject = f"round {len(state.ledger.rounds) + (first is RoundDeployed)}"
    problem = f"here {len(state.due)} events are missing, {first.__name__} first"
    state.report.expect(False, CHECKS[first], previous.block, subject, problem)
    state.due = []
