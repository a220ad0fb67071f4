"""Goes through the events of a deployment, one by one, and holds each against the protocol and all that came before."""

from collections.abc import Iterable

from mlchain.audit import jobs, membership, models, rounds, settling
from mlchain.audit.books import Books, check_books
from mlchain.audit.case import Case, Rules, Sources
from mlchain.audit.findings import Check, Report
from mlchain.protocol.ledger import Log

MODELS, ROUNDS, POOL = Check.MODELS, Check.ROUNDS, Check.POOL
OF_DEPLOYMENT = {
    "VersionAnnounced": (MODELS, models.check_announced),
    "ChunkPublished": (MODELS, models.check_chunk),
    "RoundOpened": (ROUNDS, rounds.check_opened),
    "RoundDeployed": (ROUNDS, rounds.check_deployed),
    "JobDeployed": (ROUNDS, rounds.check_job_deployed),
    "SeatSettled": (Check.PAYMENTS, settling.check_seat),
    "RoundClosed": (Check.PAYMENTS, settling.check_closed),
    "AdmissionSet": (POOL, membership.check_admission),
    "Joined": (POOL, membership.check_joined),
    "Left": (POOL, membership.check_left),
    "Withdrawn": (POOL, membership.check_withdrawn),
    "StakeWithdrawn": (POOL, membership.check_stake_withdrawn),
}
OF_JOB = {
    "Committed": (Check.COMMITMENTS, jobs.check_committed),
    "Proposed": (Check.CANDIDATES, jobs.check_proposed),
    "ChunkPublished": (Check.CANDIDATES, jobs.check_result_chunk),
    "Ruled": (Check.OUTCOMES, jobs.check_ruled),
    "Settled": (Check.OUTCOMES, settling.check_settled),
}
CAUSED = {"RoundDeployed", "JobDeployed", "SeatSettled", "RoundClosed"}  # by an event right before them


def audit(logs: Iterable[Log], rules: Rules, sources: Sources, books: Books | None = None) -> Report:
    """Return what is wrong with a history, all of whose events are `logs` in the order of the chain.

    With `books` also whether the events come to what the contracts hold.
    """
    case = Case(rules, sources)
    for log in logs:
        _take(case, log)
        case.report.events += 1
        case.last = log
    if case.due:
        _miss(case)
    if books:
        check_books(case, books, case.last.block if case.last else 0)
    return case.report


def _take(case: Case, log: Log) -> None:
    """Check an event and take it in; one that cannot even be taken in is a finding as well."""
    job = case.ledger.job_at(log.address)
    check, checker = (OF_JOB if job else OF_DEPLOYMENT).get(log.name, (Check.COMMITMENTS, None))
    if checker is None:
        case.report.hold(False, check, log.block, log.address, f"{log.name} is no event of anything deployed")
        return
    try:
        _check_order(case, check, log)
        corrected = checker(case, job, log) if job else checker(case, log)
        case.ledger.fold(corrected or log)
    except (ArithmeticError, LookupError, TypeError, ValueError, StopIteration, AttributeError) as error:
        # A history that was tampered with can be wrong in any way: whatever does not fit is said, and passed over.
        why = f"{log.name} does not fit what came before: {type(error).__name__} {error}"
        case.report.hold(False, check, log.block, log.address, why)


def _check_order(case: Case, check: Check, log: Log) -> None:
    """Check that events come in order, those that one transaction makes one after the other, none without its cause."""
    last = case.last or log
    if not _can_follow(log, last):
        wrong = f"{log.name} comes at {log.timestamp}, after an event of block {last.block} at {last.timestamp}"
        case.report.hold(False, check, log.block, log.address, wrong)
    if case.due and (log.block, log.transaction) != (last.block, last.transaction):
        _miss(case)
    if case.due and log.name == case.due[0]:
        case.due.pop(0)
    elif case.due and (case.due[0], log.name) != ("SeatSettled", "Left"):
        _miss(case)
    elif log.name in CAUSED:
        case.report.hold(False, check, log.block, log.address, f"{log.name} has nothing that causes it")


def _can_follow(log: Log, last: Log) -> bool:
    """Return whether an event can come after another; networks may have several blocks in a second."""
    if log.block == last.block:
        return log.timestamp == last.timestamp
    return log.block > last.block and log.timestamp >= last.timestamp


def _miss(case: Case) -> None:
    """Note what the last transaction does not have."""
    check, _checker = OF_DEPLOYMENT[case.due[0]]
    place = f"round {len(case.ledger.rounds) + (case.due[0] == 'RoundDeployed')}"
    wrong = f"here {len(case.due)} events are missing, {case.due[0]} first"
    case.report.hold(False, check, case.last.block, place, wrong)
    case.due = []
