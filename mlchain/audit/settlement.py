"""How jobs were decided, and what every seat got for it."""

from mlchain.audit.findings import Check
from mlchain.audit.state import AuditState, EventCheck, shown
from mlchain.protocol.content import content_hash
from mlchain.protocol.events import BountyPaid, Forfeited, Log, RoundClosed, SeatSettled, Settled
from mlchain.protocol.rounds import VOID, Job, Outcome, Verdict, outcome
from mlchain.protocol.settlement import amount_of, forfeited, verdict_of


def check_settled(state: AuditState, job: Job, log: Log, event: Settled) -> None:
    """Check the outcome by the rules at that time; a `SeatSettled` for each of its seats has to come next."""
    check = EventCheck(state, Check.OUTCOMES, log, state.name_of(job))
    state.due, state.settling = [SeatSettled] * min(event.seats, job.terms.seats), job.address
    state.verdicts, state.removed, state.barred, state.forfeits, state.bounty = {}, [], [], [], 0
    decided, accepted = outcome(job, log.timestamp)
    actual, expected = _told(event.outcome, event.accepted_hash), _told(decided, accepted)
    check.expect(actual == expected, f"it was settled as {actual}, where the rules say {expected}")
    check.expect(
        0 < event.seats <= len(job.unsettled), f"{event.seats} of {len(job.unsettled)} seats cannot be settled"
    )
    open_task = state.sources.open_task
    if open_task and job.decision is None and event.accepted_hash in job.candidates:
        current = state.ledger.round_of(job)
        right = content_hash(open_task(current.task).train(*state.ledger.inputs_of(current, job)))
        EventCheck(state, Check.TRAINING, log, check.subject).expect(
            event.accepted_hash == right,
            f"the accepted result, {shown(event.accepted_hash)}, is wrong: training gives {shown(right)}",
        )


def _told(decided: Outcome, accepted: bytes) -> str:
    return decided.name.lower() + ("" if accepted == VOID else f", accepting 0x{accepted.hex()}")


def check_seat(state: AuditState, log: Log, event: SeatSettled) -> None:
    """Check what a seat got: job, holder, verdict and amount, and that who is punished, and nobody else, is removed."""
    seat, worker, verdict = event.seat, event.worker, event.verdict
    job = state.ledger.job_at(event.job)
    if job is None:
        raise LookupError(f"{event.job} is no job")
    check = EventCheck(state, Check.PAYMENTS, log, state.name_of(job, seat))
    check.expect_equal("its job", job.address, state.settling)
    check.expect(seat not in job.settlements, "it was settled before")
    check.expect_equal("who holds it", worker, job.committee[seat])
    decision = outcome(job, log.timestamp)
    right = verdict_of(job, seat, decision)
    if check.expect_equal("the verdict", verdict.name.lower(), right.name.lower()):
        amounts = _amounts(state, job, worker, right, decision[1])
        check.expect(event.amount in amounts, f"the amount is {event.amount} wei and has to be {amounts[-1]} wei")
        state.bounty += amounts[-1] // 2 if right is Verdict.SLASHED else 0
    is_punished = verdict in (Verdict.SLASHED, Verdict.ABSENT)
    check.expect(not (is_punished and worker in state.ledger.pool), "its holder was punished, and not removed")
    check.expect(
        state.removed in ([], [worker] * is_punished), f"{', '.join(state.removed)} was removed, and not punished"
    )
    is_slashed = verdict is Verdict.SLASHED
    check.expect(not (is_slashed and worker in state.admitted), "its holder was slashed, and is still admitted")
    check.expect(state.barred in ([], [worker] * is_slashed), f"{', '.join(state.barred)} was barred, and not slashed")
    state.removed, state.barred = [], []
    state.verdicts[seat] = right
    if not state.due:
        state.forfeits = _forfeits(state, job, decision)
        state.due = [] if 0 in state.forfeits else [Forfeited]
        if state.bounty and _finder(state, job, decision):
            state.due.append(BountyPaid)
    # Only the end of a job can be that of its round; to look at all jobs for each seat would take too long.
    if _open_seats(job) <= 1 and sum(map(_open_seats, state.ledger.round_of(job).jobs)) == 1:
        state.due.append(RoundClosed)


def _open_seats(job: Job) -> int:
    return job.terms.seats - len(job.settlements)


def _amounts(state: AuditState, job: Job, worker: str, verdict: Verdict, accepted: bytes) -> list[int]:
    """Return what a seat can have got: one amount, unless its holder could publish without its seat, too.

    Then the logs do not tell in which of its roles it published.
    """
    stake, fee = state.ledger.account(worker).stake, state.rules.absence_fee
    chunks = job.candidates[accepted].chunks_by(worker) if verdict is Verdict.REWARDED else 0
    least = max(0, chunks - state.unpaid[job.address, accepted, worker])
    return [amount_of(verdict, job.terms, count, stake, fee) for count in range(least, chunks + 1)]


def _finder(state: AuditState, job: Job, decision: tuple[Outcome, bytes]) -> str | None:
    """Return who is paid for the lies that a job has shown: whose claim speaks for the result that its claims left."""
    games = state.ledger.games
    first = games.first.get((job.address, decision[1])) if decision[0] is Outcome.UPHELD else None
    if first is None or games.claims[first].is_refuted:
        return None
    finder = games.claims[first].claimant
    return None if finder == state.rules.server else finder


def _forfeits(state: AuditState, job: Job, decision: tuple[Outcome, bytes]) -> list[int]:
    """Return what can be burnt of a job's pay after the seats that were just settled, as in `_amounts`."""
    candidate = job.candidates.get(decision[1])
    publishers = list(candidate.publishers.values()) if candidate else []
    by_others = sum(it in job.committee and it != state.rules.server for it in publishers)
    by_server = publishers.count(state.rules.server) if state.rules.server in job.committee else 0
    counts = range(by_others, by_others + by_server + 1)
    return [forfeited(job.terms, state.verdicts, decision[0], count) for count in counts]


def check_forfeited(state: AuditState, log: Log, event: Forfeited) -> None:
    """Check what a ruling has kept from the seats of the job that is being settled: it is burnt."""
    check = EventCheck(state, Check.PAYMENTS, log, f"round {len(state.ledger.rounds)}")
    check.expect_equal("the job whose pay is burnt", event.job, state.settling)
    amounts = state.forfeits or [0]
    check.expect(event.amount in amounts, f"{event.amount} wei are burnt, where it has to be {amounts[-1]} wei")
    state.forfeits = []


def check_bounty(state: AuditState, log: Log, event: BountyPaid) -> None:
    """Check that half of each stake that was just slashed goes to whoever has claimed the accepted result."""
    check = EventCheck(state, Check.PAYMENTS, log, f"round {len(state.ledger.rounds)}")
    check.expect_equal("the job whose lies are paid for", event.job, state.settling)
    job = state.ledger.job_at(state.settling)
    finder = _finder(state, job, outcome(job, log.timestamp)) if job else None
    check.expect_equal("who is paid for them", event.finder, finder)
    check.expect_equal("the bounty", event.amount, state.bounty)
    state.bounty = 0


def check_closed(state: AuditState, log: Log, event: RoundClosed) -> None:
    """Check that a round ends when its last seat is settled, and that what is left of its escrow goes to the server."""
    check = EventCheck(state, Check.PAYMENTS, log, f"round {len(state.ledger.rounds)}")
    check.expect(state.ledger.open_round is None, "it is closed with unsettled seats")
    check.expect_equal("what is left of the escrow", event.remainder, state.ledger.escrow)
